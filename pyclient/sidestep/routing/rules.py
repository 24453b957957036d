"""Which of the user's rules decides about a request, and what it lays down. Pure: the clock comes as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sidestep.errors import ConfigurationError
from sidestep.policies import WEEKDAYS, ChosenRoute, RelayStrategy, Rule, RuleAction, RuleMatch
from sidestep.routing.requests import RequestFacts

__all__ = [
    "Decision",
    "IgnoredRule",
    "LocalTime",
    "RuleContext",
    "RuleOutcome",
    "RunPython",
    "decide",
    "explain_rules",
]


@dataclass(frozen=True, slots=True)
class LocalTime:
    """What the user's clock on the wall shows.

    Attributes:
        minute: minutes after midnight.
        weekday: 0 for Monday.
    """

    minute: int
    weekday: int

    @classmethod
    def of(cls, moment: time.struct_time) -> LocalTime:
        """Return what *moment* shows: `LocalTime.of(time.localtime(now))`."""
        return cls(moment.tm_hour * 60 + moment.tm_min, moment.tm_wday)

    def __str__(self) -> str:
        return f"{WEEKDAYS[self.weekday]} {self.minute // 60:02}:{self.minute % 60:02}"


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What a rule may know beside the request.

    Attributes:
        now: Unix time in seconds.
        local_time: the same in the user's time zone.
        routes: what is known of the direct way, in a word, by provider id.
        health: how routes and providers do, in a word, by their ids.
        relays: ids of the user's relays.
    """

    now: float
    local_time: LocalTime
    routes: Mapping[str, str] = field(default_factory=dict)
    health: Mapping[str, str] = field(default_factory=dict)
    relays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IgnoredRule:
    """A rule that failed and was passed over; *message* says how, in a sentence."""

    id: str
    name: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the rule as the page's protocol writes it."""
        return {"id": self.id, "name": self.name, "message": self.message}


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules lay down for one request; a field that is empty or None is left as it is without them.

    Attributes:
        rule_id, rule_name: the rule that decided; None and empty if none did.
        policy, relays, strategy, timeout, model: see `sidestep.policies.RuleAction`.
        ignored: the rules before it that failed.
    """

    rule_id: str | None = None
    rule_name: str = ""
    policy: ChosenRoute | None = None
    relays: tuple[str, ...] = ()
    strategy: RelayStrategy | None = None
    timeout: float | None = None
    model: str | None = None
    ignored: tuple[IgnoredRule, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as the page's protocol writes it."""
        return {
            "rule": None if self.rule_id is None else {"id": self.rule_id, "name": self.rule_name},
            "policy": self.policy,
            "relays": list(self.relays),
            "strategy": self.strategy,
            "timeout": self.timeout,
            "model": self.model,
            "ignored": [rule.to_dict() for rule in self.ignored],
        }


RunPython = Callable[[Rule, RequestFacts, RuleContext], RuleAction | None]
"""Runs a rule in Python: what it lays down, or None if it is not for this request.

Raises:
    ConfigurationError: the rule failed; its message says how.
"""


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one rule says to a request, for whoever edits the rules.

    Attributes:
        outcome: `decides`; `matches`, after another has decided; `differs`, it is for other requests; `failed`; `off`;
            `broken`, something is wrong with it.
        message: a sentence that says why.
        action: what it lays down, where it decides or matches.
    """

    id: str
    name: str
    outcome: Literal["decides", "matches", "differs", "failed", "off", "broken"]
    message: str
    action: RuleAction | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as the page's protocol writes it."""
        action = None if self.action is None else self.action.to_dict()
        return {"id": self.id, "name": self.name, "outcome": self.outcome, "message": self.message, "then": action}


def decide(rules: Iterable[Rule], facts: RequestFacts, context: RuleContext, run_python: RunPython) -> Decision:
    """Return what the first active rule that is for this request lays down.

    A rule that fails is passed over and named in the decision; it never stops a request.
    """
    ignored: list[IgnoredRule] = []
    for rule in rules:
        # Not asked by `is_active`: of a hundred rules nearly all are passed by, for every message.
        if rule.is_broken or not rule.is_enabled:
            continue
        try:
            action = _find_action(rule, facts, context, run_python)
        except ConfigurationError as failure:
            ignored.append(IgnoredRule(rule.id, rule.name, failure.message))
            continue
        if action is not None:
            return Decision(
                rule.id,
                rule.name,
                action.policy,
                action.relays,
                action.strategy,
                action.timeout,
                action.model,
                tuple(ignored),
            )
    return Decision(ignored=tuple(ignored))


