"""What can be observed of a call that failed. Plain records; what they mean is said in `rules`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sidestep.addresses import AddressSpace
from sidestep.errors import (
    ConnectionFailed,
    ConnectionLost,
    FetchRejected,
    RelayUnreachable,
    ResponseError,
    RoutesFailed,
    SidestepError,
    StreamIncomplete,
    TransportTimeout,
    UnexpectedResponse,
)

__all__ = [
    "KINDS",
    "Observations",
    "Preflight",
    "ServerAnswer",
    "ServerStep",
    "ServerView",
    "Sighting",
    "SightingKind",
    "choose_kind",
    "sight",
]

Reach = Literal["reachable", "unreachable", "inconclusive", "silent"]
SightingKind = Literal["answered", "rejected", "unreachable", "timeout", "cut", "garbled"]
"""`answered`: an HTTP answer, good or bad. `rejected`: the browser refused or lost the call. `unreachable`: no
connection, where the platform says so. `timeout`: our clock ran out. `cut`: it began and broke off. `garbled`: HTML or
something else where an API's answer was expected."""

KINDS: tuple[tuple[type[SidestepError], SightingKind], ...] = (
    (FetchRejected, "rejected"),
    (ConnectionFailed, "unreachable"),
    (TransportTimeout, "timeout"),
    (ConnectionLost, "cut"),
    (StreamIncomplete, "cut"),
    (UnexpectedResponse, "garbled"),
    (ResponseError, "answered"),
)
# A relay's own words for what it saw of a provider's answer (docs/protocol.md has the codes of its errors).
_SEEN_BY_RELAY: Mapping[str, SightingKind] = {"provider_answer": "garbled", "provider_incomplete": "cut"}
# What may end otherwise at another try: our own words, and those of the relay's probe.
_PASSING = frozenset({"timeout", "temporary", "timed out", "failed"})


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one request looked like from where it was sent.

    Attributes:
        status: HTTP status; 0 if none came.
        error: the class of `sidestep.errors` that it was read as; empty for a good answer.
        code: the provider's or the relay's own code, or what kept a connection from being made (`dns`, `tls`, …).
        origin: who said it.
        message: what it said, without any key.
        elapsed: seconds.
    """

    kind: SightingKind
    status: int = 0
    error: str = ""
    code: str = ""
    origin: Literal["provider", "relay"] = "provider"
    message: str = ""
    elapsed: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether it is an answer without an error."""
        return self.kind == "answered" and not self.error


@dataclass(frozen=True, slots=True)
class ServerStep:
    """One step of a connection as the relay took it.

    Attributes:
        error: why it failed, in one of the relay's few words (docs/protocol.md, *The relay's probe*).
    """

    is_ok: bool
    error: str = ""

    @property
    def is_final(self) -> bool:
        """Whether it failed in a way that another try does not mend."""
        return not self.is_ok and self.error not in _PASSING


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a provider answered to the question that a browser asks first (WHATWG Fetch, *CORS-preflight fetch*).

    Attributes:
        is_ok: whether a browser would go on.
        allow_origin: `Access-Control-Allow-Origin`, empty if absent.
        lacks_origin, lacks_method: whether the page's origin or the method is not allowed.
        missing_headers: lower-case names of the request's headers that are not allowed.
    """

    is_ok: bool
    status: int = 0
    allow_origin: str = ""
    lacks_origin: bool = False
    lacks_method: bool = False
    missing_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What a provider answered to the request itself, sent without a key and without anything to bill.

    Attributes:
        is_readable: whether its headers let the page read it.
        content_type: in lower case, without parameters.
    """

    status: int
    is_readable: bool
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class ServerView:
    """What a relay sees of a provider's address (docs/protocol.md, *Verdict*); None for steps that it did not take."""

    dns: ServerStep | None = None
    tcp: ServerStep | None = None
    tls: ServerStep | None = None
    preflight: Preflight | None = None
    answer: ServerAnswer | None = None

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> ServerView:
        """Return what a relay's answer to `/v1/probe` says; what is not as expected counts as not said."""
        return cls(
            _load_step(document.get("dns")),
            _load_step(document.get("tcp")),
            _load_step(document.get("tls")),
            _load_preflight(document.get("preflight")),
            _load_answer(document.get("answer")),
        )


