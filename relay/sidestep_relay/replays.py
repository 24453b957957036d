"""Remembers what was taken once, so that it is not taken twice."""

from __future__ import annotations

import heapq
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from sidestep_relay.errors import RelayError
from sidestep_relay.multiprocess import share_folder

__all__ = ["WINDOW", "FolderReplayGuard", "MemoryReplayGuard", "ReplayGuard", "refuse_more", "share_replay_guard"]

WINDOW = 300.0
"""Seconds before and after its own time for which an envelope counts."""

_MOST = 500_000
_SLICE = 60.0  # seconds of ids in one folder


class ReplayGuard(Protocol):
    """Takes an id once.

    Attributes:
        is_shared: whether every process that has the relay's key asks the same guard.
        since: Unix time in seconds from which on it remembers everything; 0 if it always did.
    """

    is_shared: bool
    since: float

    def take(self, identifier: bytes, until: float) -> bool:
        """Say whether *identifier* comes for the first time; it is remembered until *until*, Unix time in seconds.

        Raises:
            RelayError: 503 `sealed_busy`: no more can be remembered.
        """


class MemoryReplayGuard:
    """Remembers in this process.

    Args:
        clock: Unix time in seconds.
        most: ids at a time; one more is refused, for what is forgotten early could be taken again.
    """

    is_shared = False

    def __init__(self, clock: Callable[[], float] = time.time, most: int = _MOST) -> None:
        self.since = clock()
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._seen: set[bytes] = set()
        self._endings: list[tuple[float, bytes]] = []

    def take(self, identifier: bytes, until: float) -> bool:
        """As in `ReplayGuard`."""
        with self._lock:
            self._forget()
            if identifier in self._seen:
                return False
            if len(self._seen) >= self._most:
                raise refuse_more()
            self._seen.add(identifier)
            heapq.heappush(self._endings, (until, identifier))
            return True

    def _forget(self) -> None:
        now = self._clock()
        while self._endings and self._endings[0][0] < now:
            self._seen.discard(heapq.heappop(self._endings)[1])


class FolderReplayGuard:
    """Remembers in a folder that several processes of one machine share: each id is a file, made once.

    Args:
        folder: a folder of its own, that only this user can write to.
        since: when it was empty, Unix time in seconds.
        clock: Unix time in seconds.
    """

    is_shared = True

    def __init__(self, folder: Path, since: float, clock: Callable[[], float] = time.time) -> None:
        self.since = since
        self._folder = folder
        self._clock = clock
        self._cleaned = 0

    def take(self, identifier: bytes, until: float) -> bool:
        """As in `ReplayGuard`; whoever sends one id again must have sent the same *until*."""
        part = int(until // _SLICE)
        self._clean()
        try:
            (self._folder / str(part)).mkdir(mode=0o700, exist_ok=True)
            (self._folder / str(part) / identifier.hex()).touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            return False
        except OSError as error:
            raise refuse_more() from error
        return True

    def _clean(self) -> None:
        # A slice more: its last ids end with it.
        ended = int(self._clock() // _SLICE) - 1
        if ended <= self._cleaned:
            return
        self._cleaned = ended
        for part in self._folder.iterdir():
            if part.name.isdigit() and int(part.name) < ended:
                shutil.rmtree(part, ignore_errors=True)


@contextmanager
def share_replay_guard(processes: int) -> Iterator[ReplayGuard | None]:
    """Give a guard that *processes* can share while the block lasts.

    None where one process needs none, or where nothing can be written; several then take nothing that is sealed.
    """
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(share_folder()) if processes > 1 else None
        except OSError:
            folder = None
        yield FolderReplayGuard(folder, time.time()) if folder else None


def refuse_more() -> RelayError:
    """Return the refusal of an id that cannot be remembered."""
    return RelayError(
        "sealed_busy",
        "This relay cannot remember more sealed requests now; try again in a minute.",
        status=503,
        type="server_error",
        is_retryable=True,
        headers={"Retry-After": "60"},
    )
