"""What is counted in this process's memory: requests and model tokens in a minute, answers at a time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

__all__ = ["Charge", "OwnCounts", "Owner", "Refusal", "wait_for_request"]

Owner = tuple[str, str, int]
"""Who is counted: a kind (token or address), a name, and how many it may have; 0 is no limit."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """There is no room: for how many seconds, if that is known, and who has as many as it may."""

    wait: float
    owner: Owner


Charge = Callable[[int], None]
"""Puts a count of model tokens right by so many, up or down."""


class OwnCounts:
    """Counts in memory. One per process."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        # Exact: no burst of twice as much where two minutes meet, and it is known when the next one fits.
        self._requests = MovingWindowRateLimiter(self._storage)
        # A plain counter can be put right afterwards.
        self._tokens = FixedWindowRateLimiter(self._storage)
        self._running: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def count_request(self, owner: Owner) -> Refusal | None:
        """Count a request of *owner*, if it fits."""
        return wait_for_request(self._requests, owner)

    def take_streams(self, owners: Sequence[Owner], *, is_decided: bool) -> Refusal | None:
        """Count an answer of all *owners*, if it fits or if that *is_decided* already."""
        with self._lock:
            for owner in owners:
                kind, name, most = owner
                if most and self._running[kind, name] >= most and not is_decided:
                    return Refusal(0, owner)
            self._running.update((kind, name) for kind, name, _ in owners)
        return None

    def return_streams(self, owners: Iterable[Owner]) -> None:
        """Count an answer of *owners* no longer."""
        with self._lock:
            for kind, name, _ in owners:
                self._running[kind, name] -= 1
                if self._running[kind, name] <= 0:
                    # Addresses are many, and most come once.
                    del self._running[kind, name]

    def count_tokens(self, owner: Owner, estimate: int, *, is_decided: bool) -> Charge | Refusal:
        """Count an *estimate* of model tokens, if it fits or if that *is_decided* already."""
        kind, name, most = owner
        item = RateLimitItemPerMinute(most)
        # One request that is larger than the limit must not wait for ever: it passes when nothing else was asked.
        if not is_decided and not self._tokens.test(item, kind, name, cost=min(estimate, most)):
            return Refusal(self._tokens.get_window_stats(item, kind, name).reset_time - time.time(), owner)
        key, expiry = item.key_for(kind, name), item.get_expiry()
        self._storage.incr(key, expiry, amount=estimate)
        window = self._storage.get_expiry(key)

        def change(by: int) -> None:
            if by > 0:
                self._storage.incr(key, expiry, amount=by)
            elif by < 0 and self._storage.get_expiry(key) == window:
                # In a later minute the estimate is gone already, and this would give away what others used.
                self._storage.decr(key, amount=-by)

        return change


def wait_for_request(limiter: MovingWindowRateLimiter, owner: Owner) -> Refusal | None:
    """Count a request of *owner* with *limiter*, if it fits."""
    kind, name, most = owner
    item = RateLimitItemPerMinute(most)
    if limiter.hit(item, kind, name):
        return None
    return Refusal(limiter.get_window_stats(item, kind, name).reset_time - time.time(), owner)
