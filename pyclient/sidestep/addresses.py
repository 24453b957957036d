"""Where an address lies, told from its letters alone: no name is ever looked up."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import urlsplit

__all__ = [
    "AddressSpace",
    "find_address_space",
    "is_crossing",
    "is_home_name",
    "is_mixed_content",
    "name_neighbours",
]

AddressSpace = Literal["public", "local", "loopback"]
"""How far away: this computer, its network, or the rest of the world (WICG, *Local Network Access*)."""

_DISTANCE: dict[AddressSpace, int] = {"loopback": 0, "local": 1, "public": 2}
_LOCAL_NETWORKS = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"))
)
# Names that no public server of names answers for: RFC 6762, RFC 8375, RFC 2606, ICANN's .internal, and common habits.
_HOME_ENDINGS = (
    ".local", ".localhost", ".home.arpa", ".internal", ".test", ".lan", ".home", ".corp", ".intranet", ".private",
)  # fmt: skip


def find_address_space(url: str) -> AddressSpace:
    """Return the space that the host of *url* names by itself; `public` for every other name, whatever it leads to."""
    host = _read_host(url)
    if host == "localhost" or host.endswith(".localhost"):
        return "loopback"
    if host.endswith(".local"):
        return "local"
    address = _read_address(host)
    if address is None:
        return "public"
    if address.is_loopback:
        return "loopback"
    return "local" if any(address in network for network in _LOCAL_NETWORKS) else "public"


def name_neighbours(space: AddressSpace) -> str:
    """Return who answers in a *space* that is not public, in the words of a sentence."""
    return "programs on this computer" if space == "loopback" else "devices in this network"


def is_crossing(page_origin: str, url: str) -> bool:
    """Say whether a page there asks for something closer to the user than itself, which browsers may ask leave for."""
    return _DISTANCE[find_address_space(url)] < _DISTANCE[find_address_space(page_origin)]


def is_mixed_content(page_origin: str, url: str, *, can_target: bool) -> bool:
    """Say whether a page from there is certainly forbidden to fetch *url* because it is not encrypted.

    What lies on this computer is allowed by some browsers and not by others (MDN, *Mixed content*), so it counts as
    allowed here.

    Args:
        page_origin: scheme, host and port of the page.
        url: what it asks for.
        can_target: whether the browser lets a fetch name the address space that it is meant for.
    """
    if not page_origin.startswith("https:") or not url.startswith("http:"):
        return False
    space = find_address_space(url)
    return space == "public" or (space == "local" and not can_target)


def is_home_name(url: str) -> bool:
    """Say whether the host of *url* may be known in one network and nowhere else."""
    host = _read_host(url)
    return find_address_space(url) != "public" or "." not in host.strip(".") or host.endswith(_HOME_ENDINGS)


def _read_host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower().removesuffix(".")
    except ValueError:
        return ""


def _read_address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
