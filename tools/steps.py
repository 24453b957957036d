"""Steps: one line of progress each, with the seconds it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.stamps import Stamp


def say(line: str, *, end: str = "\n") -> None:
    """Print *line* at once, also into a pipe."""
    print(line, end=end, flush=True)


@contextmanager
def step(title: str, *, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Print *title* when the step begins and its seconds when it ended, well or not."""
    began = clock()
    say(f"  {title} … ", end="")
    try:
        yield
    except BaseException:
        say(f"failed after {clock() - began:.1f} s")
        raise
    say(f"{clock() - began:.1f} s")


def make_once(title: str, stamp: Stamp, make: Callable[[], None], *outputs: Path) -> bool:
    """Run *make* unless *stamp* is fresh and the *outputs* are there; return whether it ran.

    The stamp is removed first, so a step that fails half-way is made again the next time.
    """
    if stamp.is_fresh(*outputs):
        say(f"  {title}: up to date")
        return False
    stamp.forget()
    with step(title):
        make()
    stamp.write()
    return True
