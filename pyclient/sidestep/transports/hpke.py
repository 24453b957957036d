"""HPKE in CPython, through pyhpke (the extra `sidestep[sealing]`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pyhpke import AEADId, CipherSuite, KDFId, KEMId
from pyhpke.context_interface import ContextInterface

from sidestep.errors import ConfigurationError, SealBroken

__all__ = ["HpkeSealer"]

_SUITE = CipherSuite.new(KEMId.DHKEM_P256_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
_KEY_SIZE, _NONCE_SIZE = 32, 12


class HpkeAnswerOpener:
    """Opens one answer."""

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self._key = AESGCM(key)
        self._nonce = int.from_bytes(nonce)
        self._count = 0

    async def open(self, frames: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """Return what the next frames hold.

        Raises:
            SealBroken: one does not open.
        """
        try:
            return [self._open(aad, ciphertext) for aad, ciphertext in frames]
        except InvalidTag:
            raise SealBroken("A frame does not open.") from None

    def _open(self, aad: bytes, ciphertext: bytes) -> bytes:
        nonce = (self._nonce ^ self._count).to_bytes(_NONCE_SIZE)
        self._count += 1
        return self._key.decrypt(nonce, ciphertext, aad)


@dataclass(frozen=True, slots=True)
class HpkeSealed:
    """What was sealed."""

    enc: bytes
    ciphertexts: tuple[bytes, ...]
    _context: ContextInterface = field(repr=False)

    async def make_opener(self, key_context: bytes, nonce_context: bytes) -> HpkeAnswerOpener:
        """Return what opens the answer."""
        key, nonce = self._context.export(key_context, _KEY_SIZE), self._context.export(nonce_context, _NONCE_SIZE)
        return HpkeAnswerOpener(key, nonce)


class HpkeSealer:
    """Seals."""

    async def seal(self, public_key: bytes, info: bytes, parts: Sequence[tuple[bytes, bytes]]) -> HpkeSealed:
        """Return *parts* sealed.

        Raises:
            ConfigurationError: *public_key* is no point of the curve.
        """
        try:
            key = _SUITE.kem.deserialize_public_key(public_key)
        except ValueError:
            raise ConfigurationError("The relay's sealing key is no key; pair it again.", field="public_key") from None
        enc, context = _SUITE.create_sender_context(key, info)
        return HpkeSealed(enc, tuple(context.seal(text, aad) for aad, text in parts), context)
