"""The user's providers, relays, consents, rules and model groups: one versioned document, without secrets.

The document is what the page stores and what an export holds (docs/protocol.md, *Config*). Keys and tokens live
beside it, in `Secrets`, and meet it only in a `Provider` or `Relay` at the moment of use.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from sidestep.catalogue import CUSTOM, CatalogueEntry, load_catalogue
from sidestep.envelopes import EnvelopeError, decode_public_key, make_fingerprint
from sidestep.errors import ConfigurationError
from sidestep.migrations import VERSION, migrate
from sidestep.policies import Policies, check_references, load_policies
from sidestep.types import Seal

__all__ = [
    "EVERY_PROVIDER",
    "Config",
    "Consent",
    "Problem",
    "Provider",
    "Relay",
    "RoutePolicy",
    "SealingLevel",
    "clean_base_url",
    "clean_headers",
    "clean_secret",
    "find_free_name",
]

AUTH_FORMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "bearer": ("Authorization", "Bearer"),
        "x-api-key": ("x-api-key", ""),
        "api-key": ("api-key", ""),
        "x-goog-api-key": ("x-goog-api-key", ""),
    }
)
"""How a key can be sent: the header's name, and what stands before the key."""

EVERY_PROVIDER = "*"
"""Stands in a consent for each provider, also those added later."""

RoutePolicy = Literal["auto", "direct", "relay"]
_ROUTE_POLICIES = ("auto", "direct", "relay")
SealingLevel = Literal["off", "key", "exchange"]
"""What whoever stands in front of a relay must not see: everything may be seen, not the key, nothing."""
_SEALING_LEVELS = ("off", "key", "exchange")
_DIALECTS = ("openai_chat", "openai_responses", "anthropic", "gemini")
_ENDPOINT_PATHS = ("/chat/completions", "/responses", "/messages", "/models")
_LARGEST_GROUP, _LARGEST_WEIGHT = 99, 1000
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2, token
# What a page may not set (WHATWG Fetch, forbidden request-header) and what we set ourselves.
_RESERVED_HEADERS = frozenset(
    {
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "x-api-key",
        "x-goog-api-key",
    }
)
_RESERVED_PREFIXES = ("proxy-", "sec-", "x-provider-", "x-sealed-")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what was entered.

    Attributes:
        item: id of the provider or relay.
        field: the field, as the document names it; of a rule or a model group, a JSON Pointer into the document.
        message: a sentence a person can act on.
    """

    item: str
    field: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the problem as the page's protocol writes it."""
        return {"item": self.item, "field": self.field, "message": self.message}


class Provider:
    """One provider of the user's: a catalogue entry with a key, or an address of their own.

    Args:
        id: what stands before the slash in a model's name. A catalogue id unless *kind* says otherwise.
        api_key: the key; stray white space around it is removed.
        kind: the catalogue entry; `custom` if *id* is none and nothing else is said.
        base_url, dialect: override the catalogue's.
        headers: sent with every direct request, beside the dialect's own.
        route: `auto`, or only one way.
        models: model ids added by hand.
        auth: how the key is sent, a name in `AUTH_FORMS`; the catalogue's way if left out.
        extras: what other clients' documents said of it and has no place here, by format; kept as it is.

    Raises:
        ConfigurationError: something of it cannot work; `.field` names which.
    """

    __slots__ = (
        "api_key", "auth", "base_url", "dialect", "entry", "extras", "headers", "id", "models", "name", "route",
    )  # fmt: skip

    def __init__(
        self,
        id: str,  # noqa: A002 - the field's own name
        *,
        api_key: str = "",
        kind: str = "",
        name: str = "",
        base_url: str = "",
        dialect: str = "",
        headers: Mapping[str, str] | None = None,
        route: str = "auto",
        models: Iterable[str] = (),
        auth: str = "",
        extras: Mapping[str, Any] | None = None,
    ) -> None:
        self.id = _clean_id(id)
        self.entry = _find_entry(id, kind)
        self.name = name.strip() or (self.entry.name if self.entry.id != CUSTOM else id)
        self.base_url = clean_base_url(base_url or self.entry.base_url, field="base_url")
        self.dialect = _choose("dialect", dialect or self.entry.dialect, _DIALECTS)
        self.api_key = clean_secret(api_key, field="api_key", what="key")
        self.headers = clean_headers(headers or {})
        self.route = _choose("route", route, _ROUTE_POLICIES)
        self.models = tuple(model.strip() for model in models if model.strip())
        self.auth = _choose("auth", auth, ("", *AUTH_FORMS))
        self.extras = dict(extras or {})

    @property
    def credentials(self) -> dict[str, str]:
        """The header that carries the key on the direct way; none without a key."""
        if not self.api_key:
            return {}
        name, scheme = AUTH_FORMS.get(self.auth, (self.entry.auth_header, self.entry.auth_scheme))
        return {name: f"{scheme} {self.api_key}".strip()}

    def __repr__(self) -> str:
        return f"Provider({self.id!r}, base_url={self.base_url!r}, route={self.route!r})"

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base URL, as evidence is keyed."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    def to_dict(self) -> dict[str, Any]:
        """Return the provider as the document holds it: without its key."""
        return {
            "id": self.id,
            "kind": self.entry.id,
            "name": self.name,
            "base_url": self.base_url,
            "dialect": self.dialect,
            "headers": dict(self.headers),
            "route": self.route,
            "models": list(self.models),
            # Left out where nothing was chosen: older documents have no such field.
            **({"auth": self.auth} if self.auth else {}),
            **({"extras": self.extras} if self.extras else {}),
        }


