"""Answers that several processes keep together in Redis, encrypted.

A cache that Redis is away from keeps nothing and finds nothing; the chat goes on.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sidestep_relay.answer_keys import AnswerKey
from sidestep_relay.caches import Answer, is_fresh
from sidestep_relay.redis_links import RedisLink
from sidestep_relay.redis_places import RedisAway
from sidestep_relay.shared_counts import PREFIX

__all__ = ["RedisCache"]

_HEAD = struct.Struct(">d?")  # when it was made, and whether it is a stream
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: 96 bits


class RedisCache:
    """Keeps answers in Redis: encrypted (AES-256-GCM), so that who reads there learns nothing but sizes and times."""

    def __init__(self, link: RedisLink, seconds: int, clock: Callable[[], float] = time.time) -> None:
        self._link = link
        self._seconds = seconds
        self._clock = clock

    def find(self, key: AnswerKey) -> Answer | None:
        """See `Cache`; there is none while Redis is away, or if what is there is not what was kept."""
        try:
            sealed = self._link.ask(lambda client: client.get(_name(key)))
        except RedisAway:
            return None
        answer = _open(sealed, key) if isinstance(sealed, bytes) else None
        return answer if answer and is_fresh(answer, self._seconds, self._clock()) else None

    def keep(self, key: AnswerKey, answer: Answer) -> None:
        """See `Cache`; nothing is kept while Redis is away."""
        sealed = _seal(answer, key)
        try:
            self._link.ask(lambda client: client.set(_name(key), sealed, ex=self._seconds))
        except RedisAway:
            return


def _name(key: AnswerKey) -> str:
    return f"{PREFIX}:answers:{key.name}"


def _seal(answer: Answer, key: AnswerKey) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    plain = _HEAD.pack(answer.made_at, answer.is_stream) + answer.body
    return nonce + AESGCM(key.secret).encrypt(nonce, plain, key.name.encode())


def _open(sealed: bytes, key: AnswerKey) -> Answer | None:
    try:
        plain = AESGCM(key.secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key.name.encode())
    except (InvalidTag, ValueError):
        return None
    made_at, is_stream = _HEAD.unpack_from(plain)
    return Answer(plain[_HEAD.size :], is_stream, made_at)
