"""The browser's `fetch`, from Python in Pyodide. `browser` is the only other file that imports `js` and `pyodide`.

Every request is sent without cookies, referrer or HTTP cache. A refused call carries no reason: by design a page
cannot tell CORS, DNS and TLS apart (WHATWG Fetch, *network error*), so one error stands for them all.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import urlsplit

import js
from pyodide.ffi import JsException, to_js

from sidestep.addresses import find_address_space
from sidestep.errors import ConnectionLost, FetchRejected
from sidestep.types import HttpRequest

__all__ = ["FetchResponse", "FetchTransport", "can_target", "make_fetch_options"]


def can_target() -> bool:
    """Say whether a fetch may name the address space that it is meant for (WICG, *Local Network Access*)."""
    return bool(js.Reflect.has(js.Request.prototype, "targetAddressSpace"))


def make_fetch_options(url: str, js_controller: Any, *own: tuple[str, Any]) -> Any:
    """Return the options of a fetch of *url*, as a JavaScript object: *own*, and what holds for every one of ours."""
    pairs = [
        *own,
        ("signal", js_controller.signal),
        ("credentials", "omit"),
        ("cache", "no-store"),
        ("referrerPolicy", "no-referrer"),
    ]
    space = find_address_space(url)
    # Named wrongly, the browser refuses the call; so only where the address itself leaves no doubt.
    if space != "public" and can_target():
        pairs.append(("targetAddressSpace", space))
    return js.Object.fromEntries(to_js(pairs))


class FetchResponse:
    """An answer of `fetch` whose body has not been read yet."""

    def __init__(self, host: str, js_response: Any, js_controller: Any) -> None:
        self._host = host
        self._js_response = js_response
        self._js_controller = js_controller
        self._is_closed = False
        self.status: int = js_response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in js_response.headers.entries()}

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the body as it arrives.

        Raises:
            ConnectionLost: the connection broke before the end.
        """
        if self._js_response.body is None:
            return
        js_reader = self._js_response.body.getReader()
        while True:
            try:
                js_result = await js_reader.read()
            except JsException as error:
                raise ConnectionLost(
                    f"The connection to {self._host} broke while the answer was coming; what came is kept.",
                    remedy="Check the network, then retry.",
                ) from error
            if js_result.done:
                return
            yield js_result.value.to_bytes()

    async def aclose(self) -> None:
        """Abort the fetch, so that the other side sees the connection close."""
        if not self._is_closed:
            self._is_closed = True
            self._js_controller.abort()


class FetchTransport:
    """Sends requests with `fetch`."""

    async def send(self, request: HttpRequest) -> FetchResponse:
        """Return the answer once its head has arrived.

        Raises:
            FetchRejected: the browser refused or lost the call.
        """
        host = urlsplit(request.url).netloc
        js_controller = js.AbortController.new()
        js_options = make_fetch_options(
            request.url,
            js_controller,
            ("method", request.method),
            ("headers", js.Object.fromEntries(to_js(list(request.headers.items())))),
            ("body", None if request.body is None else to_js(request.body)),
            ("mode", "cors"),
        )
        has_answer = False
        try:
            js_response = await js.fetch(request.url, js_options)
            has_answer = True
        except JsException as error:
            raise FetchRejected(
                f"The browser got no answer from {host} that it may show; it does not say why.",
                remedy="The provider may not answer browsers, the key may be wrong, or the network may be down.",
            ) from error
        finally:
            if not has_answer:
                # Also when the caller stopped waiting: the call must not go on behind the user's back.
                js_controller.abort()
        return FetchResponse(host, js_response, js_controller)
