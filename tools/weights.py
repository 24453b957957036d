"""What a first visit downloads, file by file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.compressions import FORMATS

LARGEST_FIRST_VISIT = 9_000_000  # bytes, compressed

_TOLD = 20_000  # bytes; what is smaller is summed up


@dataclass(frozen=True)
class Weight:
    """What one file of the page weighs on its way: *bytes* in the smallest form that a browser takes."""

    address: str
    bytes: int


def weigh_first_visit(dist: Path) -> list[Weight]:
    """Return what a first visit to the page in *dist* fetches, the heaviest first."""
    weights = (Weight(address, _weigh(dist / address)) for address in list_first_visit(dist))
    return sorted(weights, key=lambda weight: (-weight.bytes, weight.address))


def list_first_visit(dist: Path) -> Iterator[str]:
    """Yield the addresses, relative to the page, of all that it needs to open again without a network."""
    build = json.loads((dist / "build.json").read_text(encoding="utf-8"))
    yield "index.html"
    yield "service_worker.js"
    yield from ("favicon.svg", "manifest.webmanifest")
    for file in sorted((dist / build["app"]).rglob("*")):
        if file.is_file() and file.suffix[1:] not in FORMATS:
            yield file.relative_to(dist).as_posix()
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm"):
        yield build["interpreter"] + name
    yield build["empty_library"]
    yield build["snapshot"]["file"]


def describe_weights(weights: list[Weight]) -> str:
    """Return a table of *weights*, the small ones in one line."""
    told = [weight for weight in weights if weight.bytes >= _TOLD]
    rest = weights[len(told) :]
    lines = [f"first visit, compressed: {sum(weight.bytes for weight in weights) / 1e6:.2f} MB"]
    lines += [f"{weight.bytes / 1e3:9.1f} kB  {weight.address}" for weight in told]
    lines.append(f"{sum(weight.bytes for weight in rest) / 1e3:9.1f} kB  {len(rest)} smaller files")
    return "\n".join(f"    {line}" for line in lines)


def _weigh(file: Path) -> int:
    forms = [file, *(file.with_name(f"{file.name}.{kind}") for kind in FORMATS)]
    return min(form.stat().st_size for form in forms if form.exists())
