"""Whom to believe about a client's address: `X-Forwarded-For` counts only from proxies that the operator named.

The header is read from its right end, where the nearest proxy wrote. Each address that belongs to a named proxy is
passed over; the first that does not is the client. What stands further left was written by the client, or by somebody
nobody vouches for, and is never read. Counting hops instead, as others do, believes whoever reaches the relay past the
proxy.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["FORWARDED", "PEER", "ProxyMiddleware", "TrustedProxies", "parse_proxies"]

FORWARDED = "sidestep.forwarded"
"""Under this name the WSGI environment says what became of the header: `believed`, `ignored` or `none`."""

PEER = "sidestep.peer"
"""Under this name it keeps the address that the connection came from."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # RFC 6598
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)
_LONGEST_CHAIN = 20  # addresses; nobody has so many proxies


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The networks whose word counts.

    Attributes:
        trusts_unix: whether it counts too if it comes by a Unix socket, where a connection has no address.
    """

    networks: tuple[Network, ...] = field(default=())
    trusts_unix: bool = False

    def trusts(self, peer: str) -> bool:
        """Say whether *peer*, the address of a connection, may speak for others."""
        address = _parse_address(peer)
        return self._contains(address) if address else not peer and self.trusts_unix

    def find_client(self, peer: str, forwarded: str) -> str:
        """Return whose request it is that came from *peer* with the header *forwarded*.

        If no address can be read where one is due, it is the last proxy's own: all such clients then share a limit.
        """
        client = peer
        if not self.trusts(peer):
            return client
        for text in reversed(forwarded.split(",")[-_LONGEST_CHAIN:]):
            address = _parse_address(text)
            if address is None:
                break
            client = str(address)
            if not self._contains(address):
                break
        return client

    def _contains(self, address: Address) -> bool:
        return any(address in network for network in self.networks if network.version == address.version)


class ProxyMiddleware:
    """Gives *app* the client's address as REMOTE_ADDR, and the scheme that the client used."""

    def __init__(self, app: WSGIApplication, proxies: TrustedProxies) -> None:
        self._app = app
        self._proxies = proxies

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        peer = environ.get("REMOTE_ADDR") or ""
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        environ[PEER] = peer
        environ[FORWARDED] = _describe(forwarded, is_trusted=self._proxies.trusts(peer))
        if environ[FORWARDED] == "believed":
            environ["REMOTE_ADDR"] = self._proxies.find_client(peer, forwarded)
            # The nearest proxy's word: it sets the header, or passes on that of one it trusts.
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        return self._app(environ, start_response)


def parse_proxies(rows: Sequence[str]) -> TrustedProxies:
    """Read addresses, networks such as 10.0.0.0/8, and the word `private`.

    Raises:
        ValueError: one is none of these, or would let everybody claim any address. The message is one sentence.
    """
    networks: list[Network] = []
    for row in rows:
        if row == "private":
            networks += _PRIVATE
            continue
        try:
            network = ipaddress.ip_network(row)
        except ValueError:
            raise ValueError(f"{row[:60]!r} is no address, no network such as 10.0.0.0/8 and not `private`.") from None
        if network.prefixlen == 0:
            raise ValueError(f"{row} is everybody, and then everybody could claim any address; name your proxies.")
        networks.append(network)
    return TrustedProxies(tuple(networks), trusts_unix="private" in rows)


def _describe(forwarded: str, *, is_trusted: bool) -> Literal["believed", "ignored", "none"]:
    if not forwarded:
        return "none"
    return "believed" if is_trusted else "ignored"


def _parse_address(text: str) -> Address | None:
    """Read an address as proxies write it: bare, or with a port (Azure), of IPv6 then in brackets."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
