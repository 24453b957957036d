"""The npm packages that the page carries, and which of their files."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.failures import BuildError

_SOURCE_MAP = re.compile(r"\n?//# sourceMappingURL=\S+\s*\Z")


@dataclass(frozen=True)
class Module:
    """One ES module of an npm package: what the page's code calls it, and its file below `node_modules`."""

    specifier: str
    file: str

    @property
    def package(self) -> str:
        """The npm package it is from."""
        scope, _, rest = self.file.partition("/")
        return f"{scope}/{rest.partition('/')[0]}" if scope.startswith("@") else scope

    @property
    def place(self) -> str:
        """Where it lies below `dist/`."""
        return f"vendor/{self.specifier.removeprefix('@').removesuffix('.js')}.js"


MODULES = (
    Module("@preact/signals", "@preact/signals/dist/signals.mjs"),
    Module("@preact/signals-core", "@preact/signals-core/dist/signals-core.mjs"),
    Module("dompurify", "dompurify/dist/purify.es.mjs"),
    # The package `highlight.js` itself has no module that a browser can load; this is its makers' build for
    # browsers, with the languages they count as common. The types come from that package.
    Module("highlight.js", "@highlightjs/cdn-assets/es/highlight.min.js"),
    Module("htm", "htm/dist/htm.mjs"),
    Module("htm/preact", "htm/preact/index.mjs"),
    Module("idb", "idb/build/index.js"),
    Module("marked", "marked/lib/marked.esm.js"),
    Module("preact", "preact/dist/preact.mjs"),
    Module("preact/hooks", "preact/hooks/dist/hooks.mjs"),
)

PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")

PACKAGES = tuple(sorted({"pyodide", *(module.package for module in MODULES)}))


def copy_modules(node_modules: Path, dist: Path) -> Mapping[str, str]:
    """Copy the modules and Pyodide into *dist*; return each module's address, relative to the page.

    Raises:
        BuildError: A file is not where its package is known to keep it.
    """
    for module in MODULES:
        _copy(node_modules / module.file, dist / module.place)
    for name in PYODIDE:
        _copy(node_modules / "pyodide" / name, dist / "pyodide" / name)
    return {module.specifier: f"./{module.place}" for module in MODULES}


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise BuildError(f"The npm packages lack {source}: delete web/node_modules, then run the same command again.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix in {".js", ".mjs"}:
        # The source maps are not shipped: with this line, developer tools would ask for them.
        target.write_text(_SOURCE_MAP.sub("\n", source.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        shutil.copyfile(source, target)
