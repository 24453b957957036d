"""The demo provider: requests for its address are answered here, in OpenAI's chat wire, and reach no network.

The address is of a top-level domain that never exists (RFC 2606, section 2), so nothing can be meant by mistake.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sidestep.demos import MODELS, Scene, choose_scene
from sidestep.errors import ConnectionLost
from sidestep.transports import Response, Transport
from sidestep.types import HttpRequest

__all__ = ["ADDRESS", "DemoResponse", "DemoTransport"]

ADDRESS = "https://demo.sidestep.invalid/v1"
_PACE = 0.025  # seconds a piece: about forty tokens a second
_WAIT = 90  # seconds until the limit that it pretends to have
_PIECE = re.compile(r"\s*\S+|\s+")
_JSON = {"content-type": "application/json"}
_STREAM = {"content-type": "text/event-stream"}

Sleep = Callable[[float], Awaitable[object]]


@dataclass
class DemoResponse:
    """An answer of the demo, at the pace of a model."""

    status: int
    headers: Mapping[str, str]
    pieces: list[tuple[float, bytes]]
    breaks: bool = False
    sleep: Sleep = field(default=asyncio.sleep, repr=False)

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the pieces, each after its pause.

        Raises:
            ConnectionLost: the scene breaks off.
        """
        for pause, piece in self.pieces:
            if pause:
                await self.sleep(pause)
            yield piece
        if self.breaks:
            raise ConnectionLost("The connection broke in the middle, as the demo was asked to show.")

    async def aclose(self) -> None:
        """Send no more."""
        self.pieces.clear()
        self.breaks = False


class DemoTransport:
    """Answers what is sent to the demo's address; hands everything else on.

    Args:
        transport: how everything else travels.
        sleep: waits so many seconds.
    """

    def __init__(self, transport: Transport, sleep: Sleep = asyncio.sleep) -> None:
        self._transport = transport
        self._sleep = sleep

    async def send(self, request: HttpRequest) -> Response:
        """Return the answer once its head has arrived.

        Raises:
            TransportError: as the transport beneath.
        """
        if not request.url.startswith(f"{ADDRESS}/"):
            return await self._transport.send(request)
        response = _answer(request)
        response.sleep = self._sleep
        return response

    async def aclose(self) -> None:
        """Close every connection of the transport beneath, if it keeps any."""
        close: Callable[[], Awaitable[None]] | None = getattr(self._transport, "aclose", None)
        if close is not None:
            await close()


def _answer(request: HttpRequest) -> DemoResponse:
    if request.method == "GET":
        return _reply(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]})
    asked = _read(request.body)
    messages = asked.get("messages")
    if not messages:
        return _refuse(400, "The demo was asked nothing.", "missing_messages")
    scene = choose_scene(str(asked.get("model") or ""), _read_question(messages))
    if scene.failure == "wrong_key":
        return _refuse(401, "The demo pretends that your key is wrong.", "invalid_api_key")
    if scene.failure == "rate_limit":
        refused = _refuse(429, "The demo pretends that you asked too often.", "rate_limit_exceeded")
        refused.headers = {**refused.headers, "retry-after": str(_WAIT)}
        return refused
    return _stream(scene, count_pieces(json.dumps(messages)))


def _stream(scene: Scene, asked: int) -> DemoResponse:
    reasoning = _cut(scene.reasoning)
    text = _cut(scene.text)
    pieces = [(scene.silence, _write({"role": "assistant", "content": ""}))]
    pieces += [(_PACE, _write({"reasoning_content": piece})) for piece in reasoning]
    pieces += [(_PACE, _write({"content": piece})) for piece in text]
    if scene.failure == "breaks_off":
        return DemoResponse(200, _STREAM, pieces, breaks=True)
    usage = {"prompt_tokens": asked, "completion_tokens": len(reasoning) + len(text)}
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
    return DemoResponse(200, _STREAM, [*pieces, (0, _write_event(last)), (0, b"data: [DONE]\n\n")])


def count_pieces(text: str) -> int:
    """Return about how many tokens *text* has."""
    return len(_cut(text))


def _cut(text: str) -> list[str]:
    return _PIECE.findall(text)


def _write(delta: Mapping[str, str]) -> bytes:
    return _write_event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})


def _write_event(chunk: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps({"object": "chat.completion.chunk", **chunk}).encode() + b"\n\n"


def _reply(status: int, body: Mapping[str, Any]) -> DemoResponse:
    return DemoResponse(status, _JSON, [(0, json.dumps(body).encode())])


def _refuse(status: int, message: str, code: str) -> DemoResponse:
    return _reply(status, {"error": {"message": message, "type": "demo", "param": None, "code": code}})


def _read(body: bytes | None) -> dict[str, Any]:
    try:
        asked = json.loads(body or b"{}")
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _read_question(messages: Any) -> str:
    """Return the text of the last message, whatever its form."""
    last = messages[-1] if isinstance(messages, list) else {}
    content = last.get("content") if isinstance(last, dict) else ""
    if isinstance(content, list):
        return " ".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")
