"""Our own format, opencode.json, LiteLLM's config.yaml, Open WebUI's connections and `.env` lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sidestep.ai_sdk_packages import PACKAGES
from sidestep.catalogue import load_catalogue
from sidestep.config import Config, Provider
from sidestep.exporters._files import Exported, blank_secret_headers, name_variables, write_sidecar

__all__ = ["write_env", "write_litellm", "write_open_webui", "write_opencode", "write_own"]

_JSON, _TEXT = "application/json", "text/plain"


def write_own(config: Config, *, with_keys: bool = False) -> Exported:
    """Return the document as it is; with keys it has to be sealed before it goes anywhere."""
    document, notes = (config.to_dict(), ()) if with_keys else blank_secret_headers(config)
    whole: dict[str, Any] = {"format": "sidestep-config", "version": document["version"], "config": document}
    if with_keys:
        whole["secrets"] = config.secrets_by_id
    return Exported(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", "sidestep.json", _JSON, notes)


def write_opencode(config: Config) -> Exported:
    """Return an opencode.json, whose first line, a comment, carries what it has no word for."""
    document, notes = blank_secret_headers(config)
    variables = name_variables(config)
    headers = {row["id"]: row["headers"] for row in document["providers"]}
    providers = {
        provider.id: _opencode_provider(provider, headers[provider.id], variables[provider.id])
        for provider in config.providers
    }
    whole = {"$schema": "https://opencode.ai/config.json", **_extras(config, "opencode"), "provider": providers}
    text = f"// {write_sidecar(document)}\n{json.dumps(whole, ensure_ascii=False, indent=2)}\n"
    return Exported(
        text, "opencode.json", _JSON, (*notes, "Keys are read from the environment variables that it names.")
    )


def _opencode_provider(provider: Provider, headers: Mapping[str, str], variable: str) -> dict[str, Any]:
    kept = dict(_provider_extras(provider, "opencode"))
    details, options = kept.pop("models", {}), kept.pop("options", {})
    kept.pop("headers", None)
    reference = kept.pop("key_reference", f"{{env:{variable}_API_KEY}}")
    has_key = bool(provider.api_key) or provider.entry.key_required
    return {
        "npm": PACKAGES[provider.dialect],
        **kept,
        "name": provider.name,
        "options": {
            **(options if isinstance(options, Mapping) else {}),
            "baseURL": provider.base_url,
            **({"apiKey": reference} if has_key else {}),
            **({"headers": dict(headers)} if headers else {}),
        },
        "models": {model: details.get(model, {}) if isinstance(details, Mapping) else {} for model in provider.models},
    }


def write_litellm(config: Config) -> Exported:
    """Return a LiteLLM configuration; every value in it is JSON, which is YAML too."""
    document, notes = blank_secret_headers(config)
    variables = name_variables(config)
    lines = [f"# {write_sidecar(document)}", "model_list:"]
    for provider in config.providers:
        for model in provider.models or ("*",):
            lines += _litellm_deployment(provider, model, variables[provider.id])
    for name, value in _extras(config, "litellm").items():
        lines.append(f"{name}: {json.dumps(value)}")
    text = "\n".join(lines) + "\n"
    return Exported(
        text, "config.yaml", "application/yaml", (*notes, "Keys are read from the environment variables that it names.")
    )


def _litellm_deployment(provider: Provider, model: str, variable: str) -> list[str]:
    prefix = (
        provider.entry.litellm_prefix
        if provider.entry.dialect == provider.dialect
        else _litellm_prefix(provider.dialect)
    )
    address = provider.base_url.removesuffix("/v1") if provider.dialect == "anthropic" else provider.base_url
    name = model if model != "*" else f"{provider.id}/*"
    lines = [
        f"  - model_name: {json.dumps(name)}",
        "    litellm_params:",
        f"      model: {json.dumps(f'{prefix}/{model}')}",
    ]
    if not _is_known_by(prefix, provider):
        lines.append(f"      api_base: {json.dumps(address)}")
    # Also where no key is needed: it tells two providers of one address apart, and LiteLLM passes over what is not set.
    return [*lines, f"      api_key: {json.dumps(f'os.environ/{variable}_API_KEY')}"]


def _is_known_by(prefix: str, provider: Provider) -> bool:
    """Say whether a LiteLLM prefix alone names the address of *provider*."""
    first = next((entry for entry in load_catalogue().values() if entry.litellm_prefix == prefix), None)
    return first is not None and first.dialect == provider.dialect and first.base_url == provider.base_url


def _litellm_prefix(dialect: str) -> str:
    return {"anthropic": "anthropic", "gemini": "gemini"}.get(dialect, "openai")


def write_open_webui(config: Config) -> Exported:
    """Return Open WebUI's direct connections; providers of another wire than OpenAI's are switched off in it."""
    document, notes = blank_secret_headers(config)
    configs = {
        str(place): {
            **{
                name: value
                for name, value in _provider_extras(provider, "open-webui").items()
                if name != "key_reference"
            },
            "enable": provider.dialect.startswith("openai"),
            "model_ids": list(provider.models),
        }
        for place, provider in enumerate(config.providers)
    }
    whole = {
        "directConnections": {
            "OPENAI_API_BASE_URLS": [provider.base_url for provider in config.providers],
            "OPENAI_API_KEYS": ["" for _ in config.providers],
            "OPENAI_API_CONFIGS": configs,
        },
        "sidestep": document,
    }
    others = [provider.name for provider in config.providers if not provider.dialect.startswith("openai")]
    told = (f"Switched off in it, since Open WebUI does not speak their wire: {', '.join(others)}.",) if others else ()
    return Exported(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", "open-webui.json", _JSON, (*notes, *told))


def write_env(config: Config) -> Exported:
    """Return environment variables; the keys in it are empty."""
    document, notes = blank_secret_headers(config)
    lines = [f"# {write_sidecar(document)}"]
    for provider_id, variable in name_variables(config).items():
        provider = config.find_provider(provider_id)
        if provider is None:
            continue
        lines += ["", f"# {provider.name}", f"{variable}_API_KEY=", f"{variable}_BASE_URL={provider.base_url}"]
    return Exported("\n".join(lines) + "\n", "sidestep.env", _TEXT, notes)


def _extras(config: Config, format_id: str) -> Mapping[str, Any]:
    found = config.extras.get(format_id)
    return found if isinstance(found, Mapping) else {}


def _provider_extras(provider: Provider, format_id: str) -> Mapping[str, Any]:
    found = provider.extras.get(format_id)
    return found if isinstance(found, Mapping) else {}
