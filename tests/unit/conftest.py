"""Runs coroutine tests in CPython and in Pyodide alike: the same suite proves the client on both."""

from __future__ import annotations

import asyncio
import inspect
import sys

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test to its end; anything else is left to pytest."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    run_to_end(pyfuncitem.obj(**arguments))
    return True


def run_to_end(coroutine: object) -> None:
    """Await *coroutine* from synchronous code."""
    if sys.platform == "emscripten":
        from pyodide.ffi import run_sync  # noqa: PLC0415 - exists only in a browser

        run_sync(coroutine)
    else:
        asyncio.run(coroutine)  # type: ignore[arg-type]
