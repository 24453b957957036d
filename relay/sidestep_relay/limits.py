"""How much one token and one address may ask for: requests and model tokens in a minute, answers at a time.

Each process counts for itself, in memory.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from sidestep_relay.errors import RelayError

__all__ = ["Budget", "Limiter", "name_address"]

_BUSY_SECONDS = 0.5  # nobody knows when an answer ends


class Budget:
    """What one chat was estimated to cost; `settle` puts right what it did cost."""

    def __init__(self, change: Callable[[int], None], estimate: int) -> None:
        self._change = change
        self._estimate = estimate

    def settle(self, used: int) -> None:
        """Count *used* tokens in the place of the estimate."""
        self._change(used - self._estimate)
        self._estimate = used


class Limiter:
    """Counts. One per process."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        # Exact: no burst of twice as much where two minutes meet, and it is known when the next one fits.
        self._requests = MovingWindowRateLimiter(self._storage)
        # A plain counter can be put right afterwards.
        self._tokens = FixedWindowRateLimiter(self._storage)
        self._running: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def count_request(self, kind: str, name: str, most: int) -> None:
        """Count a request of *name*, a token or an address as *kind* says.

        Raises:
            RelayError: 429 `rate_limited`: there were *most* within a minute.
        """
        if not most:
            return
        item = RateLimitItemPerMinute(most)
        if not self._requests.hit(item, kind, name):
            reset = self._requests.get_window_stats(item, kind, name).reset_time
            raise _refuse(f"more than {most} requests a minute", reset - time.time())

    @contextmanager
    def hold_stream(self, *owners: tuple[str, str, int]) -> Iterator[None]:
        """Count an answer of *owners* (kind, name, most) while the block lasts.

        Raises:
            RelayError: 429 `rate_limited`: one of them has as many as it may.
        """
        keys = [(kind, name) for kind, name, _ in owners]
        with self._lock:
            for kind, name, most in owners:
                if most and self._running[kind, name] >= most:
                    raise _refuse(f"more than {most} answers at a time", _BUSY_SECONDS)
            self._running.update(keys)
        try:
            yield
        finally:
            with self._lock:
                self._running.subtract(keys)
                for key in keys:
                    if self._running[key] <= 0:
                        # Addresses are many, and most come once.
                        del self._running[key]

    def count_tokens(self, name: str, estimate: int, most: int) -> Budget:
        """Count an *estimate* of model tokens for the token *name*.

        Raises:
            RelayError: 429 `rate_limited`: that would be more than *most* within a minute.
        """
        if not most:
            return Budget(lambda _: None, estimate)
        item = RateLimitItemPerMinute(most)
        # One request that is larger than the limit must not wait for ever: it passes when nothing else was asked.
        if not self._tokens.test(item, "tokens", name, cost=min(estimate, most)):
            reset = self._tokens.get_window_stats(item, "tokens", name).reset_time
            raise _refuse(f"more than {most} model tokens a minute", reset - time.time())
        key, expiry = item.key_for("tokens", name), item.get_expiry()
        self._storage.incr(key, expiry, amount=estimate)

        def change(by: int) -> None:
            if by > 0:
                self._storage.incr(key, expiry, amount=by)
            elif by < 0:
                self._storage.decr(key, amount=-by)

        return Budget(change, estimate)


def name_address(address: str | None) -> str:
    """Return whom *address* stands for: of IPv6 one person has a whole /64 (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _refuse(why: str, wait: float) -> RelayError:
    seconds = max(math.floor(wait) + 1, 1)  # the moment itself is still refused
    return RelayError(
        "rate_limited",
        f"This relay allows you no {why}; try again in {seconds} s.",
        status=429,
        type="rate_limit_error",
        is_retryable=True,
        headers={"Retry-After": str(seconds)},
    )
