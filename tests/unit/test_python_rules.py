"""Rules in Python: what they may see and do, and that none can stop the page."""

import textwrap
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from sidestep.errors import ConfigurationError
from sidestep.policies import RuleAction, load_rules
from sidestep.routing.python_rules import PythonRules, compile_rule, describe_context, describe_facts
from sidestep.routing.requests import RequestFacts
from sidestep.routing.rules import LocalTime, RuleContext, decide, explain_rules

FACTS = RequestFacts(
    "openai", "gpt-5.2", 5_000, frozenset({"image", "file"}), has_tools=True, tags=frozenset({"work"}), turn_count=3
)
CONTEXT = RuleContext(
    1_790_000_000.0,
    LocalTime(22 * 60 + 15, 6),
    routes={"openai": "direct"},
    health={"attic": "failing"},
    relays=("attic", "cellar"),
)


def steady_clock() -> Callable[[], float]:
    """Return a clock that goes on by a millisecond each time it is looked at, so that no test waits or depends on one.

    A rule may then look at it 49 times.
    """
    moments = count()
    return lambda: next(moments) / 1000


def run(source: str, clock: Callable[[], float] | None = None) -> RuleAction | None:
    rule = compile_rule(textwrap.dedent(source))
    return rule.run(describe_facts(FACTS), describe_context(CONTEXT), clock or steady_clock())


