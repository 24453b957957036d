"""The figures that faults may cost, counted at the other side: no clock is looked at."""

from __future__ import annotations

import pytest

from sidestep import Provider, Relay, RouteFailed
from tests.faults.matrix import CLAUDE, CLOSED, NOT_FROM_A_PAGE, OPENAI, ZAI
from tests.faults.worlds import Answer, Host, Obstacle, RelayHost, World

RELAYS = tuple(
    Relay(f"https://{name}.example", token=f"{name}-token-123", id=name, name=name) for name in ("one", "two", "three")
)
ONLY_RELAYED = Provider("zai-coding", api_key="zai-key-123", route="relay")


async def test_a_closed_provider_costs_one_failed_preflight_and_then_goes_straight_to_the_relay() -> None:
    world = World(ZAI, CLOSED, {RELAYS[0]: RelayHost()})
    for turn in range(20):
        assert await count_failures(world, f"Turn {turn}") == (turn == 0)
        world.now += 3600
    assert (world.preflights, world.chats) == (1, 20)


async def test_a_provider_that_forbids_browsers_costs_one_refusal() -> None:
    world = World(CLAUDE, Host(answer=NOT_FROM_A_PAGE, elsewhere=Answer()), {RELAYS[0]: RelayHost()})
    for turn in range(20):
        await count_failures(world, f"Turn {turn}")
    assert world.chats == 21


@pytest.mark.parametrize("provider", [ZAI, ONLY_RELAYED], ids=["direct first", "relay only"])
@pytest.mark.parametrize("obstacle", ["refused", "silence"])
@pytest.mark.parametrize("dead", RELAYS, ids=lambda relay: relay.id)
async def test_one_of_three_relays_is_dead_and_no_request_fails(
    dead: Relay, obstacle: Obstacle, provider: Provider
) -> None:
    world = World(provider, CLOSED, {relay: RelayHost(obstacle if relay is dead else "") for relay in RELAYS})
    for turn in range(30):
        await count_failures(world, f"Turn {turn}")
        # All of it within the first cool-down.
        world.now += 0.3
    assert world.chats == 30, "each was answered, and none was sent twice"
    assert world.count_sent(dead) <= 1, "at most one attempt to connect, once"
    assert world.count_sent(dead, "/v1") == 0, "and no request was entrusted to it"


async def test_the_one_attempt_to_connect_is_really_made() -> None:
    world = World(ONLY_RELAYED, CLOSED, {relay: RelayHost("refused" if relay is RELAYS[0] else "") for relay in RELAYS})
    await count_failures(world, "Hi")
    assert world.count_sent(RELAYS[0]) == 1


async def test_an_open_provider_costs_its_relays_nothing() -> None:
    world = World(OPENAI, Host(), dict.fromkeys(RELAYS, RelayHost(obstacle="silence")))
    for turn in range(10):
        await count_failures(world, f"Turn {turn}")
    assert [world.count_sent(relay) for relay in RELAYS] == [0, 0, 0]
    assert (world.chats, len(world.sent)) == (10, 10)


async def count_failures(world: World, text: str) -> int:
    """Ask, demand an answer, and return how many routes failed before it."""
    return sum([isinstance(event, RouteFailed) async for event in world.client.stream(f"{world.provider.id}/x", text)])
