"""How routes and providers have done in the last five minutes. Pure: the clock is passed in.

Two questions are kept apart. A *route* is at fault when it brought no usable answer: then another route may do better.
A *provider* is at fault when it answered that it cannot serve (529, 503, its own failures): then no route helps, and
its circuit opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from types import MappingProxyType
from typing import Any, Literal

from sidestep.errors import (
    Cancelled,
    ConfigurationError,
    NoRoute,
    Overloaded,
    RelayAuthenticationError,
    RelayRefused,
    ResponseError,
    ServerError,
    SidestepError,
    UnexpectedResponse,
)

__all__ = [
    "DIRECT",
    "EVERYTHING",
    "MEMORY",
    "Blame",
    "Health",
    "HealthKey",
    "HealthStatus",
    "Level",
    "Outage",
    "Outcome",
    "find_blame",
]

MEMORY = 5 * 60.0
"""Seconds that an outcome is remembered."""

DIRECT = "direct"
EVERYTHING = "*"
"""Stands for the provider in the health of a relay as a whole."""

_MOST_OUTCOMES = 60  # per key
_FAILING = 3  # failures in a row
_FIRST_COOL_DOWN, _LONGEST_COOL_DOWN = 10.0, 300.0  # seconds
_FIRST_BREAK, _LONGEST_BREAK = 15.0, 120.0  # seconds that a provider's circuit is open
_TRIAL = 30.0  # seconds after which a trial that nobody reported on counts as lost
_SMOOTHING = 0.3  # weight of the newest latency
_GATEWAY_STATUSES = frozenset({502, 503, 504, 529})

Level = Literal["healthy", "degraded", "failing", "unknown"]
Blame = Literal["route", "provider", "nobody"]


@dataclass(frozen=True, slots=True)
class HealthKey:
    """One route to one provider.

    Attributes:
        provider: its id, or `EVERYTHING` for the relay as a whole.
        route: `DIRECT`, or a relay's id.
    """

    provider: str
    route: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt went.

    Attributes:
        at: Unix time in seconds.
        blame: whose failure it was; `nobody` for a success.
        reason: what failed, a sentence; empty for a success.
        latency: seconds until the answer's head, or None.
        is_probe: whether it was a question about health, not traffic. What a relay says of itself counts for less than
            what it does.
    """

    at: float
    blame: Blame
    reason: str = ""
    latency: float | None = None
    is_probe: bool = False


