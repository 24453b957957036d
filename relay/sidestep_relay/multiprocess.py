"""What several worker processes share: a folder, and in one what prometheus_client keeps of what each has counted.

It reads where that is from the environment, when it is imported; so this comes first, and imports nothing of it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["find_memory", "forget_worker", "share_folder", "share_metrics"]

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_MEMORY = "/dev/shm"  # noqa: S108 - what is made there has a name of its own


def find_memory() -> str | None:
    """Return a folder in memory: it can be written to where the root cannot. None if this system has none."""
    return _MEMORY if os.access(_MEMORY, os.W_OK) else None


@contextmanager
def share_folder() -> Iterator[Path]:
    """Give this process and its children a new folder until the block ends.

    A child that leaves the block, as forked ones do when they exit, leaves the folder where it is.
    """
    owner = os.getpid()
    folder = tempfile.mkdtemp(prefix="sidestep-relay-", dir=find_memory())
    try:
        yield Path(folder)
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def share_metrics() -> Iterator[None]:
    """Let this process's children count together until the block ends.

    The folder is new: what processes counted that are gone is not carried on.
    """
    with share_folder() as folder:
        os.environ[_VARIABLE] = str(folder)
        try:
            yield
        finally:
            del os.environ[_VARIABLE]


def forget_worker(process_id: int) -> None:
    """Take a worker that ended out of what is counted of the living, such as streams under way."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - see above

    mark_process_dead(process_id)  # type: ignore[no-untyped-call]
