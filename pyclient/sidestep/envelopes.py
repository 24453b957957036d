"""The bytes of sealed requests and answers (docs/sealing.md). No IO and no secrets: who encrypts is said elsewhere."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ANSWER_KEY_LABEL",
    "ANSWER_NONCE_LABEL",
    "ANSWER_PREFIX_SIZE",
    "BODY_AAD",
    "CONTENT_TYPE",
    "DATA",
    "EXCHANGE_LABEL",
    "HEAD",
    "HEAD_AAD",
    "KEY_HEADER",
    "KEY_LABEL",
    "LARGEST_DATA",
    "LAST",
    "PATH",
    "PREFIX_SIZE",
    "SEALED_HEADERS",
    "TAG_SIZE",
    "TIME_HEADER",
    "AnswerHead",
    "EnvelopeError",
    "Frame",
    "FrameSplitter",
    "Prefix",
    "RequestHead",
    "SealedKey",
    "bind_key",
    "decode",
    "decode_public_key",
    "encode",
    "find_key_id",
    "make_answer_prefix",
    "make_fingerprint",
    "make_frame_prefix",
    "make_info",
    "read_answer_nonce",
    "split_key",
]

PATH = "/v1/sealed"
CONTENT_TYPE = "application/octet-stream"
KEY_HEADER = "X-Sealed-Provider-Key"
TIME_HEADER = "X-Relay-Time"
SEALED_HEADERS = frozenset(
    {"authorization", "content-type", "x-provider-base", "x-provider-key", "x-request-id", "x-sidestep-cache"}
)
"""What of a request's headers counts inside an envelope, and only there."""

EXCHANGE_LABEL = b"sidestep sealing 1 exchange"
KEY_LABEL = b"sidestep sealing 1 key"
ANSWER_KEY_LABEL = b"sidestep sealing 1 answer key"
ANSWER_NONCE_LABEL = b"sidestep sealing 1 answer nonce"
_FINGERPRINT_LABEL = b"sidestep sealing key\0"

HEAD_AAD, BODY_AAD = b"head", b"body"
HEAD, DATA, LAST = 0, 1, 2
"""The kinds of an answer's frames."""

_VERSION = 1
_KEY_ID_SIZE = 8
_FINGERPRINT_SIZE = 20
_POINT_SIZE, _UNCOMPRESSED = 65, 4  # SEC 1, 2.3.3
_SIZE_SIZE = 4
_NONCE_SIZE = 32
_ID_SIZE = 16
TAG_SIZE = 16
_LARGEST_HEAD = 65_536
LARGEST_DATA = 1024 * 1024
"""Bytes of a body in one frame at most."""

_OPENED_SIZE = 1 + _KEY_ID_SIZE + _POINT_SIZE
PREFIX_SIZE = _OPENED_SIZE + _SIZE_SIZE
ANSWER_PREFIX_SIZE = 1 + _NONCE_SIZE
_FRAME_PREFIX_SIZE = 1 + _SIZE_SIZE


class EnvelopeError(ValueError):
    """Bytes that are no envelope, or no part of one."""


def encode(data: bytes) -> str:
    """Return *data* as unpadded base64url (RFC 4648, 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return what `encode` wrote.

    Raises:
        EnvelopeError: nothing else is taken, so that one value has one form.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise EnvelopeError("not base64url") from None
    if encode(data) != text:
        raise EnvelopeError("not base64url in its only form")
    return data


def decode_public_key(text: str) -> bytes:
    """Return the point that *text* writes as base64url; whether it is on the curve is for those who use it.

    Raises:
        EnvelopeError: it cannot be one.
    """
    point = decode(text)
    if len(point) != _POINT_SIZE or point[0] != _UNCOMPRESSED:
        raise EnvelopeError("not an uncompressed point of P-256")
    return point


def find_key_id(public_key: bytes) -> bytes:
    """Return the short name of a public key."""
    return _hash(public_key)[:_KEY_ID_SIZE]


def make_fingerprint(public_key: bytes) -> str:
    """Return what people compare: 160 bits in base32, by groups of four."""
    text = base64.b32encode(_hash(public_key)[:_FINGERPRINT_SIZE]).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def make_info(label: bytes, key_id: bytes) -> bytes:
    """Return HPKE's `info`."""
    return label + b"\0" + key_id


