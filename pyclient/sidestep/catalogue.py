"""What is known of each provider, read from `catalogue.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import translate
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

from sidestep.types import WireRules

__all__ = ["CUSTOM", "CatalogueEntry", "CorsPrior", "CorsRemedy", "ModelRules", "format_table", "load_catalogue"]

CUSTOM = "custom"
"""The entry that a provider of the user's own is made from."""

_LISTS = ("models", "notes", "browser_refusals", "allowed_headers")
_FIELD_SETS = ("dropped", "dropped_thinking")
_ROUTE_DIALECTS: Mapping[str, str] = {
    "openai": "openai_chat",
    "anthropic": "anthropic",
    "bedrock/converse": "bedrock_converse",
}
_WAYS: Mapping[str, str] = {"open": "directly", "blocked": "relay", "unknown": "found out"}


@dataclass(frozen=True, slots=True)
class CorsPrior:
    """What was last seen of a provider's CORS policy: a first guess, which evidence overrides.

    Attributes:
        date: when it was seen, ISO 8601; empty if never.
        source: who saw it.
    """

    verdict: Literal["open", "blocked", "unknown"] = "unknown"
    date: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class ModelRules:
    """How some models of a provider differ from the others.

    Attributes:
        match: patterns of their ids, the provider's own (`fnmatch`, case counts).
        source: who says so, and when.
        rules, relay_rules: the whole rules of these models, those of the provider's row included.
    """

    match: tuple[str, ...]
    source: str
    rules: WireRules
    relay_rules: WireRules

    def covers(self, model: str) -> bool:
        """Say whether *model* is one of them."""
        return _compile(self.match).match(model) is not None


@dataclass(frozen=True, slots=True)
class CorsRemedy:
    """What lets a server of the user's own answer a page.

    Attributes:
        text: what to do, a sentence.
        paste: the line to paste; `{origin}` stands for the page's origin.
        source: who says so.
    """

    text: str
    paste: str
    source: str


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One provider, as `catalogue.toml` describes it.

    Attributes:
        base_url: without a trailing slash; empty if the user must give it.
        base_url_hint: the form of such an address.
        alternatives: other addresses of the same provider, by what they are for.
        dialect: the wire format, a name in `sidestep.dialects`.
        models_path: appended to the base URL to list models; empty if there is no list worth asking for.
        models: a curated list, newest first, for when there is no other.
        auth_header, auth_scheme: how the key is sent: `{auth_header}: {auth_scheme} {key}`.
        headers: sent with every direct request.
        allowed_headers: the only ones that a preflight lets pass, in lower case; empty if any may.
        rules: how its use of the dialect differs.
        litellm_prefix: what stands before the slash in the model id that a relay is given.
        litellm_route: the prefix that the relay calls LiteLLM with.
        relay_dialect: what the provider speaks when a relay calls it.
        relay_base_url: the address that a relay is asked to call, where it is not the base URL.
        relay_rules: `rules` for the way through a relay, which is always spoken to in OpenAI's chat wire.
        model_rules: models with rules of their own; the first one that covers a model counts.
        key_env: the relay's environment variable for a key of its own.
        is_relay_only: whether no page can call it, whatever its CORS policy.
        is_local: whether it runs on the user's own computer or network.
        browser_refusals: phrases in a readable error that mean "not from a browser", which a relay cures.
        warning: shown where the provider is chosen.
        cors_remedy: how its CORS policy is opened, where the user can do that.
        error_codes: the provider's own error codes, and the kind of error each stands for.
    """

    id: str
    name: str
    base_url: str
    dialect: str
    models_path: str
    models: tuple[str, ...]
    key_url: str
    litellm_prefix: str
    litellm_route: str
    key_env: str
    cors: CorsPrior
    base_url_hint: str = ""
    alternatives: Mapping[str, str] = field(default_factory=dict)
    key_required: bool = True
    auth_header: str = "Authorization"
    auth_scheme: str = "Bearer"
    headers: Mapping[str, str] = field(default_factory=dict)
    allowed_headers: tuple[str, ...] = ()
    rules: WireRules = field(default_factory=WireRules)
    relay_dialect: str = ""
    relay_base_url: str = ""
    relay_rules: WireRules = field(default_factory=WireRules)
    model_rules: tuple[ModelRules, ...] = ()
    is_relay_only: bool = False
    is_local: bool = False
    browser_refusals: tuple[str, ...] = ()
    cors_remedy: CorsRemedy | None = None
    error_codes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warning: str = ""

    def rules_for(self, model: str) -> WireRules:
        """Return the rules for *model*, the provider's own id; the row's where nothing else is known."""
        return next((own.rules for own in self.model_rules if own.covers(model)), self.rules)

    def relay_rules_for(self, model: str) -> WireRules:
        """Return `rules_for` for the way through a relay."""
        return next((own.relay_rules for own in self.model_rules if own.covers(model)), self.relay_rules)

    @property
    def hosts(self) -> frozenset[str]:
        """The public hosts that its addresses name; none for what runs on the user's own computer."""
        if self.is_local:
            return frozenset()
        addresses = (self.base_url, self.relay_base_url, *self.alternatives.values())
        return frozenset(urlsplit(address).hostname or "" for address in addresses) - {""}

    def to_dict(self) -> dict[str, Any]:
        """Return what the page needs to offer this provider (docs/protocol.md, *CatalogueEntry*)."""
        return {
            "id": self.id,
            "name": self.name,
            "base_url": self.base_url,
            "base_url_hint": self.base_url_hint,
            "alternatives": dict(self.alternatives),
            "dialect": self.dialect,
            "key_url": self.key_url,
            "key_required": self.key_required,
            "models": list(self.models),
            "notes": list(self.notes),
            "warning": self.warning,
            "cors": asdict(self.cors),
        }


