"""Foreign objects, read with care: nothing in them is of the type that it should be until it was looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sidestep.secret_names import is_secret_name

__all__ = ["Row", "clean_line", "prune"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_CONTENT_NAME = re.compile(r"sessions|messages|conversations|chats", re.IGNORECASE)
_LARGEST_EXTRA = 20_000  # characters of JSON
_GONE = object()


def clean_line(text: str, longest: int = 100) -> str:
    """Return *text* as one line without characters that hide or turn what stands beside them."""
    return " ".join(_CONTROL.sub(" ", text).split())[:longest].strip()


class Row:
    """One object of a foreign document; it remembers what was read of it.

    What is there with another type than was asked for counts as not read.

    Args:
        value: the object; anything else counts as an empty one.
    """

    def __init__(self, value: Any) -> None:
        self._values: dict[str, Any] = dict(value) if isinstance(value, Mapping) else {}
        self._read: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def text(self, *names: str) -> str:
        """Return the first of *names* that holds a text with something in it; a number counts as one."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
                value = str(value)
            if isinstance(value, str):
                self._read.add(name)
                if value.strip():
                    return value.strip()
        return ""

    def flag(self, name: str) -> bool | None:
        """Return what *name* says, or None where it says neither."""
        value = self._values.get(name)
        if isinstance(value, bool):
            self._read.add(name)
            return value
        return None

    def number(self, name: str) -> float | None:
        """Return the number of *name*, or None."""
        value = self._values.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._read.add(name)
            return float(value)
        return None

    def row(self, name: str) -> Row:
        """Return the object of *name*, one given as JSON text included; an empty one where there is none."""
        value = self._values.get(name)
        if isinstance(value, str):
            value = _parse_quietly(value)
        if isinstance(value, Mapping):
            self._read.add(name)
        return Row(value)

    def items(self, name: str) -> list[Any]:
        """Return the list of *name*, one given as JSON text included; empty where there is none."""
        value = self._values.get(name)
        if isinstance(value, str):
            value = _parse_quietly(value)
        if isinstance(value, list):
            self._read.add(name)
            return value
        return []

    def rows(self, name: str) -> list[Row]:
        """Return the objects in the list of *name*."""
        return [Row(value) for value in self.items(name) if isinstance(value, Mapping)]

    def texts(self, name: str) -> list[str]:
        """Return the texts in the list of *name*."""
        return [value.strip() for value in self.items(name) if isinstance(value, str) and value.strip()]

    def pairs(self, name: str) -> dict[str, str]:
        """Return headers: an object of texts, or a list of `{key, value}`."""
        value = self._values.get(name)
        if isinstance(value, str):
            value = _parse_quietly(value)
        if isinstance(value, list):
            listed = [Row(item) for item in value]
            value = {item.text("key", "name"): item.text("value") for item in listed}
        if not isinstance(value, Mapping):
            return {}
        self._read.add(name)
        return {key: str(held) for key, held in value.items() if key and isinstance(held, str | int | float)}

    def value(self, name: str) -> Any:
        """Return whatever *name* holds, read from now on."""
        self._read.add(name)
        return self._values.get(name)

    def rest(self) -> dict[str, Any]:
        """Return what nobody read, without what is empty."""
        return {
            name: value
            for name, value in self._values.items()
            if name not in self._read and value not in (None, "", [], {})
        }


def prune(values: Mapping[str, Any], secrets: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """Return *values* without what may be a secret, what was said in chats and what is large, and the names of those.

    Args:
        values: fields that have no place with us.
        secrets: keys that are known already, wherever they may be repeated.
    """
    kept: dict[str, Any] = {}
    gone: list[str] = []
    for name, value in values.items():
        pruned = _prune_value(str(name), value, secrets, gone)
        if pruned is _GONE:
            continue
        if len(json.dumps(pruned)) > _LARGEST_EXTRA:
            gone.append(str(name))
        elif pruned not in ({}, []):
            kept[str(name)] = pruned
    return kept, gone


def _prune_value(place: str, value: Any, secrets: Collection[str], gone: list[str]) -> Any:
    """Return *value* without its secret parts, or `_GONE`; what goes is added to *gone* by its place."""
    name = place.rpartition(".")[2]
    has_content = bool(_CONTENT_NAME.fullmatch(name) and value)
    if (
        has_content
        or _is_secret(name, value)
        or (isinstance(value, str) and any(secret in value for secret in secrets))
    ):
        gone.append(place)
        return _GONE
    if isinstance(value, Mapping):
        parts = {str(key): _prune_value(f"{place}.{key}", part, secrets, gone) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part is not _GONE}
    if isinstance(value, list):
        items = [_prune_value(place, item, secrets, gone) for item in value]
        return [item for item in items if item is not _GONE]
    return value


def _is_secret(name: str, value: Any) -> bool:
    is_said = isinstance(value, str | Mapping | list) and bool(value)
    return is_said and is_secret_name(name)


def _parse_quietly(text: str) -> Any:
    """Return the value of JSON inside JSON, as browsers' storage holds it, or None."""
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
