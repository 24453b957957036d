"""Stamps: what was made from which inputs, so that nothing unchanged is made twice."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.places import BUILD, ROOT

_IGNORED = {"__pycache__", "node_modules"}


def list_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield every file among and below *paths*, sorted, leaving out caches and installed packages."""
    for path in paths:
        if path.is_file():
            yield path
        for below in sorted(path.rglob("*")) if path.is_dir() else ():
            if below.is_file() and not _IGNORED.intersection(below.relative_to(path).parts):
                yield below


def digest(*inputs: Path | str) -> str:
    """Return the SHA-256, in hex, of the names and contents of files and folders, and of plain strings."""
    total = hashlib.sha256()
    for given in inputs:
        if isinstance(given, str):
            total.update(b"text\0" + given.encode() + b"\0")
            continue
        for file in list_files([given]):
            name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
            total.update(b"file\0" + name.as_posix().encode() + b"\0")
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def digest_contents(folder: Path) -> str:
    """Return the SHA-256, in hex, of what lies in *folder*, wherever the folder itself lies."""
    files = list_files([folder])
    return digest(*(f"{file.relative_to(folder).as_posix()}\0{digest_file(file)}" for file in files))


def digest_file(file: Path) -> str:
    """Return the SHA-256, in hex, of the contents of *file*."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Stamp:
    """What one step was last made from: *name* is the step's, *value* the digest of its inputs."""

    name: str
    value: str
    folder: Path = BUILD / "stamps"

    def is_fresh(self, *outputs: Path) -> bool:
        """Say whether the step was made from these very inputs and its *outputs* are still there."""
        file = self.folder / self.name
        return file.is_file() and file.read_text() == self.value and all(path.exists() for path in outputs)

    def write(self) -> None:
        """Remember that the step is made."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / self.name).write_text(self.value)

    def forget(self) -> None:
        """Forget it: the step is about to change its outputs, and may fail half-way."""
        (self.folder / self.name).unlink(missing_ok=True)
