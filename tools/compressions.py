"""Compressed copies: what a server sends to a browser that takes them, made once, ahead of time.

Beside `main.js` lie `main.js.br` (Brotli, RFC 7932) and `main.js.gz` (RFC 1952). A host that knows nothing of them
sends the file itself.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.packages import Node
from tools.places import BUILD, ROOT
from tools.processes import run
from tools.stamps import digest_file, list_files

FORMATS = ("br", "gz")

_SCRIPT = ROOT / "tools" / "compress.mjs"
_KEPT = BUILD / "compressed"
_SUFFIXES = {".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt", ".wasm", ".webmanifest"}
_SMALLEST = 512  # bytes; below it, a header costs as much as is won


@dataclass(frozen=True)
class _Copy:
    """One compressed copy: of the file *source*, kept as *kept*, to lie at *place*."""

    source: Path
    kept: Path
    place: Path


def compress_folder(folder: Path, node: Node, *, unpacked: Mapping[Path, Path]) -> None:
    """Put compressed copies beside the files of *folder* that are worth it.

    Args:
        folder: The built page.
        node: Whose zlib does it.
        unpacked: What else is to be compressed: files that are packed already, and the ones that they are packed from.

    Raises:
        BuildError: Node.js cannot do it.
    """
    copies = [*_list_copies(folder), *_list_packed(unpacked)]
    _KEPT.mkdir(parents=True, exist_ok=True)
    _make({copy.kept: copy for copy in copies if not copy.kept.exists()}.values(), node)
    for copy in copies:
        shutil.copyfile(copy.kept, copy.place)
    # What another build left is not needed again.
    for stale in set(_KEPT.iterdir()) - {copy.kept for copy in copies}:
        stale.unlink()


def _list_copies(folder: Path) -> Iterator[_Copy]:
    for file in list(list_files([folder])):
        if file.suffix in _SUFFIXES and file.stat().st_size >= _SMALLEST:
            for kind in FORMATS:
                yield _Copy(file, _keep_as(file, kind), file.with_name(f"{file.name}.{kind}"))


def _list_packed(unpacked: Mapping[Path, Path]) -> Iterator[_Copy]:
    for packed, whole in unpacked.items():
        yield _Copy(whole, _keep_as(whole, "br"), packed.with_name(f"{packed.name}.br"))


def _keep_as(file: Path, kind: str) -> Path:
    """Return where a copy is kept: under another name when it would be made in another way."""
    return _KEPT / f"{digest_file(file)}-{digest_file(_SCRIPT)[:8]}.{kind}"


def _make(copies: Iterable[_Copy], node: Node) -> None:
    # The largest first, so that none is left alone at the end.
    ordered = sorted(copies, key=lambda copy: -copy.source.stat().st_size)
    if not ordered:
        return
    # Under another name until all are whole: what is found under its own is taken for good the next time.
    jobs = [
        {"source": str(copy.source), "target": f"{copy.kept}.part", "format": copy.kept.suffix[1:]} for copy in ordered
    ]
    listed = _KEPT / "list.json"
    listed.write_text(json.dumps(jobs), encoding="utf-8")
    run([*node.node, _SCRIPT, listed], purpose="compress the page's files", environment=node.environment)
    listed.unlink()
    for copy in ordered:
        Path(f"{copy.kept}.part").replace(copy.kept)
