"""The user's rules: which requests each is for, and what it lays down for them."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import translate
from typing import Any, Literal

from sidestep.policies._fields import FieldReader, PolicyProblem, is_identifier, is_model_name, point

__all__ = [
    "ATTACHMENTS",
    "WEEKDAYS",
    "ChosenRoute",
    "RelayStrategy",
    "Rule",
    "RuleAction",
    "RuleMatch",
    "TimeWindow",
    "load_rules",
    "read_action",
]

ChosenRoute = Literal["auto", "direct", "relay"]
RelayStrategy = Literal["order", "balanced"]

ATTACHMENTS = ("image", "file")
"""The kinds of attachment that a rule may ask for."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days' names, in the order in which Python counts them from 0."""

_ROUTES = ("auto", "direct", "relay")
_STRATEGIES = ("order", "balanced")
_LONGEST_TIMEOUT = 3600  # seconds
_LONGEST_SOURCE = 20_000  # characters
_DAY = 24 * 60  # minutes
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_RULE_FIELDS = ("id", "name", "enabled", "when", "then", "python")
_MATCH_FIELDS = ("provider", "model", "tokens", "attachments", "has_tools", "time", "tags")
_ACTION_FIELDS = ("policy", "relays", "strategy", "timeout", "model")


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A part of the day on some days of the week, in the user's local time.

    Attributes:
        start: minutes after midnight at which it begins.
        end: minutes after midnight at which it is over; up to *start*, it is over on the next day.
        days: the days on which it begins, 0 for Monday.
    """

    start: int = 0
    end: int = _DAY
    days: frozenset[int] = frozenset(range(7))

    def contains(self, minute: int, weekday: int) -> bool:
        """Say whether the window is open *minute* minutes after midnight of *weekday* (0 for Monday)."""
        if self.start < self.end:
            return self.start <= minute < self.end and weekday in self.days
        began_today = minute >= self.start and weekday in self.days
        return began_today or (minute < self.end and (weekday - 1) % 7 in self.days)

    def to_dict(self) -> dict[str, Any]:
        """Return the window as the configuration holds it."""
        is_every_day = len(self.days) == len(WEEKDAYS)
        hours = {"from": _write_time(self.start), "to": _write_time(self.end)}
        days = {"days": [WEEKDAYS[day] for day in sorted(self.days)]}
        is_whole_day = (self.start, self.end) == (0, _DAY) and not is_every_day
        return ({} if is_whole_day else hours) | ({} if is_every_day else days)


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """Which requests a rule is for; a field that is empty or None does not matter, and none matters in an empty one.

    Globs are those of `fnmatch`, and upper and lower case make no difference to them.

    Attributes:
        providers: ids of providers, or globs over them.
        models: globs over the provider's own model id.
        min_tokens, max_tokens: bounds of the estimated tokens of the request, both inclusive.
        attachments: kinds of which the conversation holds one at least.
        has_tools: whether tools are offered to the model.
        time: when.
        tags: tags of which the request has one at least.
        conditions: the fields that matter, as the configuration names them.
        provider_pattern, model_pattern: all globs of one field in one, compiled.
    """

    providers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    min_tokens: int | None = None
    max_tokens: int | None = None
    attachments: frozenset[str] = frozenset()
    has_tools: bool | None = None
    time: TimeWindow | None = None
    tags: frozenset[str] = frozenset()
    conditions: tuple[str, ...] = field(init=False, repr=False, compare=False)
    provider_pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)
    model_pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", tuple(self.to_dict()))
        object.__setattr__(self, "provider_pattern", _compile_globs(self.providers))
        object.__setattr__(self, "model_pattern", _compile_globs(self.models))

    def to_dict(self) -> dict[str, Any]:
        """Return the conditions as the configuration holds them."""
        tokens = {"min": self.min_tokens, "max": self.max_tokens}
        fields = {
            "provider": list(self.providers),
            "model": list(self.models),
            "tokens": {name: bound for name, bound in tokens.items() if bound is not None},
            "attachments": sorted(self.attachments),
            "has_tools": self.has_tools,
            "time": self.time.to_dict() if self.time else None,
            "tags": sorted(self.tags),
        }
        return {name: value for name, value in fields.items() if value not in ([], {}, None)}


@dataclass(frozen=True, slots=True)
class RuleAction:
    """What a rule lays down; a field that is empty or None leaves the matter as it is without the rule.

    Attributes:
        policy: which ways may be taken.
        relays: ids of the relays to use, in this order; no other is used.
        strategy: whether these are tried in their order, or by how they do.
        timeout: seconds to wait for the first byte of an answer.
        model: the model to ask in the place of the one that was asked for, `provider/model`.
    """

    policy: ChosenRoute | None = None
    relays: tuple[str, ...] = ()
    strategy: RelayStrategy | None = None
    timeout: float | None = None
    model: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the action as the configuration holds it."""
        fields = {
            "policy": self.policy,
            "relays": list(self.relays),
            "strategy": self.strategy,
            "timeout": self.timeout,
            "model": self.model,
        }
        return {name: value for name, value in fields.items() if value not in ([], None)}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the user's: conditions and an action, or a function in Python.

    Attributes:
        id: never shown, never changed.
        name: what the user calls it.
        python: the source of `def route(request, context)`; *when* and *then* then mean nothing.
        is_broken: whether something is wrong with it, so that it is kept and not obeyed.
        raw: what the configuration holds for it, as it came; None for a rule that was made here.
    """

    id: str
    name: str
    is_enabled: bool = True
    when: RuleMatch = field(default_factory=RuleMatch)
    then: RuleAction = field(default_factory=RuleAction)
    python: str = ""
    is_broken: bool = False
    raw: Any = field(default=None, repr=False, compare=False)

    @property
    def is_active(self) -> bool:
        """Whether the rule is to be obeyed."""
        return self.is_enabled and not self.is_broken

    def to_dict(self) -> Any:
        """Return the rule as the configuration holds it: to the letter as it came, unless it was changed since."""
        if self.is_broken or (self.raw is not None and _read_rule(self.raw, "", []) == self):
            return copy.deepcopy(self.raw)
        written = {"id": self.id, "name": self.name, "enabled": self.is_enabled}
        if self.python:
            return written | {"python": self.python}
        return written | {"when": self.when.to_dict(), "then": self.then.to_dict()}


def load_rules(rows: Any, pointer: str = "/rules") -> tuple[tuple[Rule, ...], tuple[PolicyProblem, ...]]:
    """Return the rules that *rows* describe, in their order, and what is wrong with them.

    A rule with a problem is among them as one that is broken, so that nothing is lost when they are written again.
    """
    if not isinstance(rows, list):
        return (), (PolicyProblem(pointer, "The rules must be a list."),)
    problems: list[PolicyProblem] = []
    rules: list[Rule] = []
    for index, row in enumerate(rows):
        rule = _read_rule(copy.deepcopy(row), point(pointer, index), problems)
        if _is_taken(rule.id, rules):
            message = f"Another rule has the id “{rule.id}” already; each needs its own."
            problems.append(PolicyProblem(point(point(pointer, index), "id"), message))
            rule = replace(rule, is_broken=True)
        rules.append(rule)
    return tuple(rules), tuple(problems)


def read_action(row: Any, pointer: str, problems: list[PolicyProblem]) -> RuleAction:
    """Return the action that *row* describes; what is wrong with it is added to *problems*."""
    reader = FieldReader(row, pointer, _ACTION_FIELDS, problems)
    action = RuleAction(
        policy=reader.read_choice("policy", _ROUTES),
        relays=reader.read_texts("relays"),
        strategy=reader.read_choice("strategy", _STRATEGIES),
        timeout=reader.read_amount("timeout", _LONGEST_TIMEOUT, " seconds"),
        model=reader.read_text("model") or None,
    )
    for index, relay in enumerate(action.relays):
        if not is_identifier(relay):
            reader.refuse(f"“{relay}” cannot be a relay's id; name relays by their ids.", "relays", index)
    if action.policy == "direct" and action.relays:
        reader.refuse("A rule that allows only the direct way cannot name relays.", "relays")
    if isinstance(reader.read("model"), str) and not is_model_name(action.model or ""):
        reader.refuse("“model” must be a model of a provider, “provider/model”; a group cannot stand here.", "model")
    return action


def _read_rule(row: Any, pointer: str, problems: list[PolicyProblem]) -> Rule:
    found: list[PolicyProblem] = []
    reader = FieldReader(row, pointer, _RULE_FIELDS, found)
    rule_id = reader.read_identifier("id")
    is_python = "python" in reader
    rule = Rule(
        id=rule_id,
        name=reader.read_text("name") or rule_id,
        is_enabled=reader.read_flag("enabled") is not False,
        when=RuleMatch() if is_python else _read_match(reader),
        then=RuleAction() if is_python else _read_then(reader),
        python=_read_source(reader) if is_python else "",
        raw=row,
    )
    problems.extend(found)
    return replace(rule, is_broken=bool(found))


def _read_then(reader: FieldReader) -> RuleAction:
    if "then" not in reader:
        reader.refuse("A rule needs “then”: what it lays down. {} leaves all as it is without the rule.", "then")
        return RuleAction()
    return read_action(reader.read("then"), point(reader.pointer, "then"), reader.problems)


def _read_source(reader: FieldReader) -> str:
    for name in ("when", "then"):
        if name in reader:
            reader.refuse(f"A rule has either “python” or “when” and “then”; take out “{name}” or “python”.", name)
    source = reader.read("python")
    if isinstance(source, str) and source.strip() and len(source) <= _LONGEST_SOURCE:
        return source
    reader.refuse(
        f"“python” must be the text of a function route(request, context), {_LONGEST_SOURCE} characters at most.",
        "python",
    )
    return ""


def _read_match(reader: FieldReader) -> RuleMatch:
    if "when" not in reader:
        reader.refuse("A rule needs “when”: the requests it is for. {} stands for all of them.", "when")
        return RuleMatch()
    when = reader.read_object("when", _MATCH_FIELDS)
    least, most = _read_tokens(when) if "tokens" in when else (None, None)
    return RuleMatch(
        providers=when.read_texts("provider", may_be_one=True),
        models=when.read_texts("model", may_be_one=True),
        min_tokens=least,
        max_tokens=most,
        attachments=frozenset(when.read_texts("attachments", ATTACHMENTS)),
        has_tools=when.read_flag("has_tools"),
        time=_read_window(when) if "time" in when else None,
        tags=frozenset(when.read_texts("tags")),
    )


def _read_tokens(when: FieldReader) -> tuple[int | None, int | None]:
    reader = when.read_object("tokens", ("min", "max"))
    least, most = reader.read_count("min"), reader.read_count("max")
    if reader.is_empty:
        reader.refuse("“tokens” needs “min”, “max” or both; leave it out if the size does not matter.")
    if least is not None and most is not None and least > most:
        reader.refuse("“max” must not be less than “min”.", "max")
    return least, most


def _read_window(when: FieldReader) -> TimeWindow:
    reader = when.read_object("time", ("from", "to", "days"))
    days = frozenset(WEEKDAYS.index(day) for day in reader.read_texts("days", WEEKDAYS) if day in WEEKDAYS)
    days = days or frozenset(range(len(WEEKDAYS)))
    if reader.is_empty:
        reader.refuse("“time” needs “from” and “to”, “days”, or all three; leave it out if it does not matter.")
    if "from" not in reader and "to" not in reader:
        return TimeWindow(days=days)
    start, end = _read_time(reader, "from"), _read_time(reader, "to")
    if start is not None and start == end:
        reader.refuse("“to” must not be the same as “from”; leave out both for the whole day.", "to")
    return TimeWindow(start or 0, _DAY if end is None else end, days)


def _read_time(reader: FieldReader, name: str) -> int | None:
    value = reader.read(name)
    if name == "to" and value == "24:00":
        return _DAY
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        reader.refuse(f"“{name}” must be a time of day in 24 hours, from “00:00” to “23:59”.", name)
        return None
    return int(found[1]) * 60 + int(found[2])


def _write_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _compile_globs(globs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, globs)), re.IGNORECASE)


def _is_taken(rule_id: str, rules: Iterable[Rule]) -> bool:
    return bool(rule_id) and any(rule.id == rule_id for rule in rules)
