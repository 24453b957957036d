"""What is counted in Redis, for all processes of all relays that use it.

Each answer under way holds a lease that ends by itself: what a killed process held counts for half a minute and no
longer. Leases and minutes are timed by Redis's own clock. Every decision is one script, so two processes cannot both
take the last place.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Sequence
from functools import partial

import redis
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from sidestep_relay.counts import Charge, Owner, Refusal, wait_for_request
from sidestep_relay.redis_links import RedisLink
from sidestep_relay.redis_places import RedisAway

__all__ = ["PREFIX", "SharedCounts"]

PREFIX = "sidestep"
"""Begins every key of the relay's in Redis."""

_LEASE_SECONDS = 30.0
_MINUTE_MS = 60_000

_NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) "
# KEYS: one per owner; ARGV: lease, its milliseconds, how many each owner may have. Returns the owner without room.
_TAKE = (
    _NOW
    + """
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if redis.call('ZCARD', key) >= tonumber(ARGV[2 + i]) then return i end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[2], ARGV[1])
  redis.call('PEXPIRE', key, ARGV[2])
end
return 0
"""
)
# KEYS: one owner; ARGV: milliseconds, leases.
_RENEW = (
    _NOW
    + """
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""
)
# KEYS: the count; ARGV: estimate, most, a name for the minute if it begins, its milliseconds.
_COUNT = """
local used = tonumber(redis.call('HGET', KEYS[1], 'used') or '0')
if used + math.min(ARGV[1], ARGV[2]) > tonumber(ARGV[2]) then return {'', redis.call('PTTL', KEYS[1])} end
redis.call('HINCRBY', KEYS[1], 'used', ARGV[1])
if redis.call('HSETNX', KEYS[1], 'minute', ARGV[3]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return {redis.call('HGET', KEYS[1], 'minute'), 0}
"""
# KEYS: the count; ARGV: by how many, the minute it was counted in, a name for a new one, its milliseconds.
_SETTLE = """
local is_over = redis.call('HGET', KEYS[1], 'minute') ~= ARGV[2]
if is_over and tonumber(ARGV[1]) < 0 then return end
if redis.call('HINCRBY', KEYS[1], 'used', ARGV[1]) < 0 then redis.call('HSET', KEYS[1], 'used', 0) end
if redis.call('HSETNX', KEYS[1], 'minute', ARGV[3]) == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
"""


class SharedCounts:
    """Counts in Redis. One per process.

    Every method but `return_streams` and `renew` raises `RedisAway` if Redis is.

    Args:
        link: the way to it.
        lease_seconds: how long an answer counts whose process says nothing any more.
    """

    def __init__(self, link: RedisLink, lease_seconds: float = _LEASE_SECONDS) -> None:
        self._link = link
        self._lease_seconds = lease_seconds
        storage = RedisStorage("redis://", connection_pool=link.pool, key_prefix=PREFIX)
        self._requests = MovingWindowRateLimiter(storage)
        self._take, self._renew = link.register(_TAKE), link.register(_RENEW)
        self._count, self._settle = link.register(_COUNT), link.register(_SETTLE)
        self._held: dict[str, tuple[Owner, ...]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._renewer: threading.Thread | None = None
        link.call_on_return(self.renew)

    def count_request(self, owner: Owner) -> Refusal | None:
        """Count a request of *owner*, if it fits."""
        return self._link.ask(lambda _: wait_for_request(self._requests, owner))

    def take_streams(self, lease: str, owners: Sequence[Owner]) -> Refusal | None:
        """Count an answer of all *owners* under the name *lease*, if it fits."""
        limited = [owner for owner in owners if owner[2]]
        if not limited:
            return None
        keys = [_name_streams(owner) for owner in limited]
        arguments: list[str | int] = [lease, self._lease_ms, *(most for _, _, most in limited)]
        full = self._link.ask(lambda _: self._take(keys, arguments))
        return Refusal(0, limited[int(full) - 1]) if full else None

    def keep_streams(self, lease: str, owners: Sequence[Owner]) -> None:
        """Renew *lease* until it is returned; also one that was taken while Redis was away."""
        with self._lock:
            self._held[lease] = tuple(owner for owner in owners if owner[2])
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew_for_ever, daemon=True)
                self._renewer.start()

    def return_streams(self, lease: str) -> None:
        """Count the answer of *lease* no longer."""
        with self._lock:
            owners = self._held.pop(lease)
        self._remove(lease, owners)

    def renew(self) -> None:
        """Tell Redis which answers are still under way."""
        with self._lock:
            held = dict(self._held)
        leases: dict[str, list[str]] = {}
        for lease, owners in held.items():
            for owner in owners:
                leases.setdefault(_name_streams(owner), []).append(lease)
        try:
            for key, names in leases.items():
                self._link.ask(partial(self._renew_leases, key, names))
        except RedisAway:
            return
        # One that was returned in between was put there again.
        for lease in held.keys() - self._held.keys():
            self._remove(lease, held[lease])

    def count_tokens(self, owner: Owner, estimate: int) -> Charge | Refusal:
        """Count an *estimate* of model tokens, if it fits."""
        key = f"{PREFIX}:tokens:{owner[0]}:{owner[1]}"
        arguments: list[str | int] = [estimate, owner[2], secrets.token_hex(8), _MINUTE_MS]
        minute, wait = self._link.ask(lambda _: self._count([key], arguments))
        if not minute:
            return Refusal(wait / 1000, owner)

        def change(by: int) -> None:
            rest: list[str | int] = [by, minute, secrets.token_hex(8), _MINUTE_MS]
            try:
                self._link.ask(lambda _: self._settle([key], rest))
            except RedisAway:
                # The estimate stays, for what is left of a minute.
                return

        return change

    def close(self) -> None:
        """Renew nothing any more."""
        self._stopped.set()

    def _renew_leases(self, key: str, leases: Sequence[str], _: redis.Redis) -> None:
        self._renew([key], [self._lease_ms, *leases])

    @property
    def _lease_ms(self) -> int:
        return int(self._lease_seconds * 1000)

    def _remove(self, lease: str, owners: Iterable[Owner]) -> None:
        keys = [_name_streams(owner) for owner in owners]
        if not keys:
            return

        def remove(client: redis.Redis) -> None:
            # One round trip for all.
            with client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.zrem(key, lease)
                pipeline.execute()

        try:
            self._link.ask(remove)
        except RedisAway:
            # The lease ends by itself.
            return

    def _renew_for_ever(self) -> None:
        while not self._stopped.wait(self._lease_seconds / 3):
            self.renew()


def _name_streams(owner: Owner) -> str:
    return f"{PREFIX}:streams:{owner[0]}:{owner[1]}"