@dataclass(frozen=True, slots=True)
class Observations:
    """All that was observed of one request; None and empty for what was not looked at.

    Attributes:
        page_origin: scheme, host and port of the page; empty outside a browser.
        url, method, headers: the direct request; of the headers only the lower-case names.
        is_browser: whether a browser's rules apply.
        is_online: None where that is not known; only False can be relied upon.
        is_mixed_content: whether the browser is certain to refuse it because it is not encrypted.
        csp_directive: the directive of the page's own policy that forbade it.
        address_space, relay_space: where the provider and the relay lie.
        is_crossing, is_relay_crossing: whether the browser may ask leave for calls from the page to there.
        permission, relay_permission: whether that leave was given.
        is_unasked: whether nothing was sent to this computer or network, since the browser would first ask the person.
        direct: what came of the request itself, sent directly.
        reach: whether anything answers there, asked without a key and without CORS.
        unbillable: what came of the same path, method and headers with a body that no provider bills.
        relayed: what came of the same through a relay.
        is_relayed_unbillable: whether the relay was given the unbillable body.
        relay_reach: whether anything answers at the relay's address.
        is_relay_readable: whether this page may read what the relay says of its health; None if that was not asked.
        relay_probe: what the relay sees of the provider's address.
        relay_name, relay_url: of the relay that was asked.
        is_relay_mixed: whether the browser is certain to refuse calls to the relay because they are not encrypted.
        help: whether a relay could be asked: there is none, one that may not see the key, or one that may.
    """

    page_origin: str = ""
    url: str = ""
    method: str = "POST"
    headers: tuple[str, ...] = ()
    is_browser: bool = True
    is_online: bool | None = None
    is_mixed_content: bool = False
    csp_directive: str = ""
    address_space: AddressSpace = "public"
    is_crossing: bool = False
    permission: Literal["granted", "denied", "prompt", "unknown"] = "unknown"
    is_unasked: bool = False
    direct: Sighting | None = None
    reach: Reach | None = None
    unbillable: Sighting | None = None
    relayed: Sighting | None = None
    is_relayed_unbillable: bool = False
    relay_reach: Reach | None = None
    is_relay_readable: bool | None = None
    relay_probe: ServerView | None = None
    relay_name: str = ""
    relay_url: str = ""
    relay_space: AddressSpace = "public"
    is_relay_crossing: bool = False
    relay_permission: Literal["granted", "denied", "prompt", "unknown"] = "unknown"
    is_relay_mixed: bool = False
    help: Literal["none", "unconsented", "allowed"] = "none"


def sight(error: SidestepError, elapsed: float = 0.0) -> Sighting | None:
    """Return what *error* says of one request; None if it stands for no single one (`NoRoute`, `Cancelled`, …)."""
    cause = error.__cause__
    if isinstance(error, RoutesFailed | RelayUnreachable) and isinstance(cause, SidestepError):
        # A relay that gave no answer: its error names the relay, its cause says how it kept silent.
        error = cause
    kind = next((kind for error_class, kind in KINDS if isinstance(error, error_class)), None)
    if kind is None:
        return None
    name = type(error).__name__
    if isinstance(error, ResponseError):
        origin: Literal["provider", "relay"] = "relay" if error.origin == "relay" else "provider"
        code = error.code or ""
        return Sighting(choose_kind(kind, code), error.status, name, code, origin, error.message, elapsed)
    code = error.reason if isinstance(error, ConnectionFailed) else ""
    return Sighting(kind, error=name, code=code, message=error.message, elapsed=elapsed)


def choose_kind(kind: SightingKind, code: str) -> SightingKind:
    """Return what a request looked like, of which a relay may have seen more than its error's class says."""
    return _SEEN_BY_RELAY.get(code, kind)


def _load_step(row: Any) -> ServerStep | None:
    if not isinstance(row, Mapping) or not isinstance(row.get("ok"), bool):
        return None
    return ServerStep(row["ok"], _read_text(row.get("error")))


def _load_preflight(row: Any) -> Preflight | None:
    if not isinstance(row, Mapping) or not isinstance(row.get("ok"), bool):
        return None
    missing = row.get("missing")
    lacks = missing if isinstance(missing, Mapping) else {}
    headers = lacks.get("headers")
    return Preflight(
        row["ok"],
        _read_int(row.get("status")),
        _read_text(row.get("allow_origin")),
        lacks.get("origin") is True,
        lacks.get("method") is True,
        tuple(name.lower() for name in headers if isinstance(name, str)) if isinstance(headers, list) else (),
    )


def _load_answer(row: Any) -> ServerAnswer | None:
    if not isinstance(row, Mapping) or not isinstance(row.get("is_readable"), bool):
        return None
    content_type = _read_text(row.get("content_type")).partition(";")[0].strip().lower()
    return ServerAnswer(_read_int(row.get("status")), row["is_readable"], content_type)


def _read_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _read_int(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