@dataclass(frozen=True, slots=True)
class HealthStatus:
    """What the outcomes of the last five minutes come to.

    Attributes:
        failures: failures in a row, up to now.
        last_success, last_failure: Unix time in seconds, or None.
        latency: smoothed seconds until an answer's head, or None.
        resting_until: Unix time in seconds before which the route is not tried unless there is no other, or 0.
        is_on_trial: whether one attempt is under way that will show whether it works again.
        reason: what failed last; empty while nothing did.
    """

    level: Level
    failures: int = 0
    last_success: float | None = None
    last_failure: float | None = None
    latency: float | None = None
    resting_until: float = 0.0
    is_on_trial: bool = False
    reason: str = ""

    def is_resting(self, now: float) -> bool:
        """Say whether the route is left alone for now."""
        return now < self.resting_until or self.is_on_trial

    def to_dict(self) -> dict[str, Any]:
        """Return the status as the page's protocol writes it (docs/protocol.md, *Health*)."""
        return {
            "level": self.level,
            "failures": self.failures,
            "last_success": self.last_success,
            "last_failure": self.last_failure,
            "latency_ms": None if self.latency is None else round(self.latency * 1000),
            "resting_until": self.resting_until or None,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Outage:
    """A provider that cannot serve, whatever the route.

    Attributes:
        since, until: Unix time in seconds; nothing is repeated by itself before *until*.
        failures: how often in a row it said so.
        reason: what it said last.
    """

    since: float
    until: float
    failures: int
    reason: str


@dataclass(frozen=True, slots=True)
class Health:
    """The outcomes, by route. Immutable: recording returns a new one."""

    outcomes: Mapping[HealthKey, tuple[Outcome, ...]] = field(default_factory=lambda: MappingProxyType({}))
    trials: Mapping[HealthKey, float] = field(default_factory=lambda: MappingProxyType({}))

    def record(self, key: HealthKey, outcome: Outcome) -> Health:
        """Return the health with one outcome more; what is older than five minutes is dropped."""
        known = self.outcomes.get(key, ())
        # A clock that was set back would leave outcomes that never grow old.
        kept = tuple(row for row in known if outcome.at - MEMORY < row.at <= outcome.at + MEMORY)
        trials = {other: began for other, began in self.trials.items() if other != key}
        return Health(
            MappingProxyType({**self.outcomes, key: (*kept, outcome)[-_MOST_OUTCOMES:]}), MappingProxyType(trials)
        )

    def begin_trial(self, key: HealthKey, now: float) -> Health:
        """Return the health with a trial noted, so that nothing else is sent that way until it is over."""
        return Health(self.outcomes, MappingProxyType({**self.trials, key: now}))

    def forget(self, key: HealthKey) -> Health:
        """Return the health without what is known of one route."""
        outcomes = {other: rows for other, rows in self.outcomes.items() if other != key}
        return Health(MappingProxyType(outcomes), self.trials)

    def find_status(self, key: HealthKey, now: float) -> HealthStatus:
        """Return what is known of a route."""
        outcomes = self._find_recent(key, now)
        if not outcomes:
            return HealthStatus("unknown")
        run = _count_failures(outcomes)
        last_success = next((row.at for row in reversed(outcomes) if row.blame == "nobody"), None)
        failures = [row for row in outcomes if row.blame == "route"]
        last_failure = failures[-1].at if failures else None
        resting_until = 0.0
        if run and last_failure is not None:
            resting_until = last_failure + min(_FIRST_COOL_DOWN * 2.0 ** min(run - 1, 16), _LONGEST_COOL_DOWN)
        trial = self.trials.get(key)
        return HealthStatus(
            _find_level(run, len(failures), len(outcomes)),
            run,
            last_success,
            last_failure,
            _smooth([row.latency for row in outcomes if row.latency is not None]),
            resting_until,
            trial is not None and 0 <= now - trial < _TRIAL,
            failures[-1].reason if run else "",
        )

    def find_outage(self, provider: str, now: float) -> Outage | None:
        """Return the outage of a provider, if its circuit is open.

        It takes three failures of its own in a row, by whatever routes, or one each by two routes.
        """
        keys = [key for key in self.outcomes if key.provider == provider]
        rows = [(row, key.route) for key in keys for row in self._find_recent(key, now)]
        rows.sort(key=lambda pair: pair[0].at)
        run = list(takewhile(lambda pair: pair[0].blame != "nobody", reversed(rows)))
        own = [(row, route) for row, route in run if row.blame == "provider"]
        if len(own) < _FAILING and len({route for _, route in own}) < 2:  # noqa: PLR2004 - "both ways"
            return None
        latest, first = own[0][0], own[-1][0]
        until = latest.at + min(_FIRST_BREAK * 2.0 ** min(len(own) - 2, 16), _LONGEST_BREAK)
        return Outage(first.at, until, len(own), latest.reason) if now < until else None

    def _find_recent(self, key: HealthKey, now: float) -> tuple[Outcome, ...]:
        oldest, newest = now - MEMORY, now + MEMORY
        return tuple([row for row in self.outcomes.get(key, ()) if oldest < row.at <= newest])


def find_blame(error: SidestepError) -> Blame:
    """Return whose failure *error* is: what a provider says of a request is nobody's, the route worked."""
    if isinstance(error, Cancelled | ConfigurationError | NoRoute | RelayAuthenticationError):
        return "nobody"
    if isinstance(error, RelayRefused):
        # A limit or a rule of the relay is no fault of the way to it, but it stands in the way all the same.
        return "route"
    if isinstance(error, Overloaded) or (isinstance(error, ServerError) and error.origin == "provider"):
        return "provider"
    if isinstance(error, UnexpectedResponse):
        return "provider" if error.status in _GATEWAY_STATUSES and error.origin == "provider" else "route"
    return "nobody" if isinstance(error, ResponseError) and error.origin == "provider" else "route"


def _count_failures(outcomes: tuple[Outcome, ...]) -> int:
    """Return how many times the route failed in a row; a provider's failures neither lengthen nor end the row."""
    count = 0
    has_traffic = False
    for row in reversed(outcomes):
        if row.blame == "route":
            count += 1
            has_traffic = has_traffic or not row.is_probe
        elif row.blame == "nobody" and not (row.is_probe and _had_traffic_failure(outcomes, row)):
            break
    return count


def _had_traffic_failure(outcomes: tuple[Outcome, ...], probe: Outcome) -> bool:
    """Say whether the traffic before a good word about health had failed: then the word alone mends nothing."""
    before = [row for row in outcomes if row.at <= probe.at and row is not probe and row.blame != "provider"]
    traffic = [row for row in before if not row.is_probe]
    return bool(traffic) and traffic[-1].blame == "route"


def _find_level(run: int, failures: int, count: int) -> Level:
    if run >= _FAILING:
        return "failing"
    if run or (count > _FAILING and failures * 2 >= count):
        return "degraded"
    return "healthy"


def _smooth(latencies: list[float]) -> float | None:
    smoothed: float | None = None
    for latency in latencies:
        smoothed = latency if smoothed is None else smoothed + _SMOOTHING * (latency - smoothed)
    return smoothed
