"""One build at a time in one checkout."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tools.places import BUILD
from tools.steps import say


@contextmanager
def hold_build() -> Iterator[None]:
    """Keep every other build of this checkout waiting; the system lets go however this process ends."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "lock").open("a") as file:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - exists only there

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - exists only there

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("  another build of this checkout is running; waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
