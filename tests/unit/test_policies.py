"""Rules, groups and options: read as they are meant, or refused with the place and a sentence; nothing is lost."""

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from sidestep.policies import (
    GroupMember,
    ModelGroup,
    Options,
    Policies,
    Rule,
    RuleAction,
    RuleMatch,
    TimeWindow,
    check_references,
    find_group_name,
    load_groups,
    load_options,
    load_policies,
    load_rules,
)

FULL: dict[str, Any] = {
    "then": {
        "policy": "relay",
        "relays": ["attic", "cellar"],
        "strategy": "order",
        "timeout": 20,
        "model": "zai/glm-4.6",
    },
    "id": "night",
    "name": "Night",
    "enabled": True,
    "when": {
        "provider": "openai",
        "model": ["gpt-*", "o3"],
        "tokens": {"min": 10, "max": 1e5},
        "attachments": ["file", "image"],
        "has_tools": False,
        "time": {"from": "22:00", "to": "06:00", "days": ["fri", "mon"]},
        "tags": ["draft"],
    },
}
PYTHON = {"id": "mine", "name": "Mine", "enabled": False, "python": "def route(request, context):\n    return None\n"}
GROUP = {"name": "fast", "strategy": "weighted", "members": [{"model": "a/x", "weight": 3}, {"model": "b/org/y"}]}


def rule(**parts: Any) -> dict[str, Any]:
    return {"id": "r", "name": "R", "enabled": True, "when": {}, "then": {}} | parts


def when(**conditions: Any) -> dict[str, Any]:
    return rule(when=conditions)


def then(**action: Any) -> dict[str, Any]:
    return rule(then=action)


def test_a_rule_is_read_as_it_is_meant() -> None:
    (read, written_in_python), problems = load_rules([FULL, PYTHON])
    assert problems == ()
    assert read == Rule(
        "night",
        "Night",
        True,
        RuleMatch(
            providers=("openai",),
            models=("gpt-*", "o3"),
            min_tokens=10,
            max_tokens=100_000,
            attachments=frozenset({"image", "file"}),
            has_tools=False,
            time=TimeWindow(22 * 60, 6 * 60, frozenset({0, 4})),
            tags=frozenset({"draft"}),
        ),
        RuleAction("relay", ("attic", "cellar"), "order", 20, "zai/glm-4.6"),
    )
    assert read.is_active
    assert written_in_python == Rule("mine", "Mine", is_enabled=False, python=PYTHON["python"])  # type: ignore[arg-type]
    assert not written_in_python.is_active


