"""The user's configuration as other programs take it, and as ours does (docs/importing.md). No IO.

Nothing but our own format and `with_keys` ever holds a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sidestep.config import Config
from sidestep.errors import ConfigurationError
from sidestep.exporters._files import Exported
from sidestep.exporters._formats import write_env, write_litellm, write_open_webui, write_opencode, write_own
from sidestep.exporters._relays import write_relay

__all__ = ["EXPORTS", "Exported", "write_export"]

EXPORTS: Mapping[str, Callable[[Config, str], Exported]] = MappingProxyType(
    {
        "sidestep": lambda config, _: write_own(config),
        "opencode": lambda config, _: write_opencode(config),
        "litellm": lambda config, _: write_litellm(config),
        "open-webui": lambda config, _: write_open_webui(config),
        "env": lambda config, _: write_env(config),
        "relay": write_relay,
    }
)
"""What can be written, by the format's id."""


def write_export(config: Config, format_id: str, *, page_origin: str = "", with_keys: bool = False) -> Exported:
    """Return *config* in a format.

    Args:
        config: with the keys in it, or without.
        format_id: one of `EXPORTS`.
        page_origin: the page that a relay is to answer; used by `relay` alone.
        with_keys: whether keys and tokens stand in it, for all to read: to be put under a passphrase at once.

    Raises:
        ConfigurationError: the format is not known, or is not to hold keys.
    """
    if format_id not in EXPORTS:
        raise ConfigurationError(f"“{format_id}” cannot be written; what can is {', '.join(EXPORTS)}.")
    if not with_keys:
        return EXPORTS[format_id](config, page_origin)
    if format_id != "sidestep":
        raise ConfigurationError("Only Sidestep's own format holds keys, since only there a passphrase protects them.")
    return write_own(config, with_keys=True)
