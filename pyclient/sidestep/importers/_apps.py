"""Clients whose settings hold more than providers: Open WebUI, NextChat, LobeChat, big-AGI, JupyterLite AI."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sidestep.importers._drafts import Collector, Draft
from sidestep.importers._formats import Format, count_fields
from sidestep.importers._rows import Row

__all__ = ["BIG_AGI", "JUPYTERLITE", "LOBECHAT", "NEXTCHAT", "OPEN_WEBUI"]

_JUPYTER_STORAGE = ("@jupyterlite/ai:chat-settings", "@jupyterlite/ai:completer-settings")
_WEBUI_LISTS = ("OPENAI_API_BASE_URLS", "OPENAI_API_KEYS", "OPENAI_API_CONFIGS")


def _find_webui(value: Any) -> tuple[Mapping[str, Any], tuple[str, str, str]] | None:
    """Return the object that holds the lists of connections, and what they are called there."""
    if not isinstance(value, Mapping):
        return None
    if count_fields(value, *_WEBUI_LISTS[:2]):
        return value, _WEBUI_LISTS
    openai = value.get("openai")
    if isinstance(openai, Mapping) and "api_base_urls" in openai:
        return openai, ("api_base_urls", "api_keys", "api_configs")
    for name in ("directConnections", "ui", "settings"):
        if found := _find_webui(value.get(name)):
            return found
    return None


def _recognise_webui(value: Any) -> int:
    return 4 if _find_webui(value) else 0


def _read_webui(value: Any, collector: Collector) -> None:
    held, (urls, keys, configs) = _find_webui(value) or ({}, _WEBUI_LISTS)
    row = Row(held)
    by_place = row.row(configs)
    addresses = [text if isinstance(text, str) else "" for text in row.items(urls)]
    secrets = [text if isinstance(text, str) else "" for text in row.items(keys)]
    for place, (address, key) in enumerate(zip_longest(addresses, secrets, fillvalue="")):
        # Earlier versions kept them by address.
        config = by_place.row(str(place)) if str(place) in by_place else by_place.row(address)
        _read_webui_connection(place, address, key, config, collector)
    beyond = [name for name in by_place.rest() if name.isdigit() and int(name) >= max(len(addresses), len(secrets))]
    if beyond:
        collector.note("left_out", f"Settings of connections that have no address: number {', '.join(beyond)}.")
    if isinstance(value, Mapping):
        _read_webui_ollama(value, collector)
        outer = Row(value)
        for name in ("directConnections", "openai", "ui", "settings", "ollama", *_WEBUI_LISTS, "OLLAMA_BASE_URLS"):
            outer.value(name)
        collector.keep({**outer.rest(), **(row.rest() if held is not value else {})})


def _read_webui_connection(place: int, address: str, key: str, config: Row, collector: Collector) -> None:
    if not address.strip():
        if key.strip():
            collector.note("left_out", f"Key number {place + 1} has no address beside it; it was left out.")
        return
    is_azure = config.flag("azure") is True
    draft = Draft(
        config.text("name"),
        kind="azure" if is_azure else "",
        base_url=address,
        api_key=key,
        models=config.texts("model_ids"),
        headers=config.pairs("headers"),
        is_off=config.flag("enable") is False,
    )
    draft.rest = config.rest()
    collector.add(draft)


def _read_webui_ollama(value: Mapping[str, Any], collector: Collector) -> None:
    row = Row(value)
    for address in [*row.texts("OLLAMA_BASE_URLS"), *row.row("ollama").texts("base_urls")]:
        collector.add(Draft("", kind="ollama", base_url=address, has_bare_host=True))


# What NextChat calls a provider, ours, and what it puts behind the address by itself.
_NEXTCHAT: tuple[tuple[str, str, str], ...] = (
    ("openai", "openai", "/v1"),
    ("azure", "azure", ""),
    ("google", "gemini", "/v1beta"),
    ("anthropic", "anthropic", "/v1"),
    ("bytedance", "volcengine", ""),
    ("alibaba", "dashscope", ""),
    ("moonshot", "moonshot", "/v1"),
    ("deepseek", "deepseek", ""),
    ("xai", "xai", "/v1"),
    ("chatglm", "bigmodel", "/api/paas/v4"),
    ("siliconflow", "siliconflow", "/v1"),
    ("ai302", "", "/v1"),
)
# Their wires are none of ours, or were: only the address that their catalogue entry has can be used.
_NEXTCHAT_RESET = {"alibaba", "bytedance"}
_NEXTCHAT_FOREIGN = {"baidu": "Baidu", "tencent": "Tencent", "iflytek": "iFlytek", "stability": "Stability"}


def _find_nextchat(value: Any) -> Mapping[str, Any] | None:
    access = Row(value).row("access-control")
    held = access.row("state") if "state" in access else access
    found = {name: held.value(name) for name in held}
    return found or None


def _recognise_nextchat(value: Any) -> int:
    names = count_fields(value, "access-control", "chat-next-web-store", "mask-store", "prompt-store", "app-config")
    return 2 * names if _find_nextchat(value) else 0


def _read_nextchat(value: Any, collector: Collector) -> None:
    row = Row(_find_nextchat(value) or {})
    models = dict(_read_custom_models(row.text("customModels")))
    for prefix, kind, suffix in _NEXTCHAT:
        address, key = row.text(f"{prefix}Url"), row.text(f"{prefix}ApiKey")
        if not key and (not address or address.startswith("/")):
            continue
        if prefix in _NEXTCHAT_RESET and address and "/api/v3" not in address and "compatible" not in address:
            address = re.sub(r"^(https?://[^/]+).*", r"\1", address)
        elif address and not address.startswith("/") and suffix and not _path_of(address).rstrip("/").endswith(suffix):
            address = address.rstrip("/") + suffix
        collector.add(
            Draft(
                "" if kind else prefix,
                kind=kind,
                base_url=address,
                api_key=key,
                dialect="" if kind else "openai_chat",
                models=models.get(prefix, []),
            )
        )
    for prefix, name in _NEXTCHAT_FOREIGN.items():
        if any(row.text(field) for field in (f"{prefix}ApiKey", f"{prefix}SecretKey", f"{prefix}ApiSecret")):
            collector.note("left_out", f"{name} was left out: it speaks a wire of its own.")
        row.text(f"{prefix}Url")
    outer = Row(value)
    outer.value("access-control")
    collector.keep({**row.rest(), **outer.rest()})


def _read_custom_models(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield providers with their models from `-all,+glm-4.6@chatglm=Name`; without a provider they are OpenAI's."""
    found: dict[str, list[str]] = {}
    for part in text.split(","):
        name = part.strip().partition("=")[0]
        if not name or name.startswith("-"):
            continue
        model, _, provider = name.removeprefix("+").partition("@")
        found.setdefault(provider.strip().lower() or "openai", []).append(model)
    yield from found.items()


