"""Which rule decides, what it may know of a request, and what the editor of the rules is told."""

import time
from typing import Any

import pytest

from sidestep.errors import ConfigurationError
from sidestep.policies import Rule, RuleAction, load_rules
from sidestep.routing.requests import RequestFacts, describe_request
from sidestep.routing.rules import Decision, LocalTime, RuleContext, decide, explain_rules
from sidestep.types import ChatRequest, FilePart, ImagePart, Message, TextPart, Tool, ToolCall

FACTS = RequestFacts(
    "openai",
    "gpt-5.2-Mini",
    estimated_tokens=5_000,
    attachments=frozenset({"image"}),
    has_tools=True,
    tags=frozenset({"draft", "work"}),
)
SUNDAY_NIGHT = RuleContext(0.0, LocalTime(23 * 60, 6))


def load(*rows: dict[str, Any]) -> tuple[Rule, ...]:
    rules, problems = load_rules([{"id": f"r{number}", "name": f"R{number}", **row} for number, row in enumerate(rows)])
    assert problems == ()
    return rules


def run_nothing(rule: Rule, facts: RequestFacts, context: RuleContext) -> RuleAction | None:
    raise AssertionError("there is no rule in Python here")


def run_by_id(rule: Rule, facts: RequestFacts, context: RuleContext) -> RuleAction | None:
    """Play rules in Python: what a source says is what the rule does."""
    if rule.python == "fail":
        raise ConfigurationError("The rule failed.")
    return None if rule.python == "pass over" else RuleAction(model=rule.python)


def decide_on(*rows: dict[str, Any], context: RuleContext = SUNDAY_NIGHT) -> Decision:
    return decide(load(*rows), FACTS, context, run_nothing)


MATCHING: list[dict[str, Any]] = [
    {},
    {"provider": "openai"},
    {"provider": ["anthropic", "open*"]},
    {"model": "gpt-5*"},
    {"model": "GPT-5.?-mini"},
    {"model": ["o3", "*mini"]},
    {"tokens": {"min": 5_000, "max": 5_000}},
    {"tokens": {"min": 1}},
    {"attachments": ["file", "image"]},
    {"has_tools": True},
    {"time": {"from": "22:00", "to": "06:00", "days": ["sun"]}},
    {"tags": ["work", "home"]},
]
DIFFERING: list[tuple[dict[str, Any], str]] = [
    ({"provider": "open"}, "The provider is “openai”; the rule is for “open”."),
    ({"provider": ["a*", "b.*"]}, "The provider is “openai”; the rule is for “a*”, “b.*”."),
    ({"model": "gpt-5.2"}, "The model is “gpt-5.2-Mini”; the rule is for “gpt-5.2”."),
    ({"model": "mini"}, "The model is “gpt-5.2-Mini”; the rule is for “mini”."),
    ({"tokens": {"min": 5_001}}, "The request has about 5000 tokens; the rule is for at least 5001."),
    ({"tokens": {"max": 4_999}}, "The request has about 5000 tokens; the rule is for at most 4999."),
    ({"attachments": ["file"]}, "Nothing of this kind is attached: “file”."),
    ({"has_tools": False}, "The request has tools; the rule is for requests without tools."),
    ({"tags": ["home"]}, "The request has none of these tags: “home”."),
    ({"time": {"from": "06:00", "to": "22:00"}}, "It is sun 23:00; the rule is for requests from 06:00 to 22:00."),
    ({"time": {"days": ["mon", "tue"]}}, "It is sun 23:00; the rule is for requests on mon, tue."),
]


@pytest.mark.parametrize("when", MATCHING, ids=str)
def test_a_rule_is_for_a_request_that_meets_its_conditions(when: dict[str, Any]) -> None:
    assert decide_on({"when": when, "then": {"policy": "relay"}}) == Decision("r0", "R0", "relay")


@pytest.mark.parametrize(("when", "sentence"), DIFFERING, ids=str)
def test_a_rule_is_not_for_another_request_and_the_editor_says_why(when: dict[str, Any], sentence: str) -> None:
    row = {"when": when, "then": {"policy": "relay"}}
    assert decide_on(row) == Decision()
    (outcome,) = explain_rules(load(row), FACTS, SUNDAY_NIGHT, run_nothing)
    assert (outcome.outcome, outcome.message) == ("differs", sentence)


def test_all_conditions_must_be_met() -> None:
    both = {"provider": "openai", "model": "claude*"}
    assert decide_on({"when": both, "then": {}}).rule_id is None


