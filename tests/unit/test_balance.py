"""In which order relays are tried."""

import random
from collections import Counter

from sidestep import Relay
from sidestep.routing.balance import rank_relays
from sidestep.routing.health import EVERYTHING, Health, HealthKey, Outcome

NOW = 1_790_000_000.0
ATTIC = Relay("https://attic.test", id="attic", name="Attic")
CELLAR = Relay("https://cellar.test", id="cellar", name="Cellar")
SHED = Relay("https://shed.test", id="shed", name="Shed")
ALL = (ATTIC, CELLAR, SHED)


def know(health: Health, relay: Relay, *, latency: float | None = None, failures: int = 0, ago: float = 1) -> Health:
    key = HealthKey(EVERYTHING, relay.id)
    if latency is not None:
        health = health.record(key, Outcome(NOW - ago, "nobody", latency=latency))
    for _ in range(failures):
        health = health.record(key, Outcome(NOW - ago, "route", "It did not answer."))
    return health


def order(
    health: Health, *relays: Relay, seed: int = 1, conversation: str = "", strategy: str = "balanced"
) -> list[str]:
    draw = random.Random(seed).random  # noqa: S311 - a game, not a secret
    ranked = rank_relays(
        relays or ALL,
        health,
        NOW,
        draw,
        conversation=conversation,
        strategy=strategy,  # type: ignore[arg-type]
    )
    return [row.relay.id for row in ranked]


def count_firsts(health: Health, *relays: Relay) -> Counter[str]:
    return Counter(order(health, *relays, seed=seed)[0] for seed in range(2000))


def test_of_two_the_faster_goes_first() -> None:
    health = know(know(Health(), ATTIC, latency=0.3), CELLAR, latency=0.1)
    assert {order(health, ATTIC, CELLAR, seed=seed)[0] for seed in range(50)} == {"cellar"}


def test_of_three_the_slowest_never_goes_first_and_the_others_both_do() -> None:
    health = know(know(know(Health(), ATTIC, latency=0.1), CELLAR, latency=0.2), SHED, latency=0.9)
    firsts = count_firsts(health)
    assert firsts["shed"] == 0
    assert firsts["attic"] > firsts["cellar"] > 200


def test_one_that_was_never_asked_is_tried() -> None:
    health = know(know(Health(), ATTIC, latency=0.1), CELLAR, latency=0.2)
    assert count_firsts(health)["shed"] > 500


def test_weights_share_the_load() -> None:
    heavy = Relay("https://heavy.test", id="heavy", weight=8)
    firsts = count_firsts(Health(), heavy, ATTIC, CELLAR)
    assert firsts["heavy"] > 1000
    assert min(firsts["attic"], firsts["cellar"]) > 50


def test_a_later_fallback_group_waits_for_the_earlier_ones() -> None:
    reserve = Relay("https://reserve.test", id="reserve", group=1)
    assert all(order(Health(), reserve, ATTIC, CELLAR, seed=seed)[-1] == "reserve" for seed in range(50))
    dead = know(know(Health(), ATTIC, failures=1), CELLAR, failures=1)
    assert order(dead, reserve, ATTIC, CELLAR)[0] == "reserve"


def test_one_that_failed_comes_last_until_its_cool_down_is_over() -> None:
    ranked = rank_relays(ALL, know(Health(), ATTIC, failures=1), NOW, lambda: 0.0)
    assert ranked[-1].relay is ATTIC
    assert ranked[-1].is_resting
    assert ranked[-1].reason == "Attic failed lately and is left alone for 9 s more."
    assert not any(
        row.is_resting for row in rank_relays(ALL, know(Health(), ATTIC, failures=1, ago=11), NOW, lambda: 0.0)
    )


def test_where_all_rest_the_one_that_is_ready_soonest_goes_first() -> None:
    health = know(know(know(Health(), ATTIC, failures=3), CELLAR, failures=1), SHED, failures=2)
    assert order(health) == ["cellar", "shed", "attic"]


def test_the_users_order_is_kept_where_it_is_asked_for() -> None:
    health = know(know(Health(), ATTIC, latency=0.9), CELLAR, latency=0.1)
    assert order(health, SHED, ATTIC, CELLAR, strategy="order") == ["shed", "attic", "cellar"]
    assert order(know(health, SHED, failures=1), SHED, ATTIC, CELLAR, strategy="order") == ["attic", "cellar", "shed"]


def test_a_conversation_keeps_its_relay_while_it_works_and_few_move_when_one_goes() -> None:
    conversations = [f"conversation-{number}" for number in range(300)]
    before = {name: order(Health(), conversation=name, seed=3)[0] for name in conversations}
    assert before == {name: order(Health(), conversation=name, seed=7)[0] for name in conversations}
    assert min(Counter(before.values()).values()) > 60
    after = {name: order(know(Health(), SHED, failures=1), conversation=name)[0] for name in conversations}
    assert all(after[name] == relay for name, relay in before.items() if relay != "shed")
    assert "shed" not in after.values()


def test_why_a_relay_goes_first_is_said() -> None:
    health = know(know(Health(), ATTIC, latency=0.3), CELLAR, latency=0.1)
    assert rank_relays((ATTIC, CELLAR), health, NOW, lambda: 0.0)[0].reason == (
        "Cellar answered faster lately than Attic (100 against 300 ms)."
    )
    assert (
        "keeps this conversation" in rank_relays((ATTIC, CELLAR), health, NOW, lambda: 0.0, conversation="c")[0].reason
    )