class Relay:
    """One relay of the user's.

    Args:
        url: where it runs, without `/v1`.
        token: what it asks of its users.
        id, name: made from the host if left out.
        group: its fallback group; a relay of a higher one is tried only after those of the lower ones.
        weight: its share of the requests within its group.
        public_key: what is sealed to it, base64url, from its pairing link; nothing else is ever sealed to.
        sealing: how much is sealed: `off`, `key` or `exchange`; the most that can be, if left out.

    Raises:
        ConfigurationError: something of it cannot work; `.field` names which.
    """

    __slots__ = ("group", "id", "name", "public_key", "sealing", "token", "url", "weight")

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        id: str = "",  # noqa: A002 - the field's own name
        name: str = "",
        group: int = 0,
        weight: float = 1.0,
        public_key: str = "",
        sealing: str = "",
    ) -> None:
        if isinstance(group, bool) or not isinstance(group, int) or not 0 <= group <= _LARGEST_GROUP:
            raise ConfigurationError(f"A fallback group is a whole number from 0 to {_LARGEST_GROUP}.", field="group")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= _LARGEST_WEIGHT:
            raise ConfigurationError(f"A weight is a number above 0, {_LARGEST_WEIGHT} at most.", field="weight")
        self.group = group
        self.weight = float(weight)
        self.url = clean_base_url(url, field="url").removesuffix("/v1")
        host = urlsplit(self.url).netloc
        self.id = _clean_id(id or re.sub(r"[^A-Za-z0-9._-]", "-", host))
        if self.id == "direct":
            raise ConfigurationError("“direct” stands for the way without a relay; choose another id.", field="id")
        self.name = name.strip() or host
        self.token = clean_secret(token, field="token", what="relay token")
        self.public_key = _clean_public_key(public_key)
        self.sealing = _choose("sealing", sealing or ("exchange" if public_key else "off"), _SEALING_LEVELS)
        if self.sealing != "off" and not self.public_key:
            raise ConfigurationError(
                "Sealing needs the relay's own key, which is in its pairing link: paste the whole link.",
                field="sealing",
            )

    def __repr__(self) -> str:
        return f"Relay({self.url!r}, id={self.id!r})"

    @property
    def seal(self) -> Seal | None:
        """How requests to it are sealed; None for not at all."""
        if self.sealing == "off":
            return None
        level: Literal["key", "exchange"] = "key" if self.sealing == "key" else "exchange"
        return Seal(level, decode_public_key(self.public_key), self.url, self.name)

    @property
    def fingerprint(self) -> str:
        """What people compare with what the relay says when it starts; empty without a key."""
        return make_fingerprint(decode_public_key(self.public_key)) if self.public_key else ""

    def to_dict(self) -> dict[str, Any]:
        """Return the relay as the document holds it: without its token."""
        return {
            "id": self.id,
            "name": self.name,
            "url": self.url,
            "group": self.group,
            "weight": self.weight,
            "public_key": self.public_key,
            "sealing": self.sealing,
        }


@dataclass(frozen=True, slots=True)
class Consent:
    """The user's grant that one relay may see one provider's key."""

    relay: str
    provider: str