@pytest.mark.parametrize(
    ("row", "pointer", "words"),
    [
        (5, "", "object"),
        (rule(enbled=True), "/enbled", "not known"),
        (rule(id=""), "/id", "letters"),
        (rule(id="a b"), "/id", "letters"),
        (rule(id=7), "/id", "letters"),
        (rule(name=7), "/name", "text"),
        (rule(enabled="yes"), "/enabled", "true or false"),
        ({"id": "r", "then": {}}, "/when", "{}"),
        ({"id": "r", "when": {}}, "/then", "{}"),
        (rule(when=[]), "/when", "object"),
        (rule(then=None), "/then", "object"),
        (when(**{"a~/b": 1}), "/when/a~0~1b", "not known"),
        (when(providers="x"), "/when/providers", "“provider”"),
        (when(provider=[]), "/when/provider", "one at least"),
        (when(provider=""), "/when/provider", "not empty"),
        (when(provider=None), "/when/provider", "list of texts"),
        (when(model=["gpt-*", 4]), "/when/model/1", "not empty"),
        (when(model={"a": 1}), "/when/model", "list of texts"),
        (when(tokens=100), "/when/tokens", "object"),
        (when(tokens={}), "/when/tokens", "“min”"),
        (when(tokens={"min": -1}), "/when/tokens/min", "0 or more"),
        (when(tokens={"min": True}), "/when/tokens/min", "whole number"),
        (when(tokens={"max": 1.5}), "/when/tokens/max", "whole number"),
        (when(tokens={"max": float("inf")}), "/when/tokens/max", "whole number"),
        (when(tokens={"max": float("nan")}), "/when/tokens/max", "whole number"),
        (when(tokens={"min": 9, "max": 3}), "/when/tokens/max", "less"),
        (when(tokens={"least": 9}), "/when/tokens/least", "“min”"),
        (when(attachments="image"), "/when/attachments", "list of texts"),
        (when(attachments=["image", "video"]), "/when/attachments/1", "“file”"),
        (when(has_tools=1), "/when/has_tools", "true or false"),
        (when(time="22:00"), "/when/time", "object"),
        (when(time={}), "/when/time", "“days”"),
        (when(time={"from": "22:00"}), "/when/time/to", "24 hours"),
        (when(time={"from": "24:00", "to": "06:00"}), "/when/time/from", "23:59"),
        (when(time={"from": "7:00", "to": "08:00"}), "/when/time/from", "23:59"),
        (when(time={"from": "07:00", "to": "07:00"}), "/when/time/to", "same"),
        (when(time={"days": ["monday"]}), "/when/time/days/0", "“mon”"),
        (when(time={"days": []}), "/when/time/days", "one at least"),
        (when(tags=["a", " "]), "/when/tags/1", "not empty"),
        (then(policy="relays"), "/then/policy", "“relay”"),
        (then(policy=None), "/then/policy", "“relay”"),
        (then(relays="attic"), "/then/relays", "list of texts"),
        (then(relays=["attic", "the attic"]), "/then/relays/1", "ids"),
        (then(policy="direct", relays=["attic"]), "/then/relays", "direct"),
        (then(strategy="random"), "/then/strategy", "“balanced”"),
        (then(timeout=0), "/then/timeout", "above 0"),
        (then(timeout=3601), "/then/timeout", "3600 seconds"),
        (then(timeout="20"), "/then/timeout", "number"),
        (then(model="glm"), "/then/model", "provider/model"),
        (then(model="zai/"), "/then/model", "provider/model"),
        (then(model="group/fast"), "/then/model", "group"),
        (then(model=4), "/then/model", "text"),
        (then(reroute=True), "/then/reroute", "not known"),
        ({"id": "r", "python": "def …", "when": {}}, "/when", "either"),
        ({"id": "r", "python": ""}, "/python", "route(request, context)"),
        ({"id": "r", "python": ["def"]}, "/python", "route(request, context)"),
        ({"id": "r", "python": "#" * 20_001}, "/python", "20000"),
    ],
)
def test_a_bad_field_is_pointed_to_and_its_rule_is_kept_but_not_obeyed(row: Any, pointer: str, words: str) -> None:
    kept = deepcopy(row)
    (first, bad), (problem,) = load_rules([FULL, row])
    assert problem.pointer == f"/rules/1{pointer}"
    assert words in problem.message
    assert problem.message.endswith(".")
    assert first.is_active
    assert bad.is_broken
    assert not bad.is_active
    assert str(bad.to_dict()) == str(kept)


def test_an_id_and_a_groups_name_are_given_once() -> None:
    rules, (problem,) = load_rules([rule(), rule(name="Second")])
    assert (problem.pointer, [each.is_active for each in rules]) == ("/rules/1/id", [True, False])
    groups, (problem,) = load_groups([GROUP, GROUP])
    assert (problem.pointer, [each.is_broken for each in groups]) == ("/groups/1/name", [False, True])


def test_a_group_is_read_as_it_is_meant() -> None:
    (group,), problems = load_groups([GROUP])
    assert problems == ()
    assert group == ModelGroup("fast", "weighted", (GroupMember("a/x", 3), GroupMember("b/org/y", 1)))
    assert [member.provider for member in group.members] == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"name": "my group"}, "/name", "letters"),
        ({"strategy": "random"}, "/strategy", "“weighted”"),
        ({"members": []}, "/members", "one model"),
        ({"members": {"a/x": 1}}, "/members", "list"),
        ({"members": ["a/x"]}, "/members/0", "object"),
        ({"members": [{"model": "a/x"}, {"model": "x"}]}, "/members/1/model", "provider/model"),
        ({"members": [{"model": "group/other"}]}, "/members/0/model", "group"),
        ({"members": [{"model": "a/x", "weight": 0}]}, "/members/0/weight", "above 0"),
        ({"members": [{"model": "a/x", "wieght": 1}]}, "/members/0/wieght", "not known"),
        ({"fallback": True}, "/fallback", "not known"),
    ],
)
def test_a_bad_group_is_pointed_to_and_kept(change: dict[str, Any], pointer: str, words: str) -> None:
    row = GROUP | change
    (group,), problems = load_groups([row])
    assert problems[0].pointer == f"/groups/0{pointer}"
    assert words in problems[0].message
    assert group.is_broken
    assert group.to_dict() == row


def test_a_bad_option_has_its_default_and_is_kept() -> None:
    row = {"shares_requests": False, "caches_answers": "yes", "cache_lifetime": 0, "caches": 1}
    options, problems = load_options(row)
    assert options == Options(shares_requests=False)
    assert {problem.pointer for problem in problems} == {
        "/options/caches_answers",
        "/options/cache_lifetime",
        "/options/caches",
    }
    assert options.to_dict() == row


