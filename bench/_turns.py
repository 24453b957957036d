"""One request after another, the sides in turn, so that a busy moment hits them alike."""

from __future__ import annotations

import statistics
from contextlib import ExitStack, closing
from typing import Any

from bench._askers import Asker, Side, read_chunks
from bench._measures import CHUNKS, check_size
from bench._streams import FAST

STREAMS = 7
REQUESTS = 300
WARM_UP = 20


def measure_streams(sides: dict[str, Side], *, model: str = FAST) -> dict[str, dict[str, Any]]:
    """Return how many chunks a second each side streams, one stream at a time."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(STREAMS + 1):
        for name, side in sides.items():
            with closing(Asker(side)) as asker:
                took, answer = asker.ask(is_stream=True, model=model)
            check_size(name, read_chunks(answer).count(b"Wort "), CHUNKS)
            if number:  # the first one only warms up
                seconds[name].append(took)
    return {
        name: {"median_seconds": round(statistics.median(row), 4), "per_second": round(CHUNKS / statistics.median(row))}
        for name, row in seconds.items()
    }


def measure_latency(sides: dict[str, Side]) -> dict[str, dict[str, float]]:
    """Return each side's milliseconds for a small whole answer."""
    rows: dict[str, list[float]] = {name: [] for name in sides}
    with ExitStack() as stack:
        askers = {name: stack.enter_context(closing(Asker(side))) for name, side in sides.items()}
        for number in range(REQUESTS + WARM_UP):
            for name, asker in askers.items():
                took, answer = asker.ask(is_stream=False)
                check_size(name, answer.count(b"Hello."), 1)
                if number >= WARM_UP:
                    rows[name].append(took * 1000)
    return {
        name: {
            "median": round(statistics.median(row), 3),
            "p95": round(statistics.quantiles(row, n=20)[-1], 3),
        }
        for name, row in rows.items()
    }
