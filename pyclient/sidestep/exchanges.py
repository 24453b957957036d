"""One request and its answer, in bounded time: the step between the routes and the bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

from sidestep.dialects.failures import FailureReader
from sidestep.errors import SidestepError, TransportTimeout
from sidestep.transports import Response, Transport
from sidestep.types import HttpRequest

__all__ = ["OK", "Exchange", "WaitLimit"]

OK = range(200, 300)
"""The statuses of an answer that is what was asked for."""

_LARGEST_ERROR = 256 * 1024  # bytes of a failing answer that are read

T = TypeVar("T")


class Exchange:
    """Sends requests and reads what comes back, giving up after too long a silence.

    Args:
        transport: how bytes travel.
        silence: seconds without a byte after which an attempt is given up.
    """

    def __init__(self, transport: Transport, silence: float) -> None:
        self._transport = transport
        self._silence = silence

    async def send(self, request: HttpRequest) -> Response:
        """Return the answer once its head has arrived.

        Raises:
            TransportError: none came.
        """
        try:
            async with asyncio.timeout(self._silence):
                return await self._transport.send(request)
        except TimeoutError:
            raise self._describe_silence(urlsplit(request.url).netloc) from None

    async def chunks(self, response: Response) -> AsyncGenerator[bytes]:
        """Yield the body as it arrives.

        Raises:
            TransportTimeout: nothing came for too long.
            ConnectionLost: the connection broke before the end.
        """
        chunks = response.chunks()
        with WaitLimit(self._silence) as limit:
            while True:
                try:
                    chunk = await limit.wait(anext(chunks, None))
                except TimeoutError:
                    raise self._describe_silence("The other side") from None
                if chunk is None:
                    return
                yield chunk

    async def read_body(self, response: Response, largest: int) -> bytes:
        """Return the body, up to *largest* bytes of it."""
        body = bytearray()
        async with aclosing(self.chunks(response)) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) >= largest:
                    break
        return bytes(body[:largest])

    async def read_failure(self, response: Response, failures: FailureReader) -> SidestepError:
        """Return the error that a failing answer stands for, and close it."""
        try:
            body = await self.read_body(response, _LARGEST_ERROR)
        finally:
            await response.aclose()
        return failures.read_response(response.status, response.headers, body)

    async def knock(self, url: str) -> tuple[int, float]:
        """Return the status of the answer at *url* and the seconds it took; nothing of the body is read.

        Raises:
            TransportError: none came.
        """
        began = time.perf_counter()
        response = await self.send(HttpRequest("GET", url))
        await response.aclose()
        return response.status, time.perf_counter() - began

    def _describe_silence(self, who: str) -> TransportTimeout:
        return TransportTimeout(
            f"{who} said nothing for {self._silence:.0f} seconds, so the call was given up.",
            remedy="Retry, or use another model.",
        )


class WaitLimit:
    """Limits each of many waits, with one timer for all: `asyncio.timeout` takes one for each.

    In a browser a timer crosses into JavaScript and back, which costs as much as reading a piece of an answer.

    Args:
        seconds: how long one wait may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline: float | None = None  # of the wait that is under way
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Return what *awaitable* does.

        Raises:
            TimeoutError: it took too long, and was cancelled.
        """
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        cancels = self._task.cancelling() if self._task else 0
        self._deadline = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(self._deadline, self._look)
        try:
            return await awaitable
        except asyncio.CancelledError:
            # Somebody else's cancellation goes on, also if it comes at the same moment.
            if self._is_over and self._task and self._task.uncancel() <= cancels:
                raise TimeoutError from None
            raise
        finally:
            self._deadline = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._seconds if self._deadline is None else self._deadline
        if due > loop.time():
            self._timer = loop.call_at(due, self._look)
        elif self._task:
            self._is_over = True
            self._task.cancel()
