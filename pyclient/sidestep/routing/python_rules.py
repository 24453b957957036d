"""Rules that the user writes in Python: `def route(request, context)`, run within a time limit.

It is the user's own code in the user's own page, so this protects from accidents: a loop without end, a list of all
numbers, a typing error. It is no sandbox for hostile code, and code of strangers must not be run with it.

There is one thread and there are no signals in a browser, so the code watches the clock itself: a tick is put at the
beginning of each loop's body, function, lambda, comprehension and handler. Once the time is over, each tick raises, so
that no `except` can swallow the end.

`range`, `*`, `**` and `<<` are bounded. What is not caught: one call into C that takes long by itself, such as
`"%999999999d" % 1`, a `str.replace` that makes a text of gigabytes, or a list that grows while `max(…, key=….append)`
reads it; and lists nested ten thousands deep, which break a browser's stack. What is made within the time is not
weighed, so memory is bounded by time alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from types import CodeType
from typing import Any

from sidestep.errors import ConfigurationError
from sidestep.policies import WEEKDAYS, PolicyProblem, Rule, RuleAction, read_action
from sidestep.routing._watched_code import SOURCE_NAME, compile_watched, make_names
from sidestep.routing.requests import RequestFacts
from sidestep.routing.rules import RuleContext

__all__ = ["TIME_LIMIT", "PythonRule", "PythonRules", "compile_rule", "describe_context", "describe_facts"]

TIME_LIMIT = 0.05
"""Seconds that a rule may take."""

_LONGEST_MESSAGE = 200  # characters of a foreign sentence

Clock = Callable[[], float]


class _TimeIsOver(BaseException):
    """Raised by each tick once the time is over; not an Exception, so that `except Exception` lets it pass."""


class PythonRule:
    """One rule, compiled; see `compile_rule`."""

    __slots__ = ("_code",)

    def __init__(self, code: CodeType) -> None:
        self._code = code

    def run(
        self,
        request: Mapping[str, Any],
        context: Mapping[str, Any],
        clock: Clock = time.perf_counter,
        limit: float = TIME_LIMIT,
    ) -> RuleAction | None:
        """Return what the rule lays down for *request*, or None if it is not for it.

        Nothing is kept from one run to the next, and the rule gets copies of both arguments.

        Args:
            request: what `describe_facts` returns.
            context: what `describe_context` returns.
            clock: seconds, never going back.
            limit: seconds that the rule may take.

        Raises:
            ConfigurationError: it raised, took too long, or returned something that is no action.
        """
        timer = _Timer(clock, limit)
        names = make_names(timer.tick)
        try:
            exec(self._code, names)  # noqa: S102 - running the user's own code is what this is for
            returned = names["route"](_copy(request), _copy(context))
            timer.tick()
        except _TimeIsOver:
            raise ConfigurationError(
                f"The rule took longer than {limit * 1000:.0f} ms and was stopped.", field="python"
            ) from None
        except RecursionError as error:
            raise _fail(error, "calls itself without end") from None
        except Exception as error:  # noqa: BLE001 - the user's code may raise anything
            raise _fail(error, f"failed with {_describe(error)}") from None
        return None if returned is None else _read_returned(returned)


class PythonRules:
    """The Python rules of a list, each compiled once; `run` is what `sidestep.routing.rules.decide` takes.

    Args:
        rules: all rules, in their order, as `sidestep.policies.load_rules` returns them.
        clock: seconds, never going back.
        limit: seconds that each rule may take.

    Attributes:
        problems: what cannot be compiled, with pointers into the configuration.
    """

    __slots__ = ("_clock", "_compiled", "_limit", "problems")

    def __init__(self, rules: Iterable[Rule], clock: Clock = time.perf_counter, limit: float = TIME_LIMIT) -> None:
        self._clock = clock
        self._limit = limit
        self._compiled: dict[str, PythonRule | ConfigurationError] = {}
        problems: list[PolicyProblem] = []
        for index, rule in enumerate(rules):
            if rule.python and not rule.is_broken:
                made = self._compiled[rule.python] = _try_to_compile(rule.python)
                if isinstance(made, ConfigurationError):
                    problems.append(PolicyProblem(f"/rules/{index}/python", made.message))
        self.problems = tuple(problems)

    def run(self, rule: Rule, facts: RequestFacts, context: RuleContext) -> RuleAction | None:
        """Return what *rule* lays down, or None if it is not for this request.

        Raises:
            ConfigurationError: it cannot be compiled, or it failed.
        """
        compiled = self._compiled.get(rule.python) or _try_to_compile(rule.python)
        if isinstance(compiled, ConfigurationError):
            raise ConfigurationError(compiled.message, field="python")
        return compiled.run(describe_facts(facts), describe_context(context), self._clock, self._limit)


def compile_rule(source: str) -> PythonRule:
    """Return the rule that *source* holds: `def route(request, context)` and whatever it needs beside.

    Raises:
        ConfigurationError: it cannot work; the message says in which line.
    """
    return PythonRule(compile_watched(source))


def describe_facts(facts: RequestFacts) -> dict[str, Any]:
    """Return what a rule in Python sees as `request`."""
    return {
        "provider": facts.provider,
        "model": facts.model,
        "estimated_tokens": facts.estimated_tokens,
        "attachments": sorted(facts.attachments),
        "has_tools": facts.has_tools,
        "tags": sorted(facts.tags),
        "turn_count": facts.turn_count,
    }


def describe_context(context: RuleContext) -> dict[str, Any]:
    """Return what a rule in Python sees as `context`."""
    hour, minute = divmod(context.local_time.minute, 60)
    return {
        "hour": hour,
        "minute": minute,
        "weekday": WEEKDAYS[context.local_time.weekday],
        "routes": dict(context.routes),
        "health": dict(context.health),
        "relays": list(context.relays),
    }


class _Timer:
    __slots__ = ("_clock", "_end")

    def __init__(self, clock: Clock, limit: float) -> None:
        self._clock = clock
        self._end = clock() + limit

    def tick(self) -> None:
        if self._clock() > self._end:
            raise _TimeIsOver


def _try_to_compile(source: str) -> PythonRule | ConfigurationError:
    try:
        return compile_rule(source)
    except ConfigurationError as error:
        return error


def _read_returned(returned: Any) -> RuleAction:
    if not isinstance(returned, dict) or not all(isinstance(name, str) for name in returned):
        raise ConfigurationError(
            f"The rule returned something else ({type(returned).__name__}) than a dict of named fields; "
            "None says that it is not for this request.",
            field="python",
        )
    problems: list[PolicyProblem] = []
    action = read_action(returned, "", problems)
    if problems:
        message = _shorten(problems[0].message)
        raise ConfigurationError(f"What the rule returned cannot be obeyed: {message}.", field="python")
    return action


def _fail(error: Exception, what: str) -> ConfigurationError:
    line = _find_line(error)
    return ConfigurationError(f"The rule {what}{f' (line {line})' if line else ''}.", field="python")


def _describe(error: Exception) -> str:
    name = type(error).__name__
    # A list inside a list inside … would break a browser's stack when it is written.
    if not all(isinstance(part, str | int | float) for part in error.args):
        return name
    try:
        return _shorten(f"{name}: {error}" if error.args else name)
    except ValueError:  # a number of too many digits
        return name


def _shorten(text: str) -> str:
    return text.rstrip(".") if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"


def _find_line(error: Exception) -> int | None:
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == SOURCE_NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copy(inner) for name, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list | tuple) else value
