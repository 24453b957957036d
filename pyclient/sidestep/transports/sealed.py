"""Sealed requests to relays (docs/sealing.md), over any transport. Who encrypts is injected; no cipher is known here.

What is to be sealed is sealed or not sent; what comes back unsealed is not taken for an answer.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, Protocol

from sidestep.envelopes import (
    ANSWER_KEY_LABEL,
    ANSWER_NONCE_LABEL,
    ANSWER_PREFIX_SIZE,
    BODY_AAD,
    CONTENT_TYPE,
    EXCHANGE_LABEL,
    HEAD_AAD,
    KEY_HEADER,
    KEY_LABEL,
    PATH,
    SEALED_HEADERS,
    TIME_HEADER,
    AnswerHead,
    EnvelopeError,
    Frame,
    FrameSplitter,
    Prefix,
    RequestHead,
    SealedKey,
    bind_key,
    find_key_id,
    make_info,
    read_answer_nonce,
)
from sidestep.errors import ConfigurationError, ConnectionLost, SealBroken
from sidestep.transports import Response, Transport
from sidestep.types import HttpRequest, Seal

__all__ = ["AnswerOpener", "Sealed", "Sealer", "SealingTransport", "choose_sealer"]

_SEALED_STATUS = 200
_FIRST_ERROR = 400
_ID_SIZE = 16
_LARGEST_REFUSAL = 256 * 1024  # bytes of an answer that came unsealed
_KEY, _AUTHORIZATION, _BASE = "x-provider-key", "authorization", "x-provider-base"
_TIME = TIME_HEADER.lower()


class AnswerOpener(Protocol):
    """Opens the frames of one answer, in order."""

    async def open(self, frames: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """Return what the next frames hold; each is its AAD and its ciphertext.

        Raises:
            SealBroken: one does not open.
        """


class Sealed(Protocol):
    """What was sealed to one public key.

    Attributes:
        enc: the encapsulated key.
        ciphertexts: the parts, sealed.
    """

    @property
    def enc(self) -> bytes:
        """HPKE's encapsulated key."""

    @property
    def ciphertexts(self) -> Sequence[bytes]:
        """The parts, in order."""

    async def make_opener(self, key_context: bytes, nonce_context: bytes) -> AnswerOpener:
        """Return what opens the answer, with the secrets that HPKE exports for these contexts."""


class Sealer(Protocol):
    """HPKE in base mode with the suite of docs/sealing.md."""

    async def seal(self, public_key: bytes, info: bytes, parts: Sequence[tuple[bytes, bytes]]) -> Sealed:
        """Return *parts* sealed, each an AAD and a plaintext, under one new key.

        Raises:
            ConfigurationError: it cannot be done here, or *public_key* is none.
        """


def choose_sealer() -> Sealer | None:
    """Return who can seal on the platform this runs on; None where somebody has to be given, or installed."""
    if sys.platform == "emscripten" or not find_spec("pyhpke"):
        return None
    from sidestep.transports.hpke import HpkeSealer  # noqa: PLC0415 - pyhpke is an extra

    return HpkeSealer()


