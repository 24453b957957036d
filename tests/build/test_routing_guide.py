"""What the guide to rules shows is what the program takes."""

import json
import re
from pathlib import Path
from typing import Any

from sidestep.policies import RuleAction, load_policies
from sidestep.routing.python_rules import compile_rule, describe_context, describe_facts
from sidestep.routing.requests import RequestFacts
from sidestep.routing.rules import LocalTime, RuleContext

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "routing.md").read_text(encoding="utf-8")


def find_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_each_example_of_the_guide_is_taken_as_it_is() -> None:
    rows: list[dict[str, Any]] = [json.loads(block) for block in find_blocks(GUIDE, "json")]
    document = {
        "rules": [row for row in rows if "id" in row],
        "groups": [row for row in rows if "members" in row],
        "options": next(row for row in rows if "shares_requests" in row),
    }
    policies, problems = load_policies(document)
    assert problems == ()
    assert (len(policies.rules), len(policies.groups)) == (2, 1)
    assert policies.options.to_dict() == {"shares_requests": True, "caches_answers": False, "cache_lifetime": 86400}


def test_the_examples_in_python_do_what_the_guide_says() -> None:
    by_size, by_health = (compile_rule(block) for block in find_blocks(GUIDE, "python") if "def route" in block)
    context = RuleContext(
        0.0,
        LocalTime(600, 5),
        {"zai": "relay required", "openai": "direct"},
        {"* attic": "failing"},
        ("attic", "cellar"),
    )
    surroundings = describe_context(context)
    large = describe_facts(RequestFacts("openai", "m", 200_000))
    assert by_size.run(large, surroundings) == RuleAction(timeout=300, model="gemini/gemini-2.5-pro")
    assert by_size.run(describe_facts(RequestFacts("openai", "m")), surroundings) == RuleAction(
        model="deepseek/deepseek-chat"
    )
    assert by_health.run(large, surroundings) is None
    assert by_health.run(describe_facts(RequestFacts("zai", "m")), surroundings) == RuleAction("relay", ("cellar",))


def test_the_guide_names_all_that_a_rule_sees() -> None:
    facts, context = describe_facts(RequestFacts("p", "m")), describe_context(RuleContext(0.0, LocalTime(0, 0)))
    assert [name for name in (*facts, *context) if f"`{name}`" not in GUIDE] == []


def test_the_example_of_the_protocol_is_taken_as_it_is() -> None:
    protocol = (DOCS / "protocol.md").read_text(encoding="utf-8")
    (document,) = (json.loads(block) for block in find_blocks(protocol, "json") if '"rules"' in block)
    assert load_policies(document)[1] == ()
