"""The virtual environment: made once, filled with exactly the locked packages."""

import importlib.util
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.failures import BuildError
from tools.places import REQUIREMENTS, ROOT, VENV, find_program
from tools.processes import run
from tools.stamps import Stamp, digest
from tools.steps import make_once

_NO_VENV = (
    "Python cannot make a virtual environment here, its ensurepip is missing: install it "
    "(on Debian and Ubuntu: `apt install python3-venv`), then run the same command again."
)


def prepare_environment(*, for_tests: bool) -> None:
    """Make `.venv` with the relay's packages, or all that the tests need, and this project in place.

    Raises:
        BuildError: It cannot be made or filled.
    """
    python = find_program("python")
    venv = Stamp("venv", digest(f"{sys.base_prefix} {sys.version}"))
    if make_once("virtual environment", venv, _make_environment, python):
        for name in ("relay", "dev", "project"):
            _stamp(name).forget()
    # The test packages contain the relay's: where they are in, there is nothing to do for the relay.
    if for_tests or not _stamp("dev").is_fresh(python):
        name = "dev" if for_tests else "relay"
        make_once(_describe(name), _stamp(name), lambda: _install_locked(name), python)
    make_once("Sidestep itself", _stamp("project"), _install_project, find_program("sidestep-relay"))


def run_pip(
    *arguments: str | Path, purpose: str, venv: Path = VENV, environment: Mapping[str, str] | None = None
) -> None:
    """Run the pip of *venv* quietly; *purpose* and *environment* are those of `processes.run`.

    Raises:
        BuildError: It failed.
    """
    quiet = ("--disable-pip-version-check", "--no-input", "--quiet")
    command = [find_program("python", venv=venv), "-m", "pip", *quiet, *arguments]
    run(command, purpose=purpose, environment=environment)


def _stamp(name: str) -> Stamp:
    if name == "project":
        version = ROOT / "pyclient" / "sidestep" / "_version.py"
        return Stamp("pip-project", digest(ROOT / "pyproject.toml", version))
    # Both files count: were the smaller one changed alone, the larger one would no longer contain it.
    return Stamp(f"pip-{name}", digest(REQUIREMENTS / "relay.txt", REQUIREMENTS / f"{name}.txt"))


def _describe(name: str) -> str:
    count = len(re.findall(r"^[\w.-]+==", (REQUIREMENTS / f"{name}.txt").read_text(), re.MULTILINE))
    return f"{count} Python packages for the {'tests' if name == 'dev' else 'relay'}"


def _make_environment() -> None:
    # Looked at first: the program venv would leave half an environment behind and a traceback.
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise BuildError(_NO_VENV)
    if VENV.exists():
        shutil.rmtree(VENV)
    run([sys.executable, "-m", "venv", VENV], purpose="make a virtual environment")


def _install_locked(name: str) -> None:
    lock = REQUIREMENTS / f"{name}.txt"
    # The lock is the whole answer. Asked to resolve it again, pip looks at a newer release for the extra of a locked
    # package (`google-auth[requests]`) and then refuses it as unpinned: a release elsewhere would break this.
    exactly = ("--no-deps", "--require-hashes", "--requirement", lock)
    run_pip("install", *exactly, purpose="install the Python packages")


def _install_project() -> None:
    in_place = ("--no-deps", "--no-build-isolation", "--editable")
    run_pip("install", *in_place, ROOT, purpose="install Sidestep itself")
