"""What the place that a request is sent from knows of itself: the browser, the page and its network."""

from __future__ import annotations

from typing import Literal, Protocol

from sidestep.addresses import AddressSpace

__all__ = ["NullSurroundings", "Permission", "Reach", "Surroundings"]

Permission = Literal["granted", "denied", "prompt", "unknown"]
"""Whether this page may call this computer or its network; `unknown` where the browser has no such permission."""

Reach = Literal["reachable", "unreachable", "inconclusive", "silent"]
"""Whether anything answers; `silent` if nothing at all came in time."""


class Surroundings(Protocol):
    """What can be found out without the provider. Nothing here ever sends a key."""

    @property
    def is_browser(self) -> bool:
        """Whether a browser's rules apply: CORS, mixed content, a content security policy."""

    @property
    def page_origin(self) -> str:
        """Scheme, host and port of the page; empty outside a browser."""

    @property
    def can_target(self) -> bool:
        """Whether a fetch may name the address space that it is meant for."""

    def is_online(self) -> bool | None:
        """Say whether there is a network at all; None if that is not known. Only False can be relied upon."""

    async def permission(self, space: AddressSpace) -> Permission:
        """Return whether this page may call addresses of *space*. Never asks the person."""

    async def csp_violation(self, url: str, since: float) -> str:
        """Return the directive of the page's own policy that forbade a call to the origin of *url*, else nothing.

        Args:
            url: what was called.
            since: Unix time in seconds; what was forbidden earlier does not count.
        """

    async def reach(self, url: str) -> Reach:
        """Return whether anything answers at *url*; asked without a key and without CORS. The caller sets the time.

        That something answers says nothing of CORS; that nothing seems to answer says little at all, since a browser
        may hide what it got (WHATWG Fetch, *opaque-response blocking*).
        """


class NullSurroundings:
    """Knows nothing and sends nothing: for everywhere outside a browser."""

    is_browser = False
    page_origin = ""
    can_target = False

    def is_online(self) -> bool | None:
        """Return None: a program is not told."""
        return None

    async def permission(self, space: AddressSpace) -> Permission:
        """Return `unknown`: a program needs none."""
        return "unknown"

    async def csp_violation(self, url: str, since: float) -> str:
        """Return nothing: there is no page, so it has no policy."""
        return ""

    async def reach(self, url: str) -> Reach:
        """Return `inconclusive`: the real request says more here."""
        return "inconclusive"