class SealingTransport:
    """Sends what a request's `seal` asks to be sealed; anything else goes as it is.

    Args:
        transport: how bytes travel.
        sealer: who encrypts; chosen for the platform when it is needed, if left out.
        choose: chooses.
        clock: Unix time in seconds.
        draw: returns so many random bytes.
    """

    def __init__(
        self,
        transport: Transport,
        sealer: Sealer | None = None,
        *,
        choose: Callable[[], Sealer | None] = choose_sealer,
        clock: Callable[[], float] = time.time,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._transport = transport
        self._sealer = sealer
        self._choose = choose
        self._clock = clock
        self._draw = draw
        self._ahead: dict[bytes, float] = {}  # seconds that a relay's clock is before ours, by its key

    async def send(self, request: HttpRequest) -> Response:
        """Return the answer once its head has arrived.

        Raises:
            ConfigurationError: it must be sealed and cannot be; nothing was sent.
            SealBroken: what came is not the relay's sealed answer.
            TransportError: as the transport beneath.
        """
        seal = request.seal
        if seal is None:
            return await self._transport.send(request)
        send = {"key": self._send_key, "exchange": self._send_exchange}[seal.level]
        response = await send(request, seal)
        moment = _read_moment(response.headers.get(_TIME))
        if moment is None:
            return response
        # The relay's clock is not ours; it looked at nothing of the request, so it may come again.
        await response.aclose()
        self._ahead[seal.public_key] = moment - self._clock()
        return await send(request, seal)

    async def _send_key(self, request: HttpRequest, seal: Seal) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        key = headers.get(_KEY)
        if not key:
            return await self._transport.send(replace(request, seal=None))
        binding = bind_key(
            method=request.method,
            path=_find_path(request, seal),
            base_url=headers.get(_BASE, ""),
            token=headers.get(_AUTHORIZATION, "").removeprefix("Bearer ").strip(),
            body=request.body or b"",
        )
        key_id = find_key_id(seal.public_key)
        text = SealedKey(self._tell_time(seal), self._draw(_ID_SIZE), key).to_bytes()
        sealed = await self._require_sealer(seal).seal(seal.public_key, make_info(KEY_LABEL, key_id), [(binding, text)])
        kept = {name: value for name, value in request.headers.items() if name.lower() != _KEY}
        packed = SealedKey.pack(key_id, sealed.enc, sealed.ciphertexts[0])
        return await self._transport.send(replace(request, headers={**kept, KEY_HEADER: packed}, seal=None))

    async def _send_exchange(self, request: HttpRequest, seal: Seal) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        head = RequestHead(
            self._tell_time(seal),
            self._draw(_ID_SIZE),
            request.method,
            _find_path(request, seal),
            {name: value for name, value in headers.items() if name in SEALED_HEADERS},
        )
        parts = [(HEAD_AAD, head.to_bytes())]
        if request.method != "GET":
            parts.append((BODY_AAD, request.body or b""))
        key_id = find_key_id(seal.public_key)
        sealer = self._require_sealer(seal)
        sealed = await sealer.seal(seal.public_key, make_info(EXCHANGE_LABEL, key_id), parts)
        prefix = Prefix(key_id, sealed.enc, len(sealed.ciphertexts[0])).to_bytes()
        envelope = b"".join((prefix, *sealed.ciphertexts))
        url = f"{seal.base_url}{PATH}"
        response = await self._transport.send(HttpRequest("POST", url, {"Content-Type": CONTENT_TYPE}, envelope))
        is_taken = False
        try:
            opened = await _open_answer(response, sealed, seal)
            is_taken = True
        finally:
            if not is_taken:
                await response.aclose()
        return opened

    def _tell_time(self, seal: Seal) -> float:
        return round(self._clock() + self._ahead.get(seal.public_key, 0.0), 3)

    def _require_sealer(self, seal: Seal) -> Sealer:
        self._sealer = self._sealer or self._choose()
        if self._sealer is None:
            raise ConfigurationError(
                f"Requests to “{seal.name}” must be sealed, and nothing here can seal them. Nothing was sent.",
                field="sealing",
                remedy="In CPython install sidestep[sealing]; elsewhere use Sidestep's own page.",
            )
        return self._sealer


class _OpenedAnswer:
    """The answer that was inside."""

    def __init__(self, response: Response, head: AnswerHead, pieces: AsyncGenerator[bytes]) -> None:
        self._response = response
        self._pieces = pieces
        self.status = head.status
        self.headers: Mapping[str, str] = head.headers

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the body as it arrives.

        Raises:
            ConnectionLost: it ended before its last frame.
            SealBroken: something that was changed on the way came.
        """
        async with aclosing(self._pieces) as pieces:
            async for piece in pieces:
                yield piece

    async def aclose(self) -> None:
        """Close the connection."""
        await self._response.aclose()


class _Refusal:
    """A refusal that came unsealed: read already, and whatever it says of the relay's clock is not believed."""

    def __init__(self, response: Response, body: bytes) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = {
            name: value for name, value in response.headers.items() if name.lower() != _TIME
        }
        self._response = response
        self._body = body

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the body."""
        yield self._body

    async def aclose(self) -> None:
        """Close the connection."""
        await self._response.aclose()


async def _open_answer(response: Response, sealed: Sealed, seal: Seal) -> Response:
    if response.status != _SEALED_STATUS:
        return await _read_refusal(response, seal)
    pieces = _open_frames(response, sealed, seal)
    try:
        head = AnswerHead.from_bytes(await anext(pieces))
    except (EnvelopeError, StopAsyncIteration):
        raise _break(seal, "it begins with something else than its head") from None
    return _OpenedAnswer(response, head, pieces)


async def _open_frames(response: Response, sealed: Sealed, seal: Seal) -> AsyncGenerator[bytes]:
    """Yield what the frames hold, those that came together in one; the head comes alone."""
    held, splitter = bytearray(), FrameSplitter()
    opener: AnswerOpener | None = None
    has_head = False
    async with aclosing(response.chunks()) as chunks:
        async for chunk in chunks:
            data = chunk
            try:
                if opener is None:
                    held += chunk
                    if len(held) < ANSWER_PREFIX_SIZE:
                        continue
                    nonce = read_answer_nonce(bytes(held[:ANSWER_PREFIX_SIZE]))
                    opener = await sealed.make_opener(ANSWER_KEY_LABEL + nonce, ANSWER_NONCE_LABEL + nonce)
                    data = bytes(held[ANSWER_PREFIX_SIZE:])
                frames = splitter.feed(data)
            except EnvelopeError as error:
                raise _break(seal, str(error)) from None
            opened = await _open(opener, frames, seal)
            if opened and not has_head:
                has_head = True
                yield opened.pop(0)
            if text := b"".join(opened):
                yield text
            if splitter.is_ended:
                return
    if opener is None:
        raise _break(seal, "it is too short for one")
    raise ConnectionLost(
        f"The sealed answer of “{seal.name}” ended before its end; what came is kept.",
        remedy="Check the network, then retry.",
    )


async def _open(opener: AnswerOpener, frames: Sequence[Frame], seal: Seal) -> list[bytes]:
    if not frames:
        return []
    try:
        return await opener.open([(frame.prefix, frame.ciphertext) for frame in frames])
    except SealBroken:
        raise _break(seal, "a part of it does not open") from None


async def _read_refusal(response: Response, seal: Seal) -> _Refusal:
    """Return the refusal that came in the place of a sealed answer.

    The relay, or what stands before it, may refuse an envelope that it cannot open. A provider's words it cannot know.
    """
    body = bytearray()
    async with aclosing(response.chunks()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) >= _LARGEST_REFUSAL:
                break
    if response.status < _FIRST_ERROR or _names_provider(bytes(body)):
        raise _break(seal, "it came unsealed")
    return _Refusal(response, bytes(body[:_LARGEST_REFUSAL]))


def _names_provider(body: bytes) -> bool:
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    error = document.get("error") if isinstance(document, dict) else None
    # Every JSON but the relay's own refusal: whoever wrote it, it is no answer of the relay.
    return not isinstance(error, dict) or error.get("origin") != "relay"


def _break(seal: Seal, why: str) -> SealBroken:
    return SealBroken(
        f"What came for a sealed request is not the answer that “{seal.name}” sealed: {why}.",
        remedy=(
            "Something between here and the relay changes what passes. Retry; if it stays, ask whoever runs the relay, "
            "and do not turn sealing off because of it."
        ),
    )


def _find_path(request: HttpRequest, seal: Seal) -> str:
    return request.url.removeprefix(seal.base_url)


def _read_moment(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
