"""Where the relay may connect: the catalogue's hosts, what the operator names, and nothing else.

A page chooses the base URL, so without this the relay would fetch anything it can reach: a router's web interface, a
cloud's metadata address, a database (CWE-918). A name is resolved once and the connection goes to an address that was
checked, so a name server cannot answer differently the second time.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from sidestep_relay.errors import RelayError

__all__ = ["NOWHERE", "Destination", "Destinations", "is_public_address", "parse_destination"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_DOTTED = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_NUMERIC_LABEL = re.compile(r"0x[0-9a-f]*|\d+")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?")
_HIGHEST_PORT = 65535

_UNICAST = ipaddress.IPv6Network("2000::/3")
"""Everything of IPv6 that is public (IANA, *IPv6 Global Unicast Address Assignments*). Python calls more of it global:
IPv4-compatible and -translated addresses, and the old site-local ones."""
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(row)
    for row in (
        "168.63.129.16/32",  # Azure's wire server: a public number that only the own machine can reach
        "192.0.0.0/24",  # Oracle's metadata among others; Python 3.11 calls most of it global
        "192.88.99.0/24",  # relays of 6to4
        "3fff::/20",  # documentation (RFC 9637), which Python does not know yet
    )
)

Resolver = Callable[[str, int], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Destination:
    """A place: scheme, host in lower case, port, and a path prefix without a trailing slash.

    In an operator's list *scheme* may be empty (any), *port* 0 (any) and *path* empty (any).
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    def covers(self, other: Destination) -> bool:
        """Say whether *other* lies within this place."""
        return (
            self.host == other.host
            and self.scheme in ("", other.scheme)
            and self.port in (0, other.port)
            and (not self.path or other.path == self.path or other.path.startswith(self.path + "/"))
        )


NOWHERE = Destination("", "", -1)
"""A place that covers no other."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """The rules.

    Attributes:
        known: hosts of the catalogue; reached over https, at public addresses.
        named: what the operator listed; may be plain http, and may be private.
        allows_any_public: whether any other host is fine over https, at public addresses.
    """

    known: frozenset[str] = frozenset()
    named: tuple[Destination, ...] = ()
    allows_any_public: bool = False

    def check_url(self, url: str) -> Destination:
        """Return the place that the base URL *url* names, if it may be reached.

        Raises:
            RelayError: 400 `destination_invalid` if it is no plain base URL, 403 `destination_refused` if it is not
                among the rules.
        """
        place = _read_base_url(url)
        if any(row.covers(place) for row in self.named):
            return place
        if place.host not in self.known and not self.allows_any_public:
            raise _refuse(place, f"This relay does not connect to {place.host}.")
        if place.scheme != "https":
            raise _refuse(place, f"This relay connects to {place.host} only over https.")
        if _is_address(place.host) and not is_public_address(place.host):
            raise _refuse(place, f"{place.host} is not a public address.")
        return place

    def resolve(self, host: str, port: int, resolver: Resolver | None = None) -> list[str]:
        """Return the addresses of *host* that may be connected to, in the resolver's order.

        Raises:
            RelayError: 403 `destination_refused` if any address is private and the operator did not name the host.
            OSError: the name does not resolve.
        """
        addresses = list(dict.fromkeys((resolver or _look_up)(host, port)))
        is_named = any(row.host == host and row.port in (0, port) for row in self.named)
        if not is_named and not all(is_public_address(address) for address in addresses):
            # All or nothing: a name that also points inside is not to be trusted with the rest. Which address it is
            # stays unsaid: a page must not learn from the relay how the network around it is numbered.
            raise _refuse(Destination("http", host, port), f"{host} leads to an address that is not public.")
        return addresses


def parse_destination(text: str) -> Destination:
    """Read one row of an operator's list: a host, host:port, or a base URL.

    Raises:
        ValueError: with a sentence.
    """
    if "://" in text:
        try:
            place = _read_base_url(text)
        except RelayError as error:
            raise ValueError(error.message) from error
        return place
    parts = urlsplit(f"//{text}")
    try:
        host, port = _read_host(parts), parts.port or 0
    except ValueError as error:
        raise ValueError(f"{text!r} is not a host, host:port or base URL.") from error
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{text!r} is not a host, host:port or base URL.")
    return Destination("", host, port)


def is_public_address(address: str) -> bool:
    """Say whether *address* belongs to the public internet, also when it wraps an IPv4 address.

    Refused: private, loopback, link-local (cloud metadata), CGNAT, multicast, reserved, documentation (IANA's special
    purpose registries), and all forms that wrap an IPv4 address: NAT64, 6to4, Teredo, mapped, compatible, translated.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and (parsed not in _UNICAST or parsed.sixtofour or parsed.teredo):
        return False
    return parsed.is_global and not parsed.is_multicast and not any(parsed in row for row in _NOT_PUBLIC)


def _read_base_url(url: str) -> Destination:
    shown = url if len(url) < 200 else url[:200] + "…"  # noqa: PLR2004 - enough to recognise it
    # A comma is where a server joined two headers.
    if not url.isascii() or not url.isprintable() or {" ", ",", "\\"} & {*url}:
        raise _reject("The base URL has characters that no base URL needs.")
    try:
        parts = urlsplit(url)
        host, port = _read_host(parts), parts.port
    except ValueError as error:
        raise _reject("The base URL's host or port cannot be read.") from error
    if parts.username is not None or parts.password is not None:
        raise _reject("The base URL has a user name or password in it; a key belongs in X-Provider-Key.")
    if parts.scheme not in _DEFAULT_PORTS:
        raise _reject(f"The base URL must begin with https:// (or http://), unlike {shown!r}.")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise _reject("The base URL must not have a query or a fragment.")
    if any(step in (".", "..") for step in parts.path.lower().replace("%2e", ".").split("/")):
        raise _reject("The base URL's path must not go up.")
    return Destination(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], parts.path.rstrip("/"))


def _read_host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower().rstrip(".")
    if parts.port is not None and not 0 < parts.port <= _HIGHEST_PORT:
        raise ValueError("port")
    if ":" in host:
        return str(ipaddress.IPv6Address(host))
    # 2130706433, 0x7f.1 and 0177.0.0.1 are spellings of addresses that resolvers understand and people overlook.
    if _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        if not _DOTTED.fullmatch(host):
            raise ValueError("address")
        return str(ipaddress.IPv4Address(host))
    if not _NAME.fullmatch(host):
        raise ValueError("name")
    return host


def _is_address(host: str) -> bool:
    return ":" in host or _DOTTED.fullmatch(host) is not None


def _look_up(host: str, port: int) -> Iterable[str]:
    return [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _reject(message: str) -> RelayError:
    return RelayError("destination_invalid", message, status=400, param="X-Provider-Base")


def _refuse(place: Destination, reason: str) -> RelayError:
    host = f"[{place.host}]" if ":" in place.host else place.host
    row = host if place.port in _DEFAULT_PORTS.values() else f"{host}:{place.port}"
    return RelayError(
        "destination_refused",
        f"{reason} Its operator can allow it with the setting SIDESTEP_DESTINATIONS={row}",
        status=403,
        type="permission_error",
        param="X-Provider-Base",
    )
