"""In which order the models of a group are asked. Pure: the dice are passed in."""

from __future__ import annotations

from collections.abc import Callable

from sidestep.policies import GroupMember, ModelGroup

__all__ = ["order_members"]


def order_members(
    group: ModelGroup, is_resting: Callable[[str], bool], draw: Callable[[], float]
) -> tuple[tuple[GroupMember, str], ...]:
    """Return the models of *group* in the order in which to ask them, each with a sentence that says why there.

    Nothing is left out: a model whose provider rests comes after all others, since it may be back.

    Args:
        group: the group that was asked for.
        is_resting: says by a provider's id whether to leave it alone now: its circuit is open, or its quota spent.
        draw: returns a random number from 0 to 1; called once for each member where the group is weighted.
    """
    members = list(group.members)
    if group.strategy == "weighted":
        # Drawing without replacement in one sort: Efraimidis and Spirakis, Information Processing Letters 97 (2006).
        drawn = [(draw() ** (1 / member.weight), member) for member in members]
        members = [member for _, member in sorted(drawn, key=lambda row: row[0], reverse=True)]
    rests = {member.provider: is_resting(member.provider) for member in members}
    is_all_resting = all(rests.values())
    ordered = sorted(members, key=lambda member: rests[member.provider])
    return tuple((member, _give_reason(group, member, rests[member.provider], is_all_resting)) for member in ordered)


def _give_reason(group: ModelGroup, member: GroupMember, is_resting: bool, is_all_resting: bool) -> str:
    place = "drawn by weight" if group.strategy == "weighted" else "in the order of the list"
    if not is_resting:
        return f"{member.model} is one of the group “{group.name}”, {place}."
    known = f"{member.provider} failed lately, or its quota is spent"
    if is_all_resting:
        return f"{known}; it is the same with all of the group “{group.name}”."
    return f"{known}, so {member.model} is asked last."
