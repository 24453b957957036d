"""The plan: which routes, in which order, and why."""

import pytest

from sidestep import Config, Consent, Provider, Relay
from sidestep.routing.evidence import EVIDENCE_LIFETIME, Evidence, EvidenceKey, Finding, key_for
from sidestep.routing.health import Health, HealthKey, Outcome
from sidestep.routing.plan import Plan, Wishes, describe_time, make_plan
from sidestep.types import HttpRequest

NOW = 1_790_000_000.0
ATTIC, CELLAR = Relay("https://attic.test", name="Attic", id="attic"), Relay("https://cellar.test", id="cellar")
KEY = EvidenceKey("https://page.test", "https://api.z.ai", "chat", "POST", ("authorization", "content-type"))


def plan(route: str = "auto", *, consents: str = "*", finding: Finding | None = None, key: str = "k") -> Plan:
    provider = Provider("zai-coding", api_key=key, route=route)
    granted = frozenset(Consent(relay.id, consents) for relay in (ATTIC, CELLAR)) if consents else frozenset()
    return make_plan(provider, Config((provider,), (ATTIC, CELLAR), granted), finding, NOW)


def labels(made: Plan) -> list[str]:
    return [candidate.route.label for candidate in made.included]


def found(verdict: str, *, ago: float = 3 * 3600) -> Finding:
    return Finding(KEY, verdict, NOW - ago, NOW - ago + EVIDENCE_LIFETIME, "the relay got an answer.")  # type: ignore[arg-type]


def test_direct_comes_first_and_relays_after_it() -> None:
    assert labels(plan()) == ["direct", "relay Attic", "relay cellar.test"]


@pytest.mark.parametrize(("route", "ways"), [("direct", ["direct"]), ("relay", ["relay Attic", "relay cellar.test"])])
def test_the_users_choice_rules(route: str, ways: list[str]) -> None:
    made = plan(route)
    assert labels(made) == ways
    assert all("You chose" in candidate.reason for candidate in made.candidates if not candidate.is_included)


def test_a_blocked_direct_way_is_left_out_and_says_since_and_until_when() -> None:
    made = plan(finding=found("blocked"))
    assert labels(made) == ["relay Attic", "relay cellar.test"]
    direct = made.candidates[-1]
    assert direct.route.kind == "direct"
    assert "3 hours ago" in direct.reason
    assert "in 21 hours" in direct.reason


def test_a_blocked_direct_way_is_tried_when_there_is_no_other() -> None:
    assert labels(plan(consents="", finding=found("blocked"))) == ["direct"]
    assert labels(plan("direct", finding=found("blocked"))) == ["direct"]


def test_without_consent_no_relay_sees_the_key_and_the_plan_says_so() -> None:
    made = plan(consents="openai")
    assert labels(made) == ["direct"]
    assert made.consent_needed == ("attic", "cellar")
    assert plan("direct", consents="").consent_needed == ()


def test_without_a_key_only_a_relay_can_help() -> None:
    made = plan(key="")
    assert labels(made) == ["relay Attic", "relay cellar.test"]
    assert "no key" in made.candidates[-1].reason


def test_every_candidate_has_a_reason() -> None:
    for made in (plan(), plan("direct"), plan("relay"), plan(consents=""), plan(finding=found("open"))):
        assert len(made.candidates) == 3
        assert all(candidate.reason.endswith(".") for candidate in made.candidates)


def test_evidence_expires_and_keeps_its_beginning_while_it_is_renewed() -> None:
    evidence = Evidence().learn(KEY, "blocked", "basis", NOW)
    assert evidence.find(KEY, NOW + EVIDENCE_LIFETIME - 1) is not None
    assert evidence.find(KEY, NOW + EVIDENCE_LIFETIME) is None
    renewed = evidence.learn(KEY, "blocked", "basis", NOW + 100).find(KEY, NOW + EVIDENCE_LIFETIME + 50)
    assert renewed is not None
    assert renewed.since == NOW
    changed = evidence.learn(KEY, "open", "basis", NOW + 100).find(KEY, NOW + 200)
    assert changed is not None
    assert (changed.verdict, changed.since) == ("open", NOW + 100)


