"""A clock for what ends or grows old."""

from __future__ import annotations


class Clock:
    """Stands in the place of `time.time`, in seconds, until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
