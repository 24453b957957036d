"""What a client wishes of the answers that the relay has, or is just getting: the request header `X-Sidestep-Cache`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sidestep_relay.errors import RelayError
from sidestep_relay.headers import CACHE_HEADER

__all__ = ["NO_WISH", "Wish", "read_wish"]

_DIRECTIVES = ("use", "renew", "join")
_MAX_AGE = re.compile(r"max-age=(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wished of one answer. Nothing is done that was not wished.

    Attributes:
        should_look_up: whether a kept answer will do.
        should_keep: whether the answer may be kept, and given to who wishes the same.
        should_join: whether the answer to the very same request that is under way will do.
        max_age: how many seconds old a kept answer may be, or None for as old as the relay keeps them.
    """

    should_look_up: bool = False
    should_keep: bool = False
    should_join: bool = False
    max_age: int | None = None


NO_WISH = Wish()


def read_wish(header: str | None) -> Wish:
    """Read the header: `use`, `renew`, `join` and `max-age=SECONDS`, separated by commas; `off` or nothing is no wish.

    Raises:
        RelayError: 400 `request_invalid`: it says something else, or contradicts itself.
    """
    words = [word.strip().lower() for word in (header or "").split(",") if word.strip()]
    if not words or words == ["off"]:
        return NO_WISH
    ages = [int(age[1]) for word in words if (age := _MAX_AGE.fullmatch(word))]
    named = {word for word in words if word in _DIRECTIVES}
    is_known = len(named) + len(ages) == len(words) and len(ages) <= 1
    if not is_known or {"use", "renew"} <= named or (ages and "use" not in named):
        raise RelayError(
            "request_invalid",
            f"{CACHE_HEADER} must be off, or of: use, renew, join, max-age=SECONDS; use or renew, and an age with use.",
            status=400,
            param=CACHE_HEADER,
        )
    return Wish(
        should_look_up="use" in named,
        should_keep=not named.isdisjoint({"use", "renew"}),
        should_join="join" in named,
        max_age=ages[0] if ages else None,
    )
