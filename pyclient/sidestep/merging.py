"""Another document put into the user's own, item by item, as the user chooses. No IO; nothing is changed in place."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sidestep.config import EVERY_PROVIDER, find_free_name
from sidestep.migrations import migrate

__all__ = ["Change", "Choice", "ItemKind", "Side", "compare_documents", "merge_documents"]

ItemKind = Literal["provider", "relay", "consent", "rule", "group", "option"]
Choice = Literal["keep", "replace", "both"]
"""What becomes of one item: what there is stays as it is; the other takes its place, or is added; there are both."""

_LISTS: Mapping[ItemKind, tuple[str, str]] = {
    "provider": ("providers", "id"),
    "relay": ("relays", "id"),
    "rule": ("rules", "id"),
    "group": ("groups", "name"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """What one item of another document would do to one's own.

    Attributes:
        key: `kind/id`, what choices are made by.
        name: what a person calls it.
        state: `new`, the `same`, `changed` in details, or in `conflict`: another address or key under one's own name.
        target: id of one's own item that it is about; its own where it is new.
        differences: names of the fields that differ; `key` or `token` among them, never a value.
        proposal: what is done where nobody chooses.
    """

    key: str
    kind: ItemKind
    name: str
    state: Literal["new", "same", "changed", "conflict"]
    target: str
    differences: tuple[str, ...]
    proposal: Choice

    def to_dict(self) -> dict[str, Any]:
        """Return the change as the page's protocol writes it (docs/protocol.md, *Change*)."""
        return {
            "key": self.key,
            "kind": self.kind,
            "name": self.name,
            "state": self.state,
            "target": self.target,
            "differences": list(self.differences),
            "proposal": self.proposal,
        }


@dataclass(frozen=True, slots=True)
class Side:
    """One of two that are compared.

    Attributes:
        document: of any version.
        secrets: keys and tokens by kind and id.
    """

    document: Mapping[str, Any]
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    def find_secret(self, listed: str, item: str) -> str:
        """Return the key or token of an item, or nothing."""
        return (self.secrets.get(listed) or {}).get(item, "")

    def migrate(self) -> Side:
        """Return it with its document in the present version.

        Raises:
            ConfigurationError: that is of a later version.
        """
        return replace(self, document=migrate(self.document))


def compare_documents(own: Side, other: Side, cautious: Collection[str] = ()) -> list[Change]:
    """Return what each item of *other* would do to *own*, in its order.

    Args:
        own: the user's.
        other: what is imported.
        cautious: keys of items that are proposed to be left out: what was switched off, what runs code.

    Raises:
        ConfigurationError: a document is of a later version.
    """
    own, other = own.migrate(), other.migrate()
    changes: list[Change] = []
    for kind in _LISTS:
        changes += [_compare_row(kind, row, own, other, cautious) for row in _rows(other.document, kind)]
    changes += _compare_consents(own.document, other.document, changes)
    return [*changes, *_compare_options(own.document, other.document)]