def fail(source: str, clock: Callable[[], float] | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        run(source, clock)
    assert caught.value.field == "python"
    return caught.value.message


def route(body: str) -> str:
    return "def route(request, context):\n" + textwrap.indent(textwrap.dedent(body), "    ")


def test_a_rule_lays_down_what_its_function_returns() -> None:
    source = """
        LARGE = 4_000

        def is_large(request: Request) -> Answer:
            return request["estimated_tokens"] > LARGE

        def route(request, context):
            if is_large(request) and context["hour"] >= 22:
                healthy = [relay for relay in context["relays"] if context["health"].get(relay) != "failing"]
                return {"policy": "relay", "relays": healthy, "timeout": 60, "model": "zai/glm-4.6"}
    """
    assert run(source) == RuleAction("relay", ("cellar",), None, 60, "zai/glm-4.6")


def test_a_function_that_returns_nothing_is_not_for_the_request() -> None:
    assert run(route("if request['provider'] == 'zai': return {'policy': 'relay'}")) is None
    assert run(route("return {}")) == RuleAction()


def test_a_rule_sees_the_request_and_its_surroundings_and_no_more() -> None:
    seen = describe_facts(FACTS), describe_context(CONTEXT)
    assert seen == (
        {
            "provider": "openai",
            "model": "gpt-5.2",
            "estimated_tokens": 5_000,
            "attachments": ["file", "image"],
            "has_tools": True,
            "tags": ["work"],
            "turn_count": 3,
        },
        {
            "hour": 22,
            "minute": 15,
            "weekday": "sun",
            "routes": {"openai": "direct"},
            "health": {"attic": "failing"},
            "relays": ["attic", "cellar"],
        },
    )


def test_ordinary_python_works() -> None:
    body = """
        total: int = 2
        total *= 3
        total += 2 ** 3 + (1 << 2) + "ab".count("a")
        words = "-".join(sorted({word.upper() for word in ["b", "a"]}, key=lambda word: (len(word), word)))
        try:
            {}["missing"]
        except KeyError:
            total += 100
        finally:
            total += 1000
        while total < 2000:
            total += 500
        match request:
            case {"model": str(model), **rest}:
                words += f" {model} {len(rest)}"
        for number, letter in enumerate(reversed([*words])):
            if number: break
        else:
            return None
        return {"relays": [str(total)], "model": "x/" + words + letter + "-" * 3}
    """
    assert run(route(body)) == RuleAction(relays=("2119",), model="x/A-B gpt-5.2 6 ---")


def test_nothing_is_kept_from_run_to_run_and_nothing_leaks_out() -> None:
    source = """
        SEEN = []
        def route(request, context):
            SEEN.append(1)
            request["tags"].append("mine")
            context["relays"].clear()
            return {"timeout": len(SEEN)}
    """
    rule = compile_rule(textwrap.dedent(source))
    request, context = describe_facts(FACTS), describe_context(CONTEXT)
    assert [rule.run(request, context) for _ in range(2)] == [RuleAction(timeout=1)] * 2
    assert (request, context) == (describe_facts(FACTS), describe_context(CONTEXT))


ENDLESS = {
    "a loop": "while True: pass",
    "a loop over a growing list": "rows = [1]\nfor row in rows: rows.append(row)",
    "a loop that swallows everything": """
        while True:
            try:
                while True: pass
            except: pass
    """,
    "a loop that goes on whatever happens": """
        while True:
            try: 1 / 0
            except Exception: continue
            finally: continue
    """,
    "a return from finally": """
        try:
            while True: pass
        finally:
            return {"policy": "direct"}
    """,
    "an error of its own in the handler": """
        try:
            while True: pass
        except: raise ValueError
    """,
    "an error of its own in finally": """
        try:
            while True: pass
        finally: raise ValueError
    """,
    "a retry in the handler": """
        def again():
            try:
                while True: pass
            except:
                return again()
        return again()
    """,
    "a comprehension": "rows = [1]\nreturn [rows.append(row) for row in rows]",
    "a generator": "rows = [1]\nreturn any(rows.append(row) for row in rows)",
    "a condition of a comprehension": "return [0 for a in range(99) for b in range(99) for c in range(99)]",
    "a key function": "rows = [1]\nreturn max(rows, key=lambda row: rows.append(row) or row)",
    "two functions in turn": """
        def ping(depth): return pong(depth - 1) if depth else None
        def pong(depth): return ping(depth)
        while True: ping(20)
    """,
}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_what_does_not_end_is_stopped(body: str) -> None:
    assert fail(route(body)) == "The rule took longer than 50 ms and was stopped."


def test_an_end_that_was_swallowed_in_one_place_comes_at_the_next() -> None:
    clock = steady_clock()
    assert "took longer" in fail(route("try:\n  while True: pass\nexcept: pass\nreturn {'policy': 'direct'}"), clock)
    assert clock() < 0.1, "it must stop right after its time"


def test_what_comes_too_late_does_not_count() -> None:
    moments = iter([0.0, 0.0, 1.0])
    assert "took longer" in fail(route("return {'policy': 'direct'}"), lambda: next(moments))


def test_a_loop_is_stopped_by_a_real_clock_too() -> None:
    began = time.perf_counter()
    assert "took longer" in fail(route("while True: pass"), time.perf_counter)
    assert time.perf_counter() - began < 2


def test_a_beginning_that_does_not_end_is_stopped() -> None:
    assert "took longer" in fail("while True: pass\n" + route("return None"))


RECURSION = {
    "a function": "def again(): return again()\nreturn again()",
    "through C": "def again(row): return max([row], key=again)\nreturn again(1)",
    "a lambda": "again = lambda: again()\nreturn again()",
}


@pytest.mark.parametrize("body", RECURSION.values(), ids=RECURSION)
def test_what_calls_itself_for_ever_is_told_so(body: str) -> None:
    message = fail(route(body), lambda: 0.0)
    assert message.startswith("The rule calls itself without end (line 2")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return request['modle']", "failed with KeyError: 'modle' (line 2)."),
        ("\n\nreturn 1 / 0", "failed with ZeroDivisionError: division by zero (line 4)."),
        ("raise ValueError('Not like this.')", "failed with ValueError: Not like this (line 2)."),
        ("raise ValueError('x' * 999)", f"{'x' * 188}… (line 2)."),
        ("assert request['has_tools'] is False", "failed with AssertionError"),
        ("return unknown_name", "“unknown_name”".replace("“", "'").replace("”", "'")),
        ("list(range(10 ** 9))", "a range has at most 100000 numbers"),
        ("sum(range(10 ** 12))", "a range has at most 100000 numbers"),
        ("'x' * 10 ** 9", "more than 100000 items"),
        ("10 ** 9 * [0]", "more than 100000 items"),
        ("rows = [0]\nrows *= 10 ** 9", "more than 100000 items"),
        ("2 ** 2 ** 40", "more than 10000 bits"),
        ("9 ** 9 ** 9 ** 9", "more than 10000 bits"),
        ("1 << 10 ** 9", "more than 10000 bits"),
        ("number = 9 ** 2000\nreturn number * number", "more than 10000 bits"),
    ],
)  # fmt: skip
def test_what_fails_is_named_with_its_line(body: str, words: str) -> None:
    message = fail(route(body))
    assert message.startswith("The rule ")
    assert words in message