@dataclass(frozen=True, slots=True)
class Config:
    """All that the user has set up, checked."""

    providers: tuple[Provider, ...] = ()
    relays: tuple[Relay, ...] = ()
    consents: frozenset[Consent] = field(default_factory=frozenset)
    policies: Policies = field(default_factory=Policies)
    extras: Mapping[str, Any] = field(default_factory=dict)
    """What other clients' documents said and has no place here, by format; kept as it is."""

    @classmethod
    def load(
        cls, document: Mapping[str, Any], secrets: Mapping[str, Any] | None = None
    ) -> tuple[Config, list[Problem]]:
        """Return what of *document*, of any version, is valid, and what is wrong with the rest.

        One bad provider never takes the others with it.

        Raises:
            ConfigurationError: the document is from a later version, or is no document at all.
        """
        document = migrate(document)
        problems: list[Problem] = []
        keys = _read_secrets(secrets, "providers")
        tokens = _read_secrets(secrets, "relays")
        config = cls()
        for row in _read_rows(document, "providers", problems):
            try:
                provider = load_provider(row, keys.get(str(row.get("id")), ""))
            except ConfigurationError as error:
                problems.append(Problem(str(row.get("id", "")), error.field, error.message))
            else:
                config = config.with_provider(provider)
        for row in _read_rows(document, "relays", problems):
            try:
                relay = load_relay(row, tokens.get(str(row.get("id")), ""))
            except ConfigurationError as error:
                problems.append(Problem(str(row.get("id", "")), error.field, error.message))
            else:
                config = replace(config, relays=(*config.relays, relay))
        consents = frozenset(
            Consent(str(row.get("relay")), str(row.get("provider")))
            for row in _read_rows(document, "consents", problems)
        )
        policies, wrong = load_policies(document)
        unknown = check_references(
            policies, [provider.id for provider in config.providers], [relay.id for relay in config.relays]
        )
        problems.extend(Problem("", problem.pointer, problem.message) for problem in (*wrong, *unknown))
        extras = document.get("extras") or {}
        if not isinstance(extras, Mapping):
            problems.append(Problem("", "extras", "“extras” must be an object."))
            extras = {}
        return replace(config, consents=consents, policies=policies, extras=extras), problems

    def with_provider(self, provider: Provider) -> Config:
        """Return the configuration with *provider* added, or put in the place of the one with its id."""
        others = tuple(known for known in self.providers if known.id != provider.id)
        return replace(self, providers=(*others, provider))

    def find_provider(self, provider_id: str) -> Provider | None:
        """Return the provider with this id, if there is one."""
        return next((provider for provider in self.providers if provider.id == provider_id), None)

    def find_relay(self, relay_id: str | None) -> Relay | None:
        """Return the relay with this id, if there is one."""
        return next((relay for relay in self.relays if relay.id == relay_id), None)

    def has_consent(self, relay_id: str, provider_id: str) -> bool:
        """Say whether the relay may see the provider's key."""
        return not self.consents.isdisjoint((Consent(relay_id, provider_id), Consent(relay_id, EVERY_PROVIDER)))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every key and token: what must be blanked out of foreign text."""
        keys = [provider.api_key for provider in self.providers]
        return tuple(secret for secret in [*keys, *(relay.token for relay in self.relays)] if secret)

    @property
    def secrets_by_id(self) -> dict[str, dict[str, str]]:
        """The keys and tokens as `load` takes them."""
        return {
            "providers": {provider.id: provider.api_key for provider in self.providers if provider.api_key},
            "relays": {relay.id: relay.token for relay in self.relays if relay.token},
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the document, without secrets."""
        return {
            "version": VERSION,
            "providers": [provider.to_dict() for provider in self.providers],
            "relays": [relay.to_dict() for relay in self.relays],
            "consents": [
                {"relay": consent.relay, "provider": consent.provider}
                for consent in sorted(self.consents, key=lambda consent: (consent.relay, consent.provider))
            ],
            **self.policies.to_dict(),
            "extras": dict(self.extras),
        }


def load_provider(row: Mapping[str, Any], api_key: str) -> Provider:
    """Return the provider that one row of the document describes.

    Raises:
        ConfigurationError: something of it cannot work.
    """
    headers, models, extras = row.get("headers") or {}, row.get("models") or [], row.get("extras") or {}
    if not isinstance(headers, Mapping):
        raise ConfigurationError("Headers must be names with values.", field="headers")
    if not isinstance(models, list):
        raise ConfigurationError("Models must be a list of ids.", field="models")
    if not isinstance(extras, Mapping):
        raise ConfigurationError("“extras” must be an object.", field="extras")
    return Provider(
        _read_text(row, "id"),
        api_key=api_key,
        kind=_read_text(row, "kind"),
        name=_read_text(row, "name"),
        base_url=_read_text(row, "base_url"),
        dialect=_read_text(row, "dialect"),
        headers={str(name): str(value) for name, value in headers.items()},
        route=_read_text(row, "route") or "auto",
        models=[str(model) for model in models],
        auth=_read_text(row, "auth"),
        extras=extras,
    )


def load_relay(row: Mapping[str, Any], token: str) -> Relay:
    """Return the relay that one row of the document describes.

    Raises:
        ConfigurationError: its address or its token cannot work.
    """
    return Relay(
        _read_text(row, "url"),
        token=token,
        id=_read_text(row, "id"),
        name=_read_text(row, "name"),
        group=row.get("group", 0),
        weight=row.get("weight", 1.0),
        public_key=_read_text(row, "public_key"),
        sealing=_read_text(row, "sealing"),
    )


