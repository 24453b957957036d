"""The lock files: exact, complete, and bound to no machine."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.locks import drop_machine
from tools.modules import PACKAGES
from tools.places import REQUIREMENTS, WEB

_PYTHON_LOCKS = sorted(REQUIREMENTS.glob("*.txt"))


def _read_names(file: Path) -> set[str]:
    return set(re.findall(r"^([\w.-]+==\S+)", file.read_text(), re.MULTILINE))


def _read_json(name: str) -> Any:
    return json.loads((WEB / name).read_text())


@pytest.mark.parametrize("file", _PYTHON_LOCKS, ids=lambda file: file.name)
def test_every_python_package_is_exact_and_hashed(file: Path) -> None:
    entries = re.split(r"\n(?=\S)", file.read_text().strip())[1:]

    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+", entry), entry
        hashes = re.findall(r"--hash=(\S+)", entry)
        assert hashes, entry
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), entry


@pytest.mark.parametrize("file", _PYTHON_LOCKS, ids=lambda file: file.name)
def test_a_python_lock_names_no_address_and_no_path(file: Path) -> None:
    text = file.read_text()

    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    assert not re.search(r"(^|\s)/\w", text)


def test_the_larger_environment_contains_the_relay_s() -> None:
    assert _read_names(REQUIREMENTS / "relay.txt") <= _read_names(REQUIREMENTS / "dev.txt")


def test_the_installed_packages_miss_nothing_and_agree() -> None:
    # They are installed as locked, unresolved: whether that is all they need is looked at here.
    check = [sys.executable, "-m", "pip", "--disable-pip-version-check", "check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_s_packages_are_pinned_exactly() -> None:
    about = _read_json("package.json")
    wanted = {**about["dependencies"], **about["devDependencies"]}

    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert set(PACKAGES) == set(about["dependencies"])


def test_the_npm_lock_names_no_registry_and_has_a_hash_for_everything() -> None:
    packages = _read_json("package-lock.json")["packages"]

    for name, entry in packages.items():
        assert "resolved" not in entry, name
        assert not name or entry["integrity"].startswith("sha512-"), name


def test_the_npm_lock_belongs_to_the_package_file() -> None:
    about, locked = _read_json("package.json"), _read_json("package-lock.json")["packages"]

    assert locked[""]["dependencies"] == about["dependencies"]
    for name, version in {**about["dependencies"], **about["devDependencies"]}.items():
        assert locked[f"node_modules/{name}"]["version"] == version


def test_the_highlighter_s_types_are_of_its_own_version() -> None:
    about = _read_json("package.json")

    assert about["dependencies"]["@highlightjs/cdn-assets"] == about["devDependencies"]["highlight.js"]


def test_the_resolver_s_header_is_dropped() -> None:
    text = "# Made by a tool:\n#    tool --output /home/someone/x.txt\nflask==3.1.3 \\\n    --hash=sha256:00\n"

    assert "/home" not in drop_machine(text)
    assert drop_machine(text).endswith("\nflask==3.1.3 \\\n    --hash=sha256:00\n")
