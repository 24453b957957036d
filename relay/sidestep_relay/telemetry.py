"""Structured logs: JSON lines on stderr, and only the fields listed here, so a key or a prompt has no way in."""

from __future__ import annotations

import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import structlog

__all__ = ["FIELDS", "Log", "locate", "make_log"]

FIELDS = frozenset(
    {
        "bytes",
        "cache",
        "chunks",
        "client_left",
        "code",
        "detail",
        "duration_ms",
        "event",
        "exception",
        "lane",
        "level",
        "logger",
        "message",
        "method",
        "model",
        "origin",
        "provider",
        "request_id",
        "route",
        "seconds",
        "status",
        "stream",
        "timestamp",
        "token",
        "upstream_ms",
        "where",
    }
)
_OWN = Path(__file__).parent
_LONGEST_VALUE = 200  # characters; a model's name comes from the client

Log = structlog.typing.FilteringBoundLogger


def make_log(file: TextIO | None = None) -> Log:
    """Return a log that writes to *file*, by default stderr. Nothing global is configured."""
    logger: Log = structlog.wrap_logger(
        structlog.WriteLogger(file or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            _keep_listed_fields,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    )
    return logger


def locate(trace: TracebackType | None) -> str:
    """Return where *trace* was last in the relay's own code, else where it began to go wrong; as `file:line`.

    Source lines are not read: only places are told.
    """
    places = [(Path(frame.f_code.co_filename), line) for frame, line in traceback.walk_tb(trace)]
    own = [place for place in places if place[0].is_relative_to(_OWN)]
    if not places:
        return ""
    file, line = (own or places)[-1]
    return f"{file.relative_to(_OWN).as_posix() if own else file.name}:{line}"


def _keep_listed_fields(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {
        name: value[:_LONGEST_VALUE] if isinstance(value, str) else value
        for name, value in event.items()
        if name in FIELDS and isinstance(value, str | int | float | bool)
    }
