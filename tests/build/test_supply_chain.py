"""What is installed beside the project runs nothing at start-up, is what was locked, may be shipped, and calls nobody.

LiteLLM 1.82.7 and 1.82.8 carried a thief (March 2026), one of them in a `.pth` file, which runs whenever Python starts.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Mapping
from email.message import Message
from importlib.metadata import PackageNotFoundError, distributions, metadata, version
from pathlib import Path

import pytest

from tools.places import REQUIREMENTS, ROOT

COMPROMISED = frozenset({"1.82.7", "1.82.8"})

STARTUP_FILES: Mapping[str, str] = {
    "_sidestep.pth": "The project itself, which is installed in place: two folders, and no code.",
    "distutils-precedence.pth": "setuptools, where the environment came with it: lets old packages find distutils.",
}
"""What may be there, and why."""

SHIM = (
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim();"
)

CUSTOMIZED = ("sitecustomize", "usercustomize")
"""Modules that Python imports at every start, if they are there."""

LICENCES = tomllib.loads((REQUIREMENTS / "licences.toml").read_text(encoding="utf-8"))


# nothing runs at start-up


def list_folders() -> set[Path]:
    return {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}


def find_startup_files(folders: Iterable[Path]) -> set[str]:
    """Return the names of what Python runs or reads at every start."""
    return {path.name for folder in folders for path in folder.iterdir() if is_startup_file(path.name)}


def is_startup_file(name: str) -> bool:
    # A compiled module's name has more than one suffix, and a package's folder has none.
    return name.endswith(".pth") or name.partition(".")[0] in CUSTOMIZED


def has_code(file: Path) -> bool:
    """Say whether a `.pth` file holds more than folders (Python, *site*: lines that begin with import are run)."""
    return any(re.match(r"import[ \t]", line) for line in file.read_text(encoding="utf-8").splitlines())


def test_no_package_runs_anything_at_start_up() -> None:
    assert find_startup_files(list_folders()) <= STARTUP_FILES.keys()


def test_what_may_be_there_is_what_it_was() -> None:
    for folder in list_folders():
        own, shim = folder / "_sidestep.pth", folder / "distutils-precedence.pth"
        assert not own.exists() or not has_code(own)
        assert not shim.exists() or shim.read_text(encoding="utf-8").strip() == SHIM


def test_no_package_says_that_it_brings_such_a_file() -> None:
    files = [file for distribution in distributions() for file in distribution.files or ()]
    assert len(files) > 1000
    assert {file.parts[0] for file in files if is_startup_file(file.parts[0])} <= STARTUP_FILES.keys()


@pytest.mark.parametrize("name", ["litellm_init.pth", "sitecustomize.py", "usercustomize.cpython-311.so", "x.pth"])
def test_such_a_file_would_be_found(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("import os\n", encoding="utf-8")
    (tmp_path / "package").mkdir()
    assert find_startup_files([tmp_path]) - STARTUP_FILES.keys() == {name}


def test_code_in_such_a_file_would_be_found(tmp_path: Path) -> None:
    file = tmp_path / "x.pth"
    for text, expected in [("/a/folder\n", False), ("/a\nimport os\n", True), ("import\tos\n", True)]:
        file.write_text(text, encoding="utf-8")
        assert has_code(file) is expected


# what was locked


def read_lock(name: str) -> dict[str, str]:
    """Return the packages of a lock, by name, with their versions."""
    text = (REQUIREMENTS / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE))


def test_litellm_is_not_one_of_the_stolen() -> None:
    for name in ("relay.txt", "dev.txt"):
        assert read_lock(name)["litellm"] not in COMPROMISED
    assert version("litellm") == read_lock("dev.txt")["litellm"]
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (wanted,) = [row for row in declared["optional-dependencies"]["relay"] if row.startswith("litellm")]
    least = re.fullmatch(r"litellm>=(\d+)\.(\d+)", wanted)
    assert least, "the relay must not be installable with an old LiteLLM"
    assert (int(least[1]), int(least[2])) > (1, 82)


# what may be shipped


def read_licence(about: Message) -> str:
    """Return the licence that a package's metadata names, as an SPDX expression where that can be told."""
    if expression := about.get("License-Expression"):
        return expression
    named = [row.rpartition("::")[2].strip() for row in about.get_all("Classifier") or [] if row.startswith("License")]
    free = (about.get("License") or "").strip().partition("\n")[0]
    return " AND ".join(LICENCES["names"].get(name, name) for name in named or [free])


def is_allowed(expression: str) -> bool:
    """Say whether all parts of *expression*, or of an OR one, may be shipped."""
    return any(
        all(part.strip(" ()") in LICENCES["allowed"] for part in choice.split(" AND "))
        for choice in re.split(r" OR ", expression)
    )


@pytest.mark.parametrize("name", sorted(read_lock("relay.txt")))
def test_the_licence_of_what_the_relay_needs_is_known(name: str) -> None:
    try:
        licence = read_licence(metadata(name))  # type: ignore[arg-type]  # a Message by another name
    except PackageNotFoundError:
        assert name in LICENCES["elsewhere"], "not installed here: write down its licence"
        licence = LICENCES["elsewhere"][name]
    assert is_allowed(licence), licence


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True), ("MIT OR GPL-3.0-only", True), ("MIT AND GPL-3.0-only", False), ("AGPL-3.0-or-later", False),
        ("(MIT AND PSF-2.0) OR Other", True), ("", False), ("MIT License", False),
    ],
)  # fmt: skip
def test_which_licences_are_allowed(expression: str, expected: bool) -> None:
    assert is_allowed(expression) is expected


# calls nobody

_PROGRAM = """
import json, sys

called = []

def note(event, arguments):
    is_call = event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
    if is_call or (event == "socket.connect" and isinstance(arguments[1], tuple)):
        called.append(f"{event} {arguments[0] if event == 'socket.getaddrinfo' else arguments[-1]}")
        raise OSError("there is no network here")

sys.addaudithook(note)
from sidestep_relay.lanes.translate import load_litellm
litellm = load_litellm()
print(json.dumps({"called": called, "version": litellm._version.version}))
"""


def test_litellm_is_imported_without_the_network(tmp_path: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    path = os.pathsep.join(str(ROOT / name) for name in ("pyclient", "relay"))
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**kept, "HOME": str(tmp_path), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["called"] == []
    assert told["version"] == read_lock("dev.txt")["litellm"]
