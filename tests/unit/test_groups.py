"""In which order the models of a group are asked."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Literal

from sidestep.policies import GroupMember, ModelGroup
from sidestep.routing.groups import order_members

MEMBERS = (GroupMember("a/x", 6), GroupMember("b/y", 3), GroupMember("c/z", 1))


def order(
    strategy: Literal["order", "weighted"], *resting: str, draw: Callable[[], float] = lambda: 0.5
) -> list[tuple[str, str]]:
    ordered = order_members(ModelGroup("fast", strategy, MEMBERS), lambda provider: provider in resting, draw)
    return [(member.model, reason) for member, reason in ordered]


def roll(seed: int) -> Callable[[], float]:
    return random.Random(seed).random  # noqa: S311 - dice that fall the same each time are what a test needs


def names(ordered: list[tuple[str, str]]) -> str:
    return "".join(model[0] for model, _ in ordered)


def test_a_list_is_asked_in_its_order_and_each_says_why() -> None:
    ordered = order("order")
    assert names(ordered) == "abc"
    assert ordered[0][1] == "a/x is one of the group “fast”, in the order of the list."


def test_a_model_whose_provider_rests_comes_last_and_says_so() -> None:
    ordered = order("order", "a")
    assert names(ordered) == "bca"
    assert ordered[-1][1] == "a failed lately, or its quota is spent, so a/x is asked last."
    assert names(order("weighted", "a", draw=roll(1)))[-1] == "a"


def test_when_all_rest_their_order_stays() -> None:
    ordered = order("order", "a", "b", "c")
    assert names(ordered) == "abc"
    assert all("it is the same with all" in reason for _, reason in ordered)


def test_weights_say_how_often_a_model_comes_first_and_none_is_lost() -> None:
    draw = roll(7)
    drawn = [names(order("weighted", draw=draw)) for _ in range(4_000)]
    first = Counter(row[0] for row in drawn)
    assert [round(first[name] / 4_000, 1) for name in "abc"] == [0.6, 0.3, 0.1]
    # Of the two that are left after “a”, “b” comes three times as often as “c”.
    second = Counter(row[1] for row in drawn if row[0] == "a")
    assert 0.7 < second["b"] / first["a"] < 0.8
    assert {"".join(sorted(row)) for row in drawn} == {"abc"}


def test_the_ends_of_the_dice_do_no_harm() -> None:
    for edge in (0.0, 1.0):
        assert names(order("weighted", draw=lambda edge=edge: edge)) == "abc"  # type: ignore[misc]
