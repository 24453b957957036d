"""Looks at a provider's URL from the server's side: name, connection, certificate, preflight, an answer.

A browser says of a refused call that it was refused, and nothing more. What stands on the wire tells why, and only a
server can see it. A probe carries no key, costs no tokens, follows no redirect, and reaches what a chat could reach and
nothing else: the name is resolved once, checked, and the connection goes to a checked address (`destinations`,
`upstreams`).
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx

from sidestep._version import __version__
from sidestep.catalogue import CatalogueEntry
from sidestep_relay.destinations import Destination, Destinations, Resolver
from sidestep_relay.errors import RelayError
from sidestep_relay.preflights import TOKEN, is_readable, judge_preflight, read_origin
from sidestep_relay.streaming import ClientLeft, Pump
from sidestep_relay.upstreams import Connections, Upstream

__all__ = [
    "METHODS",
    "MOST_HEADERS",
    "PROBE_SECONDS",
    "ProbeCall",
    "Prober",
    "name_connect_error",
    "name_tls_error",
    "read_probe",
]

PROBE_SECONDS = 10.0
"""The whole probe is answered within this. A question to the provider may use half of it, so that a provider which
ignores a preflight is still asked the second."""

_FIELDS = ("url", "method", "headers", "origin")
METHODS = ("GET", "POST")
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_LONGEST_URL = 2000
_LONGEST_NAME = 100  # characters of a header's name
MOST_HEADERS = 32
_LARGEST_BODY = 4096  # bytes of an answer's body that are read at most
_LONGEST_VALUE = 200  # characters of a content type that are passed on
_LEAST_SECONDS = 0.001  # a timeout of 0 would mean "do not block"

_TIMED_OUT = "timed out"
_FAILED = "failed"
_UNKNOWN_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH)
_STEPS = {"connection.connect_tcp": "tcp", "connection.start_tls": "tls"}

_CERTIFICATE_ERRORS = {
    2: "untrusted",  # UNABLE_TO_GET_ISSUER_CERT
    10: "expired",  # CERT_HAS_EXPIRED
    18: "self-signed",  # DEPTH_ZERO_SELF_SIGNED_CERT
    19: "untrusted",  # SELF_SIGNED_CERT_IN_CHAIN
    20: "untrusted",  # UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    21: "untrusted",  # UNABLE_TO_VERIFY_LEAF_SIGNATURE
    27: "untrusted",  # CERT_UNTRUSTED
    62: "wrong host",  # HOSTNAME_MISMATCH
    64: "wrong host",  # IP_ADDRESS_MISMATCH
}
"""Source: OpenSSL, `X509_V_ERR_…` in x509_vfy.h."""


@dataclass(frozen=True, slots=True)
class ProbeCall:
    """What to look at.

    Attributes:
        url: the provider's address, without query and fragment, which may hold a key.
        place: the same, checked.
        method: `GET` or `POST`.
        headers: the names that the page's script sets, in lower case, sorted.
        origin: the page's.
    """

    url: str
    place: Destination
    method: str
    headers: tuple[str, ...]
    origin: str


def read_probe(body: Any, destinations: Destinations) -> ProbeCall:
    """Read a request's parsed *body*.

    Raises:
        RelayError: 400, naming the field that is wrong; 403 `destination_refused` as for a chat.
    """
    if not isinstance(body, dict):
        raise _reject("The request's body must be a JSON object.")
    for name in body:
        if name not in _FIELDS:
            raise _reject(f"A probe has no field {name[:60]!r}; its fields are {', '.join(_FIELDS)}.", name)
    method = body.get("method")
    if method not in METHODS:
        raise _reject("method must be GET or POST.", "method")
    headers = _read_names(body.get("headers"))
    origin = _read_origin(body.get("origin"))
    url, place = _read_url(body.get("url"), destinations)
    return ProbeCall(url, place, method, headers, origin)


class Prober:
    """Makes probes. One per process.

    *seconds* bounds each; *resolver* looks names up, by default the system's.
    """

    def __init__(
        self,
        destinations: Destinations,
        context: ssl.SSLContext,
        catalogue: Mapping[str, CatalogueEntry],
        *,
        seconds: float = PROBE_SECONDS,
        resolver: Resolver | None = None,
    ) -> None:
        self._destinations = destinations
        self._context = context
        # Public settings such as an API's version; some providers answer a page only if one of them is there.
        rows = (row for entry in catalogue.values() for row in entry.headers.items())
        self._fixed = {name.lower(): value for name, value in rows}
        self._seconds = seconds
        self._resolver = resolver

    def run(self, call: ProbeCall, has_left: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        """Look, and return the report in the form of docs/protocol.md, *The relay's probe*.

        Raises:
            RelayError: 403 `destination_refused`: the name leads to an address that may not be reached.
            ClientLeft: *has_left* said so.
        """
        fixed = {name: self._fixed[name] for name in call.headers if name in self._fixed}
        look = _Look(
            call, self._destinations, self._context, fixed=fixed, seconds=self._seconds, resolver=self._resolver
        )

        def check() -> None:
            if has_left():
                raise ClientLeft

        pump = Pump(lambda: iter([look.run()]), look.abort)
        try:
            return pump.get(self._seconds, check)
        except TimeoutError:
            return look.tell()
        finally:
            pump.close()


@dataclass(frozen=True, slots=True)
class _Pinned(Destinations):
    """The same rules, for a name that has been resolved already."""

    addresses: tuple[str, ...] = ()

    def resolve(self, host: str, port: int, resolver: Resolver | None = None) -> list[str]:
        return Destinations.resolve(self, host, port, lambda _host, _port: self.addresses)


@dataclass(frozen=True, slots=True)
class _Heard:
    status: int
    headers: httpx.Headers
    ms: float


class _Look:
    """One probe. `run` works in a thread of its own; `tell` and `abort` may be called from another at any moment."""

    def __init__(
        self,
        call: ProbeCall,
        destinations: Destinations,
        context: ssl.SSLContext,
        *,
        fixed: Mapping[str, str],
        seconds: float,
        resolver: Resolver | None,
    ) -> None:
        self._call = call
        self._fixed = fixed
        self._destinations = destinations
        self._context = context
        self._seconds = seconds
        self._resolver = resolver
        self._begun = time.monotonic()
        self._found: dict[str, Any] = {}
        self._since: dict[str, float] = {}
        self._upstream: Upstream | None = None
        self._is_aborted = False
        self._lock = threading.Lock()

    def run(self) -> dict[str, Any]:
        """Take the steps, until one fails that the next needs, and return what was found.

        Raises:
            RelayError: the name leads to an address that may not be reached.
        """
        if addresses := self._resolve():
            self._connect(addresses)
        return self.tell()

    def abort(self) -> None:
        """Break off."""
        with self._lock:
            self._is_aborted = True
            if self._upstream is not None:
                self._upstream.abort()

    def tell(self) -> dict[str, Any]:
        """Return what was found until now; a connection still being made counts as timed out."""
        found = dict(self._found)
        now = time.monotonic()
        for step, since in dict(self._since).items():
            if step in ("dns", "tcp", "tls") and step not in found:
                found[step] = _describe_step(_TIMED_OUT, now - since)
        steps = {step: found.get(step) for step in ("dns", "tcp", "tls", "preflight", "answer")}
        return {"url": self._call.url, **steps, "elapsed_ms": _to_ms(now - self._begun)}

    def _resolve(self) -> list[str]:
        self._begin("dns")
        try:
            addresses = self._destinations.resolve(self._call.place.host, self._call.place.port, self._resolver)
        except RelayError as error:
            error.param = "url"
            raise
        except socket.gaierror as error:
            self._end("dns", "unknown host" if error.errno in _UNKNOWN_NAME else _FAILED)
            return []
        except (OSError, UnicodeError):
            # UnicodeError: a name with a label longer than DNS has.
            self._end("dns", _FAILED)
            return []
        self._end("dns")
        return addresses

    def _connect(self, addresses: list[str]) -> None:
        rules = self._destinations
        pinned = _Pinned(rules.known, rules.named, rules.allows_any_public, tuple(addresses))
        with closing(Connections(pinned, self._context)) as connections:
            self._ask_preflight(connections)
            last = "tls" if self._call.place.scheme == "https" else "tcp"
            if self._found.get(last, {}).get("ok"):
                self._ask_answer(connections)

    def _ask_preflight(self, connections: Connections) -> None:
        asked = {"Access-Control-Request-Method": self._call.method}
        if self._call.headers:
            asked["Access-Control-Request-Headers"] = ",".join(self._call.headers)
        if (heard := self._ask(connections, "OPTIONS", asked)) is None:
            return
        preflight = judge_preflight(
            heard.headers,
            status=heard.status,
            origin=self._call.origin,
            method=self._call.method,
            headers=self._call.headers,
        )
        self._found["preflight"] = {**preflight.to_dict(), "ms": heard.ms}

    def _ask_answer(self, connections: Connections) -> None:
        """Send the page's request without its key and with a body that names no model: nobody bills that."""
        is_post = self._call.method == "POST"
        sent = {**self._fixed, **({"Content-Type": "application/json"} if is_post else {})}
        if (heard := self._ask(connections, self._call.method, sent, b"{}" if is_post else None)) is None:
            return
        content_type = heard.headers.get("content-type")
        self._found["answer"] = {
            "status": heard.status,
            "allow_origin": read_origin(heard.headers),
            "is_readable": is_readable(heard.headers, status=heard.status, origin=self._call.origin),
            "content_type": content_type[:_LONGEST_VALUE] if content_type else None,
            "ms": heard.ms,
        }

    def _ask(
        self, connections: Connections, method: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> _Heard | None:
        """Send one request and return what was answered, or None if nothing was."""
        request = httpx.Request(
            method,
            self._call.url,
            headers={
                "Accept": "*/*",
                "User-Agent": f"sidestep-relay/{__version__}",
                "Origin": self._call.origin,
                **headers,
            },
            content=body,
            extensions={"trace": self._note},
        )
        # The dialect decides how a body is read, and this one is not.
        upstream = Upstream(
            connections,
            self._call.place,
            dialect="openai_chat",
            has_key=False,
            largest_error=_LARGEST_BODY,
            timeout=self._get_timeout(),
        )
        with closing(upstream):
            try:
                self._attach(upstream)
                _finish_empty(upstream.handle_request(request))
            except httpx.TransportError:
                if upstream.refusal:
                    upstream.refusal.param = "url"
                    raise upstream.refusal from None
            finally:
                self._attach(None)
        # A body that breaks off takes nothing from what the headers said.
        if upstream.status is None:
            return None
        now = time.monotonic()
        ms = _to_ms(self._since.get("headers", now) - self._since.get("sent", now))
        return _Heard(upstream.status, upstream.headers, ms)

    def _get_timeout(self) -> httpx.Timeout:
        left = self._begun + self._seconds - time.monotonic()
        return httpx.Timeout(max(min(left, self._seconds / 2), _LEAST_SECONDS))

    def _attach(self, upstream: Upstream | None) -> None:
        with self._lock:
            self._upstream = upstream
            if upstream and self._is_aborted:
                raise httpx.ConnectError("aborted")

    def _note(self, name: str, info: Mapping[str, Any]) -> None:
        """Take the time of what httpcore does (its `trace` extension)."""
        if name == "http11.send_request_headers.started":
            self._begin("sent")
        elif name == "http11.receive_response_headers.complete":
            self._begin("headers")
        what, _, stage = name.rpartition(".")
        step = _STEPS.get(what)
        if step is None or step in self._found:
            # The first connection tells; a second, for the second question, is like it.
            return
        if stage == "started":
            self._begin(step)
        elif stage == "complete":
            self._end(step)
        else:
            describe = name_connect_error if step == "tcp" else name_tls_error
            self._end(step, describe(info["exception"]))

    def _begin(self, step: str) -> None:
        self._since[step] = time.monotonic()

    def _end(self, step: str, error: str | None = None) -> None:
        self._found[step] = _describe_step(error, time.monotonic() - self._since[step])


def name_connect_error(error: BaseException) -> str:
    """Return a word for what kept a connection from being made; *error* or what it was raised from."""
    cause = _find_cause(error)
    if isinstance(cause, ConnectionRefusedError):
        return "refused"
    if isinstance(cause, TimeoutError):
        return _TIMED_OUT
    if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
        return "unreachable"
    return _FAILED


def name_tls_error(error: BaseException) -> str:
    """Return a word for what kept TLS from being agreed; *error* or what it was raised from."""
    cause = _find_cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _CERTIFICATE_ERRORS.get(cause.verify_code, _FAILED)
    return _TIMED_OUT if isinstance(cause, TimeoutError) else _FAILED


def _find_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _finish_empty(response: httpx.Response) -> None:
    """Read an answer whose body is empty to its end, so that its connection serves the next question too."""
    if response.status_code == httpx.codes.NO_CONTENT or response.headers.get("content-length") == "0":
        response.read()


def _describe_step(error: str | None, seconds: float) -> dict[str, Any]:
    return {"ok": error is None, "error": error, "ms": _to_ms(seconds)}


def _to_ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _read_names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_HEADERS:
        raise _reject(f"headers must be a list of at most {MOST_HEADERS} names.", "headers")
    for name in value:
        if not isinstance(name, str) or len(name) > _LONGEST_NAME or not TOKEN.fullmatch(name):
            raise _reject("headers must hold names alone, such as content-type.", "headers")
    return tuple(sorted({name.lower() for name in value}))


def _read_origin(value: Any) -> str:
    """Return an origin as a browser writes it (WHATWG HTML, *serialization of an origin*)."""
    matched = _ORIGIN.fullmatch(value) if isinstance(value, str) and len(value) <= _LONGEST_URL else None
    if matched is None or matched["port"] == _DEFAULT_PORTS[matched["scheme"]]:
        raise _reject("origin must be a page's origin, such as https://page.example, without a path.", "origin")
    return matched[0]


def _read_url(value: Any, destinations: Destinations) -> tuple[str, Destination]:
    if not isinstance(value, str) or not value or len(value) > _LONGEST_URL:
        raise _reject(f"url must be the provider's address, of at most {_LONGEST_URL} characters.", "url")
    url = value.partition("#")[0].partition("?")[0]
    try:
        place = destinations.check_url(url)
        httpx.URL(url)
    except RelayError as error:
        error.param = "url"
        raise
    except httpx.InvalidURL:
        raise _reject("url cannot be read.", "url") from None
    return url, place


def _reject(message: str, param: str | None = None) -> RelayError:
    return RelayError("request_invalid", message, status=400, param=param[:60] if param else None)
