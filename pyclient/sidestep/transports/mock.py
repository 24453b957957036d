"""A transport without a network, for tests of code that uses Sidestep.

Example::

    def answer(request):
        return MockResponse(200, pieces=[b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}'])


    client = sidestep.Client(providers=[…], transport=MockTransport(answer))
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sidestep.types import HttpRequest

__all__ = ["MockResponse", "MockTransport"]


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
