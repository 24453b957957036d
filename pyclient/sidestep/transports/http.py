"""HTTP in CPython, through httpx (the extra `sidestep[http]`)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx

from sidestep.errors import ConnectionFailed, ConnectionLost
from sidestep.types import HttpRequest

__all__ = ["HttpResponse", "HttpTransport"]

_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLError, "tls"),
    (socket.gaierror, "dns"),
    (ConnectionRefusedError, "refused"),
)


class HttpResponse:
    """An answer of httpx whose body has not been read yet."""

    def __init__(self, host: str, response: httpx.Response) -> None:
        self._host = host
        self._response = response
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the body as it arrives.

        Raises:
            ConnectionLost: the connection broke before the end.
        """
        try:
            async for chunk in self._response.aiter_bytes():
                yield chunk
        except httpx.TransportError as error:
            raise ConnectionLost(
                f"The connection to {self._host} broke while the answer was coming; what came is kept.",
                remedy="Check the network, then retry.",
            ) from error

    async def aclose(self) -> None:
        """Close the connection, so that the other side sees it."""
        await self._response.aclose()


class HttpTransport:
    """Sends requests over pooled connections. Keeps no cookies, follows no redirects."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            # Whoever uses it sets the time limits, one layer up.
            timeout=None,  # noqa: S113
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Return the answer once its head has arrived.

        Raises:
            ConnectionFailed: no connection could be made, or it broke before the head.
        """
        host = urlsplit(request.url).netloc
        prepared = self._client.build_request(
            request.method, request.url, headers=dict(request.headers), content=request.body
        )
        try:
            response = await self._client.send(prepared, stream=True)
        except httpx.TransportError as error:
            failure = ConnectionFailed(
                f"No connection to {host}: {error or type(error).__name__}.",
                remedy="Check the address and the network.",
            )
            failure.reason = _find_reason(error)
            raise failure from error
        return HttpResponse(host, response)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()


def _find_reason(error: BaseException) -> str:
    """Return what underneath kept httpx from a connection, by the kind of the exception and never by its words."""
    cause: BaseException | None = error
    while cause is not None:
        for kind, reason in _REASONS:
            if isinstance(cause, kind):
                return reason
        cause = cause.__cause__ or cause.__context__
    return ""
