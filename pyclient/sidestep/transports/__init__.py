"""Bytes out, bytes in. A transport knows HTTP and nothing of what is said over it.

`fetch` runs in Pyodide, `http` in CPython, `mock` in tests. One is chosen once, by `choose_transport`, and injected.
`demo` stands before either and answers for the demo provider, without a network.
`sealed` seals what goes to a relay, with `hpke` in CPython and `page_sealer` in the page.
`surroundings` says what the place it is sent from knows of itself; `browser` asks the browser for that.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from sidestep.transports.surroundings import NullSurroundings, Surroundings
from sidestep.types import HttpRequest

if TYPE_CHECKING:
    from sidestep.transports.sealed import Sealer

__all__ = [
    "NullSurroundings",
    "Response",
    "Surroundings",
    "Transport",
    "choose_surroundings",
    "choose_transport",
    "wrap_sealer",
]


class Response(Protocol):
    """An answer whose body has not been read yet."""

    @property
    def status(self) -> int:
        """HTTP status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields by lower-case name; in a browser, only those that CORS exposes."""

    def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the body as it arrives.

        Raises:
            ConnectionLost: the connection broke before the end.
        """

    async def aclose(self) -> None:
        """Close the connection, aborting what has not arrived. Safe to call twice."""


class Transport(Protocol):
    """Sends one request. Never retries, follows no redirect silently to another origin, keeps no cookies."""

    async def send(self, request: HttpRequest) -> Response:
        """Return the answer once its head has arrived.

        Raises:
            FetchRejected: the browser refused or lost the call.
            ConnectionFailed: no connection could be made.
        """


def choose_transport() -> Transport:
    """Return the transport for the platform this runs on.

    Raises:
        ConfigurationError: in CPython without the `http` extra.
    """
    from sidestep.transports.demo import DemoTransport  # noqa: PLC0415 - it knows this module's protocols

    return DemoTransport(_choose_network())


def _choose_network() -> Transport:
    if sys.platform == "emscripten":
        from sidestep.transports.fetch import FetchTransport  # noqa: PLC0415 - exists only in a browser

        return FetchTransport()
    from sidestep.transports.http import HttpTransport  # noqa: PLC0415 - httpx is an extra

    return HttpTransport()


def wrap_sealer(js_sealer: Any) -> Sealer | None:
    """Return the page's sealer as Python calls it; None without one, or outside a browser."""
    if sys.platform == "emscripten" and js_sealer is not None:
        from sidestep.transports.page_sealer import PageSealer  # noqa: PLC0415 - exists only in a browser

        return PageSealer(js_sealer)
    return None


def choose_surroundings() -> Surroundings:
    """Return what can be asked of the platform this runs on. In a browser it listens from then on."""
    if sys.platform == "emscripten":
        from sidestep.transports.browser import BrowserSurroundings  # noqa: PLC0415 - exists only in a browser

        return BrowserSurroundings()
    return NullSurroundings()