def explain_rules(
    rules: Iterable[Rule], facts: RequestFacts, context: RuleContext, run_python: RunPython
) -> tuple[RuleOutcome, ...]:
    """Return what each rule says to a request, in order. Sends nothing.

    Every active rule is tried, also those after the one that decides.
    """
    outcomes: list[RuleOutcome] = []
    for rule in rules:
        outcome = _explain_rule(rule, facts, context, run_python)
        if outcome.outcome == "decides" and any(earlier.outcome == "decides" for earlier in outcomes):
            message = "It is for this request too, but a rule above it decides."
            outcome = replace(outcome, outcome="matches", message=message)
        outcomes.append(outcome)
    return tuple(outcomes)


def _find_action(rule: Rule, facts: RequestFacts, context: RuleContext, run_python: RunPython) -> RuleAction | None:
    if rule.python:
        return run_python(rule, facts, context)
    when = rule.when
    for name in when.conditions:
        if not _HOLDS[name](when, facts, context):
            return None
    return rule.then


def _explain_rule(rule: Rule, facts: RequestFacts, context: RuleContext, run_python: RunPython) -> RuleOutcome:
    if rule.is_broken:
        return RuleOutcome(rule.id, rule.name, "broken", "Something is wrong with this rule, so it is not used.")
    if not rule.is_enabled:
        return RuleOutcome(rule.id, rule.name, "off", "This rule is switched off.")
    try:
        action = _find_action(rule, facts, context, run_python)
    except ConfigurationError as failure:
        return RuleOutcome(rule.id, rule.name, "failed", failure.message)
    if action is not None:
        return RuleOutcome(rule.id, rule.name, "decides", "It is for this request.", action)
    if rule.python:
        return RuleOutcome(rule.id, rule.name, "differs", "Its function returned None: it is not for this request.")
    first = next(name for name in rule.when.conditions if not _CONDITIONS[name].holds(rule.when, facts, context))
    return RuleOutcome(rule.id, rule.name, "differs", _CONDITIONS[first].explain(rule.when, facts, context))


@dataclass(frozen=True, slots=True)
class _Condition:
    """One condition: whether it holds, and the sentence for when it does not."""

    holds: Callable[[RuleMatch, RequestFacts, RuleContext], bool]
    explain: Callable[[RuleMatch, RequestFacts, RuleContext], str]


def _fit_tokens(when: RuleMatch, facts: RequestFacts, _: RuleContext) -> bool:
    least, most = when.min_tokens, when.max_tokens
    return (least is None or facts.estimated_tokens >= least) and (most is None or facts.estimated_tokens <= most)


def _explain_tokens(when: RuleMatch, facts: RequestFacts, _: RuleContext) -> str:
    is_small = when.min_tokens is not None and facts.estimated_tokens < when.min_tokens
    bound = f"at least {when.min_tokens}" if is_small else f"at most {when.max_tokens}"
    return f"The request has about {facts.estimated_tokens} tokens; the rule is for {bound}."


def _explain_tools(when: RuleMatch, _: RequestFacts, __: RuleContext) -> str:
    has, wanted = ("no tools", "with tools") if when.has_tools else ("tools", "without tools")
    return f"The request has {has}; the rule is for requests {wanted}."


def _list(words: Iterable[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)


def _is_in_time(when: RuleMatch, _: RequestFacts, context: RuleContext) -> bool:
    return when.time is None or when.time.contains(context.local_time.minute, context.local_time.weekday)


def _explain_time(when: RuleMatch, _: RequestFacts, context: RuleContext) -> str:
    window = when.time.to_dict() if when.time else {}
    hours = f" from {window['from']} to {window['to']}" if "from" in window else ""
    days = f" on {', '.join(window['days'])}" if "days" in window else ""
    return f"It is {context.local_time}; the rule is for requests{hours}{days}."


_CONDITIONS: Mapping[str, _Condition] = {
    "provider": _Condition(
        lambda when, facts, _: when.provider_pattern.match(facts.provider) is not None,
        lambda when, facts, _: f"The provider is “{facts.provider}”; the rule is for {_list(when.providers)}.",
    ),
    "model": _Condition(
        lambda when, facts, _: when.model_pattern.match(facts.model) is not None,
        lambda when, facts, _: f"The model is “{facts.model}”; the rule is for {_list(when.models)}.",
    ),
    "tokens": _Condition(_fit_tokens, _explain_tokens),
    "attachments": _Condition(
        lambda when, facts, _: not when.attachments.isdisjoint(facts.attachments),
        lambda when, _, __: f"Nothing of this kind is attached: {_list(sorted(when.attachments))}.",
    ),
    "has_tools": _Condition(lambda when, facts, _: when.has_tools is facts.has_tools, _explain_tools),
    "time": _Condition(_is_in_time, _explain_time),
    "tags": _Condition(
        lambda when, facts, _: not when.tags.isdisjoint(facts.tags),
        lambda when, _, __: f"The request has none of these tags: {_list(sorted(when.tags))}.",
    ),
}

_HOLDS = {name: condition.holds for name, condition in _CONDITIONS.items()}
