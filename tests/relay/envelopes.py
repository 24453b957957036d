"""Sealed requests made by hand, and their answers opened by hand."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from sidestep.envelopes import (
    ANSWER_KEY_LABEL,
    ANSWER_NONCE_LABEL,
    ANSWER_PREFIX_SIZE,
    BODY_AAD,
    EXCHANGE_LABEL,
    HEAD_AAD,
    PATH,
    AnswerHead,
    FrameSplitter,
    Prefix,
    RequestHead,
    decode_public_key,
    find_key_id,
    make_info,
    read_answer_nonce,
)
from sidestep.transports.hpke import HpkeSealed, HpkeSealer
from tests.relay.calls import Fake, make_body, make_headers
from tests.relay.servers import RunningRelay


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed request.

    Attributes:
        data: its bytes.
        head_size: those of its sealed head.
        sealed: what opens the answer.
    """

    data: bytes
    head_size: int
    sealed: HpkeSealed


def read_public_key(relay: RunningRelay) -> str:
    """Return the key that *relay* says is its own."""
    answer = httpx.get(f"{relay.url}/v1/relay", headers=relay.headers, trust_env=False)
    key: str = answer.json()["sealing"]["public_key"]
    return key


def make_envelope(
    public_key: str,
    *,
    token: str = "",
    fake: Fake | None = None,
    body: bytes | None = None,
    method: str = "POST",
    path: str = "/v1/chat/completions",
    headers: Mapping[str, str] | None = None,
    moment: float | None = None,
    identifier: bytes | None = None,
    **fields: Any,
) -> Envelope:
    """Seal a request: a chat with *fake* unless something else is said."""
    if fake:
        body = json.dumps(make_body(fake, **fields)).encode()
        headers = {**make_headers(fake), **(headers or {})}
    inside = {"authorization": f"Bearer {token}", "content-type": "application/json", **(headers or {})}
    head = RequestHead(
        time.time() if moment is None else moment,
        identifier or os.urandom(16),
        method,
        path,
        {name.lower(): value for name, value in inside.items()},
    )
    parts = [(HEAD_AAD, head.to_bytes()), *([] if body is None else [(BODY_AAD, body)])]
    point = decode_public_key(public_key)
    key_id = find_key_id(point)
    sealed = asyncio.run(HpkeSealer().seal(point, make_info(EXCHANGE_LABEL, key_id), parts))
    size = len(sealed.ciphertexts[0])
    return Envelope(Prefix(key_id, sealed.enc, size).to_bytes() + b"".join(sealed.ciphertexts), size, sealed)


def send(client: httpx.Client, data: bytes, **headers: str) -> httpx.Response:
    """Send an envelope without a token outside."""
    request = client.build_request("POST", PATH, content=data, headers=headers)
    if "Authorization" not in headers:
        del request.headers["Authorization"]
    return client.send(request)


def open_answer(data: bytes, sealed: HpkeSealed) -> tuple[AnswerHead, bytes]:
    """Return the head and the body of a sealed answer that is whole."""
    nonce = read_answer_nonce(data[:ANSWER_PREFIX_SIZE])
    splitter = FrameSplitter()
    frames = splitter.feed(data[ANSWER_PREFIX_SIZE:])
    assert splitter.is_ended

    async def open_all() -> list[bytes]:
        opener = await sealed.make_opener(ANSWER_KEY_LABEL + nonce, ANSWER_NONCE_LABEL + nonce)
        return await opener.open([(frame.prefix, frame.ciphertext) for frame in frames])

    head, *pieces = asyncio.run(open_all())
    return AnswerHead.from_bytes(head), b"".join(pieces)


def read_refusal(answer: httpx.Response, envelope: Envelope) -> tuple[int, dict[str, Any]]:
    """Return the status and the error of a refusal, sealed or not."""
    status, body = answer.status_code, answer.content
    if status == 200:
        head, body = open_answer(answer.content, envelope.sealed)
        status = head.status
    error: dict[str, Any] = json.loads(body)["error"]
    return status, error
