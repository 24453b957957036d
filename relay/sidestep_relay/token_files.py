"""The file of tokens as a running relay sees it: a change counts within a second, and a broken file changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from pathlib import Path

from sidestep_relay.telemetry import Log
from sidestep_relay.tokens import Token, TokenFileError, load_tokens

__all__ = ["TokenFile"]

_LOOK_SECONDS = 1.0  # requests must not become looks at a disk

_Stamp = tuple[int, int, int] | None


class TokenFile:
    """Reads the file *path* again when it has changed.

    Args:
        path: the file; it need not be there.
        known: the providers' ids.
        clock: the time in seconds.
        log: where a change, or a file that cannot be used, is told.

    Raises:
        TokenFileError: it cannot be used from the start.
    """

    def __init__(self, path: Path, known: Collection[str], clock: Callable[[], float], log: Log) -> None:
        self._path = path
        self._known = known
        self._clock = clock
        self._log = log
        self._lock = threading.Lock()
        self._looked_at = clock()
        # Before the reading: what is written between the two is then read twice, not missed.
        self._stamp = _read_stamp(path)
        self._tokens = load_tokens(path, known)

    def list(self) -> tuple[Token, ...]:
        """Return the tokens of the last file that could be used. A file that was deleted has none."""
        with self._lock:
            now = self._clock()
            # A clock that was set back must not keep the relay from looking.
            if not 0 <= now - self._looked_at < _LOOK_SECONDS:
                self._looked_at = now
                self._look()
            return self._tokens

    def _look(self) -> None:
        stamp = _read_stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._tokens = load_tokens(self._path, self._known)
        except TokenFileError as error:
            self._log.error("tokens_broken", detail=str(error))
        else:
            self._log.info("tokens_read", detail=f"{len(self._tokens)} named")


def _read_stamp(path: Path) -> _Stamp:
    try:
        seen = path.stat()
    except OSError:
        return None
    # A mode that was corrected is a change too.
    return seen.st_mtime_ns, seen.st_ino, seen.st_mode
