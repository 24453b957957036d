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


# KEYS: the answer, all answers by their end, their sizes; ARGV: the answer, its seconds, the most bytes of all.
# Bounded here and not by Redis, which would drop counts as well. What has ended by itself is the first to be forgotten.
_KEEP = """
local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function forget(name)
  local size = redis.call('HGET', KEYS[3], name)
  if size then redis.call('HINCRBY', KEYS[3], 'all', -size) redis.call('HDEL', KEYS[3], name) end
  redis.call('ZREM', KEYS[2], name)
  redis.call('DEL', name)
end
forget(KEYS[1])
local size = #ARGV[1] + 512
if size > tonumber(ARGV[3]) then return end
while tonumber(redis.call('HGET', KEYS[3], 'all') or '0') + size > tonumber(ARGV[3]) do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if not oldest then break end
  forget(oldest)
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('ZADD', KEYS[2], now + ARGV[2] * 1000, KEYS[1])
redis.call('HSET', KEYS[3], KEYS[1], size)
redis.call('HINCRBY', KEYS[3], 'all', size)
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('EXPIRE', KEYS[3], ARGV[2])
"""
_BY_END, _SIZES = f"{PREFIX}:answers-by-end", f"{PREFIX}:answer-sizes"


class RedisCache:
    """Keeps answers in Redis: encrypted (AES-256-GCM), so that who reads there learns nothing but sizes and times.

    If there are too many bytes, the oldest answers go first.
    """

    def __init__(self, link: RedisLink, seconds: int, most_bytes: int, clock: Callable[[], float] = time.time) -> None:
        self._link = link
        self._keep = link.register(_KEEP)
        self._seconds = seconds
        self._most_bytes = most_bytes
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
        arguments: list[bytes | int] = [_seal(answer, key), self._seconds, self._most_bytes]
        try:
            self._link.ask(lambda _: self._keep([_name(key), _BY_END, _SIZES], arguments))
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