def merge_documents(
    own: Side, other: Side, changes: Iterable[Change], choices: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Return one's own document with what was chosen of *other*, and the secrets that go with that, by their new ids.

    Args:
        own: the user's.
        other: what is imported.
        changes: from `compare_documents`, all of them.
        choices: by a change's key; its proposal counts where there is none.
    """
    merged, imported = migrate(own.document), migrate(other.document)
    secrets: dict[str, dict[str, str]] = {"providers": {}, "relays": {}}
    names: dict[str, dict[str, str]] = {"provider": {}, "relay": {}}
    grants: list[dict[str, str]] = []
    for change in changes:
        choice = choices.get(change.key, change.proposal)
        if choice == "keep" or change.state == "same":
            if change.kind in names:
                names[change.kind][change.key.partition("/")[2]] = change.target
            continue
        if change.kind in _LISTS:
            _merge_row(merged, imported, change, choice == "both", names)
            listed, _ = _LISTS[change.kind]
            old = change.key.partition("/")[2]
            if listed in secrets and (secret := other.find_secret(listed, old)):
                secrets[listed][names[change.kind][old]] = secret
        elif change.kind == "consent":
            relay, provider = change.key.removeprefix("consent/").split("/", 1)
            grant = {"relay": names["relay"].get(relay, relay), "provider": names["provider"].get(provider, provider)}
            grants.append(grant)
        else:
            merged["options"] = {**_object(merged, "options"), change.target: imported["options"][change.target]}
    merged["consents"] = [*merged.get("consents", []), *(grant for grant in grants if _is_met(grant, merged))]
    merged["extras"] = {**_object(merged, "extras"), **_object(imported, "extras")}
    return merged, secrets


def _is_met(grant: Mapping[str, str], document: Mapping[str, Any]) -> bool:
    """Say whether there is what a consent is about: one for what comes later would surprise whoever adds that."""
    providers = {EVERY_PROVIDER, *(row.get("id") for row in _rows(document, "provider"))}
    relays = {row.get("id") for row in _rows(document, "relay")}
    return grant["provider"] in providers and grant["relay"] in relays and grant not in document.get("consents", [])


def _compare_row(kind: ItemKind, row: Mapping[str, Any], own: Side, other: Side, cautious: Collection[str]) -> Change:
    listed, id_field = _LISTS[kind]
    item = str(row.get(id_field, ""))
    key = f"{kind}/{item}"
    name = str(row.get("name") or item)
    twin = _find_twin(kind, row, own.document)
    is_held_back = key in cautious
    if twin is None:
        return Change(key, kind, name, "new", item, (), "keep" if is_held_back else "replace")
    target = str(twin.get(id_field, ""))
    parts = sorted({*row, *twin} - {"id"})
    differences = [part for part in parts if _plain(row.get(part)) != _plain(twin.get(part))]
    mine, theirs = own.find_secret(listed, target), other.find_secret(listed, item)
    if theirs and theirs != mine:
        differences.append("token" if kind == "relay" else "key")
    is_conflict = bool({"base_url", "url", "public_key"} & set(differences)) or (
        bool(theirs and mine) and theirs != mine
    )
    if not differences:
        return Change(key, kind, name, "same", target, (), "keep")
    # Filling a gap takes nothing away; anything else is the user's to decide.
    is_gap = differences in (["key"], ["token"]) and not mine
    proposal: Choice = "replace" if is_gap and not is_held_back else "keep"
    return Change(key, kind, name, "conflict" if is_conflict else "changed", target, tuple(differences), proposal)


def _find_twin(kind: ItemKind, row: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return one's own item that *row* is another version of: the one of its id, else the only one of its address."""
    _, id_field = _LISTS[kind]
    rows = _rows(own, kind)
    if named := [mine for mine in rows if mine.get(id_field) == row.get(id_field)]:
        return named[0]
    address = "url" if kind == "relay" else "base_url"
    if kind not in {"provider", "relay"} or not row.get(address):
        return None
    alike = [mine for mine in rows if mine.get(address) == row[address] and mine.get("dialect") == row.get("dialect")]
    return alike[0] if len(alike) == 1 else None


def _compare_consents(own: Mapping[str, Any], other: Mapping[str, Any], changes: Iterable[Change]) -> list[Change]:
    has = {_consent_key(row) for row in own.get("consents", [])}
    is_used = bool(_rows(own, "provider"))
    met = {change.key for change in changes if change.kind == "provider" and change.state != "new"}
    found = []
    for row in other.get("consents", []):
        key = _consent_key(row)
        provider = str(row.get("provider"))
        # A document from elsewhere must not let its relay see keys that were here before it.
        is_wide = is_used if provider == EVERY_PROVIDER else f"provider/{provider}" in met
        state: Literal["same", "new"] = "same" if key in has else "new"
        proposal: Choice = "keep" if state == "same" or is_wide else "replace"
        name = key.removeprefix("consent/")
        found.append(Change(key, "consent", name, state, name, (), proposal))
    return found


def _compare_options(own: Mapping[str, Any], other: Mapping[str, Any]) -> list[Change]:
    mine = _object(own, "options")
    return [
        Change(f"option/{name}", "option", name, "changed" if name in mine else "new", name, ("value",), "replace")
        for name, value in _object(other, "options").items()
        if mine.get(name) != value
    ]


def _consent_key(row: Mapping[str, Any]) -> str:
    return f"consent/{row.get('relay')}/{row.get('provider')}"


def _merge_row(
    merged: dict[str, Any],
    other: Mapping[str, Any],
    change: Change,
    is_both: bool,
    names: dict[str, dict[str, str]],
) -> None:
    listed, id_field = _LISTS[change.kind]
    old = change.key.partition("/")[2]
    row = _rename(
        next(row for row in _rows(other, change.kind) if str(row.get(id_field, "")) == old), change.kind, names
    )
    rows = [dict(mine) for mine in _rows(merged, change.kind)]
    taken = {str(mine.get(id_field, "")) for mine in rows}
    if change.state == "new" or is_both:
        new = find_free_name(old, taken)
        if is_both and change.kind == "provider":
            row["name"] = f"{row.get('name') or new} (2)"
        rows.append({**row, id_field: new})
    else:
        new = change.target
        rows = [{**row, id_field: new} if mine.get(id_field) == new else mine for mine in rows]
    merged[listed] = rows
    if change.kind in names:
        names[change.kind][old] = new


def _rename(row: Mapping[str, Any], kind: ItemKind, names: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return a rule or a group with the ids that its providers and relays have got."""
    if kind == "group":
        members = [
            {**member, "model": _rename_model(member.get("model"), names)} if isinstance(member, Mapping) else member
            for member in row.get("members", [])
        ]
        return {**row, "members": members}
    if kind != "rule":
        return dict(row)
    when, then = dict(_object(row, "when")), dict(_object(row, "then"))
    wanted = when.get("provider")
    if isinstance(wanted, str):
        when["provider"] = names["provider"].get(wanted, wanted)
    elif isinstance(wanted, list):
        when["provider"] = [names["provider"].get(name, name) for name in wanted]
    if isinstance(then.get("relays"), list):
        then["relays"] = [names["relay"].get(name, name) for name in then["relays"]]
    if "model" in then:
        then["model"] = _rename_model(then["model"], names)
    return {**row, **({"when": when} if "when" in row else {}), **({"then": then} if "then" in row else {})}


def _rename_model(model: Any, names: Mapping[str, Mapping[str, str]]) -> Any:
    if not isinstance(model, str) or "/" not in model:
        return model
    provider, _, rest = model.partition("/")
    return f"{names['provider'].get(provider, provider)}/{rest}"


def _rows(document: Mapping[str, Any], kind: ItemKind) -> list[Mapping[str, Any]]:
    rows = document.get(_LISTS[kind][0]) or []
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def _plain(value: Any) -> str:
    """Return what stands for *value*; what is left out is as good as empty."""
    return json.dumps(value, sort_keys=True, default=str) if value not in (None, "", [], {}) else ""
