"""Reading one JSON object field by field, with a note on everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeGuard

__all__ = ["IDENTIFIER", "FieldReader", "PolicyProblem", "is_identifier", "is_model_name", "point"]

GROUP_PREFIX = "group"
IDENTIFIER = "letters, digits, dots, dashes and underscores, 64 at most, beginning with a letter or a digit"
"""What an id is made of, in words."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One thing that is wrong with what the user laid down.

    Attributes:
        pointer: where in the configuration, as a JSON Pointer (RFC 6901): `/rules/2/when/tokens/min`.
        message: a sentence that says what is allowed there.
    """

    pointer: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the problem as the page's protocol writes it."""
        return {"pointer": self.pointer, "message": self.message}


class FieldReader:
    """One JSON object while it is read. What is missing or wrong is read as its default.

    Args:
        row: the object; anything else is one problem, whatever is asked of it.
        pointer: where *row* stands.
        known: the fields it may have; each other one is a problem.
        problems: gets what is found.
    """

    def __init__(self, row: Any, pointer: str, known: Collection[str], problems: list[PolicyProblem]) -> None:
        self.pointer = pointer
        self.problems = problems
        self._is_object = isinstance(row, Mapping)
        self._row: Mapping[Any, Any] = row if self._is_object else {}
        if not self._is_object:
            message = f"This must be an object; it may have {_join(known, 'and')}."
            problems.append(PolicyProblem(pointer, message))
        for name in self._row:
            if name not in known:
                self.refuse(f"“{name}” is not known here; there are {_join(known, 'and')}.", str(name))

    def __contains__(self, name: str) -> bool:
        return name in self._row

    @property
    def is_empty(self) -> bool:
        """Whether the object has no field at all."""
        return not self._row

    def refuse(self, message: str, *path: str | int) -> None:
        """Note a problem with the field that *path* leads to; none leads to the object itself."""
        if self._is_object:
            self.problems.append(PolicyProblem(reduce(point, path, self.pointer), message))

    def read(self, name: str) -> Any:
        """Return the field as it stands there, or None."""
        return self._row.get(name)

    def read_object(self, name: str, known: Collection[str]) -> FieldReader:
        """Return a reader of the object in *name*; there must be one."""
        return FieldReader(self._row.get(name), point(self.pointer, name), known, self.problems)

    def read_text(self, name: str, default: str = "") -> str:
        """Return a text without the white space around it."""
        value = self._row.get(name, default)
        if isinstance(value, str):
            return value.strip()
        self.refuse(f"“{name}” must be text.", name)
        return default

    def read_identifier(self, name: str) -> str:
        """Return an id; there must be one."""
        value = self._row.get(name)
        if isinstance(value, str) and is_identifier(value):
            return value
        self.refuse(f"“{name}” must be given, and is made of {IDENTIFIER}.", name)
        return ""

    def read_texts(self, name: str, choices: Collection[str] = (), *, may_be_one: bool = False) -> tuple[str, ...]:
        """Return a list of texts, each without the white space around it.

        Args:
            name: the field.
            choices: the texts there may be; none for any.
            may_be_one: whether one text may stand there without a list around it.
        """
        if name not in self._row:
            return ()
        value = self._row[name]
        rows = [value] if may_be_one and isinstance(value, str) else value
        if not isinstance(rows, list | tuple) or not rows:
            wanted = "a text or a list of texts" if may_be_one else "a list of texts"
            self.refuse(f"“{name}” must be {wanted}, with one at least; leave it out if it does not matter.", name)
            return ()
        for index, row in enumerate(rows):
            if not isinstance(row, str) or not row.strip() or (choices and row not in choices):
                wanted = f"one of {_join(choices, 'and')}" if choices else "a text that is not empty"
                self.refuse(f"Each of “{name}” must be {wanted}.", name, *([index] if rows is value else []))
        return tuple(row.strip() for row in rows if isinstance(row, str))

    def read_choice(self, name: str, choices: Collection[str]) -> Any:
        """Return one of *choices*, or None where the field is missing."""
        value = self._row.get(name)
        if name not in self._row or (isinstance(value, str) and value in choices):
            return value
        self.refuse(f"“{name}” must be {_join(choices, 'or')}.", name)
        return None

    def read_flag(self, name: str) -> bool | None:
        """Return true or false, or None where the field is missing."""
        value = self._row.get(name)
        if name not in self._row or isinstance(value, bool):
            return value
        self.refuse(f"“{name}” must be true or false.", name)
        return None

    def read_count(self, name: str) -> int | None:
        """Return a whole number from 0, or None where the field is missing."""
        if name not in self._row:
            return None
        value = self._row[name]
        if _is_number(value) and 0 <= value < float("inf") and value == int(value):
            return int(value)
        self.refuse(f"“{name}” must be a whole number, 0 or more.", name)
        return None

    def read_amount(self, name: str, most: int, unit: str) -> float | None:
        """Return a number above 0, or None where the field is missing.

        Args:
            name: the field.
            most: the greatest there may be.
            unit: what is counted, for the sentence: ` seconds`.
        """
        if name not in self._row:
            return None
        value = self._row[name]
        if _is_number(value) and 0 < value <= most:
            return value
        self.refuse(f"“{name}” must be a number above 0 and at most {most}{unit}.", name)
        return None


def point(pointer: str, name: str | int) -> str:
    """Return the JSON Pointer to *name* inside what *pointer* points to (RFC 6901, section 3)."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def is_identifier(text: str) -> bool:
    """Say whether *text* may be an id."""
    return _IDENTIFIER.fullmatch(text) is not None


def is_model_name(text: str) -> bool:
    """Say whether *text* names one model, `provider/model`: a group is none."""
    provider, _, model = text.partition("/")
    return is_identifier(provider) and provider != GROUP_PREFIX and bool(model) and model == model.strip()


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _join(names: Collection[str], word: str) -> str:
    *others, last = (f"“{name}”" for name in names)
    return f"{', '.join(others)} {word} {last}" if others else last
