"""What the user laid down for the router: rules, model groups and options, read and checked (docs/routing.md). No IO.

They are parts of the configuration (docs/protocol.md, *Config*). Whatever is wrong gets a `PolicyProblem` that points
to the field; what has a problem is not obeyed, and is written again as it came.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sidestep.policies._fields import PolicyProblem, point
from sidestep.policies.groups import GroupMember, GroupStrategy, ModelGroup, find_group_name, load_groups
from sidestep.policies.options import Options, load_options
from sidestep.policies.rules import (
    ATTACHMENTS,
    WEEKDAYS,
    ChosenRoute,
    RelayStrategy,
    Rule,
    RuleAction,
    RuleMatch,
    TimeWindow,
    load_rules,
    read_action,
)

__all__ = [
    "ATTACHMENTS",
    "WEEKDAYS",
    "ChosenRoute",
    "GroupMember",
    "GroupStrategy",
    "ModelGroup",
    "Options",
    "Policies",
    "PolicyProblem",
    "RelayStrategy",
    "Rule",
    "RuleAction",
    "RuleMatch",
    "TimeWindow",
    "check_references",
    "find_group_name",
    "load_groups",
    "load_options",
    "load_policies",
    "load_rules",
    "read_action",
]


@dataclass(frozen=True, slots=True)
class Policies:
    """All that the user laid down.

    Attributes:
        unread: what the configuration holds under one of the names, where that is not of the right kind at all.
    """

    rules: tuple[Rule, ...] = ()
    groups: tuple[ModelGroup, ...] = ()
    options: Options = field(default_factory=Options)
    unread: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def find_group(self, name: str) -> ModelGroup | None:
        """Return the group with this name, if there is one that can be used."""
        return next((group for group in self.groups if group.name == name and not group.is_broken), None)

    def to_dict(self) -> dict[str, Any]:
        """Return `rules`, `groups` and `options` as the configuration holds them; nothing that was read is lost."""
        return {
            "rules": [rule.to_dict() for rule in self.rules],
            "groups": [group.to_dict() for group in self.groups],
            "options": self.options.to_dict(),
            **copy.deepcopy(dict(self.unread)),
        }


def load_policies(document: Mapping[str, Any]) -> tuple[Policies, tuple[PolicyProblem, ...]]:
    """Return what *document* lays down under `rules`, `groups` and `options`, and what is wrong with it.

    Each of them may be missing. One bad rule or group never takes the others with it.
    """
    rules, rule_problems = load_rules(document.get("rules", []))
    groups, group_problems = load_groups(document.get("groups", []))
    options, option_problems = load_options(document.get("options", {}))
    unread = {
        name: copy.deepcopy(document[name])
        for name, kind in (("rules", list), ("groups", list), ("options", Mapping))
        if name in document and not isinstance(document[name], kind)
    }
    return Policies(rules, groups, options, unread), (*rule_problems, *group_problems, *option_problems)


def check_references(
    policies: Policies, providers: Collection[str], relays: Collection[str]
) -> tuple[PolicyProblem, ...]:
    """Return where an active rule or a group names a provider or a relay that there is not.

    Such a rule stays active and such a group usable: what they name may have been removed a moment ago.

    Args:
        policies: what the user laid down.
        providers: ids of the user's providers.
        relays: ids of the user's relays.
    """
    rules = (
        problem
        for index, rule in enumerate(policies.rules)
        if rule.is_active
        for problem in _check_action(rule.then, f"/rules/{index}/then", providers, relays)
    )
    members = (
        _miss_provider(member.model, f"/groups/{index}/members/{number}/model")
        for index, group in enumerate(policies.groups)
        if not group.is_broken
        for number, member in enumerate(group.members)
        if member.provider not in providers
    )
    return (*rules, *members)


def _check_action(
    action: RuleAction, pointer: str, providers: Collection[str], relays: Collection[str]
) -> Iterable[PolicyProblem]:
    for index, relay in enumerate(action.relays):
        if relay not in relays:
            message = f"There is no relay “{relay}”; choose one that is set up."
            yield PolicyProblem(point(f"{pointer}/relays", index), message)
    if action.model and action.model.partition("/")[0] not in providers:
        yield _miss_provider(action.model, f"{pointer}/model")


def _miss_provider(model: str, pointer: str) -> PolicyProblem:
    return PolicyProblem(pointer, f"There is no provider “{model.partition('/')[0]}”; choose one that is set up.")
