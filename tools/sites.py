"""The site: everything the page is made of, put together in `dist/`."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.failures import BuildError
from tools.licences import write_licences
from tools.modules import copy_modules
from tools.places import BUILD, DIST, NODE_MODULES, ROOT, WEB, find_program
from tools.policies import format_csp, format_headers, format_import_map
from tools.processes import run
from tools.references import find_missing
from tools.stamps import Stamp, digest, list_files
from tools.steps import say, step

IMPORT_MAP_PLACEHOLDER = "<!-- importmap -->"
CSP_PLACEHOLDER = "<!-- csp -->"
BUILD_PLACEHOLDER = "<!-- build -->"

_BUILD_LENGTH = 16

# They are for those who work on the page, not for those who load it.
_NOT_SHIPPED = {"package.json", "package-lock.json", "tsconfig.json", "modules.d.ts", ".npmrc"}


def build_site(wheels: Mapping[str, Path]) -> bool:
    """Build `dist/` from `web/`, the npm packages and the *wheels*; return whether there was anything to do.

    Raises:
        BuildError: Something the page refers to is missing; `dist/` is then as it was before.
    """
    tools = [ROOT / "tools", WEB / "package-lock.json", *wheels.values()]
    stamp = Stamp("site", digest(*list_site_files(WEB), *tools))
    if stamp.is_fresh(DIST / "build.json"):
        say("  page: up to date")
        return False
    stamp.forget()
    with step("page"):
        fresh = BUILD / "dist-new"
        if fresh.exists():
            shutil.rmtree(fresh)
        assemble_site(fresh, wheels)
        _swap(fresh)
    stamp.write()
    files = list(list_files([DIST]))
    say(f"  dist/: {len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB")
    return True


def assemble_site(dist: Path, wheels: Mapping[str, Path], *, web: Path = WEB) -> None:
    """Put the page of the folder *web* together in the new folder *dist*.

    Raises:
        BuildError: Something the page refers to is missing.
    """
    for file in list_site_files(web):
        target = dist / file.relative_to(web)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    import_map = format_import_map(copy_modules(NODE_MODULES, dist))
    build = digest(*list_site_files(web), WEB / "package-lock.json", *wheels.values())[:_BUILD_LENGTH]
    for page in sorted(dist.glob("*.html")):
        page.write_text(fill_page(page.read_text(encoding="utf-8"), import_map, build), encoding="utf-8")
    (dist / "wheels").mkdir()
    for wheel in wheels.values():
        shutil.copyfile(wheel, dist / "wheels" / wheel.name)
    (dist / "build.json").write_text(json.dumps({"build": build, **_describe_build(wheels)}, indent=2) + "\n")
    (dist / "catalogue.json").write_text(read_catalogue(), encoding="utf-8")
    (dist / "_headers").write_text(format_headers(import_map))
    write_licences(dist / "THIRD-PARTY-LICENSES.txt", node_modules=NODE_MODULES, wheel=wheels["micropip"])
    missing = sorted(find_missing(dist))
    if missing:
        raise BuildError("The page refers to what is not there: " + "; ".join(missing) + ".")


def list_site_files(web: Path) -> Iterator[Path]:
    """Yield the files of the folder *web* that belong to the page."""
    return (file for file in list_files([web]) if file.name not in _NOT_SHIPPED)


def fill_page(html: str, import_map: str, build: str) -> str:
    """Return the page's *html* with its placeholders filled: the policy, the import map and the *build*'s name."""
    policy = format_csp(import_map, for_meta=True)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    script = f'<script type="importmap">{import_map}</script>'
    # By this a page knows that the server has another one by now.
    name = f'<meta name="build" content="{build}">'
    return html.replace(CSP_PLACEHOLDER, meta).replace(BUILD_PLACEHOLDER, name).replace(IMPORT_MAP_PLACEHOLDER, script)


def read_catalogue() -> str:
    """Return what the page offers of each provider, as JSON: written down here, it need not wait for Python there."""
    command: list[str | Path] = [find_program("python"), "-m", "sidestep", "catalogue", "--json"]
    return run(command, purpose="write the list of providers down", environment={"PYTHONUTF8": "1"})


def _describe_build(wheels: Mapping[str, Path]) -> dict[str, str]:
    locked = json.loads((WEB / "package.json").read_text())["dependencies"]
    version = wheels["sidestep"].name.split("-")[1]
    files = {name: f"wheels/{wheel.name}" for name, wheel in wheels.items()}
    return {"version": version, "pyodide": locked["pyodide"], **files}


def _swap(fresh: Path) -> None:
    old = BUILD / "dist-old"
    if old.exists():
        shutil.rmtree(old)
    if DIST.exists():
        DIST.rename(old)
    fresh.rename(DIST)
    if old.exists():
        shutil.rmtree(old)
