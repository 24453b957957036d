"""The relay as a child: it never outlives the one that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.places import ROOT

_PARENT = """
import signal, sys
from tools.relays import run_relay
signal.signal(signal.SIGINT, signal.default_int_handler)
child = "import os, time; {setup} print(os.getpid(), flush=True); time.sleep(60)"
raise SystemExit(run_relay([sys.executable, "-c", child], patience=0.5, notice=0.2))
"""
_DEAF = "import signal; [signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)];"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no signals")
@pytest.mark.parametrize(
    ("number", "setup"),
    [(signal.SIGINT, ""), (signal.SIGTERM, ""), (signal.SIGINT, _DEAF)],
    ids=["Ctrl-C", "terminated", "Ctrl-C, child deaf"],
)
def test_one_signal_ends_both_without_a_traceback(number: signal.Signals, setup: str, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT.replace("{setup}", setup))
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, script], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        assert parent.stderr
        child = int(parent.stdout.readline())
        began = time.monotonic()
        parent.send_signal(number)
        said = parent.stderr.read()
        parent.wait(timeout=10)

    assert said == ""
    assert time.monotonic() - began < 10, "it waited for the child to end by itself"
    assert not _is_alive(child)
