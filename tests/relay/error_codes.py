"""Finds every error code that the relay's source can answer with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import sidestep_relay
from sidestep_relay.errors import KINDS

_MAKERS = frozenset({"RelayError", "_refuse", "_reject"})


def list_relay_codes() -> set[str]:
    """Return the codes of the relay's own errors; those of a status, such as `http_404`, are left out."""
    folder = Path(sidestep_relay.__file__).parent
    return {code for file in folder.rglob("*.py") for code in _read(file)}


def list_provider_codes() -> set[str]:
    return {kind.code for kind in KINDS.values()}


def _read(file: Path) -> Iterator[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MAKERS and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value.isidentifier():
                yield first.value
