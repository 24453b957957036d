"""Turns the source of a Python rule into code that watches the clock itself and can do nothing huge in one go.

`sidestep.routing.python_rules` says why, and what is not caught.
"""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from collections.abc import Callable, Mapping
from types import CodeType, FrameType, MappingProxyType
from typing import Any, NoReturn

from sidestep.errors import ConfigurationError

__all__ = ["SOURCE_NAME", "compile_watched", "make_names"]

SOURCE_NAME = "<rule>"
"""What tracebacks call the file that a rule's code is from."""

_ARGUMENTS = 2
_MOST_ITEMS = 100_000
_MOST_BITS = 10_000
_DEEPEST = 100  # calls inside each other; through C, a browser's stack does not hold many times more
_TICK, _ENTER = "__tick", "__enter"


def compile_watched(source: str) -> CodeType:
    """Return the code of *source* with ticks in it; run it among the names that `make_names` returns.

    Raises:
        ConfigurationError: it cannot work; the message says in which line.
    """
    try:
        # What Python warns of (`x is 1`) is not wrong, and there is nobody at a terminal to read it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
            _check_nodes(tree)
            _check_route(tree)
            watched = ast.fix_missing_locations(_Watcher().visit(tree))
            return compile(watched, SOURCE_NAME, "exec", dont_inherit=True)
    except SyntaxError as error:
        _refuse(error.lineno, f"this is not Python: {error.msg}")
    except (ValueError, RecursionError, MemoryError):
        raise ConfigurationError(
            "The rule cannot be read: it holds characters that no program has, or is nested too deeply.",
            field="python",
        ) from None


def make_names(tick: Callable[[], None]) -> dict[str, Any]:
    """Return the names that a rule's code finds, new for each run; *tick* is called again and again, and may raise."""

    def enter() -> None:
        tick()
        _check_depth(sys._getframe(1))

    return {"__builtins__": dict(_BUILTINS), **_GUARDS, _TICK: tick, _ENTER: enter}


_REFUSED: Mapping[type[ast.AST], str] = {
    ast.Import: "a rule cannot import; what it needs is in request and context",
    ast.ImportFrom: "a rule cannot import; what it needs is in request and context",
    ast.ClassDef: "a rule cannot define a class",
    ast.AsyncFunctionDef: "a rule cannot wait for anything; take “async” out",
    ast.AsyncFor: "a rule cannot wait for anything; take “async” out",
    ast.AsyncWith: "a rule cannot wait for anything; take “async” out",
    ast.Await: "a rule cannot wait for anything; take “await” out",
    ast.Yield: "a rule returns its answer; it cannot “yield”",
    ast.YieldFrom: "a rule returns its answer; it cannot “yield”",
    ast.With: "a rule cannot use “with”",
    ast.TryStar: "a rule cannot use “except*”; use “except”",
}
_NAME_FIELDS = ("id", "attr", "arg", "name", "rest")


def _check_nodes(tree: ast.AST) -> None:
    """Refuse what a rule may not be made of."""
    nodes = list(ast.walk(tree))
    own = {name for node in nodes for name in _find_names(node) if not _is_reading(node)}
    for node in nodes:
        line = getattr(node, "lineno", None)
        if type(node) in _REFUSED:
            _refuse(line, _REFUSED[type(node)])
        for name in _find_names(node):
            if name.startswith("__"):
                _refuse(line, f"“{name}” cannot be used: names with two underscores are Python's own")
        if isinstance(node, ast.Name) and _is_reading(node) and node.id in _MISSING and node.id not in own:
            _refuse(line, f"“{node.id}” cannot be used in a rule; there are {', '.join(_BUILTINS)}")
        if isinstance(node, ast.AugAssign) and type(node.op) in _GUARDED and not isinstance(node.target, ast.Name):
            _refuse(line, "write this out, as in a[b] = a[b] * 2")


def _find_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Global | ast.Nonlocal):
        return node.names
    return [name for field in _NAME_FIELDS if isinstance(name := getattr(node, field, None), str)]


def _is_reading(node: ast.AST) -> bool:
    """Say whether *node* uses a name that must come from elsewhere, rather than making one."""
    return isinstance(node, ast.Attribute | ast.keyword) or isinstance(getattr(node, "ctx", None), ast.Load)


