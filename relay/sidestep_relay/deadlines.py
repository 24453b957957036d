"""How long the relay waits for a provider and for a client, and the moment from which it stops."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

__all__ = ["LAST_WORDS_SECONDS", "Deadlines", "Drain"]

LAST_WORDS_SECONDS = 2.0
"""How long a client may take, once a drain is over, to read the event that says so."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds after which something is given up.

    Attributes:
        idle: a provider that sends no byte.
        total: an answer, from its request's arrival to its last byte.
        reader: a client that takes less than a piece of its answer.
        request: a client that is still sending its request.
        drain: the answers under way when the relay is told to stop.
    """

    idle: float = 600.0
    total: float = 3600.0
    reader: float = 60.0
    request: float = 120.0
    drain: float = 20.0


class Drain:
    """Tells the exchanges of a process that it stops, and until when they may go on. One per process.

    Attributes:
        ends_at: a moment of `time.monotonic`; infinitely late while the process is not stopping.
    """

    def __init__(self, seconds: float) -> None:
        self.ends_at = math.inf
        self._seconds = seconds

    @property
    def has_begun(self) -> bool:
        """Whether the process is stopping."""
        return self.ends_at < math.inf

    def begin(self) -> None:
        """Stop. Takes no lock, so a signal's handler may call it; a second call changes nothing."""
        self.ends_at = min(self.ends_at, time.monotonic() + self._seconds)

    def is_over(self, now: float) -> bool:
        """Say whether even the last words have had their time at *now*, a moment of `time.monotonic`."""
        return now > self.ends_at + LAST_WORDS_SECONDS
