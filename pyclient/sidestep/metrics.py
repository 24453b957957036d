"""What each route did: how often it was tried, how that ended, how long it took, what it used and cost.

Numbers and names only; nothing of what was said, and no key. Kept are the last attempts of the last days, no more
(`KEPT_ATTEMPTS`, `KEPT_FOR`), in this browser alone.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any

from sidestep.types import Event, Model, ReasoningDelta, Route, TextDelta, ToolCallDelta, Usage

__all__ = [
    "DIRECT",
    "KEPT_ATTEMPTS",
    "KEPT_FOR",
    "OK",
    "Attempt",
    "Meter",
    "Metrics",
    "RouteSummary",
    "Spread",
    "find_cost",
    "find_percentile",
    "name_route",
    "read_server_timing",
]

KEPT_ATTEMPTS = 1000
"""How many attempts are kept at most, the latest."""

KEPT_FOR = 7 * 24 * 3600.0
"""Seconds for which an attempt is kept."""

DIRECT = "direct"
OK = "ok"

_CLOCK_SLACK = 300.0  # seconds that a row may lie in the future: clocks are corrected by little all the time
_SHORTEST_STREAM = 0.01  # seconds; an answer that comes in one piece says nothing of its speed
_LONGEST_NAME = 256  # characters; a longer name is no name
_LARGEST = 1e15  # no time, count or sum of ours is larger; a row that says so is damaged
_PER_MILLION = 1e-6
_OUTCOME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_TIMES = ("first_token", "total", "cost", "overhead")
_COUNTS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110, section 5.6.2  # noqa: S105 - a pattern
_QUOTED = r'"(?:[^"\\]|\\.)*"?'
_METRIC = re.compile(rf'(?:[^",]|{_QUOTED})+')
_PIECE = re.compile(rf'(?:[^";]|{_QUOTED})+')
_METRIC_NAME = re.compile(rf"[ \t]*({_TOKEN})")
_PARAMETER = re.compile(rf'[ \t]*({_TOKEN})[ \t]*=[ \t]*"?([^"]*)')
_NUMBER = re.compile(r"[ \t]*\+?(\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one route. None where it is not known.

    Attributes:
        at: Unix time in seconds at which it began.
        provider, model: ids, the model's without its provider.
        route: `direct`, or the relay's id.
        outcome: `ok`, or the name of the error's type.
        first_token: seconds until the first piece of the answer.
        total: seconds until the end, good or bad.
        input_tokens, output_tokens, reasoning_tokens, cached_tokens: as in `Usage`.
        cost: US dollars.
        overhead: milliseconds that the relay itself added.
    """

    at: float
    provider: str
    model: str
    route: str
    outcome: str
    first_token: float | None = None
    total: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    cost: float | None = None
    overhead: float | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """How a figure is spread: half of the attempts were at or below *p50*, 95 of 100 at or below *p95*.

    Attributes:
        count: how many attempts it is taken from.
    """

    p50: float
    p95: float
    p99: float
    count: int


