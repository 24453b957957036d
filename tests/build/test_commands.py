"""The commands, as someone meets them who makes a mistake."""

import runpy
import socket
import subprocess
import sys
from collections import namedtuple

import pytest

from tools.benches import run_benches
from tools.failures import BuildError
from tools.places import ROOT
from tools.ports import LOOPBACK, check_port, find_free_port

_Version = namedtuple("_Version", "major minor micro releaselevel serial")


def test_a_taken_port_is_told_before_the_set_up_begins() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, str(ROOT / "build.py"), "serve", "--no-browser", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)

    assert done.returncode == 1
    assert done.stdout.strip() == (
        f"Port {port} is taken by another program: stop that one or choose another port, for example "
        f"`python3 build.py serve --port {port + 1}`."
    )
    assert done.stderr == ""


def test_a_free_port_is_accepted() -> None:
    check_port(find_free_port())


@pytest.mark.parametrize("port", ["0", "65536", "eighty"])
def test_a_number_that_is_no_port_is_named(port: str) -> None:
    command = [sys.executable, str(ROOT / "build.py"), "serve", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)

    assert done.returncode == 2
    assert f"{port} is no port: give a number from 1 to 65535" in done.stderr


def test_an_old_python_is_told_which_one_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", _Version(3, 9, 18, "final", 0))

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "build.py"), run_name="__main__")

    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "Sidestep needs Python 3.11 or newer, this is Python 3.9: start build.py with a newer one.\n"
    )


def test_a_bench_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(BuildError, match=r"^There is no bench speed: there are .*planning, relay\.$"):
        run_benches(["relay", "speed"])