def test_the_first_rule_that_matches_decides_all_of_it() -> None:
    then = {"policy": "relay", "relays": ["b", "a"], "strategy": "order", "timeout": 9.5, "model": "zai/glm"}
    decision = decide_on(
        {"when": {"provider": "zai"}, "then": {"policy": "direct"}},
        {"enabled": False, "when": {}, "then": {"policy": "direct"}},
        {"when": {}, "then": then},
        {"when": {"provider": "openai"}, "then": {"policy": "direct"}},
    )
    assert decision == Decision("r2", "R2", "relay", ("b", "a"), "order", 9.5, "zai/glm")
    assert decision.to_dict() == {"rule": {"id": "r2", "name": "R2"}, "ignored": [], **then}


def test_a_rule_that_lays_nothing_down_still_ends_the_search() -> None:
    assert decide_on({"when": {}, "then": {}}, {"when": {}, "then": {"policy": "relay"}}) == Decision("r0", "R0")


def test_a_broken_rule_is_not_one_that_matches_everything() -> None:
    rules, problems = load_rules([{"id": "r", "when": {"provdier": "zai"}, "then": {"policy": "direct"}}])
    assert problems
    assert decide(rules, FACTS, SUNDAY_NIGHT, run_nothing) == Decision()


def test_a_rule_in_python_decides_passes_or_is_ignored_with_a_sentence() -> None:
    rules = load({"python": "pass over"}, {"python": "fail"}, {"python": "zai/glm"}, {"when": {}, "then": {}})
    decision = decide(rules, FACTS, SUNDAY_NIGHT, run_by_id)
    assert (decision.rule_id, decision.model) == ("r2", "zai/glm")
    assert decision.to_dict()["ignored"] == [{"id": "r1", "name": "R1", "message": "The rule failed."}]


def test_a_failure_is_named_also_where_no_rule_decides() -> None:
    decision = decide(load({"python": "fail"}), FACTS, SUNDAY_NIGHT, run_by_id)
    assert decision.rule_id is None
    assert [ignored.name for ignored in decision.ignored] == ["R0"]


def test_the_editor_hears_of_every_rule() -> None:
    rows: list[dict[str, Any]] = [
        {"when": {"provider": "zai"}, "then": {}},
        {"enabled": False, "when": {}, "then": {}},
        {"python": "fail"},
        {"python": "pass over"},
        {"when": {}, "then": {"policy": "direct"}},
        {"when": {"has_tools": True}, "then": {"timeout": 5}},
    ]
    broken, _ = load_rules([{"id": "typo", "name": "Typo", "wen": {}}])
    outcomes = explain_rules([*load(*rows), *broken], FACTS, SUNDAY_NIGHT, run_by_id)
    assert [outcome.outcome for outcome in outcomes] == [
        "differs", "off", "failed", "differs", "decides", "matches", "broken",
    ]  # fmt: skip
    assert outcomes[5].to_dict() == {
        "id": "r5",
        "name": "R5",
        "outcome": "matches",
        "message": "It is for this request too, but a rule above it decides.",
        "then": {"timeout": 5},
    }
    assert all(outcome.message.endswith(".") for outcome in outcomes)


def test_local_time_is_what_the_clock_on_the_wall_shows() -> None:
    moment = time.strptime("2026-11-22 23:05", "%Y-%m-%d %H:%M")
    assert LocalTime.of(moment) == LocalTime(23 * 60 + 5, 6)


def test_a_request_is_described_without_its_words() -> None:
    request = ChatRequest(
        "gpt-5.2",
        (
            Message("system", "secret words!"),
            Message("user", (TextPart("ÄÖÜß"), ImagePart("data:image/png;base64,AAAA"))),
            Message("assistant", "", (ToolCall("1", "look", '{"a": 1}'),)),
            Message("user", (FilePart("secret.pdf", "https://files.test/secret.pdf"),)),
        ),
        is_stream=False,
        tools=(Tool("look", "Looks.", {}),),
    )
    facts = describe_request("openai", request, ["draft"], "c1")
    assert facts == RequestFacts(
        "openai",
        "gpt-5.2",
        # 13 and 8 bytes of text, an image, a call of 12 bytes, a file, a tool of 10 bytes and its schema of 2.
        estimated_tokens=4 + 2 + 1_000 + 3 + 2_000 + 3 + 1,
        attachments=frozenset({"image", "file"}),
        has_tools=True,
        is_stream=False,
        tags=frozenset({"draft"}),
        conversation="c1",
        turn_count=2,
    )
    assert "secret" not in repr(facts)


def test_half_a_character_does_not_stop_the_estimate() -> None:
    assert describe_request("openai", ChatRequest("m", (Message("user", "\ud83d"),))).estimated_tokens == 1
