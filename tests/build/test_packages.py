"""Which Node.js is used where the machine has none."""

from pathlib import Path

import pytest

from tools import packages
from tools.packages import describe_carried_node, find_node, prepare_node
from tools.stamps import Stamp


def _put_program(folder: Path, name: str, *, version: str = "v20.0.0") -> None:
    # The name's ending is what makes it a program on Windows.
    for file in (folder / name, folder / f"{name}.exe"):
        file.write_text(f"#!/bin/sh\necho {version}\n")
        file.chmod(0o755)


@pytest.mark.parametrize("version", ["v18.20.1", "v9.0.0", "nothing"])
def test_an_old_node_is_not_enough(tmp_path: Path, version: str) -> None:
    for name in ("node", "npm"):
        _put_program(tmp_path, name, version=version)
    assert find_node(search_path=str(tmp_path)) is None


def test_the_machine_s_own_is_used(tmp_path: Path) -> None:
    for name in ("node", "npm"):
        _put_program(tmp_path, name)
    found = find_node(search_path=str(tmp_path))

    assert found
    assert Path(found.npm[0]).parent == tmp_path


def test_node_without_npm_is_not_enough(tmp_path: Path) -> None:
    _put_program(tmp_path, "node")

    assert find_node(search_path=str(tmp_path)) is None


def test_without_npm_the_one_of_the_python_package_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def note(title: str, _stamp: Stamp, _make: object, *_outputs: Path) -> bool:
        made.append(title)
        return True

    monkeypatch.setattr(packages, "make_once", note)
    node = prepare_node(search_path=str(tmp_path))

    assert made == ["Node.js (this machine has none)"]
    assert node == describe_carried_node()


@pytest.mark.parametrize(
    ("windows", "program", "npm"),
    [
        (False, "bin/node", "lib/node_modules/npm/bin/npm-cli.js"),
        (True, "node.exe", "node_modules/npm/bin/npm-cli.js"),
    ],
)
def test_the_carried_one_starts_npm_with_its_own_node(tmp_path: Path, *, windows: bool, program: str, npm: str) -> None:
    node = describe_carried_node(tmp_path, windows=windows)

    assert node.node == (str(tmp_path / program),)
    assert node.npm == (str(tmp_path / program), str(tmp_path / npm))
    assert node.environment["PATH"].startswith(str((tmp_path / program).parent))