def _path_of(address: str) -> str:
    """Return the path of *address*, or nothing where it is none."""
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _find_lobe(value: Any) -> Mapping[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("keyVaults"), Mapping) or isinstance(value.get("languageModel"), Mapping):
        return value
    for name in ("settings", "state", "data"):
        if found := _find_lobe(value.get(name)):
            return found
    return None


def _recognise_lobe(value: Any) -> int:
    return 4 if _find_lobe(value) else 0


def _read_lobe(value: Any, collector: Collector) -> None:
    whole = Row(_find_lobe(value) or {})
    vaults, languages = whole.row("keyVaults"), whole.row("languageModel")
    for kind in dict.fromkeys([*vaults, *languages]):
        vault, language = vaults.row(kind), languages.row(kind)
        address, key = vault.text("baseURL", "endpoint"), vault.text("apiKey")
        enabled = language.flag("enabled")
        models = language.texts("enabledModels")
        if not (address or key or models or enabled):
            if vault.rest():
                collector.note(
                    "left_out", f"{kind} was left out: there is neither a key nor an address that a page can use."
                )
            continue
        draft = Draft("", kind=kind, base_url=address, api_key=key, models=models, is_off=enabled is False)
        draft.rest = {**vault.rest(), **language.rest()}
        collector.add(draft)
    collector.keep(whole.rest())


def _recognise_big_agi(value: Any) -> int:
    if isinstance(value, Mapping) and value.get("schema") == "vnd.agi.flash-backup":
        return 6
    return 4 if _find_sources(value) is not None else 0


