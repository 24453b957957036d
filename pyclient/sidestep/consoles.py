"""A console for the curious: Python typed in the page, run where the client runs.

It is no cage: what is typed here can read the keys, as everything in the page's own Python can.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

__all__ = ["Console", "Outcome"]

_NAME = "<console>"
_LONGEST = 100_000  # characters of output that are kept


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one entry.

    Attributes:
        output: what was printed, and the value of the last line where it has one.
        is_error: whether it ended in an exception; its traceback is then in the output.
    """

    output: str
    is_error: bool = False


class Console:
    """Runs what is typed, one entry after the other, in a namespace that stays.

    Args:
        namespace: the names that are there at first.
    """

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace: dict[str, Any] = {"__name__": "__console__", **namespace}

    async def run(self, source: str) -> Outcome:
        """Run *source*; `await` works at its top level. Never raises what the entry raises."""
        printed = io.StringIO()
        try:
            body, last = _compile(source)
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                await self._execute(body)
                value = await self._execute(last)
            if value is not None:
                self._namespace["_"] = value
                printed.write(repr(value))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever was typed may raise whatever it likes
            # The frames of this module say nothing to whoever typed.
            own = error.__traceback__
            frames = own.tb_next.tb_next if own and own.tb_next else None
            lines = traceback.format_exception(type(error), error, frames)
            return Outcome(_cut(printed.getvalue() + "".join(lines).rstrip()), is_error=True)
        return Outcome(_cut(printed.getvalue()))

    async def _execute(self, code: CodeType | None) -> Any:
        if code is None:
            return None
        value = eval(code, self._namespace)  # noqa: S307 - a console does what it is told
        return await value if code.co_flags & inspect.CO_COROUTINE else value


def _compile(source: str) -> tuple[CodeType | None, CodeType | None]:
    """Return the code of *source*, and of its last line apart where that has a value."""
    tree = ast.parse(source, _NAME)
    last: CodeType | None = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        expression = tree.body.pop()
        assert isinstance(expression, ast.Expr)  # noqa: S101 - said to the type checker
        last = _compile_tree(ast.Expression(expression.value), "eval")
    return (_compile_tree(tree, "exec") if tree.body else None), last


def _compile_tree(tree: ast.Module | ast.Expression, mode: str) -> CodeType:
    code: CodeType = compile(tree, _NAME, mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return code


def _cut(output: str) -> str:
    return output if len(output) <= _LONGEST else f"{output[:_LONGEST]}\n… and {len(output) - _LONGEST} characters more"