@dataclass(frozen=True, slots=True)
class Prefix:
    """What an envelope begins with.

    Attributes:
        enc: the encapsulated key.
        head_size: bytes of the sealed head.
    """

    key_id: bytes
    enc: bytes
    head_size: int

    def to_bytes(self) -> bytes:
        """Return the prefix as it is sent."""
        return bytes([_VERSION]) + self.key_id + self.enc + self.head_size.to_bytes(_SIZE_SIZE)

    @classmethod
    def from_bytes(cls, data: bytes) -> Prefix:
        """Read the first `PREFIX_SIZE` bytes.

        Raises:
            EnvelopeError: they are no prefix.
        """
        if len(data) != PREFIX_SIZE:
            raise EnvelopeError("too short")
        key_id, enc = _read_opening(data)
        size = int.from_bytes(data[_OPENED_SIZE:])
        if not TAG_SIZE < size <= _LARGEST_HEAD:
            raise EnvelopeError("a head of impossible size")
        return cls(key_id, enc, size)


@dataclass(frozen=True, slots=True)
class RequestHead:
    """What of a request comes before its body. Holds secrets: never printed."""

    time: float
    id: bytes
    method: str
    path: str
    headers: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """Return the head, to be sealed."""
        document = {"time": self.time, "id": encode(self.id), "method": self.method, "path": self.path}
        return _write_json({**document, "headers": dict(self.headers)})

    @classmethod
    def from_bytes(cls, data: bytes) -> RequestHead:
        """Read an opened head.

        Raises:
            EnvelopeError: it is none, or asks for what may not be asked for.
        """
        document = _read_json(data, {"time", "id", "method", "path", "headers"})
        method, path = _read_text(document, "method"), _read_text(document, "path")
        if method not in ("GET", "POST"):
            raise EnvelopeError("a method that is not known")
        if not path.startswith("/v1/") or path.startswith(PATH) or not path.isascii() or not path.isprintable():
            raise EnvelopeError("a path that cannot be asked for")
        headers = _read_headers(document["headers"])
        if not SEALED_HEADERS.issuperset(headers):
            raise EnvelopeError("a header that may not be sealed")
        return cls(_read_time(document), _read_id(document), method, path, headers)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A provider's key under its level. Never printed."""

    time: float
    id: bytes
    key: str

    def to_bytes(self) -> bytes:
        """Return it, to be sealed."""
        return _write_json({"time": self.time, "id": encode(self.id), "key": self.key})

    @classmethod
    def from_bytes(cls, data: bytes) -> SealedKey:
        """Read an opened key.

        Raises:
            EnvelopeError: it is none.
        """
        document = _read_json(data, {"time", "id", "key"})
        return cls(_read_time(document), _read_id(document), _read_text(document, "key"))

    @staticmethod
    def pack(key_id: bytes, enc: bytes, ciphertext: bytes) -> str:
        """Return the header's value."""
        return encode(bytes([_VERSION]) + key_id + enc + ciphertext)


def split_key(value: str) -> tuple[bytes, bytes, bytes]:
    """Return the key id, `enc` and the ciphertext of a sealed key's header.

    Raises:
        EnvelopeError: it is none.
    """
    data = decode(value)
    if len(data) <= _OPENED_SIZE + TAG_SIZE:
        raise EnvelopeError("too short")
    return *_read_opening(data), data[_OPENED_SIZE:]


def bind_key(*, method: str, path: str, base_url: str, token: str, body: bytes) -> bytes:
    """Return the AAD that makes a sealed key good for one request alone.

    Args:
        method: the request's.
        path: from `/v1/` on, with its query.
        base_url: `X-Provider-Base`; empty without.
        token: the relay's.
        body: the request's; empty without.
    """
    hashes = (hashlib.sha256(data).hexdigest() for data in (token.encode(), body))
    return "\n".join((method, path, base_url, *hashes)).encode()


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """What of an answer comes before its body; header names are in lower case."""

    status: int
    headers: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """Return the head, to be sealed."""
        return _write_json({"status": self.status, "headers": dict(self.headers)})

    @classmethod
    def from_bytes(cls, data: bytes) -> AnswerHead:
        """Read an opened head.

        Raises:
            EnvelopeError: it is none.
        """
        document = _read_json(data, {"status", "headers"})
        status = document["status"]
        if isinstance(status, bool) or not isinstance(status, int):
            raise EnvelopeError("a status that is no number")
        return cls(status, _read_headers(document["headers"]))


