"""Providers that an operator's own packages bring: `litellm.CustomLLM`s behind the entry points of one group.

What is installed is listed without importing it, so that tokens can name it; it is imported beside LiteLLM, after the
relay listens. A broken plugin is told of and skipped, and takes nothing else along.

This module is imported before the relay serves, so it imports neither httpx nor litellm.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from sidestep.catalogue import CatalogueEntry, CorsPrior, load_catalogue
from sidestep_relay.errors import RelayError
from sidestep_relay.lanes import PLUGIN_DIALECT

if TYPE_CHECKING:
    from sidestep_relay.telemetry import Log

__all__ = ["GROUP", "Plugins", "check_no_base", "find_plugins", "is_plugin", "list_provider_ids"]

GROUP = "sidestep_relay.providers"
LOADED = "loaded"

_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
_MODEL = re.compile(r"[\x21-\x7e]{1,200}")
_LONGEST_SHOWN = 60
_MOST_MODELS = 1000


def find_plugins() -> tuple[EntryPoint, ...]:
    """Return the plugins that are installed, by name; none of them is imported."""
    return tuple(sorted(entry_points(group=GROUP), key=lambda point: point.name))


def list_provider_ids(points: Iterable[EntryPoint] | None = None) -> Collection[str]:
    """Return the ids of all providers that a token can name: the catalogue's, and the plugins'."""
    return {*load_catalogue(), *(point.name for point in (find_plugins() if points is None else points))}


def is_plugin(entry: CatalogueEntry) -> bool:
    """Say whether *entry* is called by a plugin's code."""
    return entry.relay_dialect == PLUGIN_DIALECT


def check_no_base(entry: CatalogueEntry, base_url: str | None) -> None:
    """Return if a request for the plugin *entry* chooses no address: what the plugin connects to is its own affair.

    Raises:
        RelayError: 403 `destination_refused`.
    """
    if base_url:
        raise RelayError(
            "destination_refused",
            f"{entry.name} is a plugin of this relay and goes to no other address; leave X-Provider-Base away.",
            status=403,
            type="permission_error",
            param="X-Provider-Base",
        )


class _Broken(Exception):
    """A plugin cannot be used. *code* says why in one word, *kind* names the exception that was at fault."""

    def __init__(self, code: str, kind: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.kind = kind


class Plugins:
    """The plugins among *points*. One per process.

    Attributes:
        names: what the entry points are called, broken or not.
        entries: the providers that can be called, by id; empty until `load`.
        states: what became of each: `loaded`, or why not; empty until `load`.
    """

    def __init__(self, points: Iterable[EntryPoint], known: Mapping[str, CatalogueEntry], log: Log) -> None:
        self._points = tuple(points)
        self._taken = {*known, *(entry.litellm_prefix for entry in known.values())}
        self._log = log
        self.names = frozenset(point.name for point in self._points)
        self.entries: Mapping[str, CatalogueEntry] = {}
        self.states: Mapping[str, str] = {}

    def load(self, litellm: Any) -> None:
        """Import the plugins and make them known to *litellm*."""
        counts = Counter(point.name for point in self._points)
        entries: dict[str, CatalogueEntry] = {}
        states: dict[str, str] = {}
        handlers: list[dict[str, Any]] = []
        for point in self._points:
            try:
                if counts[point.name] > 1:
                    raise _Broken("name_twice")
                self._check_name(point.name, litellm)
                handler = _make_handler(point, litellm)
                entries[point.name] = _describe(point.name, handler)
            except _Broken as broken:
                states[point.name] = broken.code
                # Neither its words nor where it was: both can hold a secret.
                self._log.error("plugin_broken", provider=point.name, code=broken.code, exception=broken.kind)
            else:
                states[point.name] = LOADED
                handlers.append({"provider": point.name, "custom_handler": handler})
                self._log.info("plugin_loaded", provider=point.name)
        litellm.custom_provider_map = handlers
        litellm.utils.custom_llm_setup()
        self.entries, self.states = entries, states

    def _check_name(self, name: str, litellm: Any) -> None:
        if not _NAME.fullmatch(name):
            raise _Broken("name_invalid")
        is_litellms = name in litellm.provider_list and name not in litellm._custom_providers
        if name in self._taken or is_litellms:
            # Who chats with a provider must not be answered by something else.
            raise _Broken("name_taken")


def _make_handler(point: EntryPoint, litellm: Any) -> Any:
    try:
        made = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an operator's code; its kind is told, and the relay goes on
        raise _Broken("import_failed", type(error).__name__) from None
    if not isinstance(made, type) or not issubclass(made, litellm.CustomLLM):
        raise _Broken("wrong_type")
    try:
        return made()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
        raise _Broken("start_failed", type(error).__name__) from None


def _describe(name: str, handler: Any) -> CatalogueEntry:
    """Return the provider as the relay knows others, from what *handler* declares."""
    shown = getattr(handler, "display_name", name)
    models = getattr(handler, "models", ())
    needs_key = getattr(handler, "needs_key", False)
    is_shown = isinstance(shown, str) and shown.isprintable() and 0 < len(shown) <= _LONGEST_SHOWN
    is_list = isinstance(models, list | tuple) and len(models) <= _MOST_MODELS
    if not is_shown or not isinstance(needs_key, bool) or not is_list:
        raise _Broken("declares_nonsense")
    if not all(isinstance(model, str) and _MODEL.fullmatch(model) for model in models):
        raise _Broken("declares_nonsense")
    return CatalogueEntry(
        id=name,
        name=shown,
        # No address that anything connects to; it only says that a request need not bring one.
        base_url=f"plugin:{name}",
        dialect="openai_chat",
        models_path="",
        models=tuple(models),
        key_url="",
        litellm_prefix=name,
        litellm_route=name,
        key_env="",
        cors=CorsPrior("blocked"),
        key_required=needs_key,
        relay_dialect=PLUGIN_DIALECT,
        is_relay_only=True,
    )