def _find_sources(value: Any) -> list[Row] | None:
    row = Row(value)
    storage = row.row("storage").row("localStorage") if "storage" in row else row
    models = storage.row("app-models")
    state = models.row("state") if "state" in models else models
    return state.rows("sources") if isinstance(state.value("sources"), list) else None


def _read_big_agi(value: Any, collector: Collector) -> None:
    for row in _find_sources(value) or []:
        setup = row.row("setup")
        kind = row.text("vId")
        row.text("id")
        key = setup.text(*(name for name in setup if name.endswith("Key")))
        address = setup.text(*(name for name in setup if name.endswith(("Host", "Endpoint", "BaseUrl"))))
        draft = Draft(
            row.text("label"),
            kind=kind,
            base_url=address,
            has_bare_host=True,
            api_key=key,
        )
        draft.rest = {**row.rest(), **setup.rest()}
        collector.add(draft)
    whole = Row(value)
    for name in ("schema", "schemaVersion", "app-models"):
        whole.value(name)
    storage = whole.row("storage")
    local = storage.row("localStorage")
    local.value("app-models")
    collector.keep({**whole.rest(), **storage.rest(), **local.rest()})


def _find_jupyter(value: Any) -> Mapping[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    providers = value.get("providers")
    if isinstance(providers, list) and count_fields(providers, "provider", "model") == 2:  # noqa: PLR2004
        return value
    if any(name in value for name in ("AIprovider", "AIproviders", *_JUPYTER_STORAGE)):
        return value
    for name, inner in value.items():
        if "jupyterlite/ai" in name and (found := _find_jupyter(inner)):
            return found
    return None


def _recognise_jupyter(value: Any) -> int:
    found = _find_jupyter(value)
    if found is None:
        return 0
    telling = ("defaultProvider", "activeCompleterProvider", "useSameProviderForChatAndCompleter", "useSecretsManager")
    return 3 + count_fields(found, *telling, "AIprovider")


def _read_jupyter(value: Any, collector: Collector) -> None:
    whole = Row(_find_jupyter(value) or {})
    for row in [*whole.rows("providers"), *_list_earlier_jupyter(whole)]:
        kind = row.text("provider")
        model = row.text("model")
        draft = Draft(
            row.text("name"),
            kind="" if kind in {"generic", "openai-compatible"} else kind,
            id=row.text("id"),
            base_url=row.text("baseURL", "baseUrl"),
            api_key=row.text("apiKey"),
            headers=row.pairs("headers"),
            models=[model] if model else [],
        )
        draft.rest = row.rest()
        collector.add(draft)
    collector.keep(whole.rest())


def _list_earlier_jupyter(whole: Row) -> list[Row]:
    """Return the providers of earlier versions: one for each role, mostly the same; in a browser's storage by name."""
    roles = whole.row("AIproviders")
    found = [whole.value("AIprovider"), roles.value("chat"), roles.value("completer")]
    for name in _JUPYTER_STORAGE:
        stored = whole.value(name)
        by_name = stored if isinstance(stored, Mapping) else {}
        found += [{"provider": kind, **row} for kind, row in by_name.items() if isinstance(row, Mapping)]
    rows: list[Mapping[str, Any]] = []
    for row in found:
        if isinstance(row, Mapping) and row.get("provider") not in (None, "None") and row not in rows:
            rows.append(row)
    return [Row(row) for row in rows]


def read_lobe_link(text: str) -> str:
    """Return the settings in a LobeChat link, JSON, or nothing where there are none."""
    return next(iter(parse_qs(urlsplit(text).query).get("settings", [])), "")


OPEN_WEBUI = Format("open-webui", "Open WebUI's connections", _recognise_webui, _read_webui)
NEXTCHAT = Format("nextchat", "a NextChat backup", _recognise_nextchat, _read_nextchat, ("access-control",))
LOBECHAT = Format("lobechat", "LobeChat's settings", _recognise_lobe, _read_lobe)
BIG_AGI = Format("big-agi", "a big-AGI backup", _recognise_big_agi, _read_big_agi, ("app-models",))
JUPYTERLITE = Format("jupyterlite-ai", "JupyterLite AI's settings", _recognise_jupyter, _read_jupyter, _JUPYTER_STORAGE)