@pytest.mark.parametrize(
    "body",
    [
        "value = 1 << 9999\nfor _ in range(9_000): value = value + value\nraise ValueError(value)",
        "value = []\nfor _ in range(2_000): value = [value]\nraise ValueError(value)",
    ],
    ids=["too many digits", "nested too deeply"],
)
def test_an_error_that_cannot_be_written_does_not_break_the_sentence(body: str) -> None:
    assert fail(route(body), lambda: 0.0) == "The rule failed with ValueError (line 4)."


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("True", "bool"),
        ("'relay'", "str"),
        ("[]", "list"),
        ("len", "builtin_function_or_method"),
        ("route", "function"),
        ("{1: 2}", "dict of named fields"),
        ("{'polcy': 'relay'}", "“polcy” is not known"),
        ("{'policy': 'relays'}", "“policy” must be"),
        ("{'relays': {'attic'}}", "“relays” must be"),
        ("{'timeout': -1}", "above 0"),
        ("{'timeout': float('nan')}", "above 0"),
        ("{'model': 'group/fast'}", "a group cannot stand here"),
        ("(row for row in [])", "generator"),
    ],
)
def test_nonsense_is_refused_in_the_words_of_a_written_rule(value: str, words: str) -> None:
    message = fail(route(f"return {value}"))
    assert message.startswith(("The rule returned", "What the rule returned"))
    assert words in message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def route(request, context):\n  return {", "Line 2: This is not Python"),
        ("def route(request, context) return", "Line 1: This is not Python"),
        ("return {}", "needs a function “route”"),
        ("", "needs a function “route”"),
        ("route = 5", "needs a function “route”"),
        ("if True:\n  def route(request, context): pass", "needs a function “route”"),
        ("x = 1\ndef route(request): pass", "Line 2: “route” must take two arguments"),
        ("def route(): pass", "two arguments"),
        ("def route(a, b, c): pass", "two arguments"),
        ("def route(a, b, *, c): pass", "two arguments"),
        ("import os\n" + route("pass"), "Line 1: A rule cannot import"),
        (route("from os import path"), "Line 2: A rule cannot import"),
        (route("return request.__class__"), "Line 2: “__class__” cannot be used"),
        (route("return __builtins__"), "“__builtins__” cannot be used"),
        (route("__tick = len"), "“__tick” cannot be used"),
        (route("def __power(): pass"), "“__power” cannot be used"),
        (route("global __tick"), "“__tick” cannot be used"),
        (route("return [len(__x=1)]"), "“__x” cannot be used"),
        (route("class Row: pass"), "cannot define a class"),
        (route("with request: pass"), "cannot use “with”"),
        (route("yield 1"), "cannot “yield”"),
        ("async " + route("pass"), "take “async” out"),
        (route("async def f(): await f()"), "take “async” out"),
        (route("try: pass\nexcept* ValueError: pass"), "except*"),
        (route("print(request)"), "Line 2: “print” cannot be used in a rule; there are len,"),
        (route("return getattr(request, 'x')"), "“getattr” cannot be used"),
        (route("request['x'] *= 2"), "Line 2: Write this out"),
        ("x = " + "(" * 500 + ")" * 500 + "\n" + route("pass"), "nest"),
        ("x = " + "-" * 9_000 + "1\n" + route("pass"), "nested"),
        ("x = '\x00'\n" + route("pass"), "not Python"),
    ],
)
def test_what_cannot_work_is_refused_before_it_runs(source: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compile_rule(source)
    assert words in caught.value.message
    assert caught.value.message.endswith(".")
    assert caught.value.field == "python"


@pytest.mark.parametrize("head", ["def route(*given)", "def route(a, b, c=1)", "def route(a, *given, **named)"])
def test_a_function_that_takes_two_arguments_may_take_more(head: str) -> None:
    assert run(f"{head}: return {{}}") == RuleAction()


def test_a_name_of_ones_own_may_be_pythons() -> None:
    assert run(route("filter = 3\nreturn {'timeout': filter}")) == RuleAction(timeout=3)


def test_what_python_only_warns_of_is_no_error() -> None:
    assert run(route("return {} if 5 is 5 else '\\d'")) == RuleAction()


def test_the_rules_of_a_list_are_compiled_once_and_a_bad_one_harms_no_other() -> None:
    sources = [route("import os"), route("while True: pass"), route("return {'policy': 'relay'}")]
    rows: list[dict[str, Any]] = [{"id": f"r{n}", "name": f"R{n}", "python": text} for n, text in enumerate(sources)]
    rules, problems = load_rules([*rows, {"id": "plain", "when": {}, "then": {}}])
    assert problems == ()
    python_rules = PythonRules(rules, steady_clock())
    assert [(problem.pointer, problem.message) for problem in python_rules.problems] == [
        ("/rules/0/python", "Line 2: A rule cannot import; what it needs is in request and context."),
    ]
    decision = decide(rules, FACTS, CONTEXT, python_rules.run)
    assert (decision.rule_id, decision.policy) == ("r2", "relay")
    assert [(ignored.name, ignored.message) for ignored in decision.ignored] == [
        ("R0", "Line 2: A rule cannot import; what it needs is in request and context."),
        ("R1", "The rule took longer than 50 ms and was stopped."),
    ]
    outcomes = explain_rules(rules, FACTS, CONTEXT, python_rules.run)
    assert [outcome.outcome for outcome in outcomes] == ["failed", "failed", "decides", "matches"]


def test_a_rule_that_is_broken_anyway_is_not_compiled() -> None:
    rules, problems = load_rules([{"id": "r", "python": "import os", "then": {}}])
    assert [problem.pointer for problem in problems] == ["/rules/0/then"]
    assert PythonRules(rules).problems == ()
