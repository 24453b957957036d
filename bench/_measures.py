"""What the benches share: the stream they decode, and how two sides are timed."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.fakes.wires import DONE, make_usage, write_chunk

CHUNKS = 3000
ROUNDS = 9


def write_stream(chunks: int = CHUNKS) -> list[bytes]:
    """Return an answer of OpenAI's, one piece for each event, as it comes off the wire."""
    pieces = [write_chunk({"role": "assistant", "content": ""})]
    pieces += [write_chunk({"content": f"Wort {number} "}, system_fingerprint="fp_1") for number in range(chunks)]
    pieces += [write_chunk({}, finish_reason="stop"), write_chunk(choices=[], usage=make_usage())]
    return [*pieces, DONE]


def count_characters(chunks: int = CHUNKS) -> int:
    """Return how much text that answer holds."""
    return sum(len(f"Wort {number} ") for number in range(chunks))


def time_in_turn(sides: dict[str, Callable[[], int]], expected: int) -> dict[str, float]:
    """Return each side's median seconds; the sides take turns, so that a busy moment hits them alike.

    Raises:
        ValueError: a side read something else than *expected* characters.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, run in sides.items():
            began = time.perf_counter()
            read = run()
            seconds[name].append(time.perf_counter() - began)
            check_size(name, read, expected)
    return {name: statistics.median(row) for name, row in seconds.items()}


def check_size(name: str, read: int, expected: int) -> None:
    """Make sure that a side read all of it.

    Raises:
        ValueError: it did not.
    """
    if read != expected:
        raise ValueError(f"{name} read {read} characters of {expected}")


def report(**figures: Any) -> int:
    """Print the figures as JSON; return 0 if what was wanted was reached, else 1."""
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["is_reached"] else 1