def _check_route(tree: ast.Module) -> None:
    """Refuse a module without a function `route` that can be called with two arguments."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "route"]
    if not functions:
        raise ConfigurationError(
            "The rule needs a function “route”: def route(request, context), at the beginning of a line.",
            field="python",
        )
    arguments = functions[-1].args
    most = len(arguments.posonlyargs) + len(arguments.args)
    least = most - len(arguments.defaults)
    is_callable = least <= _ARGUMENTS and (most >= _ARGUMENTS or arguments.vararg is not None)
    if not is_callable or None in arguments.kw_defaults:
        _refuse(functions[-1].lineno, "“route” must take two arguments: def route(request, context)")


def _refuse(line: int | None, message: str) -> NoReturn:
    text = f"{message[0].upper()}{message[1:]}."
    raise ConfigurationError(f"Line {line}: {text}" if line else text, field="python")


# What is put into a rule, and what it finds there.


class _Watcher(ast.NodeTransformer):
    """Puts ticks into the code and guards before the operators that can make something huge in one go."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body.insert(0, _make_tick(node, _ENTER))
        # A note on a type may name what is not there, and nobody reads it.
        node.returns = None
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        node.body = ast.copy_location(ast.BoolOp(ast.Or(), [_call(_ENTER), node.body]), node)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.ifs.insert(0, ast.UnaryOp(ast.Not(), _call(_TICK)))
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        return self._watch_body(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        return self._watch_body(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        return self._watch_body(node)

    def visit_Try(self, node: ast.Try) -> ast.AST:
        self.generic_visit(node)
        if node.finalbody:
            node.finalbody.insert(0, _make_tick(node.finalbody[0]))
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        guard = _GUARDED.get(type(node.op))
        return ast.copy_location(_call(guard, node.left, node.right), node) if guard else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        guard = _GUARDED.get(type(node.op))
        if guard is None or not isinstance(node.target, ast.Name):
            return node
        left = ast.Name(node.target.id, ast.Load())
        return ast.copy_location(ast.Assign([node.target], _call(guard, left, node.value)), node)

    def _watch_body(self, node: ast.While | ast.For | ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        node.body.insert(0, _make_tick(node))
        return node


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _make_tick(near: ast.AST, name: str = _TICK) -> ast.stmt:
    return ast.copy_location(ast.Expr(_call(name)), near)


def _check_depth(frame: FrameType | None) -> None:
    depth = 0
    while frame is not None and frame.f_code.co_filename == SOURCE_NAME:
        depth += 1
        if depth > _DEEPEST:
            raise RecursionError(f"there are more than {_DEEPEST} calls inside each other")
        frame = frame.f_back


def _make_range(*arguments: int) -> range:
    made = range(*arguments)
    if made[_MOST_ITEMS:]:
        raise ValueError(f"a range has at most {_MOST_ITEMS} numbers in a rule")
    return made


def _multiply(left: Any, right: Any) -> Any:
    for sequence, count in ((left, right), (right, left)):
        if isinstance(sequence, str | bytes | list | tuple) and isinstance(count, int):
            _check_size(len(sequence) * count, _MOST_ITEMS, "items")
    if isinstance(left, int) and isinstance(right, int):
        _check_size(left.bit_length() + right.bit_length(), _MOST_BITS, "bits")
    return left * right


def _raise_to_power(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        _check_size(left.bit_length() * right, _MOST_BITS, "bits")
    return left**right


def _shift_left(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        _check_size(left.bit_length() + right, _MOST_BITS, "bits")
    return left << right


def _check_size(size: int, most: int, what: str) -> None:
    if size > most:
        raise ValueError(f"the result would have more than {most} {what}, the most in a rule")


_GUARDED: Mapping[type[ast.operator], str] = {ast.Mult: "__multiply", ast.Pow: "__power", ast.LShift: "__shift"}
_GUARDS: Mapping[str, Any] = {"__multiply": _multiply, "__power": _raise_to_power, "__shift": _shift_left}
_BUILTINS: Mapping[str, Any] = MappingProxyType(
    {
        "len": len, "min": min, "max": max, "sum": sum, "any": any, "all": all, "sorted": sorted, "reversed": reversed,
        "abs": abs, "round": round, "divmod": divmod, "str": str, "int": int, "float": float, "bool": bool,
        "list": list, "dict": dict, "set": set, "frozenset": frozenset, "tuple": tuple, "range": _make_range,
        "enumerate": enumerate, "zip": zip, "isinstance": isinstance, "Exception": Exception, "KeyError": KeyError,
        "IndexError": IndexError, "TypeError": TypeError, "ValueError": ValueError,
        "ZeroDivisionError": ZeroDivisionError,
    }
)  # fmt: skip
_MISSING = frozenset(dir(builtins)) - frozenset(_BUILTINS)
