"""The checks: lint, types, tests; all are run, whatever fails."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.browsers import prepare_browser
from tools.children import pass_on_termination, stop
from tools.packages import Node
from tools.places import NODE_MODULES, ROOT, WEB, find_program
from tools.redis_servers import prepare_redis_server
from tools.steps import say

# How long, in seconds, tests that were interrupted may take to end what they started, before and after they are asked.
_NOTICE, _PATIENCE = 5, 60


def run_checks(node: Node) -> int:
    """Lint and check the types of Python and JavaScript; return 1 when anything is amiss, else 0."""
    python: list[str | Path] = [find_program("python"), "-m"]
    compiler: list[str | Path] = [*node.node, NODE_MODULES / "typescript" / "bin" / "tsc", "-p", WEB]
    codes = [
        _check("ruff check", [*python, "ruff", "check", "--output-format=concise", ROOT]),
        _check("ruff format", [*python, "ruff", "format", "--check", "--output-format=concise", ROOT]),
        _check("mypy", [*python, "mypy"]),
        _check("JavaScript types", compiler, node.environment),
    ]
    return 1 if any(codes) else 0


def run_tests(node: Node, arguments: Sequence[str]) -> int:
    """Run the checks, then every test (or those that pytest's *arguments* choose); return 0 when all is well.

    Raises:
        BuildError: There is no browser for the tests.
    """
    variables = {"SIDESTEP_CHROMIUM": str(prepare_browser())}
    if redis_server := prepare_redis_server():
        variables["SIDESTEP_REDIS_SERVER"] = str(redis_server)
    checked = run_checks(node)
    if checked:
        say("\nThe checks found something; the tests run all the same.")
    # Last, so that the last line is pytest's own.
    command: list[str | Path] = [find_program("python"), "-m", "pytest", *arguments]
    tested = _check("pytest", command, variables)
    return 1 if checked or tested else 0


def _check(title: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> int:
    say(f"\n== {title} ==")
    everything = {**os.environ, **(environment or {})}
    child = subprocess.Popen([str(part) for part in command], cwd=ROOT, env=everything)
    with child, pass_on_termination(child):
        try:
            return child.wait()
        except KeyboardInterrupt:
            # Killed at once, pytest would leave the servers behind that its tests have started.
            stop(child, patience=_PATIENCE, notice=_NOTICE)
            raise
