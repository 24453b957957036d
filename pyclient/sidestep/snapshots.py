"""Python's memory: put away once by the build, taken up again by every visit (docs/decisions/0033).

What the memory holds survives: modules, the catalogue. Files do not, so the standard library is not there at first; the
modules that nobody has imported yet come with it when one of them is asked for.
"""

from __future__ import annotations

import gc
import importlib
import linecache
import pkgutil
import random
import sys
import zipimport
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import sidestep
from sidestep.catalogue import load_catalogue

__all__ = ["awaken", "prepare"]

_ELSEWHERE = frozenset(
    {"sidestep.__main__", "sidestep.conversions", "sidestep.transports.http", "sidestep.transports.hpke"}
)
"""What a page can never use: the command line, and what needs an extra."""


def prepare() -> None:
    """Import all that a page may come to use, read what is read from files, and let go of what is not needed again.

    The last thing to be done before the memory is put away.
    """
    for module in pkgutil.walk_packages(sidestep.__path__, "sidestep."):
        if module.name not in _ELSEWHERE:
            importlib.import_module(module.name)
    load_catalogue()
    _forget_files()
    linecache.clearcache()
    gc.collect()


def awaken(js_read_library: Callable[[], Any], js_read_yaml: Callable[[], Any]) -> None:
    """Make a memory that was put away one visit's own: the first thing to be done with it.

    Random numbers begin anew. Standard modules that are not in it are imported from the library's archive, and what
    reads YAML from its wheel; each is fetched when the first of its modules is asked for.

    Args:
        js_read_library: returns that archive as an ArrayBuffer, at once, or None where it cannot be had.
        js_read_yaml: the same of that wheel.
    """
    random.seed()
    archive = next(Path(entry) for entry in sys.path if entry.endswith(".zip"))
    # An empty one lies there, for Python to start with; with none at all, nobody looks for a module's source in it.
    archive.unlink(missing_ok=True)
    _forget_files()
    sys.meta_path.append(_ArchiveFinder(archive, sys.stdlib_module_names, js_read_library))
    sys.meta_path.append(_ArchiveFinder(archive.with_name("yaml.whl"), frozenset({"ruamel"}), js_read_yaml))


def _forget_files() -> None:
    sys.path_importer_cache.clear()
    # No public call empties it, and what it remembers is where things lay in an archive that is gone.
    zipimport._zip_directory_cache.clear()  # type: ignore[attr-defined]


class _ArchiveFinder:
    """Asked last: fetches an archive when one of the packages *names*, which are in it, is found nowhere else."""

    def __init__(self, archive: Path, names: frozenset[str], js_read: Callable[[], Any]) -> None:
        self._archive = archive
        self._names = names
        self._js_read = js_read
        self._is_there = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where the module is, or None where it is in another archive.

        Raises:
            ImportError: the archive cannot be had.
        """
        if self._is_there or fullname.partition(".")[0] not in self._names:
            return None
        js_archive = self._js_read()
        if js_archive is None:
            reason = f"{fullname} is in the part of Python's library that is fetched when needed, and that failed."
            raise ImportError(reason, name=fullname)
        self._archive.write_bytes(js_archive.to_bytes())
        if str(self._archive) not in sys.path:
            sys.path.append(str(self._archive))
        self._is_there = True
        _forget_files()
        return PathFinder.find_spec(fullname, path, target)
