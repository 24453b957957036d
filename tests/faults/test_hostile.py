"""What a client is given that is wrong on purpose: nothing of it stops a message, and nothing is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sidestep import Provider, Relay
from sidestep.knowledge import load_knowledge
from sidestep.policies import load_policies
from sidestep.routing.evidence import EVIDENCE_LIFETIME
from tests.faults.matrix import ATTIC, CELLAR, CLOSED, OPENAI, ZAI
from tests.faults.worlds import NOW, Host, RelayHost, World

HEAD = "def route(request, context):\n    "
ONLY_RELAYED = Provider("zai-coding", api_key="zai-key-123", route="relay")


async def ask(world: World) -> str:
    """Return the way by which an answer came."""
    return (await world.client.complete(f"{world.provider.id}/x", "Hi", is_fresh=True)).route.route.label


async def test_rules_that_loop_raise_or_return_nonsense_stop_no_message_and_are_named() -> None:
    bodies = {
        "loops": "while True: pass",
        "raises": "return {}['nothing']",
        "calls-itself": "return route(request, context)",
        "nonsense": "return {'policy': 'sideways', 'relays': 3}",
        "no-record": "return 'relay'",
        "nobody": "return {'policy': 'relay', 'relays': ['gone']}",
    }
    rules = [{"id": name, "name": name, "python": HEAD + body} for name, body in bodies.items()]
    policies, problems = load_policies({"rules": rules})
    assert problems == ()
    world = World(OPENAI, Host(), {ATTIC: RelayHost()})
    world.client.config = replace(world.client.config, policies=policies)
    ignored = world.client.explain("openai/x", "Hi").decision.ignored
    assert {rule.id for rule in ignored} >= {"loops", "raises", "calls-itself", "nonsense", "no-record"}
    assert all(rule.message for rule in ignored)
    # The last of them is no mistake in a rule: it forbids the direct way and names a relay that is gone.
    policies, _ = load_policies({"rules": rules[:-1]})
    world.client.config = replace(world.client.config, policies=policies)
    assert await ask(world) == "direct"


async def test_evidence_of_a_later_version_is_kept_for_it_and_stops_nothing() -> None:
    later = {"version": 99, "provider_origin": "https://api.z.ai", "weather": ["cloudy"]}
    damaged: list[Any] = [None, 7, [], {"version": "new"}, {"key": {}}, {"key": None, "verdict": "open"}]
    world = World(ZAI, CLOSED, {ATTIC: RelayHost()})
    world.client.knowledge = load_knowledge({"evidence": [later, *damaged], "ledger": "?", "metrics": [{}]}, NOW)
    assert [await ask(world), await ask(world)] == ["relay Attic", "relay Attic"]
    news = json.loads(json.dumps(world.client.knowledge.list_news(world.now)))
    assert later in news["evidence"]
    assert [row["verdict"] for row in news["evidence"] if "verdict" in row] == ["blocked"]


async def test_a_clock_that_jumps_back_costs_one_look_and_no_message() -> None:
    world = World(ZAI, CLOSED, {ATTIC: RelayHost(), CELLAR: RelayHost(obstacle="refused")})
    for jump in (0.0, -7 * 24 * 3600.0, 7 * 24 * 3600.0 + 60.0, -30.0, 365 * 24 * 3600.0):
        world.now += jump
        before = world.preflights
        for _ in range(3):
            assert await ask(world) == "relay Attic"
        assert world.preflights <= before + 1
    document = json.loads(json.dumps(world.client.knowledge.list_news(world.now)))
    assert all(row["until"] <= world.now + EVIDENCE_LIFETIME for row in document["evidence"] if "until" in row)


async def test_a_relay_that_says_it_is_well_and_is_not_is_believed_once() -> None:
    world = World(ONLY_RELAYED, CLOSED, {ATTIC: RelayHost(loses="unasked"), CELLAR: RelayHost()})
    for _ in range(20):
        assert await ask(world) == "relay Cellar"
        world.now += 0.4
    assert world.count_sent(ATTIC, "/v1") == 1
    assert world.chats == 20


async def test_a_relay_that_says_nonsense_of_what_it_sees_proves_nothing() -> None:
    views: tuple[Any, ...] = ("yes", [], {"dns": {"ok": "no"}}, {"preflight": {"ok": 1}, "tls": 3, "answer": []}, {})
    for view in views:
        world = Nonsense(view)
        verdict = await world.client.diagnose("zai-coding")
        assert verdict.certainty != "proven"
        assert verdict.learns is None


class Nonsense(World):
    """A relay that answers its probe with *view*."""

    def __init__(self, view: Any) -> None:
        self._nonsense = view
        relay: dict[Relay, RelayHost] = {ATTIC: RelayHost()}
        super().__init__(ZAI, CLOSED, relay)

    def _view(self, relay: RelayHost) -> Any:
        return self._nonsense
