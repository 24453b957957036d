"""References: what the built page names must be there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tools.modules import MODULES, TREES

_HTML = re.compile(r"""<(?:script|link|img)\b[^>]*?\b(?:src|href)=["']([^"'#?]+)""", re.IGNORECASE)
_STYLE = re.compile(r"""url\(\s*["']?([^"')#?]+)""")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_IMPORT = re.compile(
    r"""^\s*(?:import|export)\b[^"'`;()=]*?\bfrom\s*["']([^"']+)["']   # import … from "x", export … from "x"
    | ^\s*import\s*["']([^"']+)["']                                   # import "x"
    | \bimport\(\s*["']([^"']+)["']\s*\)                             # import("x")
    """,
    re.MULTILINE | re.VERBOSE,
)


def find_missing(dist: Path, own: str) -> Iterator[str]:
    """Yield a few words for every reference in the site *dist* that leads nowhere; its own code is in its folder *own*.

    Looked at are the import map, the packages for workers, `build.json`, the addresses in HTML and style sheets, and
    the packages that the page's own modules import; whether their relative imports lead anywhere is for the type
    checker.
    """
    for module in MODULES:
        if not (dist / own / module.place).is_file():
            yield f"{module.place}, named by the import map"
    for tree in TREES:
        yield from _find_missing_modules(dist / own / tree.place)
    build = json.loads((dist / "build.json").read_text())
    for address in (
        build["micropip"],
        build["yaml"],
        build["sidestep"],
        build["empty_library"],
        build["snapshot"]["file"],
    ):
        if not (dist / address).is_file():
            yield f"{address}, named by build.json"
    for page in dist.glob("*.html"):
        yield from _find_missing_files(page, _HTML)
    for style in (dist / own).glob("css/**/*.css"):
        yield from _find_missing_files(style, _STYLE)
    for script in (dist / own).glob("js/**/*.js"):
        yield from _find_missing_packages(script)


def list_imports(script: Path, *, is_dynamic: bool = True) -> Iterator[str]:
    """Yield what *script* imports, as it is written there; by `import()` too where *is_dynamic*."""
    for static, bare, dynamic in _IMPORT.findall(_COMMENT.sub("", script.read_text(encoding="utf-8"))):
        specifier = static or bare or (is_dynamic and dynamic)
        if specifier:
            yield specifier


def _find_missing_files(file: Path, pattern: re.Pattern[str]) -> Iterator[str]:
    for address in pattern.findall(file.read_text(encoding="utf-8")):
        if ":" not in address and not (file.parent / address).exists():
            yield f"{address}, named by {file.name}"


def _find_missing_modules(folder: Path) -> Iterator[str]:
    """Yield what a worker could not load: it knows no import map."""
    for script in folder.rglob("*.js"):
        for specifier in list_imports(script):
            # Behind an import that Node.js alone takes.
            if specifier != "crypto" and not (script.parent / specifier).is_file():
                yield f"{specifier}, imported by {script.name}"


def _find_missing_packages(script: Path) -> Iterator[str]:
    known = {module.specifier for module in MODULES}
    for specifier in list_imports(script):
        if specifier[0] not in "./" and specifier not in known:
            yield f"{specifier}, imported by {script.name}"
