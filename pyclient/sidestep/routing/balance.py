"""In which order relays are tried. Pure: clock and dice are passed in.

Fallback groups come first: a relay of a later group is tried only after those before it. Within a group two relays are
drawn by weight and the one that answered faster lately goes first ("power of two choices", Mitzenmacher 2001), which
spreads load without sending everybody to the same fastest one. A relay that failed lately comes last of all.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sidestep.config import Relay
from sidestep.routing.health import EVERYTHING, Health, HealthKey, HealthStatus

__all__ = ["RankedRelay", "Strategy", "rank_relays"]

Strategy = Literal["balanced", "order"]
Draw = Callable[[], float]


@dataclass(frozen=True, slots=True)
class RankedRelay:
    """One relay in its place.

    Attributes:
        is_resting: whether it failed lately and is tried only if nothing else is left.
        reason: why it stands where it does; a sentence, empty if there is nothing to say.
    """

    relay: Relay
    is_resting: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Standing:
    relay: Relay
    status: HealthStatus
    is_resting: bool


def rank_relays(
    relays: Iterable[Relay],
    health: Health,
    now: float,
    draw: Draw,
    *,
    strategy: Strategy = "balanced",
    conversation: str = "",
) -> tuple[RankedRelay, ...]:
    """Return the relays, best first.

    Args:
        relays: in the user's order.
        health: what is known of them.
        now: Unix time in seconds.
        draw: returns a random number from 0 to 1.
        strategy: `order` keeps the user's order, but for those that rest.
        conversation: names what should stay on one relay for as long as it works, so that the provider's prompt cache
            is met again; empty for what need not.
    """
    standings = [_look(relay, health, now) for relay in relays]
    ready = [row for row in standings if not row.is_resting]
    resting = sorted((row for row in standings if row.is_resting), key=lambda row: row.status.resting_until)
    if strategy == "order":
        ranked = [RankedRelay(row.relay, False, "") for row in ready]
    else:
        ranked = [
            placed
            for group in sorted({row.relay.group for row in ready})
            for placed in _rank_group([row for row in ready if row.relay.group == group], draw, conversation)
        ]
    return (*ranked, *(RankedRelay(row.relay, True, _say_resting(row, now)) for row in resting))


def _look(relay: Relay, health: Health, now: float) -> _Standing:
    status = health.find_status(HealthKey(EVERYTHING, relay.id), now)
    return _Standing(relay, status, status.is_resting(now))


def _rank_group(group: Sequence[_Standing], draw: Draw, conversation: str) -> list[RankedRelay]:
    if len(group) == 1:
        return [RankedRelay(group[0].relay, False, "")]
    if conversation:
        ordered = sorted(group, key=lambda row: _score(row.relay, conversation), reverse=True)
        reason = f"{ordered[0].relay.name} keeps this conversation, for the provider's prompt cache."
    else:
        ordered, reason = _choose_of_two(group, draw)
    return [RankedRelay(row.relay, False, reason if row is ordered[0] else "") for row in ordered]


def _score(relay: Relay, conversation: str) -> float:
    """Return the relay's weighted score for one conversation; by rendezvous hashing most stay put when a relay goes."""
    digest = hashlib.sha256(f"{relay.id}\n{conversation}".encode()).digest()
    uniform = (int.from_bytes(digest[:8]) + 1) / (2**64 + 1)
    return -relay.weight / math.log(uniform)


def _choose_of_two(group: Sequence[_Standing], draw: Draw) -> tuple[list[_Standing], str]:
    one = _draw_one(group, draw)
    other = _draw_one([row for row in group if row is not one], draw)
    first, second = sorted((one, other), key=_expect_latency)
    rest = sorted((row for row in group if row is not first and row is not second), key=_expect_latency)
    reason = ""
    if first.status.latency is not None and second.status.latency is not None:
        reason = (
            f"{first.relay.name} answered faster lately than {second.relay.name} "
            f"({first.status.latency * 1000:.0f} against {second.status.latency * 1000:.0f} ms)."
        )
    return [first, second, *rest], reason


def _expect_latency(row: _Standing) -> tuple[bool, float]:
    # One that was never asked goes first, so that it is; one that failed just now goes behind those that did not.
    return row.status.failures > 0, row.status.latency or 0.0


def _draw_one(group: Sequence[_Standing], draw: Draw) -> _Standing:
    left = draw() * sum(row.relay.weight for row in group)
    for row in group:
        left -= row.relay.weight
        if left < 0:
            return row
    return group[-1]


def _say_resting(row: _Standing, now: float) -> str:
    if row.status.is_on_trial and now >= row.status.resting_until:
        return f"{row.relay.name} failed lately, and another request is finding out whether it works again."
    seconds = max(1, math.ceil(row.status.resting_until - now))
    return f"{row.relay.name} failed lately and is left alone for {seconds} s more."