@dataclass(frozen=True, slots=True)
class RouteSummary:
    """What one route to one provider did.

    Attributes:
        provider, route: as in `Attempt`.
        attempts: how many there were.
        outcomes: how many of them ended how.
        first_token, total: seconds, of those that went well; a refusal that took no time would only flatter the route.
        tokens_per_second: output tokens between the first piece and the end, of those that went well.
        input_tokens, output_tokens: all that were reported.
        cost: US dollars as far as prices are known, or None if none is.
        unpriced: how many attempts that went well have no known cost.
        overhead: milliseconds that the relay itself added.
    """

    provider: str
    route: str
    attempts: int
    outcomes: Mapping[str, int]
    first_token: Spread | None
    total: Spread | None
    tokens_per_second: float | None
    input_tokens: int
    output_tokens: int
    cost: float | None
    unpriced: int
    overhead: Spread | None

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON can hold it."""
        row = {name.name: getattr(self, name.name) for name in fields(self)}
        spreads = {name: asdict(value) for name, value in row.items() if isinstance(value, Spread)}
        return row | spreads | {"outcomes": dict(self.outcomes)}


@dataclass(frozen=True, slots=True)
class Metrics:
    """The attempts that are kept, oldest first. Immutable: recording returns a new one.

    Attributes:
        left_out: how many rows `load` could not use.
    """

    attempts: tuple[Attempt, ...] = ()
    left_out: int = 0

    def record(self, attempt: Attempt) -> Metrics:
        """Return the metrics with *attempt* added, and without those that are too old or too many for it."""
        return _keep((*self.attempts, attempt), attempt.at, self.left_out)

    def merge(self, other: Metrics, now: float) -> Metrics:
        """Return the attempts of both, such as two tabs have, each once."""
        attempts = dict.fromkeys((*self.attempts, *other.attempts))
        return _keep(tuple(sorted(attempts, key=lambda attempt: attempt.at)), now, self.left_out + other.left_out)

    def summarise(
        self, now: float, window: float = KEPT_FOR, provider: str | None = None, route: str | None = None
    ) -> tuple[RouteSummary, ...]:
        """Return what each route did lately, by provider, the direct way first.

        Args:
            now: Unix time in seconds. What lies after it (the clock was set back) is left out.
            window: seconds before *now* that are looked at.
            provider: only this one; None for all.
            route: only this one; None for all.
        """
        groups: defaultdict[tuple[str, str], list[Attempt]] = defaultdict(list)
        for attempt in self.attempts:
            is_wanted = provider in (None, attempt.provider) and route in (None, attempt.route)
            if is_wanted and now - window < attempt.at <= now + _CLOCK_SLACK:
                groups[attempt.provider, attempt.route].append(attempt)
        order = sorted(groups, key=lambda key: (key[0], key[1] != DIRECT, key[1]))
        return tuple(_summarise(*key, groups[key]) for key in order)

    def to_list(self, now: float) -> list[dict[str, Any]]:
        """Return what is not too old, as JSON can hold it."""
        return [asdict(attempt) for attempt in self.attempts if attempt.at > now - KEPT_FOR]

    @classmethod
    def load(cls, rows: Iterable[Any], now: float) -> Metrics:
        """Return the metrics that `to_list` wrote.

        Rows that are damaged or lie in the future are left out and counted; those that are too old only go.
        """
        loaded = [_load_attempt(row) for row in rows]
        good = [attempt for attempt in loaded if attempt and attempt.at <= now + _CLOCK_SLACK]
        good.sort(key=lambda attempt: attempt.at)
        return _keep(tuple(good), now, len(loaded) - len(good))


@dataclass(slots=True)
class Meter:
    """Measures one attempt while it runs.

    Args:
        provider, model: ids.
        route: the way that is tried.
        at: Unix time in seconds.
        began: seconds of a clock that is never set, such as `time.perf_counter`; *tick* is of the same clock.
    """

    provider: str
    model: str
    route: Route
    at: float
    began: float
    _first: float | None = field(default=None, init=False)
    _usage: Usage = field(default=Usage(), init=False)

    def see(self, event: Event, tick: float) -> None:
        """Take an event of the answer at the moment it comes."""
        if isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta) and self._first is None:
            self._first = tick

    def finish(self, outcome: str, tick: float, *, model: Model | None = None, server_timing: str = "") -> Attempt:
        """Return the attempt as it ended.

        Args:
            outcome: `OK`, or the name of the error's type.
            tick: seconds of the clock that *began* is of.
            model: what is known of the model, for its prices.
            server_timing: the answer's `Server-Timing` header; only a relay's is looked at.
        """
        first = None if self._first is None else max(0.0, self._first - self.began)
        is_relayed = self.route.kind == "relay"
        return Attempt(
            self.at,
            self.provider,
            self.model,
            name_route(self.route),
            outcome,
            first_token=first,
            total=max(0.0, tick - self.began),
            **asdict(self._usage),
            cost=find_cost(self._usage, model),
            overhead=read_server_timing(server_timing).get("relay") if is_relayed else None,
        )


def name_route(route: Route) -> str:
    """Return what stands for *route* in the metrics: `direct`, or the relay's id."""
    return DIRECT if route.kind == "direct" else route.relay_id or ""


def find_cost(usage: Usage, model: Model | None) -> float | None:
    """Return what *usage* cost in US dollars, or None if a price or a number is not known.

    Tokens that came from a cache are counted at the full price, because theirs is not known: it is never less than
    what is billed for them.
    """
    if model is None or model.input_price is None or model.output_price is None:
        return None
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    return (usage.input_tokens * model.input_price + usage.output_tokens * model.output_price) * _PER_MILLION


