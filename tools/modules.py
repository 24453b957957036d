"""The npm packages that the page carries, and which of their files."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.failures import BuildError

_SPECIFIER = re.compile(r'''(?<=\bfrom )"([^"./][^"]*)"''')
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
    Module("temml", "temml/dist/temml.mjs"),
    Module("uplot", "uplot/dist/uPlot.esm.js"),
    Module("preact", "preact/dist/preact.mjs"),
    Module("preact/hooks", "preact/hooks/dist/hooks.mjs"),
)


@dataclass(frozen=True)
class Tree:
    """A package of many ES modules, for workers: they know no import map, so what it imports is named by its place."""

    package: str
    folder: str = "esm"
    main: str = "mod.js"

    @property
    def place(self) -> str:
        """Where its folder lies below `dist/`."""
        return f"vendor/{self.package.removeprefix('@')}"


STYLES = (Module("uplot", "uplot/dist/uPlot.min.css"),)

TREES = (Tree("@hpke/common"), Tree("@hpke/core"))

PACKAGES = tuple(sorted({"pyodide", *(module.package for module in MODULES), *(tree.package for tree in TREES)}))


def copy_modules(node_modules: Path, dist: Path) -> Mapping[str, str]:
    """Copy the modules into *dist*; return each module's address, relative to it.

    Raises:
        BuildError: A file is not where its package is known to keep it.
    """
    for module in MODULES:
        copy_file(node_modules / module.file, dist / module.place)
    for style in STYLES:
        copy_file(node_modules / style.file, dist / "vendor" / f"{style.specifier}.css")
    for tree in TREES:
        _copy_tree(tree, node_modules, dist)
    return {module.specifier: module.place for module in MODULES}


def _copy_tree(tree: Tree, node_modules: Path, dist: Path) -> None:
    root = node_modules / tree.package / tree.folder
    copy_file(root / tree.main, dist / tree.place / tree.main)
    for source in sorted(root.rglob("*.js")):
        target = dist / tree.place / source.relative_to(root)
        copy_file(source, target)
        target.write_text(_name_places(target, dist), encoding="utf-8")


def _name_places(file: Path, dist: Path) -> str:
    places = {tree.package: f"{tree.place}/{tree.main}" for tree in TREES}

    def name(match: re.Match[str]) -> str:
        place = places.get(match[1])
        return f'"{Path(os.path.relpath(dist / place, file.parent)).as_posix()}"' if place else match[0]

    return _SPECIFIER.sub(name, file.read_text(encoding="utf-8"))


def copy_file(source: Path, target: Path) -> None:
    """Copy one file of an npm package.

    Raises:
        BuildError: It is not there.
    """
    if not source.is_file():
        raise BuildError(f"The npm packages lack {source}: delete web/node_modules, then run the same command again.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix in {".js", ".mjs"}:
        # The source maps are not shipped: with this line, developer tools would ask for them.
        target.write_text(_SOURCE_MAP.sub("\n", source.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        shutil.copyfile(source, target)
