"""Turns whatever this process would write beside the relay's own log into lines of that log, without its words.

Servers and libraries log, warn, print, and show tracebacks; each can hold a key or a prompt. What is kept of it is what
the program's authors wrote: the kind of an exception, a place in the code, the constant a message was made from.
"""

from __future__ import annotations

import atexit
import io
import logging
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from types import FrameType, TracebackType
from typing import Any

from sidestep_relay.telemetry import Log, locate

__all__ = ["Guards"]

_LONGEST_CLIMB = 12  # frames between a handler of `logging` and whoever logged
_PASSED_OVER = frozenset({__name__, "contextlib", "traceback", "logging", "warnings"})


class Guards:
    """Stands between this process and its output, from `install` on: for a program that serves, not for a library."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._stdout, self._stderr = sys.stdout, sys.stderr

    def install(self) -> None:
        """Take the place of everything that writes. Processes that are forked later inherit it."""
        logging.root.handlers = [_Handler(self._log)]
        logging.root.setLevel(logging.WARNING)
        warnings.showwarning = self._show_warning  # type: ignore[assignment]  # the rest is *_
        sys.excepthook = self._report
        threading.excepthook = lambda args: self._report(args.exc_type, args.exc_value, args.exc_traceback)
        sys.unraisablehook = lambda args: self._report(args.exc_type, args.exc_value, args.exc_traceback)
        sys.stdout = sys.stderr = _Stray(self._log)
        # At its very end Python warns past all of this.
        atexit.register(warnings.simplefilter, "ignore")

    def let_speak(self, function: Callable[[], None]) -> Callable[[], None]:
        """Return *function* so that what it writes is written."""

        def speak() -> None:
            with redirect_stdout(self._stdout), redirect_stderr(self._stderr):
                function()

        return speak

    def _report(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt | SystemExit):
            self._log.error("bug", exception=kind.__qualname__, where=locate(trace))

    def _show_warning(
        self, message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object
    ) -> None:
        place = filename.replace("\\", "/").rpartition("/")[2]
        self._log.warning("warned", exception=category.__qualname__, where=f"{place}:{lineno}")


class _Handler(logging.Handler):
    """Passes on who logged, and the constant that the message was made from; never what was put into it."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        report = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        report(
            "logged",
            logger=record.name,
            message=record.msg if _is_constant(record.msg) else "",
            exception=type(error).__qualname__ if error else "",
            where=locate(error.__traceback__) if error else f"{record.module}:{record.lineno}",
        )


class _Stray(io.TextIOBase):
    """Tells, once for each place in the code, that something was written there."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, log: Log) -> None:
        self._log = log
        self._places: set[str] = set()

    def write(self, text: str) -> int:
        place = _find_writer(sys._getframe(1))
        if place not in self._places:
            self._places.add(place)
            self._log.warning("printed", where=place)
        return len(text)

    def writable(self) -> bool:
        return True


def _is_constant(message: Any) -> bool:
    """Say whether *message* stands in the code of one of those who are calling: then it holds nothing of a request."""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(_LONGEST_CLIMB):
        if frame is None:
            return False
        if isinstance(message, str) and message in frame.f_code.co_consts:
            return True
        frame = frame.f_back
    return False


def _find_writer(frame: FrameType | None) -> str:
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name not in _PASSED_OVER:
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
