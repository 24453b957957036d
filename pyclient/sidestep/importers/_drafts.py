"""From what another client knows of a provider to a row of our document, with everything a person should know of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sidestep.catalogue import CUSTOM, CatalogueEntry
from sidestep.config import (
    AUTH_FORMS,
    Config,
    clean_base_url,
    clean_headers,
    clean_secret,
    find_free_name,
    load_provider,
    load_relay,
)  # fmt: skip
from sidestep.errors import ConfigurationError, redact
from sidestep.importers._kinds import find_kind
from sidestep.importers._results import Finding, FindingKind, Imported, ImportProblem
from sidestep.importers._rows import clean_line, prune
from sidestep.migrations import VERSION

__all__ = ["Collector", "Draft"]

_ENV_REFERENCE = re.compile(
    r"\{env:([^}]+)\}|os\.environ/(\S+)|\$\{(?:env:)?(\w+)(?::-[^}]*)?\}|\$(\w+)|%(\w+)%|process\.env\.(\w+)|\{\{\s*(\w+)\s*\}\}"
    r"|\{file:([^}]+)\}"
)
_PLACEHOLDER = re.compile(
    r"[*•x.]{3,}|<[^>]*>|\[[^\]]*\]|your[-_ ].*|.*[-_ ]here|sk-[*x.…]+|placeholder|change.?me|dummy|empty|none|null"
    r"|no.?key|not.?needed|not.?required|n/?a",
    re.IGNORECASE,
)
_BARE_NUMBER = re.compile(r"(?:localhost|(?:\d{1,3}\.){3}\d{1,3})(?::\d+)?(?:/|$)")
_BARE_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}(?::\d+)?(?:/|$)")
_LARGEST_COUNT = 1000
_LONGEST_MODEL = 200  # characters
_KEY_HEADERS = {name.lower(): form for form, (name, _) in AUTH_FORMS.items()}


@dataclass(slots=True)
class Draft:
    """A provider as another client's document tells it.

    Attributes:
        name: what a person calls it there.
        kind: what that client calls its kind.
        id: what it is known by there; made from the name if empty.
        base_url: as it stands there; may be relative, or empty.
        has_bare_host: whether that client adds `/v1` to an address that is a host alone.
        route: how it is reached there.
        relay_url: what it is reached through there.
        is_off: whether it was switched off there.
        rest: what of it has no place with us.
    """

    name: str
    kind: str = ""
    id: str = ""
    base_url: str = ""
    api_key: str = ""
    dialect: str = ""
    has_bare_host: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    models: Iterable[str] = ()
    route: str = "auto"
    relay_url: str = ""
    is_off: bool = False
    rest: Mapping[str, Any] = field(default_factory=dict)


class Collector:
    """Takes what a format's reader finds, and makes one document of it.

    Args:
        format_id, title: which format it is.
    """

    def __init__(self, format_id: str, title: str) -> None:
        self._format = format_id
        self._title = title
        self._providers: dict[str, dict[str, Any]] = {}
        self._relays: dict[str, dict[str, Any]] = {}
        self._keys: dict[str, str] = {}
        self._findings: list[Finding] = []
        self._groups: list[dict[str, Any]] = []
        self._extras: dict[str, Any] = {}

    def note(self, kind: FindingKind, message: str, item: str = "") -> None:
        """Tell a person something."""
        finding = Finding(kind, item, redact(message, self._keys.values()))
        if finding not in self._findings:
            self._findings.append(finding)

    def add(self, draft: Draft) -> str:
        """Take a provider; return its id, or nothing where it cannot be used, which is noted."""
        name = clean_line(draft.name) or clean_line(draft.kind) or clean_line(_host_of(draft.base_url)) or "A provider"
        if len(self._providers) >= _LARGEST_COUNT:
            self.note("left_out", f"“{name}” was left out: more than {_LARGEST_COUNT} providers are not taken at once.")
            return ""
        try:
            return self._add(draft)
        except ConfigurationError as error:
            message = redact(error.message, [draft.api_key] if draft.api_key else [])
            self.note("left_out", f"“{name}” was left out: {message}")
            return ""

    def add_group(self, name: str, strategy: str, members: list[dict[str, Any]]) -> None:
        """Take a model group; its members' models are `provider-id/model-id`."""
        taken = {group["name"] for group in self._groups}
        free = find_free_name(name, taken)
        self._groups.append({"name": free, "strategy": strategy, "members": members})

    def keep(self, rest: Mapping[str, Any]) -> None:
        """Take what of the whole document has no place with us."""
        kept, gone = prune(rest, [*self._keys.values()])
        self._extras |= kept
        if kept:
            self.note("kept", f"No place here, but kept: {_name_all(kept)}.")
        if gone:
            self.note("left_out", f"Not kept, since it may hold secrets or chats, or is large: {_name_all(gone)}.")

    def finish(self) -> Imported:
        """Return the whole.

        Raises:
            ImportProblem: there is nothing in it to import.
        """
        if not self._providers and not self._relays:
            told = " ".join(finding.message for finding in self._findings if finding.kind == "left_out")
            raise ImportProblem(
                f"This is {self._title}, but there is no provider in it that can be used. {told}".strip()
            )
        document = {
            "version": VERSION,
            "providers": list(self._providers.values()),
            "relays": list(self._relays.values()),
            "consents": [],
            **({"groups": self._groups} if self._groups else {}),
            "extras": {self._format: self._extras} if self._extras else {},
        }
        secrets = {"providers": self._keys, "relays": {}}
        config, _ = Config.load(document, secrets)
        return Imported(self._format, self._title, config.to_dict(), secrets, tuple(self._findings))

    def _add(self, draft: Draft) -> str:
        notes: list[tuple[FindingKind, str]] = []
        headers, api_key, auth, set_aside = self._sort_headers(draft, notes)
        entry, base_url = self._find_address(draft, notes)
        own = "" if entry.id == CUSTOM else entry.name
        name = clean_line(draft.name) or own or clean_line(draft.kind) or clean_line(_host_of(base_url))
        if AUTH_FORMS.get(auth) == (entry.auth_header, entry.auth_scheme):
            auth = ""
        api_key, reference = _read_key(api_key, entry, notes)
        rest, gone = prune(
            {**draft.rest, **({"headers": set_aside} if set_aside else {})}, [api_key] if api_key else []
        )
        if reference:
            rest["key_reference"] = reference
        row = {
            "id": self._free_id(draft.id or (entry.id if name == own else name)),
            "kind": entry.id,
            "name": name,
            "base_url": base_url,
            "dialect": draft.dialect or entry.dialect,
            "headers": headers,
            "route": self._take_route(draft, notes),
            "models": _clean_models(draft.models),
            "auth": auth,
            "extras": {self._format: rest} if rest else {},
        }
        provider = load_provider(row, api_key)
        self._providers[provider.id] = provider.to_dict()
        if api_key:
            self._keys[provider.id] = api_key
        if draft.is_off:
            notes.append(("off", "It was switched off there."))
        if told := [field for field in rest if field not in {"headers", "key_reference"}]:
            notes.append(("kept", f"No place here, but kept: {_name_all(told)}."))
        if gone:
            notes.append(("left_out", f"Not kept, since it may hold secrets or chats, or is large: {_name_all(gone)}."))
        for kind, message in notes:
            self.note(kind, message, f"provider/{provider.id}")
        return provider.id

    def _find_address(self, draft: Draft, notes: list[tuple[FindingKind, str]]) -> tuple[CatalogueEntry, str]:
        wish = draft.base_url.strip()
        is_relative = wish.startswith(("/", ".")) or _ENV_REFERENCE.fullmatch(wish) is not None
        if is_relative:
            entry, base_url = find_kind("", draft.kind, draft.dialect)
            if not base_url:
                raise ConfigurationError(f"its address, “{clean_line(wish)}”, belongs to where it came from.")
            notes.append(
                ("changed", f"Its address, “{clean_line(wish)}”, belongs to where it came from; it is {base_url} now.")
            )
            return entry, base_url
        if _BARE_NUMBER.match(wish):
            wish = f"http://{wish}"
        elif _BARE_HOST.match(wish):
            wish = f"https://{wish}"
        cleaned = clean_base_url(wish) if wish else ""
        entry, base_url = find_kind(cleaned, draft.kind, draft.dialect)
        if not base_url:
            raise ConfigurationError("it has no address.")
        if (
            cleaned == base_url
            and draft.has_bare_host
            and urlsplit(base_url).path in {"", "/"}
            and entry.base_url != base_url
        ):
            base_url += "/v1"
        if cleaned and base_url != cleaned:
            notes.append(("changed", f"Its address is {base_url} here; there it was {cleaned}."))
        return entry, base_url

    def _sort_headers(
        self, draft: Draft, notes: list[tuple[FindingKind, str]]
    ) -> tuple[dict[str, str], str, str, dict[str, str]]:
        """Return the headers that can be sent, the key, how it is sent, and the headers that cannot."""
        usable: dict[str, str] = {}
        aside: dict[str, str] = {}
        api_key, auth = draft.api_key.strip(), ""
        for raw, value in draft.headers.items():
            name = raw.strip()
            form = _KEY_HEADERS.get(name.lower())
            if form and not api_key and value.strip():
                api_key, auth = value.strip(), form
                continue
            if form and value.strip().removeprefix("Bearer ").strip() == api_key.removeprefix("Bearer ").strip():
                continue
            try:
                usable |= clean_headers({name: value})
            except ConfigurationError:
                aside[clean_line(name)] = value
        if aside:
            several = (
                "Headers that a page may not set were" if len(aside) > 1 else "A header that a page may not set was"
            )
            notes.append(("set_aside", f"{several} set aside: {_name_all(aside)}."))
        return usable, api_key, auth, aside

    def _take_route(self, draft: Draft, notes: list[tuple[FindingKind, str]]) -> str:
        if draft.relay_url:
            try:
                relay = load_relay({"url": draft.relay_url}, "")
            except ConfigurationError as error:
                notes.append(("left_out", f"The gateway it went through was left out: {error.message}"))
            else:
                if relay.id not in self._relays:
                    self._relays[relay.id] = relay.to_dict()
                    self.note("key_needed", "A relay asks for its token: pair it by its link.", f"relay/{relay.id}")
                return draft.route
        if draft.route == "relay" and not draft.relay_url:
            notes.append(("changed", "It went through a gateway there that is not named; its route is Auto here."))
            return "auto"
        return draft.route

    def _free_id(self, wish: str) -> str:
        base = re.sub(r"[^a-z0-9._-]+", "-", wish.lower()).strip("-._")[:56] or "provider"
        taken = {*self._providers, "group", "direct"}
        return find_free_name(base, taken)


