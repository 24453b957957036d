"""The licence texts of everything the page carries, in one file."""

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tools.failures import BuildError
from tools.modules import PACKAGES
from tools.places import ROOT

_NOTICES = ROOT / "tools" / "notices"
_RULE = "=" * 100
_WHEELS: Mapping[str, str] = {
    "micropip": "(MPL-2.0)\nSource: https://github.com/pyodide/micropip",
    "ruamel_yaml": "(MIT)\nSource: https://sourceforge.net/projects/ruamel-yaml/",
}


def write_licences(file: Path, *, node_modules: Path, wheels: Iterable[Path]) -> None:
    """Write into *file* the licences of the npm packages, of Pyodide's parts, and of the *wheels* that are not ours.

    Raises:
        BuildError: Something is carried without a licence text.
    """
    parts = [*_read_packages(node_modules), *_read_notices(_NOTICES), *(_read_wheel(wheel) for wheel in wheels)]
    body = "\n\n".join(f"{_RULE}\n{title}\n{_RULE}\n\n{text.strip()}" for title, text in parts)
    file.write_text(f"What this page carries, each part under its own licence.\n\n{body}\n", encoding="utf-8")


def _read_packages(node_modules: Path) -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        folder = node_modules / name
        about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        texts = sorted(folder.glob("LICENSE*"))
        if name == "pyodide" and not texts:
            # Pyodide's package names its licence without the text; this one brings the very same.
            texts = [node_modules / "dompurify" / "LICENSE-MPL"]
        if not texts:
            raise BuildError(f"The npm package {name} brings no licence text: add it to tools/notices/.")
        source = about.get("repository", {})
        address = source if isinstance(source, str) else source.get("url", "")
        title = f"{name} {about['version']} ({about['license']})\nSource: {address}"
        yield title, "\n\n".join(text.read_text(encoding="utf-8").strip() for text in texts)


def _read_notices(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.glob("*.txt")):
        title, _, text = file.read_text(encoding="utf-8").partition("\n")
        yield title, text


def _read_wheel(wheel: Path) -> tuple[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/licenses/" in name]
        texts = [archive.read(name).decode() for name in sorted(names)]
    if not texts:
        raise BuildError(f"The wheel {wheel.name} brings no licence text: add it to tools/notices/.")
    about = _WHEELS[wheel.name.partition("-")[0]]
    return f"{wheel.name} {about}", "\n\n".join(texts)
