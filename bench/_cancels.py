"""How long a provider goes on for a client that has left."""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

from bench._askers import Side, connect, fetch
from bench._streams import PACED, SILENT, name_stream

TIMES = 20
MOMENTS = {"before the first token": SILENT, "in the middle": PACED}

_TO_ARRIVE = 0.3
"""Seconds from the request to the leaving. It has arrived then; nothing that is measured begins before."""

_MIDDLE = b"Wort "


def measure_cancels(sides: dict[str, Side], provider: Side) -> dict[str, dict[str, Any]]:
    """Return, for each moment and side, the seconds from the client's leaving to the provider's seeing it."""
    numbers = itertools.count(1_000_000)
    return {
        moment: {name: _describe(list(_leave(side, provider, model, numbers))) for name, side in sides.items()}
        for moment, model in MOMENTS.items()
    }


def _leave(side: Side, provider: Side, model: str, numbers: Iterator[int]) -> Iterator[float | None]:
    for number in itertools.islice(numbers, TIMES):
        with connect(side.port) as connection:
            connection.sendall(side.write(is_stream=True, model=model, message=name_stream(number)))
            if model == SILENT:
                time.sleep(_TO_ARRIVE)
            else:
                _read_until(connection, _MIDDLE)
            left = time.monotonic()
        noticed = json.loads(fetch(provider.port, f"/closed/{number}"))
        yield noticed - left if noticed is not None else None
        if noticed is None:
            # It will not the next time either, and each costs the provider's whole patience.
            return


def _read_until(connection: Any, wanted: bytes) -> None:
    seen = b""
    while wanted not in seen:
        piece = connection.recv(65_536)
        if not piece:
            raise ConnectionError(f"it ended before {wanted!r} came")
        seen += piece


def _describe(rows: list[float | None]) -> dict[str, Any]:
    seconds = [row for row in rows if row is not None]
    if len(seconds) < len(rows):
        return {"times": len(rows), "never": "the provider did not see it within 10 s"}
    return {"times": len(rows), "median": round(statistics.median(seconds), 3), "longest": round(max(seconds), 3)}
