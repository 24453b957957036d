"""What a format is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sidestep.importers._drafts import Collector

__all__ = ["Format", "count_fields"]


@dataclass(frozen=True, slots=True)
class Format:
    """One client's way to write its configuration.

    Attributes:
        title: what a person calls it.
        recognise: how sure it is that a value is of this format; 0 for not at all. The surest is believed.
        read: gives what is in the value to a collector.
        storage: names of a browser's storage under which the client keeps it.
    """

    id: str
    title: str
    recognise: Callable[[Any], int]
    read: Callable[[Any, Collector], None]
    storage: tuple[str, ...] = ()


def count_fields(value: Any, *names: str) -> int:
    """Return how many of *names* the objects in *value*, an object or a list of them, have among them."""
    rows = value if isinstance(value, list) else [value]
    found = {name for row in rows[:50] if isinstance(row, Mapping) for name in names if name in row}
    return len(found)
