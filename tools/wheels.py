"""The wheels that the page carries: micropip, what reads YAML, and Sidestep itself."""

import shutil
from pathlib import Path

from tools.environments import run_pip
from tools.failures import BuildError
from tools.places import BUILD, REQUIREMENTS, ROOT
from tools.stamps import Stamp, digest
from tools.steps import make_once

_FOLDER = BUILD / "wheels"
_PAGE_PYTHON = "3.14"
# Any fixed moment makes the archive the same on every machine; the zip format knows none before 1980.
_MOMENT = "315532800"
_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "pyclient", "relay")


def prepare_wheels() -> dict[str, Path]:
    """Return the page's wheels by distribution name, made or fetched where they are not up to date.

    Raises:
        BuildError: One cannot be made or fetched.
    """
    lock = REQUIREMENTS / "page.txt"
    fetched, made = _FOLDER / "fetched", _FOLDER / "made"
    locked = Stamp("wheels-page", digest(lock))
    make_once("page's Python packages", locked, lambda: _fetch(lock, fetched), fetched)
    sources = Stamp("wheels-own", digest(*(ROOT / name for name in _SOURCES), _MOMENT))
    make_once("Sidestep's wheel", sources, lambda: _make(made), made)
    return {
        "micropip": _find(fetched, "micropip"),
        "yaml": _find(fetched, "ruamel_yaml"),
        "sidestep": _find(made, "sidestep"),
    }


def _fetch(lock: Path, folder: Path) -> None:
    _empty(folder)
    exact = ("--no-deps", "--require-hashes", "--only-binary=:all:", "--python-version", _PAGE_PYTHON)
    where = ("--dest", folder, "--requirement", lock)
    run_pip("download", *exact, *where, purpose="get the page's Python packages")


def _make(folder: Path) -> None:
    _empty(folder)
    options = ("--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    moment = {"SOURCE_DATE_EPOCH": _MOMENT}
    run_pip("wheel", *options, ROOT, purpose="make Sidestep's wheel", environment=moment)


def _empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _find(folder: Path, name: str) -> Path:
    found = sorted(folder.glob(f"{name}-*-none-any.whl"))
    if len(found) != 1:
        raise BuildError(
            f"Expected one pure wheel of {name} in {folder}, found {len(found)}: "
            "delete .build/, then run the same command again."
        )
    return found[0]
