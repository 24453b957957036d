"""The user's model groups: several models under one name, asked for as `group/NAME`."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sidestep.policies._fields import GROUP_PREFIX, FieldReader, PolicyProblem, is_model_name, point

__all__ = ["GroupMember", "GroupStrategy", "ModelGroup", "find_group_name", "load_groups"]

GroupStrategy = Literal["order", "weighted"]

_STRATEGIES = ("order", "weighted")
_GROUP_FIELDS = ("name", "strategy", "members")
_MEMBER_FIELDS = ("model", "weight")
_GREATEST_WEIGHT = 1000


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One model of a group.

    Attributes:
        model: `provider/model`.
        weight: how often it comes first, compared with the others; only where the group is weighted.
    """

    model: str
    weight: float = 1

    @property
    def provider(self) -> str:
        """The id of the provider that has the model."""
        return self.model.partition("/")[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the member as the configuration holds it."""
        return {"model": self.model, "weight": self.weight}


@dataclass(frozen=True, slots=True)
class ModelGroup:
    """Several models under one name: if one cannot answer, the next is asked.

    Attributes:
        strategy: whether they are asked in their order, or in an order drawn by weight for each request.
        is_broken: whether something is wrong with it, so that it is kept and not used.
        raw: what the configuration holds for it, as it came; None for a group that was made here.
    """

    name: str
    strategy: GroupStrategy = "order"
    members: tuple[GroupMember, ...] = ()
    is_broken: bool = False
    raw: Any = field(default=None, repr=False, compare=False)

    def to_dict(self) -> Any:
        """Return the group as the configuration holds it: to the letter as it came, unless it was changed since."""
        if self.is_broken or (self.raw is not None and _read_group(self.raw, "", []) == self):
            return copy.deepcopy(self.raw)
        return {
            "name": self.name,
            "strategy": self.strategy,
            "members": [member.to_dict() for member in self.members],
        }


def find_group_name(model: str) -> str | None:
    """Return the name of the group that *model* asks for, or None if it asks for a provider's model."""
    prefix, _, name = model.partition("/")
    return name if prefix == GROUP_PREFIX else None


def load_groups(rows: Any, pointer: str = "/groups") -> tuple[tuple[ModelGroup, ...], tuple[PolicyProblem, ...]]:
    """Return the groups that *rows* describe, in their order, and what is wrong with them.

    A group with a problem is among them as one that is broken, so that nothing is lost when they are written again.
    """
    if not isinstance(rows, list):
        return (), (PolicyProblem(pointer, "The groups must be a list."),)
    problems: list[PolicyProblem] = []
    groups: list[ModelGroup] = []
    for index, row in enumerate(rows):
        group = _read_group(copy.deepcopy(row), point(pointer, index), problems)
        if group.name and any(known.name == group.name for known in groups):
            message = f"Another group is called “{group.name}” already; each needs its own name."
            problems.append(PolicyProblem(point(point(pointer, index), "name"), message))
            group = replace(group, is_broken=True)
        groups.append(group)
    return tuple(groups), tuple(problems)


def _read_group(row: Any, pointer: str, problems: list[PolicyProblem]) -> ModelGroup:
    found: list[PolicyProblem] = []
    reader = FieldReader(row, pointer, _GROUP_FIELDS, found)
    strategy: GroupStrategy = reader.read_choice("strategy", _STRATEGIES) or "order"
    group = ModelGroup(reader.read_identifier("name"), strategy, _read_members(reader), raw=row)
    problems.extend(found)
    return replace(group, is_broken=bool(found))


def _read_members(group: FieldReader) -> tuple[GroupMember, ...]:
    rows = group.read("members")
    if not isinstance(rows, list) or not rows:
        group.refuse("“members” must be a list with one model at least.", "members")
        return ()
    pointer = point(group.pointer, "members")
    return tuple(_read_member(row, point(pointer, index), group.problems) for index, row in enumerate(rows))


def _read_member(row: Any, pointer: str, problems: list[PolicyProblem]) -> GroupMember:
    reader = FieldReader(row, pointer, _MEMBER_FIELDS, problems)
    model = reader.read("model")
    if not isinstance(model, str) or not is_model_name(model):
        reader.refuse("“model” must be a model of a provider, “provider/model”; a group cannot stand here.", "model")
    return GroupMember(str(model), reader.read_amount("weight", _GREATEST_WEIGHT, "") or 1)
