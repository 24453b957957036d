"""The metrics: what each route did, in numbers that were worked out by hand."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields, replace
from typing import Any

import pytest

from sidestep.metrics import (
    DIRECT,
    KEPT_ATTEMPTS,
    KEPT_FOR,
    OK,
    Attempt,
    Meter,
    Metrics,
    RouteSummary,
    Spread,
    find_cost,
    find_percentile,
    read_server_timing,
)
from sidestep.types import (
    Event,
    Finished,
    Model,
    ReasoningDelta,
    Route,
    RouteTaken,
    TextDelta,
    ToolCallDelta,
    Usage,
)

NOW = 1_790_000_000.0
GPT = Model("gpt", "GPT", input_price=2.0, output_price=10.0)
ATTIC = Route("relay", "attic", "Attic")


def tried(at: float = NOW, outcome: str = OK, provider: str = "openai", route: str = DIRECT, **known: Any) -> Attempt:
    return Attempt(at, provider, "gpt", route, outcome, **known)


def kept(*attempts: Attempt) -> Metrics:
    return Metrics(attempts)


def only(metrics: Metrics, now: float = NOW, **wanted: Any) -> RouteSummary:
    (summary,) = metrics.summarise(now, **wanted)
    return summary


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([15, 20, 35, 40, 50], 5, 15),
        ([15, 20, 35, 40, 50], 30, 20),
        ([15, 20, 35, 40, 50], 40, 20),
        ([15, 20, 35, 40, 50], 50, 35),
        ([15, 20, 35, 40, 50], 100, 50),
        ([4, 1, 3, 2], 50, 2),
        ([7], 1, 7),
        ([7], 99, 7),
        (range(1, 101), 7, 7),
        (range(1, 101), 99, 99),
        (range(1, 20), 95, 19),
        (range(1, 21), 95, 19),
        (range(1, 22), 95, 20),
        (range(1, 100), 99, 99),
        (range(1, 1001), 99, 990),
    ],
)
def test_percentiles_are_of_the_nearest_rank(values: list[float], percent: int, expected: float) -> None:
    assert find_percentile(list(values), percent) == expected


def test_each_route_is_summed_up_by_itself_and_the_direct_way_comes_first() -> None:
    metrics = kept(
        tried(route="attic"),
        tried(provider="zai", route="attic"),
        tried(),
        tried(outcome="FetchRejected"),
        tried(outcome="FetchRejected"),
    )
    summaries = metrics.summarise(NOW)
    assert [(row.provider, row.route, row.attempts) for row in summaries] == [
        ("openai", DIRECT, 3),
        ("openai", "attic", 1),
        ("zai", "attic", 1),
    ]
    assert dict(summaries[0].outcomes) == {"FetchRejected": 2, "ok": 1}
    assert [row.route for row in metrics.summarise(NOW, provider="openai", route="attic")] == ["attic"]
    assert [row.provider for row in metrics.summarise(NOW, route="attic")] == ["openai", "zai"]
    assert metrics.summarise(NOW, provider="nobody") == ()


def test_the_times_are_those_of_answers_and_not_of_quick_refusals() -> None:
    good = [tried(first_token=first / 10, total=float(first)) for first in range(1, 22)]
    summary = only(kept(*good, *[tried(outcome="FetchRejected", total=0.001)] * 50))
    assert summary.first_token == Spread(1.1, 2.0, 2.1, 21)
    assert summary.total == Spread(11.0, 20.0, 21.0, 21)


def test_what_is_unknown_is_none_and_not_zero() -> None:
    summary = only(kept(tried(outcome="FetchRejected", total=0.2)))
    assert (summary.first_token, summary.total, summary.overhead) == (None, None, None)
    assert (summary.tokens_per_second, summary.cost, summary.unpriced) == (None, None, 0)


def test_the_speed_is_tokens_over_the_time_in_which_they_came() -> None:
    metrics = kept(
        tried(first_token=1.0, total=3.0, output_tokens=100),
        tried(first_token=0.5, total=2.5, output_tokens=300),
        tried(first_token=2.0, total=2.0, output_tokens=5000),
        tried(first_token=1.0, total=9.0),
        tried(outcome="ConnectionLost", first_token=1.0, total=60.0, output_tokens=1),
    )
    assert only(metrics).tokens_per_second == 100.0


def test_tokens_and_cost_are_added_and_what_has_no_price_is_counted() -> None:
    summary = only(
        kept(
            tried(input_tokens=10, output_tokens=4, cost=0.1),
            tried(outcome="ConnectionLost", input_tokens=5, output_tokens=1, cost=0.2),
            tried(input_tokens=7),
            tried(outcome="FetchRejected"),
        )
    )
    assert (summary.input_tokens, summary.output_tokens, summary.unpriced) == (22, 5, 1)
    assert summary.cost is not None
    assert math.isclose(summary.cost, 0.3)


def test_the_relays_own_time_is_spread_in_milliseconds() -> None:
    metrics = kept(*[tried(route="attic", overhead=float(value)) for value in (3, 1, 2)], tried(route="attic"))
    assert only(metrics).overhead == Spread(2.0, 3.0, 3.0, 3)


@pytest.mark.parametrize(
    ("usage", "model", "expected"),
    [
        (Usage(1_000_000, 500_000), GPT, 7.0),
        (Usage(300, 20, cached_tokens=300), GPT, 0.0008),
        (Usage(3, 2), Model("free", "Free", input_price=0.0, output_price=0.0), 0.0),
        (Usage(3, 2), Model("gpt", "GPT", input_price=2.0), None),
        (Usage(3, 2), Model("gpt", "GPT", output_price=2.0), None),
        (Usage(3, None), GPT, None),
        (Usage(None, 3), GPT, None),
        (Usage(3, 2), None, None),
    ],
)
def test_the_cost_is_known_only_if_each_price_and_number_is(
    usage: Usage, model: Model | None, expected: float | None
) -> None:
    assert find_cost(usage, model) == (expected if expected is None else pytest.approx(expected))


def test_a_window_holds_what_lies_in_it() -> None:
    metrics = kept(*[tried(at=NOW - age) for age in (0, 59, 60, 3600)])
    assert only(metrics, window=60).attempts == 2
    assert only(metrics, window=3601).attempts == 4
    assert metrics.summarise(NOW - 10_000, window=60) == ()
    assert only(kept(tried(at=NOW + 200))).attempts == 1


def test_a_week_and_a_thousand_attempts_are_kept() -> None:
    metrics = Metrics()
    for number in range(KEPT_ATTEMPTS + 5):
        metrics = metrics.record(tried(at=NOW + number))
    assert len(metrics.attempts) == KEPT_ATTEMPTS
    assert metrics.attempts[0].at == NOW + 5
    week_later = NOW + KEPT_FOR
    assert len(metrics.record(tried(at=week_later + 900)).attempts) == 105
    assert [row["at"] for row in metrics.to_list(week_later + 1003)] == [NOW + 1004]
    assert only(metrics, week_later + 1003).attempts == 1


def test_recording_leaves_the_old_metrics_as_they_were() -> None:
    before = kept(tried())
    before.record(tried())
    assert len(before.attempts) == 1


FULL = tried(
    route="attic",
    first_token=0.5,
    total=2.0,
    input_tokens=3,
    output_tokens=2,
    reasoning_tokens=1,
    cached_tokens=0,
    cost=0.01,
    overhead=1.5,
)


def test_what_was_written_is_read_back() -> None:
    metrics = kept(tried(at=NOW - 10), tried(at=NOW - 5, outcome="RateLimited"), FULL)
    assert Metrics.load(json.loads(json.dumps(metrics.to_list(NOW))), NOW) == metrics


@pytest.mark.parametrize(
    "damage",
    [
        {"at": None},
        {"at": "now"},
        {"at": True},
        {"at": -1},
        {"at": float("nan")},
        {"at": 10**400},
        {"at": NOW + 301},
        {"provider": ""},
        {"provider": 3},
        {"model": None},
        {"model": "m" * 257},
        {"route": None},
        {"outcome": ""},
        {"outcome": "Why is the sky blue?"},
        {"total": -0.1},
        {"total": float("inf")},
        {"first_token": "1"},
        {"cost": [1]},
        {"overhead": False},
        {"input_tokens": 1.5},
        {"output_tokens": -1},
        {"reasoning_tokens": True},
        {"cached_tokens": "7"},
    ],
)
def test_a_damaged_or_future_row_is_left_out_and_counted(damage: dict[str, Any]) -> None:
    row = asdict(FULL)
    loaded = Metrics.load([row | damage, row], NOW)
    assert loaded == Metrics((FULL,), left_out=1)


def test_what_is_no_row_is_left_out_and_an_old_row_only_goes() -> None:
    old = asdict(tried(at=NOW - KEPT_FOR))
    assert Metrics.load([None, 3, "row", [], {}, old, asdict(FULL)], NOW) == Metrics((FULL,), left_out=5)


def test_too_many_rows_lose_the_oldest_whatever_their_order() -> None:
    rows = [asdict(tried(at=NOW - age)) for age in range(KEPT_ATTEMPTS + 3)]
    assert Metrics.load(rows, NOW).attempts[0].at == NOW - KEPT_ATTEMPTS + 1


def test_two_tabs_are_merged_without_counting_anything_twice() -> None:
    shared, mine, theirs = tried(at=NOW - 3), tried(at=NOW - 1), tried(at=NOW - 2, route="attic")
    merged = Metrics((shared, mine), 1).merge(Metrics((shared, theirs), 2), NOW)
    assert merged == Metrics((shared, theirs, mine), 3)


def measured(*events: tuple[float, Event], end: float = 15.0, **known: Any) -> Attempt:
    route = known.pop("route", ATTIC)
    meter = Meter("openai", "gpt", route, NOW, 10.0)
    for tick, event in events:
        meter.see(event, tick)
    return meter.finish(OK, end, **known)


def test_an_attempt_is_measured_from_its_events() -> None:
    attempt = measured(
        (10.5, RouteTaken(ATTIC, "because")),
        (11.0, ReasoningDelta("Hm")),
        (12.0, TextDelta("Hello")),
        (14.0, Usage(100, 20, 5, 60)),
        (14.0, Finished("stop")),
        model=GPT,
        server_timing="relay;dur=1.5, upstream;dur=980.2",
    )
    assert attempt.cost == pytest.approx(0.0004)
    expected = Attempt(NOW, "openai", "gpt", "attic", "ok", 1.0, 5.0, 100, 20, 5, 60, overhead=1.5)
    assert replace(attempt, cost=None) == expected


def test_a_tool_call_is_a_first_piece_too_and_silence_is_none() -> None:
    assert measured((12.0, ToolCallDelta(0, "a", "b", ""))).first_token == 2.0
    assert measured((12.0, Finished("stop"))).first_token is None


def test_only_a_relay_is_believed_about_a_relays_time() -> None:
    attempt = measured(route=Route("direct"), server_timing="relay;dur=1.5")
    assert (attempt.route, attempt.overhead) == (DIRECT, None)


def test_nothing_that_was_said_is_in_an_attempt() -> None:
    attempt = measured((11.0, TextDelta("canary")), (11.0, ToolCallDelta(0, "canary", "canary", "canary")))
    assert "canary" not in json.dumps(asdict(attempt))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("relay;dur=1.5, upstream;dur=980", {"relay": 1.5, "upstream": 980.0}),
        ("", {}),
        ("miss, db;dur=53, app;dur=47.2", {"db": 53.0, "app": 47.2}),
        ('cache;desc="Cache, read; dur=9";dur=23.2', {"cache": 23.2}),
        ("a ; dur = 1 ,\tb;DUR=2", {"a": 1.0, "b": 2.0}),
        ('a;dur="3.5"', {"a": 3.5}),
        ("a;dur=1;dur=2", {"a": 1.0}),
        ("a;dur=soon;dur=2", {}),
        ("a;dur=1, a;dur=2", {"a": 3.0}),
        ("a;dur=.5, b;dur=1e3, c;dur=7ms", {"a": 0.5, "b": 1000.0, "c": 7.0}),
        ("a;dur=-1, b;dur=1e999, c;dur=nan, d;dur=, e;dur", {}),
        (',,;;dur=4, ;dur=1, "x";dur=2, a;dur=5', {"a": 5.0}),
        ('a;dur=1, b;desc="never closed, c;dur=3', {"a": 1.0}),
        ('a;desc="say \\"dur=8\\"";dur=2', {"a": 2.0}),
        ("\\", {}),
    ],
)
def test_a_server_timing_header_is_read_as_far_as_it_can_be(header: str, expected: dict[str, float]) -> None:
    assert read_server_timing(header) == expected


def test_a_hostile_header_is_read_at_once() -> None:
    assert read_server_timing('"\\' * 50_000 + "a;" * 50_000) == {}


def test_a_summary_can_be_written_as_json() -> None:
    row = only(kept(FULL, replace(FULL, outcome="RateLimited"))).to_dict()
    assert set(row) == {field.name for field in fields(RouteSummary)}
    assert json.loads(json.dumps(row))["first_token"] == {"p50": 0.5, "p95": 0.5, "p99": 0.5, "count": 1}
    assert row["outcomes"] == {"ok": 1, "RateLimited": 1}
