"""What the browser knows of the page and its network, asked from Python in Pyodide, in a worker or in the page."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import js
from pyodide.ffi import JsException, create_proxy, to_js

from sidestep.addresses import AddressSpace
from sidestep.transports.fetch import can_target, make_fetch_options
from sidestep.transports.surroundings import Permission, Reach

__all__ = ["BrowserSurroundings"]

# The permission's older name, `local-network-access`, is never asked for: it crashes some versions of Chrome.
_PERMISSIONS: dict[AddressSpace, str] = {"loopback": "loopback-network", "local": "local-network"}
_REMEMBERED = 50  # violations
_LOOKS, _BETWEEN_LOOKS = 5, 0.02  # times, seconds


class BrowserSurroundings:
    """Asks the browser. Listens for what the page's own policy forbids from its making until `close`."""

    is_browser = True

    def __init__(self) -> None:
        self._violations: deque[tuple[float, str, str]] = deque(maxlen=_REMEMBERED)
        self._js_listener = create_proxy(self._note_violation)
        # Heard where the call was made: a worker's are not told to its page (CSP level 3, section 5.3).
        js.addEventListener("securitypolicyviolation", self._js_listener)

    def close(self) -> None:
        """Stop listening."""
        js.removeEventListener("securitypolicyviolation", self._js_listener)
        self._js_listener.destroy()

    @property
    def page_origin(self) -> str:
        """Scheme, host and port of the page."""
        return str(js.location.origin)

    @property
    def can_target(self) -> bool:
        """Whether a fetch may name the address space that it is meant for."""
        return can_target()

    def is_online(self) -> bool | None:
        """Say whether the browser sees any network. True may be wrong; False is not (MDN, *Navigator.onLine*)."""
        return bool(js.navigator.onLine)

    async def permission(self, space: AddressSpace) -> Permission:
        """Return whether this page may call addresses of *space*. Never asks the person."""
        name = _PERMISSIONS.get(space)
        if name is None:
            return "unknown"
        try:
            js_status = await js.navigator.permissions.query(js.Object.fromEntries(to_js([("name", name)])))
        except (JsException, AttributeError):
            # The browser knows no such permission, or none at all.
            return "unknown"
        state: Permission = js_status.state
        return state

    async def csp_violation(self, url: str, since: float) -> str:
        """Return the directive of the page's own policy that forbade a call to the origin of *url*, else nothing."""
        directive = self._find_violation(url, since)
        for _ in range(_LOOKS):
            if directive:
                break
            # The browser tells of it in a task of its own, which may come after the refusal.
            await asyncio.sleep(_BETWEEN_LOOKS)
            directive = self._find_violation(url, since)
        return directive

    async def reach(self, url: str) -> Reach:
        """Return whether anything answers at *url*; asked without a key and without CORS. The caller sets the time."""
        js_controller = js.AbortController.new()
        try:
            await js.fetch(url, make_fetch_options(url, js_controller, ("method", "GET"), ("mode", "no-cors")))
        except JsException:
            # Nobody answered, or the browser hides that somebody did.
            return "inconclusive"
        finally:
            js_controller.abort()
        return "reachable"

    def _note_violation(self, js_event: Any) -> None:
        self._violations.append((time.time(), _read_origin(js_event.blockedURI), js_event.effectiveDirective))

    def _find_violation(self, url: str, since: float) -> str:
        origin = _read_origin(url)
        found = (row for moment, blocked, row in self._violations if blocked == origin and moment >= since)
        return next(found, "")


def _read_origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