def _host_of(url: str) -> str:
    """Return the host of *url*, or nothing where it has none."""
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""


def _read_key(api_key: str, entry: CatalogueEntry, notes: list[tuple[FindingKind, str]]) -> tuple[str, str]:
    """Return the key, and where it is to be found if it is not itself here."""
    wanted = api_key.strip().removeprefix("Bearer ").strip()
    if match := _ENV_REFERENCE.fullmatch(wanted):
        name = next(part for part in match.groups() if part)
        notes.append(("key_needed", f"Its key stands elsewhere, in “{clean_line(name)}”: type it here."))
        return "", wanted
    if not wanted or _PLACEHOLDER.fullmatch(wanted):
        if entry.key_required or (
            wanted and not re.fullmatch(r"empty|none|null|no.?key|not.?\w+|n/?a|dummy", wanted, re.IGNORECASE)
        ):
            notes.append(("key_needed", "There was no key with it: type it here."))
        return "", ""
    try:
        return clean_secret(wanted, field="api_key", what="key"), ""
    except ConfigurationError as error:
        notes.append(("key_needed", f"Its key cannot be used. {redact(error.message, [wanted])}"))
        return "", ""


def _clean_models(models: Iterable[str]) -> list[str]:
    names = (re.sub(r"[\x00-\x20\x7f]+", " ", model).strip() for model in models)
    return list(dict.fromkeys(name for name in names if name and len(name) <= _LONGEST_MODEL and "*" not in name))[
        :_LARGEST_COUNT
    ]


def _name_all(names: Iterable[str], most: int = 12) -> str:
    listed = [f"“{clean_line(name, 60)}”" for name in names]
    more = [] if len(listed) <= most else [f"{len(listed) - most} more"]
    return ", ".join([*listed[:most], *more])
