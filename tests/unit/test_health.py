"""How routes and providers have done lately, and what follows from it."""

import pytest

from sidestep import errors
from sidestep.routing.health import DIRECT, EVERYTHING, MEMORY, Blame, Health, HealthKey, Outcome, find_blame

NOW = 1_790_000_000.0
ROUTE = HealthKey("openai", DIRECT)
RELAY = HealthKey(EVERYTHING, "attic")
RANKS = ["healthy", "degraded", "failing"]


def record(outcomes: list[tuple[float, Blame]], key: HealthKey = ROUTE) -> Health:
    health = Health()
    for at, blame in outcomes:
        health = health.record(key, Outcome(NOW + at, blame, "" if blame == "nobody" else f"It failed at {at}."))
    return health


def test_nothing_known_is_said_to_be_unknown() -> None:
    assert Health().find_status(ROUTE, NOW).level == "unknown"


@pytest.mark.parametrize(
    ("outcomes", "level"),
    [
        (["nobody"], "healthy"),
        (["route"], "degraded"),
        (["route", "route"], "degraded"),
        (["route", "route", "route"], "failing"),
        (["route", "route", "route", "nobody"], "degraded"),
        (["route", "nobody", "nobody", "nobody"], "healthy"),
        (["nobody", "provider", "provider", "provider"], "healthy"),
    ],
)
def test_the_level_of_a_route(outcomes: list[Blame], level: str) -> None:
    health = record([(float(at), blame) for at, blame in enumerate(outcomes)])
    assert health.find_status(ROUTE, NOW + 10).level == level


def test_one_more_failure_in_a_row_never_makes_it_better() -> None:
    for pattern in range(64):
        beginning: list[tuple[float, Blame]] = [
            (float(bit), "route" if pattern >> bit & 1 else "nobody") for bit in range(6)
        ]
        ranks = [
            RANKS.index(
                record([*beginning, *((10.0 + at, "route") for at in range(more))]).find_status(ROUTE, NOW + 20).level
            )
            for more in range(6)
        ]
        assert ranks == sorted(ranks)


def test_after_five_minutes_nothing_is_held_against_a_route() -> None:
    health = record([(0, "route"), (1, "route"), (2, "route")])
    assert health.find_status(ROUTE, NOW + 3).level == "failing"
    assert health.find_status(ROUTE, NOW + 2 + MEMORY).level == "unknown"


def test_a_clock_that_jumps_back_does_not_keep_failures_for_ever() -> None:
    health = record([(0, "route"), (1, "route"), (2, "route")])
    earlier = NOW - 86_400
    assert health.find_status(ROUTE, earlier).level == "unknown"
    assert health.record(ROUTE, Outcome(earlier, "nobody")).find_status(ROUTE, earlier).level == "healthy"


def test_a_cool_down_doubles_and_has_an_end() -> None:
    waits = []
    for count in (1, 2, 3, 10):
        status = record([(float(at), "route") for at in range(count)], RELAY).find_status(RELAY, NOW + count)
        assert status.last_failure is not None
        waits.append(status.resting_until - status.last_failure)
        assert status.is_resting(status.resting_until - 0.1)
        assert not status.is_resting(status.resting_until)
    assert waits == [10, 20, 40, 300]


def test_a_trial_keeps_others_away_until_it_has_an_outcome_or_is_lost() -> None:
    health = record([(0, "route")], RELAY).begin_trial(RELAY, NOW + 11)
    assert health.find_status(RELAY, NOW + 12).is_resting(NOW + 12)
    assert not health.find_status(RELAY, NOW + 60).is_resting(NOW + 60)
    mended = health.record(RELAY, Outcome(NOW + 13, "nobody"))
    assert not mended.find_status(RELAY, NOW + 13).is_resting(NOW + 13)


def test_a_relay_that_only_says_that_it_is_well_stays_under_suspicion() -> None:
    health = record([(0, "route"), (1, "route"), (2, "route")], RELAY)
    boasted = health.record(RELAY, Outcome(NOW + 3, "nobody", latency=0.01, is_probe=True))
    assert boasted.find_status(RELAY, NOW + 4).level == "failing"
    worked = boasted.record(RELAY, Outcome(NOW + 5, "nobody"))
    assert worked.find_status(RELAY, NOW + 6).failures == 0
    fresh = Health().record(RELAY, Outcome(NOW, "nobody", is_probe=True))
    assert fresh.find_status(RELAY, NOW).level == "healthy"


def test_latency_is_smoothed() -> None:
    health = Health()
    for at, latency in enumerate([1.0, 2.0, 2.0]):
        health = health.record(RELAY, Outcome(NOW + at, "nobody", latency=latency))
    assert health.find_status(RELAY, NOW + 5).latency == pytest.approx(1.51)


def test_three_failures_of_the_providers_own_open_its_circuit() -> None:
    assert record([(0, "provider"), (1, "provider")]).find_outage("openai", NOW + 2) is None
    health = record([(0, "provider"), (1, "provider"), (2, "provider")])
    outage = health.find_outage("openai", NOW + 3)
    assert outage is not None
    assert (outage.since, outage.until, outage.failures) == (NOW, NOW + 32, 3)
    assert outage.reason == "It failed at 2."
    assert health.find_outage("openai", NOW + 32) is None
    assert health.find_outage("anthropic", NOW + 3) is None
    assert health.find_status(ROUTE, NOW + 3).level == "healthy"


def test_the_same_failure_by_two_routes_is_the_providers() -> None:
    health = record([(0, "provider")]).record(HealthKey("openai", "attic"), Outcome(NOW + 1, "provider", "529"))
    assert health.find_outage("openai", NOW + 2) is not None


def test_a_routes_failures_open_no_circuit_and_a_success_closes_it() -> None:
    assert record([(float(at), "route") for at in range(5)]).find_outage("openai", NOW + 6) is None
    health = record([(0, "provider"), (1, "provider"), (2, "provider"), (3, "nobody")])
    assert health.find_outage("openai", NOW + 4) is None


@pytest.mark.parametrize(
    ("error", "blame"),
    [
        (errors.FetchRejected("x"), "route"),
        (errors.ConnectionFailed("x"), "route"),
        (errors.TransportTimeout("x"), "route"),
        (errors.ConnectionLost("x"), "route"),
        (errors.RelayUnreachable("x"), "route"),
        (errors.RelayRefused("x", status=429), "route"),
        (errors.RelayAuthenticationError("x", status=401), "nobody"),
        (errors.UnexpectedResponse("x", status=200), "route"),
        (errors.UnexpectedResponse("x", status=503), "provider"),
        (errors.Overloaded("x", status=529), "provider"),
        (errors.ServerError("x", status=500), "provider"),
        (errors.ServerError("x", status=502, origin="relay"), "route"),
        (errors.AuthenticationError("x", status=401), "nobody"),
        (errors.RateLimited("x", status=429), "nobody"),
        (errors.BadRequest("x", status=400), "nobody"),
        (errors.StreamIncomplete("x"), "route"),
        (errors.Cancelled("x"), "nobody"),
        (errors.ConfigurationError("x"), "nobody"),
    ],
)
def test_whose_failure_it_is(error: errors.SidestepError, blame: str) -> None:
    assert find_blame(error) == blame
