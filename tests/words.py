"""Which words the page has, read out of its own code. `python -m tests.words LANGUAGE` prints what a language lacks."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.places import WEB

_TAGGED = re.compile(r"(?<![\w$.])t`")
_PLURAL = re.compile(r'(?<![\w$.])tn\(\s*(?:[^"]|\n)*?"((?:[^"\\]|\\.)*)"\s*,\s*"((?:[^"\\]|\\.)*)"\s*\)')
_HOLE = re.compile(r"\{\d+\}")


def list_sources() -> Iterator[Path]:
    """Yield the page's modules, but for its dictionaries."""
    return (file for file in sorted((WEB / "js").rglob("*.js")) if file.parent.name != "languages")


def find_words() -> tuple[set[str], set[str]]:
    """Return the sentences that are translated, and those that come in a form for each number."""
    plain: set[str] = set()
    plural: set[str] = set()
    for file in list_sources():
        text = file.read_text(encoding="utf-8")
        plain |= {_read_template(text, match.end()) for match in _TAGGED.finditer(text)}
        plural |= {_unescape(match[2]) for match in _PLURAL.finditer(text)}
    return plain, plural


def read_dictionary(language: str) -> dict[str, str | dict[str, str]]:
    """Return what the page says in *language*, by its English; Node.js reads the module."""
    module = (WEB / "js" / "languages" / f"{language}.js").as_uri()
    script = f'import("{module}").then(({{ words }}) => console.log(JSON.stringify(words)))'
    answer = subprocess.run(["node", "--eval", script], capture_output=True, text=True, check=True, timeout=60)
    words: dict[str, str | dict[str, str]] = json.loads(answer.stdout)
    return words


def find_holes(text: str) -> list[str]:
    """Return the holes of a sentence, sorted."""
    return sorted(_HOLE.findall(text))


def _read_template(text: str, start: int) -> str:
    """Return the template literal that begins at *start*, its holes numbered."""
    words, holes, at = "", 0, start
    while text[at] != "`":
        if text[at] == "\\":
            words += text[at : at + 2]
            at += 2
        elif text.startswith("${", at):
            words += f"{{{holes}}}"
            holes += 1
            at = _skip_hole(text, at + 2)
        else:
            words += text[at]
            at += 1
    return _unescape(words)


def _skip_hole(text: str, at: int) -> int:
    """Return where the hole ends whose inside begins at *at*; templates may stand inside of it."""
    depth = 1
    while depth:
        if text[at] == "`":
            at = _skip_template(text, at + 1)
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return at


def _skip_template(text: str, at: int) -> int:
    while text[at] != "`":
        at = _skip_hole(text, at + 2) if text.startswith("${", at) else at + 1
    return at + 1


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


if __name__ == "__main__":
    known = read_dictionary(sys.argv[1])
    sentences, counted = find_words()
    for missing in sorted((sentences | counted) - set(known)):
        print(("# " if missing in counted else "") + missing)
