"""Programs that run as a child of this one, and end with it."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def stop(child: subprocess.Popen[bytes], *, patience: float, notice: float) -> None:
    """Let *child* end, since this program was interrupted.

    In a terminal the child has got the same Ctrl-C and is stopping; a signal sent to this process alone has not reached
    it.

    Args:
        child: The program.
        patience: How many seconds it has to stop before it is ended by force.
        notice: How many seconds it has to stop by itself before it is asked to.
    """
    for seconds, act in ((notice, child.terminate), (patience, child.kill)):
        try:
            child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            act()
        else:
            return


@contextmanager
def pass_on_termination(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let a signal that would end this process alone end the *child*, and so both."""

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        child.terminate()

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