def find_percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile by the nearest-rank method: the smallest value that *percent* of 100 are at or below.

    It is always one of the values. Of few values the high ones are simply the greatest: below 20 values p95 is the
    maximum, below 100 p99 is.

    Args:
        values: at least one, in any order.
        percent: 1 to 100.
    """
    # In whole numbers: 0.07 * 100 is a little more than 7 in floating point, and would take the eighth of a hundred.
    rank = -(-len(values) * percent // 100)
    return sorted(values)[rank - 1]


def read_server_timing(header: str) -> Mapping[str, float]:
    """Return the durations of a `Server-Timing` header by name, in milliseconds (W3C Server Timing, section 3).

    Of a parameter that is given twice the first counts. Several durations of one name are added. What cannot be read,
    and a metric without a duration, is left out: unknown is not zero.
    """
    durations: dict[str, float] = {}
    for metric in _METRIC.findall(header):
        first, *rest = _PIECE.findall(metric) or [""]
        name, duration = _METRIC_NAME.match(first), _read_duration(rest)
        if name and duration is not None:
            durations[name[1]] = durations.get(name[1], 0.0) + duration
    return durations


def _read_duration(pieces: Iterable[str]) -> float | None:
    parameters: dict[str, str] = {}
    for piece in pieces:
        if found := _PARAMETER.match(piece):
            parameters.setdefault(found[1].lower(), found[2])
    number = _NUMBER.match(parameters.get("dur", ""))
    duration = float(number[0]) if number else math.inf
    return duration if math.isfinite(duration) else None


def _keep(attempts: tuple[Attempt, ...], now: float, left_out: int) -> Metrics:
    young = tuple(attempt for attempt in attempts if attempt.at > now - KEPT_FOR)
    return Metrics(young[-KEPT_ATTEMPTS:], left_out)


def _summarise(provider: str, route: str, attempts: Sequence[Attempt]) -> RouteSummary:
    good = [attempt for attempt in attempts if attempt.outcome == OK]
    costs = [attempt.cost for attempt in attempts if attempt.cost is not None]
    return RouteSummary(
        provider,
        route,
        attempts=len(attempts),
        outcomes=MappingProxyType(dict(Counter(attempt.outcome for attempt in attempts).most_common())),
        first_token=_spread(attempt.first_token for attempt in good),
        total=_spread(attempt.total for attempt in good),
        tokens_per_second=_find_speed(good),
        input_tokens=sum(attempt.input_tokens or 0 for attempt in attempts),
        output_tokens=sum(attempt.output_tokens or 0 for attempt in attempts),
        cost=math.fsum(costs) if costs else None,
        unpriced=sum(attempt.cost is None for attempt in good),
        overhead=_spread(attempt.overhead for attempt in attempts),
    )


def _spread(figures: Iterable[float | None]) -> Spread | None:
    values = sorted(figure for figure in figures if figure is not None)
    if not values:
        return None
    p50, p95, p99 = (find_percentile(values, percent) for percent in (50, 95, 99))
    return Spread(p50, p95, p99, len(values))


def _find_speed(attempts: Iterable[Attempt]) -> float | None:
    """Return output tokens per second over all of *attempts* together, or None if none tells."""
    tokens, seconds = 0, 0.0
    for attempt in attempts:
        if attempt.output_tokens is None or attempt.first_token is None or attempt.total is None:
            continue
        lasted = attempt.total - attempt.first_token
        if lasted >= _SHORTEST_STREAM:
            tokens += attempt.output_tokens
            seconds += lasted
    return tokens / seconds if seconds else None


def _load_attempt(row: Any) -> Attempt | None:
    if not isinstance(row, Mapping):
        return None
    values: dict[str, Any] = {name.name: row.get(name.name) for name in fields(Attempt)}
    names = (values["provider"], values["model"], values["route"], values["outcome"])
    is_whole = (
        _is_amount(values["at"])
        and all(isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME for name in names)
        and _OUTCOME.fullmatch(values["outcome"])
        and all(values[name] is None or _is_amount(values[name]) for name in _TIMES)
        and all(values[name] is None or _is_count(values[name]) for name in _COUNTS)
    )
    return Attempt(**values) if is_whole else None


def _is_amount(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= _LARGEST


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and _is_amount(value)