@pytest.mark.parametrize(
    "document",
    [
        {"rules": [FULL, PYTHON, rule(enbled=True), None], "groups": [GROUP, 5], "options": {"caches_answers": True}},
        {"rules": {"0": FULL}, "groups": "fast", "options": []},
    ],
)
def test_what_was_read_is_written_again_to_the_letter(document: dict[str, Any]) -> None:
    policies, _ = load_policies(document)
    assert json.dumps(policies.to_dict()) == json.dumps(document)


def test_nothing_laid_down_is_no_problem() -> None:
    assert load_policies({}) == (Policies(), ())


def test_what_is_changed_after_reading_is_written_as_it_is_now() -> None:
    (read,), _ = load_rules([FULL])
    assert replace(read, is_enabled=False).to_dict()["enabled"] is False
    assert load_rules([replace(read, name="Day").to_dict()])[0][0] == replace(read, name="Day")
    (group,), _ = load_groups([GROUP])
    assert replace(group, strategy="order").to_dict()["strategy"] == "order"
    options, _ = load_options({"caches_answers": True})
    assert replace(options, caches_answers=False).to_dict()["caches_answers"] is False


def test_changing_the_document_later_does_not_change_what_was_read() -> None:
    document = {"rules": [deepcopy(FULL)]}
    policies, _ = load_policies(document)
    document["rules"][0]["when"].clear()
    assert policies.to_dict()["rules"] == [FULL]


@pytest.mark.parametrize(
    "made",
    [
        Rule("a", "A", when=RuleMatch(time=TimeWindow()), then=RuleAction("direct")),
        Rule("a", "A", when=RuleMatch(time=TimeWindow(days=frozenset({5, 6})), tags=frozenset("xy"))),
        Rule("a", "A", when=RuleMatch(time=TimeWindow(60, 1440), max_tokens=5, has_tools=False)),
        Rule("a", "A", is_enabled=False, python="def route(request, context): return {}"),
    ],
)
def test_a_rule_made_in_python_is_read_as_it_was_written(made: Rule) -> None:
    assert load_rules([json.loads(json.dumps(made.to_dict()))]) == ((made,), ())


@pytest.mark.parametrize(
    ("window", "weekday", "minute", "is_open"),
    [
        (TimeWindow(9 * 60, 17 * 60), 2, 9 * 60, True),
        (TimeWindow(9 * 60, 17 * 60), 2, 17 * 60, False),
        (TimeWindow(22 * 60, 6 * 60), 2, 23 * 60, True),
        (TimeWindow(22 * 60, 6 * 60), 2, 5 * 60 + 59, True),
        (TimeWindow(22 * 60, 6 * 60), 2, 6 * 60, False),
        (TimeWindow(22 * 60, 6 * 60), 2, 12 * 60, False),
        # A night belongs to the day on which it begins: that of Sunday ends on Monday.
        (TimeWindow(22 * 60, 6 * 60, frozenset({6})), 6, 23 * 60, True),
        (TimeWindow(22 * 60, 6 * 60, frozenset({6})), 0, 3 * 60, True),
        (TimeWindow(22 * 60, 6 * 60, frozenset({6})), 6, 3 * 60, False),
        (TimeWindow(22 * 60, 6 * 60, frozenset({6})), 0, 23 * 60, False),
        (TimeWindow(22 * 60, 0), 1, 23 * 60 + 59, True),
        (TimeWindow(22 * 60, 0), 1, 0, False),
        (TimeWindow(days=frozenset({0})), 0, 1439, True),
        (TimeWindow(days=frozenset({0})), 1, 0, False),
    ],
)
def test_a_window_of_time_may_go_over_midnight(window: TimeWindow, weekday: int, minute: int, is_open: bool) -> None:
    assert window.contains(minute, weekday) is is_open


def test_a_name_that_leads_nowhere_is_pointed_to_and_the_rule_stays() -> None:
    document = {"rules": [FULL, rule(id="off", enabled=False, then={"relays": ["gone"]})], "groups": [GROUP]}
    policies, problems = load_policies(document)
    assert problems == ()
    missed = check_references(policies, {"a", "openai"}, {"attic"})
    assert [problem.pointer for problem in missed] == [
        "/rules/0/then/relays/1",
        "/rules/0/then/model",
        "/groups/0/members/1/model",
    ]
    assert check_references(policies, {"a", "b", "zai"}, {"attic", "cellar"}) == ()


def test_a_group_is_asked_for_by_its_name() -> None:
    assert [find_group_name(model) for model in ("group/fast", "openai/group/fast", "group")] == ["fast", None, ""]
    policies, _ = load_policies({"groups": [GROUP, {"name": "bad"}]})
    assert policies.find_group("fast") == policies.groups[0]
    assert policies.find_group("bad") is None
