"""The snapshot: Python's memory as it is once everything the page uses is imported (docs/decisions/0033)."""

from collections.abc import Sequence
from pathlib import Path

from tools.packages import Node
from tools.places import BUILD, NODE_MODULES, ROOT, WEB
from tools.processes import run
from tools.stamps import Stamp, digest
from tools.steps import make_once

_SCRIPT = ROOT / "tools" / "snapshot.mjs"
_FILE = BUILD / "snapshot" / "python.snapshot"


def prepare_snapshot(node: Node, wheels: Sequence[Path]) -> Path:
    """Return the file of Python's memory, taken in *node* with what is in *wheels*, made where it is not up to date.

    Raises:
        BuildError: Python does not start there, or the memory cannot be written.
    """
    stamp = Stamp("snapshot", digest(_SCRIPT, *wheels, WEB / "package-lock.json"))
    make_once("Python's snapshot", stamp, lambda: _take(node, wheels), _FILE)
    return _FILE


def _take(node: Node, wheels: Sequence[Path]) -> None:
    _FILE.parent.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [*node.node, _SCRIPT, NODE_MODULES / "pyodide", _FILE, *wheels]
    run(command, purpose="put Python's memory away", environment=node.environment)
