"""Who stands between a client and its relay, and sees what passes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from sidestep.transports import Response
from sidestep.transports.http import HttpTransport
from sidestep.types import HttpRequest


class Host:
    """A host between client and relay: records what passes, and may change it."""

    def __init__(
        self,
        change_request: Callable[[HttpRequest], HttpRequest] = lambda request: request,
        change_answer: Callable[[bytes], bytes] = lambda data: data,
    ) -> None:
        self._change_request = change_request
        self._change_answer = change_answer
        self.seen = b""
        self.requests: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> Response:
        self.requests.append(request)
        assert request.seal is None
        self.seen += repr((request.url, dict(request.headers))).encode() + (request.body or b"")
        transport = HttpTransport()
        try:
            response = await transport.send(self._change_request(request))
            body = b"".join([chunk async for chunk in response.chunks()])
            await response.aclose()
        finally:
            await transport.aclose()
        self.seen += repr(response.headers).encode() + body
        return _Passed(response, self._change_answer(body))


class _Passed:
    def __init__(self, response: Response, body: bytes) -> None:
        self.status, self.headers, self._response, self._body = response.status, response.headers, response, body

    async def chunks(self) -> AsyncGenerator[bytes]:
        # Cut where no frame ends.
        size = max(50, len(self._body) // 100)
        for start in range(0, len(self._body), size):
            yield self._body[start : start + size]

    async def aclose(self) -> None:
        pass
