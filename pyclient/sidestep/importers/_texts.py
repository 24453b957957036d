"""Texts made into values: JSON as people write it, YAML, and lines of a shell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from sidestep.importers._results import ImportProblem

__all__ = ["DEEPEST", "LONGEST", "looks_like_json", "parse_env", "parse_json", "parse_yaml"]

LONGEST = 50_000_000
"""Characters; a whole backup of another client, chats included, is shorter."""
DEEPEST = 100
"""Levels of lists and objects within each other."""
_LONGEST_YAML = 1_000_000  # characters; nobody writes more by hand, and reading it is slow

_STRING_COMMENT_OR_BRACKET = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|(?P<comma>,)(?=(?:\s|//[^\n]*|/\*.*?\*/)*[}\]])|(?P<bracket>[\[\]{}])',
    re.DOTALL,
)
_ENV_LINE = re.compile(r"""^\s*(?:export\s+|set\s+|\$env:)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$""")
_QUOTED = re.compile(r"""^(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*(?:#.*)?$""")


def looks_like_json(text: str) -> bool:
    """Say whether *text* means to be JSON, well formed or not."""
    return bool(re.match(r"\s*(?://[^\n]*\n\s*|/\*.*?\*/\s*)*[\[{]", text, re.DOTALL))


def parse_json(text: str, what: str = "It") -> Any:
    """Return the value of *text*: JSON (RFC 8259), with comments and trailing commas if there are any.

    Args:
        text: as it came.
        what: what a sentence calls it.

    Raises:
        ImportProblem: it ends early, is nested too deeply, or is not JSON; says in which line.
    """
    plain = _blank_out(text, what)
    try:
        return json.loads(plain, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        if not plain[error.pos :].strip():
            raise ImportProblem(
                f"{what} ends in the middle, in line {error.lineno}: the rest of it is missing."
            ) from None
        if error.msg.startswith("Unterminated string"):
            raise ImportProblem(f"{what} is not JSON: a text that begins in line {error.lineno} has no end.") from None
        raise ImportProblem(
            f"{what} is not JSON: something is wrong in line {error.lineno}, column {error.colno} ({error.msg})."
        ) from None
    except (ValueError, RecursionError):
        raise ImportProblem(f"{what} is not JSON: it holds a number that is none, or is too long.") from None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _blank_out(text: str, what: str) -> str:
    """Return *text* with its comments and trailing commas as spaces, so that every place stays where it is."""
    depth = 0

    def blank(match: re.Match[str]) -> str:
        nonlocal depth
        found = match[0]
        if bracket := match["bracket"]:
            depth += 1 if bracket in "[{" else -1
            if depth > DEEPEST:
                line = text.count("\n", 0, match.start()) + 1
                raise ImportProblem(f"{what} is nested more than {DEEPEST} levels deep, in line {line}.")
            return found
        if found.startswith('"'):
            return found
        return re.sub(r"[^\n]", " ", found)

    return _STRING_COMMENT_OR_BRACKET.sub(blank, text)


def parse_yaml(text: str) -> Any:
    """Return the value of *text*, YAML 1.2 with plain values only.

    Raises:
        ImportProblem: it is not YAML, uses aliases, or this Python has no reader for it.
    """
    try:
        from ruamel.yaml import YAML  # noqa: PLC0415 - an extra of CPython's; a page has it in its memory
        from ruamel.yaml.error import YAMLError  # noqa: PLC0415
    except ImportError:
        raise ImportProblem(
            "What reads YAML is not there: a page fetches it when it is needed, and that failed.",
            remedy="Try again when this page is online. In Python: pip install 'sidestep[yaml]'.",
        ) from None
    if len(text) > _LONGEST_YAML:
        raise ImportProblem("It is longer than any YAML that Sidestep reads: a million characters.")
    # A few aliases can stand for more than any memory holds.
    if alias := re.search(r"(?m)(?:^|[\s\[,:-])\*[A-Za-z0-9_-]+\s*(?:$|[,\]}#])", text):
        line = text.count("\n", 0, alias.end()) + 1
        raise ImportProblem(f"It uses an alias in line {line}; write out what it stands for.")
    try:
        loaded = YAML(typ="safe", pure=True).load(text)
        # What JSON has no word for, dates and names that are no text, becomes text or goes.
        return json.loads(json.dumps(loaded, default=str, skipkeys=True, allow_nan=False))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ImportProblem(f"It is not YAML: something is wrong{where}.") from None
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError, IndexError, AssertionError):
        # The reader lets these out for odd dates, numbers and tags.
        raise ImportProblem("It is not YAML that can be read.") from None


def parse_env(text: str) -> Iterator[tuple[int, str, str | None]]:
    """Yield the lines of an environment file that are neither empty nor comments: number, name and value.

    A line that sets nothing has the value None, and its name is the line.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _ENV_LINE.match(line)
        yield (number, match[1], _unquote(match[2])) if match else (number, stripped, None)


def _unquote(value: str) -> str:
    if match := _QUOTED.match(value):
        return match[2] if match[1] is None else re.sub(r"\\(.)", r"\1", match[1])
    return re.split(r"\s#", value, maxsplit=1)[0].strip()