def make_answer_prefix(nonce: bytes) -> bytes:
    """Return what an answer begins with."""
    return bytes([_VERSION]) + nonce


def read_answer_nonce(data: bytes) -> bytes:
    """Return the nonce of an answer's first `ANSWER_PREFIX_SIZE` bytes.

    Raises:
        EnvelopeError: they are no such prefix.
    """
    if len(data) != ANSWER_PREFIX_SIZE or data[0] != _VERSION:
        raise EnvelopeError("not a sealed answer")
    return data[1:]


def make_frame_prefix(kind: int, size: int) -> bytes:
    """Return what a frame begins with: its AAD. *size* is that of the plaintext."""
    return bytes([kind]) + (size + TAG_SIZE).to_bytes(_SIZE_SIZE)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came, still sealed."""

    kind: int
    prefix: bytes
    ciphertext: bytes


class FrameSplitter:
    """Cuts the bytes of an answer into frames, wherever they were cut on the way; order is held here.

    `is_ended` says whether the last frame has come.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._has_head = False
        self.is_ended = False

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that *data* completes.

        Raises:
            EnvelopeError: what comes is no frame, or not one that may come now.
        """
        self._held += data
        frames: list[Frame] = []
        # What follows the end is not the relay's; nobody looks at it.
        while not self.is_ended and (frame := self._cut()):
            self._check(frame)
            frames.append(frame)
        return frames

    def _cut(self) -> Frame | None:
        if len(self._held) < _FRAME_PREFIX_SIZE:
            return None
        prefix = bytes(self._held[:_FRAME_PREFIX_SIZE])
        size = int.from_bytes(prefix[1:])
        if not TAG_SIZE <= size <= LARGEST_DATA + TAG_SIZE:
            raise EnvelopeError("a frame of impossible size")
        end = _FRAME_PREFIX_SIZE + size
        if len(self._held) < end:
            return None
        ciphertext = bytes(self._held[_FRAME_PREFIX_SIZE:end])
        del self._held[:end]
        return Frame(prefix[0], prefix, ciphertext)

    def _check(self, frame: Frame) -> None:
        if (frame.kind == HEAD) == self._has_head or frame.kind not in (HEAD, DATA, LAST):
            raise EnvelopeError("a frame that may not come here")
        self._has_head = True
        self.is_ended = frame.kind == LAST


def _hash(public_key: bytes) -> bytes:
    return hashlib.sha256(_FINGERPRINT_LABEL + public_key).digest()


def _read_opening(data: bytes) -> tuple[bytes, bytes]:
    """Return the key id and `enc`."""
    if data[0] != _VERSION:
        raise EnvelopeError("a version that is not known")
    return data[1 : 1 + _KEY_ID_SIZE], data[1 + _KEY_ID_SIZE : _OPENED_SIZE]


def _write_json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _read_json(data: bytes, names: set[str]) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise EnvelopeError("not JSON") from None
    if not isinstance(document, dict) or set(document) != names:
        raise EnvelopeError("other fields than there must be")
    return document


def _read_text(document: Mapping[str, Any], name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise EnvelopeError(f"{name} is no text")
    return value


def _read_time(document: Mapping[str, Any]) -> float:
    value = document["time"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EnvelopeError("time is no number")
    try:
        moment = float(value)
    except OverflowError:
        moment = math.inf
    if not math.isfinite(moment):
        raise EnvelopeError("time is no moment")
    return moment


def _read_id(document: Mapping[str, Any]) -> bytes:
    identifier = decode(_read_text(document, "id"))
    if len(identifier) != _ID_SIZE:
        raise EnvelopeError("an id of the wrong size")
    return identifier


def _read_headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise EnvelopeError("headers are no object")
    for name, text in value.items():
        if not isinstance(text, str) or not text.isprintable() or name != name.lower():
            raise EnvelopeError("a header that cannot be sent")
    return value
