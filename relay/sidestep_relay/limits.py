"""How much one token and one address may ask for: requests and model tokens in a minute, answers at a time.

Every process counts in its own memory. Where there is a Redis, what all of them counted there decides; the own counts
go on beside it, so that limits stand, for each process alone, while Redis is away.
"""

from __future__ import annotations

import ipaddress
import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from sidestep_relay.counts import Charge, OwnCounts, Owner, Refusal
from sidestep_relay.errors import RelayError
from sidestep_relay.redis_places import RedisAway

if TYPE_CHECKING:
    from sidestep_relay.shared_counts import SharedCounts

__all__ = ["Budget", "Limiter", "name_address"]

T = TypeVar("T")

_BUSY_SECONDS = 0.5  # nobody knows when an answer ends


class Budget:
    """What one chat was estimated to cost; `settle` puts right what it did cost, wherever it was counted."""

    def __init__(self, charges: Sequence[Charge], estimate: int) -> None:
        self._charges = charges
        self._estimate = estimate

    def settle(self, used: int) -> None:
        """Count *used* tokens in the place of the estimate."""
        for charge in self._charges:
            charge(used - self._estimate)
        self._estimate = used

    def settle_by(self, usage: Mapping[str, Any] | None, *, is_refused: bool) -> None:
        """Count by the provider's own *usage*; without one, what it refused costs nothing, and the estimate stays."""
        total = (usage or {}).get("total_tokens")
        if isinstance(total, int) and total >= 0:
            self.settle(total)
        elif is_refused:
            self.settle(0)


class Limiter:
    """Counts. One per process; *shared* is what it counts together with others."""

    def __init__(self, shared: SharedCounts | None = None) -> None:
        self._own = OwnCounts()
        self._shared = shared

    def count_request(self, kind: str, name: str, most: int) -> None:
        """Count a request of *name*, a token or an address as *kind* says.

        Raises:
            RelayError: 429 `rate_limited`: there were *most* within a minute.
        """
        if not most:
            return
        owner = (kind, name, most)
        refusal, is_decided = self._ask(lambda shared: shared.count_request(owner))
        if refusal is None:
            own = self._own.count_request(owner)
            refusal = None if is_decided else own
        if refusal:
            raise _refuse(f"more than {most} requests a minute", refusal.wait)

    @contextmanager
    def hold_stream(self, *owners: Owner) -> Iterator[None]:
        """Count an answer of *owners* (kind, name, most) while the block lasts.

        Raises:
            RelayError: 429 `rate_limited`: one of them has as many as it may.
        """
        lease = secrets.token_hex(8)
        refusal, is_decided = self._ask(lambda shared: shared.take_streams(lease, owners))
        refusal = refusal or self._own.take_streams(owners, is_decided=is_decided)
        if refusal:
            raise _refuse(f"more than {refusal.owner[2]} answers at a time", _BUSY_SECONDS)
        if self._shared:
            self._shared.keep_streams(lease, owners)
        try:
            yield
        finally:
            self._own.return_streams(owners)
            if self._shared:
                self._shared.return_streams(lease)

    def count_tokens(self, name: str, estimate: int, most: int) -> Budget:
        """Count an *estimate* of model tokens for the token *name*.

        Raises:
            RelayError: 429 `rate_limited`: that would be more than *most* within a minute.
        """
        if not most:
            return Budget((), estimate)
        owner = ("tokens", name, most)
        charges = []
        shared, is_decided = self._ask(lambda counts: counts.count_tokens(owner, estimate))
        own = None if isinstance(shared, Refusal) else self._own.count_tokens(owner, estimate, is_decided=is_decided)
        for answer in (shared, own):
            if isinstance(answer, Refusal):
                raise _refuse(f"more than {most} model tokens a minute", answer.wait)
            if answer:
                charges.append(answer)
        return Budget(charges, estimate)

    def _ask(self, question: Callable[[SharedCounts], T]) -> tuple[T | None, bool]:
        """Return what the shared counts answer, and whether they do."""
        if self._shared:
            try:
                return question(self._shared), True
            except RedisAway:
                pass
        return None, False


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