def find_free_name(wish: str, taken: Collection[str]) -> str:
    """Return *wish*, or where it is *taken* the first of `wish-2`, `wish-3`… that is not."""
    numbered = (f"{wish}-{number}" for number in range(2, len(taken) + 3))
    return wish if wish not in taken else next(name for name in numbered if name not in taken)


def clean_base_url(url: str, *, field: str = "base_url") -> str:
    """Return *url* without a trailing slash, stray spaces, or the endpoint's own path.

    Raises:
        ConfigurationError: it is not an http(s) address, or holds a user name, a query or a fragment.
    """
    url = url.strip()
    if not url:
        raise ConfigurationError("The address is missing: it starts with https://.", field=field)
    if re.search(r"[\s\x00-\x1f\\]", url):
        raise ConfigurationError("The address has a space or a backslash in it; remove it.", field=field)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"“{url}” is not a web address; check the host and the port.", field=field) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(
            "The address must start with https:// (or http:// for a server of your own), then the host.",
            field=field,
        )
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "The address holds a user name or password; put the key in its own field.", field=field
        )
    if parts.query or parts.fragment:
        raise ConfigurationError("The address must end before “?” and “#”; remove what follows.", field=field)
    path = parts.path.rstrip("/")
    for endpoint in _ENDPOINT_PATHS:
        path = path.removesuffix(endpoint)
    return urlunsplit((parts.scheme, parts.netloc.lower(), path.rstrip("/"), "", ""))


def clean_secret(secret: str, *, field: str, what: str) -> str:
    """Return *secret* without white space around it, or a pasted `Bearer ` before it.

    Raises:
        ConfigurationError: it holds white space or a character that no HTTP header can carry.
    """
    secret = secret.strip().strip("\u200b\ufeff").removeprefix("Bearer ").strip()
    if re.search(r"\s", secret):
        raise ConfigurationError(
            f"The {what} has a space or a line break inside; copy it again, the {what} alone.", field=field
        )
    if not secret.isascii() or not secret.isprintable():
        raise ConfigurationError(
            f"The {what} has a character in it that no key has (a dash or quote changed by a text program?); "
            "copy it again from where it was made.",
            field=field,
        )
    return secret


def clean_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return *headers* with names and values trimmed.

    Raises:
        ConfigurationError: a name is not a header's, is reserved, or a value cannot be sent.
    """
    cleaned = {}
    for raw_name, raw_value in headers.items():
        name, value = raw_name.strip(), raw_value.strip()
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"“{name}” is not a header's name.", field="headers")
        if name.lower() in _RESERVED_HEADERS or name.lower().startswith(_RESERVED_PREFIXES):
            raise ConfigurationError(
                f"The header “{name}” cannot be set: the browser or Sidestep sets it.", field="headers"
            )
        if not value.isascii() or not value.isprintable():
            raise ConfigurationError(
                f"The header “{name}” has a character in its value that cannot be sent.", field="headers"
            )
        cleaned[name] = value
    return cleaned


def _find_entry(provider_id: str, kind: str) -> CatalogueEntry:
    catalogue = load_catalogue()
    if kind and kind not in catalogue:
        known = ", ".join(catalogue)
        raise ConfigurationError(f"“{kind}” is not in the catalogue; it knows {known}.", field="kind")
    return catalogue[kind or (provider_id if provider_id in catalogue else CUSTOM)]


def _clean_id(identifier: str) -> str:
    if identifier == "group":
        raise ConfigurationError("“group” stands for model groups; choose another id.", field="id")
    if not _ID.fullmatch(identifier):
        raise ConfigurationError(
            "An id is made of letters, digits, dots, dashes and underscores, 64 at most.", field="id"
        )
    return identifier


def _clean_public_key(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    try:
        decode_public_key(text)
    except EnvelopeError:
        raise ConfigurationError(
            "The relay's sealing key is not one; paste its whole pairing link again.", field="public_key"
        ) from None
    return text


def _choose(field_name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ConfigurationError(f"“{value}” is not one of {', '.join(known)}.", field=field_name)
    return value


def _read_rows(document: Mapping[str, Any], name: str, problems: list[Problem]) -> list[Mapping[str, Any]]:
    rows = document.get(name, [])
    if not isinstance(rows, list):
        problems.append(Problem("", name, f"“{name}” must be a list."))
        return []
    problems.extend(
        Problem("", name, f"An entry of “{name}” is not an object; it was left out.")
        for row in rows
        if not isinstance(row, Mapping)
    )
    return [row for row in rows if isinstance(row, Mapping)]


def _read_text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name) or ""
    if not isinstance(value, str):
        raise ConfigurationError(f"“{name}” must be text.", field=name)
    return value


def _read_secrets(secrets: Mapping[str, Any] | None, name: str) -> dict[str, str]:
    values = (secrets or {}).get(name) or {}
    return {str(key): value for key, value in values.items() if isinstance(value, str)}
