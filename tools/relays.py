"""The relay as a child of this process."""

import subprocess
from collections.abc import Sequence

from tools.children import pass_on_termination, stop
from tools.failures import BuildError

# How long, in seconds, a relay that was asked to stop may finish what it is sending.
_PATIENCE = 10
# How long it has when the terminal's Ctrl-C has reached it too, before it is asked again.
_NOTICE = 3


def run_relay(command: Sequence[str], *, patience: float = _PATIENCE, notice: float = _NOTICE) -> int:
    """Run the relay until it ends or Ctrl-C (or a termination signal) ends both; return its exit code, or 0.

    Args:
        command: The program and its arguments.
        patience: How many seconds it has to stop before it is ended by force.
        notice: How many seconds it has to stop by itself before it is asked to.

    Raises:
        BuildError: It cannot be started.
    """
    try:
        relay = subprocess.Popen(command)
    except OSError as error:
        raise BuildError(f"The relay does not start ({error.strerror}): delete .venv, then try again.") from error
    with relay, pass_on_termination(relay):
        try:
            return relay.wait()
        except KeyboardInterrupt:
            stop(relay, patience=patience, notice=notice)
            return 0
