"""A stream whose timing is known, so that whoever reads it can tell what stands between: `sidestep-relay check` does.

It asks no provider and costs nothing. It is a POST like a chat, because some proxies hold back streams of a GET alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sidestep_relay.errors import RelayError
from sidestep_relay.streaming import write_event

__all__ = ["TICK_RANGES", "TickPlan", "read_plan", "write_ticks"]

TICK_RANGES = {"count": (2, 20), "interval_ms": (20, 1000), "silence_s": (0, 300)}
_NUMBER = re.compile(r"[0-9]{1,4}")
_LOOK_UP_SECONDS = 0.2  # how late a client's leaving may be noticed


@dataclass(frozen=True, slots=True)
class TickPlan:
    """*count* events, *interval_ms* apart; then, if *silence_s* is not 0, silence for so long and a last one."""

    count: int = 5
    interval_ms: int = 250
    silence_s: int = 0


def read_plan(arguments: Mapping[str, str]) -> TickPlan:
    """Read a plan from the query's *arguments*.

    Raises:
        RelayError: 400 `request_invalid`, with the argument as `param`.
    """
    given: dict[str, int] = {}
    for name, text in arguments.items():
        least, most = TICK_RANGES.get(name, (0, 0))
        if name not in TICK_RANGES or not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
            wanted = f"must be {least} to {most}" if name in TICK_RANGES else f"is none of {', '.join(TICK_RANGES)}"
            raise RelayError("request_invalid", f"{name[:40]} {wanted}.", status=400, param=name[:40])
        given[name] = int(text)
    return TickPlan(**given)


def write_ticks(plan: TickPlan, about: Mapping[str, Any], has_left: Callable[[], bool]) -> Iterator[bytes]:
    """Yield the events: each has its number and the milliseconds since the first, the first *about* as well."""
    begun = time.monotonic()
    moments = [number * plan.interval_ms / 1000 for number in range(plan.count)]
    if plan.silence_s:
        moments.append(moments[-1] + plan.silence_s)
    for number, moment in enumerate(moments):
        while (left := begun + moment - time.monotonic()) > 0:
            if has_left():
                return
            time.sleep(min(left, _LOOK_UP_SECONDS))
        at_ms = round((time.monotonic() - begun) * 1000)
        yield write_event({"tick": number, "at_ms": at_ms, **(about if number == 0 else {})})
