"""One request and its answer, in bounded time: the step between the routes and the bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import urlsplit

from sidestep.dialects.failures import FailureReader
from sidestep.errors import SidestepError, TransportTimeout
from sidestep.transports import Response, Transport
from sidestep.types import HttpRequest

__all__ = ["OK", "Exchange"]

OK = range(200, 300)
"""The statuses of an answer that is what was asked for."""

_LARGEST_ERROR = 256 * 1024  # bytes of a failing answer that are read


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
        while True:
            try:
                async with asyncio.timeout(self._silence):
                    chunk = await anext(chunks, None)
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
