"""Python for the page: Pyodide's files, and the snapshot of its memory, under names that tell their contents."""

import gzip
import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.modules import copy_file
from tools.stamps import digest_contents

FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")

_EMPTY_LIBRARY = "empty_stdlib.zip"
_NAME_LENGTH = 12


@dataclass(frozen=True)
class Interpreter:
    """Where the page finds Python, by addresses relative to `dist/`.

    Attributes:
        folder: Pyodide's files, with a slash at its end.
        snapshot: the memory, gzipped, since not every host can send it so.
        snapshot_bytes: how long it is when unpacked.
        info: what Pyodide wants to know of itself; the page needs none of the packages in its lock file.
    """

    folder: str
    snapshot: str
    snapshot_bytes: int
    info: dict[str, str]

    def describe(self, root: str) -> dict[str, Any]:
        """Return what `build.json` says of it, to a reader from where `dist/` is at *root*."""
        return {
            "interpreter": root + self.folder,
            "empty_library": f"{root}{self.folder}{_EMPTY_LIBRARY}",
            "snapshot": {"file": root + self.snapshot, "bytes": self.snapshot_bytes},
            "lock": {"info": self.info, "packages": {}},
        }


def copy_interpreter(package: Path, snapshot: Path, dist: Path) -> Interpreter:
    """Copy Pyodide from its npm *package* and the *snapshot* of its memory into *dist*.

    Raises:
        BuildError: A file is not where the package is known to keep it.
    """
    fresh = dist / "pyodide" / "new"
    for name in FILES:
        copy_file(package / name, fresh / name)
    with zipfile.ZipFile(fresh / _EMPTY_LIBRARY, "w"):
        pass
    folder = f"pyodide/{digest_contents(fresh)[:_NAME_LENGTH]}/"
    fresh.rename(dist / folder)
    memory = snapshot.read_bytes()
    name = f"pyodide/python-{hashlib.sha256(memory).hexdigest()[:_NAME_LENGTH]}.snapshot"
    (dist / name).write_bytes(gzip.compress(memory, 9, mtime=0))
    lock = json.loads((package / "pyodide-lock.json").read_text(encoding="utf-8"))
    return Interpreter(folder, name, len(memory), lock["info"])
