"""Structured logs: JSON lines on stderr, and only the fields listed here, so a key or a prompt has no way in."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

__all__ = ["FIELDS", "Log", "make_log"]

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
    }
)
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


def _keep_listed_fields(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {
        name: value[:_LONGEST_VALUE] if isinstance(value, str) else value
        for name, value in event.items()
        if name in FIELDS and isinstance(value, str | int | float | bool)
    }
