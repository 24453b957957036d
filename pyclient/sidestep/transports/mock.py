"""A transport without a network, for tests of code that uses Sidestep.

Example::

    def answer(request):
        return MockResponse(200, pieces=[b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}'])


    client = sidestep.Client(providers=[…], transport=MockTransport(answer))
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sidestep.addresses import AddressSpace
from sidestep.transports.surroundings import Permission, Reach
from sidestep.types import HttpRequest

__all__ = ["MockResponse", "MockSurroundings", "MockTransport"]


@dataclass
class MockResponse:
    """An answer made in advance.

    Attributes:
        pieces: the body, cut as it would arrive; an exception among them is raised at that point.
        is_closed: whether it was closed.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes | Exception] = ()
    is_closed: bool = False

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the pieces in order."""
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.is_closed = True


class MockTransport:
    """Answers each request by calling *handler*; keeps the requests in `requests`, in order.

    An exception that the handler returns or raises is raised by `send`.
    """

    def __init__(self, handler: Callable[[HttpRequest], MockResponse | Exception]) -> None:
        self._handler = handler
        self.requests: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> MockResponse:
        """Return the handler's answer."""
        self.requests.append(request)
        answer = self._handler(request)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class MockSurroundings:
    """A made-up browser that a request is sent from.

    Attributes:
        directive: of the page's policy that forbids every call; empty if none does.
        permissions: what it says of each address space; `unknown` for those left out.
        answer: what `reach` finds, or what finds it out.
        reached: the addresses that `reach` was asked for, in order.
    """

    page_origin: str = "https://page.test"
    online: bool | None = True
    is_browser: bool = True
    can_target: bool = True
    directive: str = ""
    permissions: Mapping[str, Permission] = field(default_factory=dict)
    answer: Reach | Callable[[str], Reach] = "reachable"
    reached: list[str] = field(default_factory=list)

    def is_online(self) -> bool | None:
        """Return what it was told."""
        return self.online

    async def permission(self, space: AddressSpace) -> Permission:
        """Return what it was told."""
        return self.permissions.get(space, "unknown")

    async def csp_violation(self, url: str, since: float) -> str:
        """Return what it was told."""
        return self.directive

    async def reach(self, url: str) -> Reach:
        """Return what it was told, and remember the question."""
        self.reached.append(url)
        return self.answer(url) if callable(self.answer) else self.answer