def test_evidence_survives_storage_and_damage() -> None:
    evidence = Evidence().learn(KEY, "blocked", "basis", NOW)
    rows = evidence.to_list(NOW)
    assert Evidence.load(rows) == evidence
    assert Evidence.load([None, {}, {"key": {}}, *rows, {**rows[0], "since": "soon"}]) == evidence
    assert evidence.to_list(NOW + EVIDENCE_LIFETIME) == []
    assert not evidence.forget("https://api.z.ai", NOW).findings


def test_evidence_is_keyed_by_what_a_cors_policy_depends_on() -> None:
    request = HttpRequest("POST", "https://api.z.ai/api/chat/completions", {"Content-Type": "a", "Authorization": "b"})
    assert key_for("https://page.test", request, "chat") == KEY


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "a moment"), (59, "a moment"), (60, "1 minute"), (3600, "1 hour"), (7300, "2 hours")]
)
def test_time_is_said_in_words(seconds: float, words: str) -> None:
    assert describe_time(seconds) == words


def busy(route: str, failures: int, *, provider: str = "zai-coding") -> Health:
    health = Health()
    for _ in range(failures):
        health = health.record(HealthKey(provider, route), Outcome(NOW - 1, "route", "It timed out."))
    return health


def test_a_failing_direct_way_comes_after_relays_that_work() -> None:
    provider = Provider("zai-coding", api_key="k")
    config = Config((provider,), (ATTIC, CELLAR), frozenset({Consent("attic", "*")}))
    made = make_plan(provider, config, None, NOW, health=busy("direct", 3))
    assert labels(made) == ["relay Attic", "direct"]
    assert "3 times in a row" in made.included[-1].reason
    assert labels(make_plan(provider, config, None, NOW, health=busy("direct", 2))) == ["direct", "relay Attic"]
    alone = make_plan(provider, Config((provider,)), None, NOW, health=busy("direct", 9))
    assert labels(alone) == ["direct"]


def test_a_resting_relay_is_the_last_resort_and_says_so() -> None:
    provider = Provider("zai-coding", api_key="k", route="relay")
    config = Config((provider,), (ATTIC, CELLAR), frozenset({Consent("attic", "*"), Consent("cellar", "*")}))
    made = make_plan(provider, config, None, NOW, health=busy("attic", 1, provider="*"))
    assert labels(made) == ["relay cellar.test", "relay Attic"]
    assert "left alone for 9 s more" in made.included[-1].reason


def test_a_rule_overrides_the_policy_names_the_relays_and_is_named() -> None:
    provider = Provider("zai-coding", api_key="k", route="direct")
    config = Config((provider,), (ATTIC, CELLAR), frozenset({Consent("attic", "*"), Consent("cellar", "*")}))
    wishes = Wishes("relay", relays=("cellar", "unknown"), strategy="order", because="the rule “Night”")
    made = make_plan(provider, config, None, NOW, wishes=wishes)
    assert labels(made) == ["relay cellar.test"]
    assert [candidate.reason for candidate in made.candidates] == [
        "The rule “Night” wants to reach Z.ai coding plan through a relay.",
        "The rule “Night” wants to reach Z.ai coding plan only through a relay.",
        "Attic is not among the relays that the rule “Night” named.",
    ]


def test_a_way_that_opened_again_says_so() -> None:
    evidence = Evidence().learn(KEY, "blocked", "", NOW - 7200).learn(KEY, "open", "", NOW - 3600)
    made = plan(finding=evidence.find(KEY, NOW))
    assert made.candidates[0].reason == "The direct way to api.z.ai works again: it opened 1 hour ago."
    hidden = plan(finding=found("hides_errors"))
    assert "hides its refusals" in hidden.candidates[0].reason