@cache
def load_catalogue() -> Mapping[str, CatalogueEntry]:
    """Return every known provider by its id, in the catalogue's order. Read once; immutable."""
    text = files("sidestep").joinpath("catalogue.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    return MappingProxyType({entry_id: _read_entry(entry_id, row, rows) for entry_id, row in rows.items()})


def format_table(catalogue: Mapping[str, CatalogueEntry]) -> str:
    """Return the compatibility table, in Markdown."""
    lines = ["| Provider | From a page | Last seen | Wire | Models |", "|---|---|---|---|---|"]
    for entry in catalogue.values():
        way = "relay only" if entry.is_relay_only else _WAYS[entry.cors.verdict]
        models = "its list" if entry.models_path else "curated"
        lines.append(f"| {entry.name} | {way} | {entry.cors.date or '—'} | `{entry.dialect}` | {models} |")
    return "\n".join(lines) + "\n"


@cache
def _compile(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns))


def _read_entry(entry_id: str, row: dict[str, Any], rows: Mapping[str, dict[str, Any]]) -> CatalogueEntry:
    values: dict[str, Any] = dict(row)
    wire = values.pop("wire", {})
    # A relay speaks OpenAI's chat wire, so only rules of that wire carry over.
    relay_wire = values.pop("relay_wire", wire if row["dialect"] == "openai_chat" else {})
    if shared := values.pop("error_codes_of", ""):
        values["error_codes"] = rows[shared]["error_codes"]
    shared = values.pop("model_rules_of", entry_id)
    values["model_rules"] = tuple(
        _read_model_rules(own, wire, relay_wire) for own in rows[shared].get("model_rules", ())
    )
    values |= {name: tuple(values.get(name, ())) for name in _LISTS}
    if remedy := values.pop("cors_remedy", None):
        values["cors_remedy"] = CorsRemedy(**remedy)
    values |= {"id": entry_id, "cors": CorsPrior(**row["cors"])}
    values |= {"rules": _read_rules(wire), "relay_rules": _read_rules(relay_wire)}
    values["relay_dialect"] = _ROUTE_DIALECTS[row["litellm_route"]]
    return CatalogueEntry(**values)


def _read_model_rules(own: Mapping[str, Any], wire: Mapping[str, Any], relay_wire: Mapping[str, Any]) -> ModelRules:
    return ModelRules(
        match=tuple(own["match"]),
        source=own["source"],
        rules=_read_rules(wire, own["wire"]),
        relay_rules=_read_rules(relay_wire, own.get("relay_wire", own["wire"])),
    )


def _read_rules(row: Mapping[str, Any], own: Mapping[str, Any] = MappingProxyType({})) -> WireRules:
    """Return the rules of *row* with *own* in front of them; fields that either leaves out are left out."""
    sets = {name: frozenset((*row.get(name, ()), *own.get(name, ()))) for name in _FIELD_SETS}
    return WireRules(**{**row, **own, **sets})
