"""Opens what pages seal to this relay and seals its answers (docs/sealing.md). Pure: bytes in, bytes out.

The only file that knows HPKE.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey
from pyhpke.context_interface import ContextInterface
from pyhpke.exceptions import PyHPKEError
from pyhpke.kem_key_interface import KEMKeyInterface

from sidestep.envelopes import (
    ANSWER_KEY_LABEL,
    ANSWER_NONCE_LABEL,
    BODY_AAD,
    DATA,
    EXCHANGE_LABEL,
    HEAD,
    HEAD_AAD,
    KEY_LABEL,
    LARGEST_DATA,
    LAST,
    PREFIX_SIZE,
    AnswerHead,
    EnvelopeError,
    Prefix,
    RequestHead,
    SealedKey,
    decode,
    encode,
    find_key_id,
    make_answer_prefix,
    make_fingerprint,
    make_frame_prefix,
    make_info,
    split_key,
)
from sidestep_relay.errors import RelayError

__all__ = ["AnswerSealer", "OpenedExchange", "SealingKey", "SealingKeys", "make_sealing_key", "refuse_envelope"]

_SUITE = CipherSuite.new(KEMId.DHKEM_P256_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
_SCALAR_SIZE = 32
_ANSWER_NONCE_SIZE = 32
_AEAD_KEY_SIZE, _AEAD_NONCE_SIZE = 32, 12


@dataclass(frozen=True, slots=True)
class SealingKey:
    """One key pair.

    Attributes:
        private: HPKE's private key.
        public: the public one, as it is sent.
        until: when it opens nothing any more, or None.
    """

    private: KEMKeyInterface = field(repr=False)
    public: bytes
    until: datetime | None = None

    @classmethod
    def load(cls, text: str, until: datetime | None = None) -> SealingKey:
        """Return the key whose private number *text* holds, as base64url.

        Raises:
            ValueError: it is none.
        """
        scalar = decode(text)
        if len(scalar) != _SCALAR_SIZE:
            raise ValueError("not 32 bytes")
        private = derive_private_key(int.from_bytes(scalar), SECP256R1())
        public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return cls(KEMKey.from_pyca_cryptography_key(private), public, until)

    @property
    def id(self) -> bytes:
        """Its short name."""
        return find_key_id(self.public)

    @property
    def fingerprint(self) -> str:
        """What people compare."""
        return make_fingerprint(self.public)


def make_sealing_key() -> str:
    """Return a new private key, as `SealingKey.load` takes it."""
    while True:
        text = encode(secrets.token_bytes(_SCALAR_SIZE))
        try:
            SealingKey.load(text)
        except ValueError:
            # Above the curve's order; once in four billion.
            continue
        return text


class AnswerSealer:
    """Seals one answer: its head, then any number of pieces, then its end. Every call must be sent, in order."""

    def __init__(self, context: ContextInterface, nonce: bytes | None = None) -> None:
        nonce = nonce or os.urandom(_ANSWER_NONCE_SIZE)
        self._prefix = make_answer_prefix(nonce)
        self._key = AESGCM(context.export(ANSWER_KEY_LABEL + nonce, _AEAD_KEY_SIZE))
        self._nonce = int.from_bytes(context.export(ANSWER_NONCE_LABEL + nonce, _AEAD_NONCE_SIZE))
        self._count = 0

    def begin(self, head: AnswerHead) -> bytes:
        """Return what the answer begins with."""
        return self._prefix + self._seal(HEAD, head.to_bytes())

    def write(self, data: bytes) -> bytes:
        """Return *data* in frames."""
        pieces = (data[start : start + LARGEST_DATA] for start in range(0, len(data), LARGEST_DATA))
        return b"".join(self._seal(DATA, piece) for piece in pieces)

    def end(self) -> bytes:
        """Return what says that nothing is missing."""
        return self._seal(LAST, b"")

    def _seal(self, kind: int, data: bytes) -> bytes:
        prefix = make_frame_prefix(kind, len(data))
        nonce = (self._nonce ^ self._count).to_bytes(_AEAD_NONCE_SIZE)
        self._count += 1
        return prefix + self._key.encrypt(nonce, data, prefix)


class OpenedExchange:
    """An envelope whose head is open.

    Attributes:
        head: what it says.
        size: bytes of the envelope before its body.
    """

    def __init__(self, head: RequestHead, size: int, context: ContextInterface) -> None:
        self.head = head
        self.size = size
        self._context = context

    def open_body(self, ciphertext: bytes) -> bytes:
        """Return the body. To be called once.

        Raises:
            RelayError: 400 `sealed_invalid`.
        """
        try:
            return self._context.open(ciphertext, BODY_AAD)
        except PyHPKEError:
            raise refuse_envelope("its body was changed on the way") from None

    def make_answer_sealer(self) -> AnswerSealer:
        """Return what seals the answer."""
        return AnswerSealer(self._context)


class SealingKeys:
    """The relay's keys; the first is the one that it shows.

    Args:
        keys: at least one.
    """

    def __init__(self, keys: Iterable[SealingKey]) -> None:
        self._keys = tuple(keys)
        self._by_id = {key.id: key for key in self._keys}

    @property
    def current(self) -> SealingKey:
        """The key to seal to."""
        return self._keys[0]

    def open_head(self, prefix: Prefix, ciphertext: bytes, now: float) -> OpenedExchange:
        """Return the envelope with its head open.

        Raises:
            RelayError: 400 `sealed_key_unknown` or `sealed_invalid`.
        """
        context = self._receive(prefix.key_id, prefix.enc, EXCHANGE_LABEL, now)
        try:
            head = RequestHead.from_bytes(context.open(ciphertext, HEAD_AAD))
        except PyHPKEError:
            raise refuse_envelope("it was changed on the way") from None
        except EnvelopeError as error:
            raise refuse_envelope(str(error)) from None
        return OpenedExchange(head, PREFIX_SIZE + len(ciphertext), context)

    def open_key(self, header: str, binding: bytes, now: float) -> SealedKey:
        """Return the provider's key that *header* holds for the request that *binding* stands for.

        Raises:
            RelayError: 400 `sealed_key_unknown` or `sealed_invalid`.
        """
        try:
            key_id, enc, ciphertext = split_key(header)
            return SealedKey.from_bytes(self._receive(key_id, enc, KEY_LABEL, now).open(ciphertext, binding))
        except PyHPKEError:
            raise refuse_envelope("it was changed on the way, or is for another request") from None
        except EnvelopeError as error:
            raise refuse_envelope(str(error)) from None

    def _receive(self, key_id: bytes, enc: bytes, label: bytes, now: float) -> ContextInterface:
        key = self._by_id.get(key_id)
        if key is None or (key.until and key.until <= datetime.fromtimestamp(now, UTC)):
            raise RelayError(
                "sealed_key_unknown",
                "The request is sealed to a key that this relay does not have, or has no longer.",
                status=400,
            )
        try:
            return _SUITE.create_recipient_context(enc, key.private, info=make_info(label, key_id))
        except (ValueError, InvalidTag, PyHPKEError):
            raise refuse_envelope("its key is no point of the curve") from None


def refuse_envelope(why: str) -> RelayError:
    """Return the refusal of an envelope that cannot be opened; *why* completes a sentence."""
    return RelayError("sealed_invalid", f"What is sealed in this request cannot be opened: {why}.", status=400)
