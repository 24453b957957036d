"""A relay's settings, ready for its operator."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from sidestep.config import Config, Provider
from sidestep.exporters._files import Exported

__all__ = ["write_relay"]


def write_relay(config: Config, page_origin: str) -> Exported:
    """Return a file for `sidestep-relay --config`: who may call it, what it may call, which variables hold keys.

    Args:
        config: its providers are what the relay is to reach.
        page_origin: the page that calls it; left for the operator where it is not known.
    """
    reached = [provider for provider in config.providers if provider.route != "direct" and provider.entry.id != "demo"]
    own = sorted({_origin(provider) for provider in reached if not _is_known(provider)})
    origins = f"SIDESTEP_ORIGINS = {json.dumps([page_origin])}"
    lines = [
        "# sidestep-relay --config sidestep-relay.toml; docs/relay.md says what each setting means.",
        origins if page_origin else '# SIDESTEP_ORIGINS = ["https://your.page"]',
    ]
    if own:
        lines += ["# Addresses that are in no catalogue.", f"SIDESTEP_DESTINATIONS = {json.dumps(own)}"]
    variables = {provider.entry.key_env: provider.name for provider in reached if provider.entry.key_env}
    if variables:
        lines += ["", "# For pages that send no key of theirs; the keys are environment variables, never in this file:"]
        lines += [f"#   {variable}  ({name})" for variable, name in variables.items()]
        lines += ["# SIDESTEP_USE_OWN_KEYS = true"]
    notes = ("It makes its own token at its first start, and prints the link that pairs it with a page.",)
    return Exported("\n".join(lines) + "\n", "sidestep-relay.toml", "application/toml", notes)


def _is_known(provider: Provider) -> bool:
    return (urlsplit(provider.base_url).hostname or "") in provider.entry.hosts


def _origin(provider: Provider) -> str:
    parts = urlsplit(provider.base_url)
    return f"{parts.scheme}://{parts.netloc}"
