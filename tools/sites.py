"""The site: everything the page is made of, put together in `dist/`."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from tools.compressions import compress_folder
from tools.failures import BuildError
from tools.interpreters import copy_interpreter
from tools.licences import write_licences
from tools.modules import copy_modules
from tools.packages import Node
from tools.places import BUILD, DIST, NODE_MODULES, ROOT, WEB, find_program
from tools.policies import format_csp, format_headers, format_import_map
from tools.preloads import list_static_modules
from tools.processes import run
from tools.references import find_missing
from tools.snapshots import prepare_snapshot
from tools.stamps import Stamp, digest, digest_contents, list_files
from tools.steps import say, step
from tools.styles import join_styles
from tools.weights import describe_weights, list_first_visit, weigh_first_visit
from tools.wheels import prepare_wheels

IMPORT_MAP_PLACEHOLDER = "<!-- importmap -->"
CSP_PLACEHOLDER = "<!-- csp -->"
BUILD_PLACEHOLDER = "<!-- build -->"

_BUILD_LENGTH = 16

_SERVICE_WORKER = "service_worker.js"
_SCHEMA = "config.schema.json"
_HASHED = ("css", "js", "vendor")
_MAIN = re.compile(r'<script type="module" src="([^"]+)"')
_OWN_ADDRESS = re.compile(rf"""((?:href|src)=")({"|".join(_HASHED)})/""")

# They are for those who work on the page, not for those who load it.
_NOT_SHIPPED = {"package.json", "package-lock.json", "tsconfig.json", "modules.d.ts", ".npmrc"}


@dataclass(frozen=True)
class SiteParts:
    """What is made before the site is put together.

    Attributes:
        wheels: the page's Python packages, by distribution name.
        snapshot: Python's memory.
    """

    wheels: Mapping[str, Path]
    snapshot: Path

    def list_inputs(self) -> Iterator[Path]:
        """Yield every file of them."""
        yield from self.wheels.values()
        yield self.snapshot


def prepare_parts(node: Node) -> SiteParts:
    """Return what the site is put together from, made or fetched where it is not up to date.

    Raises:
        BuildError: Something cannot be made or fetched.
    """
    wheels = prepare_wheels()
    return SiteParts(wheels, prepare_snapshot(node, [wheels["yaml"], wheels["sidestep"]]))


def build_site(parts: SiteParts, node: Node) -> bool:
    """Build `dist/` from `web/`, the npm packages and the *parts*; return whether there was anything to do.

    Raises:
        BuildError: Something the page refers to is missing; `dist/` is then as it was before.
    """
    tools = [ROOT / "tools", WEB / "package-lock.json", *parts.list_inputs()]
    stamp = Stamp("site", digest(*list_site_files(WEB), *tools))
    if stamp.is_fresh(DIST / "build.json"):
        say("  page: up to date")
        return False
    stamp.forget()
    with step("page"):
        fresh = BUILD / "dist-new"
        if fresh.exists():
            shutil.rmtree(fresh)
        assemble_site(fresh, parts)
    with step("compressed copies"):
        snapshot = json.loads((fresh / "build.json").read_text(encoding="utf-8"))["snapshot"]["file"]
        compress_folder(fresh, node, unpacked={fresh / snapshot: parts.snapshot})
    _swap(fresh)
    stamp.write()
    say(describe_weights(weigh_first_visit(DIST)))
    return True


def assemble_site(dist: Path, parts: SiteParts, *, web: Path = WEB) -> None:
    """Put the page of the folder *web* together in the new folder *dist*.

    The page's own code lies below `app/`, in a folder that is named by what is in it, and Python likewise below
    `pyodide/`: a browser may keep both for ever, and no page ever runs with another page's modules.

    Raises:
        BuildError: Something the page refers to is missing.
    """
    app = dist / "app" / "new"
    _copy_own_files(web, dist, app)
    modules = copy_modules(NODE_MODULES, app)
    (app / "catalogue.json").write_text(read_catalogue(), encoding="utf-8")
    describe = _copy_python(parts, dist)
    _write_json(app / "build.json", describe("../../"))
    build = _name_app(dist, app)
    own = f"app/{build}/"
    _write_json(dist / "build.json", {"build": build, "app": own, **describe("")})
    import_map = format_import_map({specifier: f"./{own}{place}" for specifier, place in modules.items()})
    for page in dist.glob("*.html"):
        html = page.read_text(encoding="utf-8")
        scripts = [script for main in _MAIN.findall(html) for script in list_static_modules(dist / own, main, modules)]
        page.write_text(fill_page(html, import_map, build, own, scripts), encoding="utf-8")
    _copy_schema(parts.wheels["sidestep"], dist / _SCHEMA)
    (dist / "_headers").write_text(format_headers(import_map))
    write_service_worker(dist, build)
    foreign = [wheel for name, wheel in parts.wheels.items() if name != "sidestep"]
    write_licences(dist / "THIRD-PARTY-LICENSES.txt", node_modules=NODE_MODULES, wheels=foreign)
    missing = sorted(find_missing(dist, own))
    if missing:
        raise BuildError("The page refers to what is not there: " + "; ".join(missing) + ".")


def _copy_own_files(web: Path, dist: Path, app: Path) -> None:
    """Copy the page's files, those that are named by their contents into *app*."""
    for file in list_site_files(web):
        place = file.relative_to(web)
        target = (app if place.parts[0] in _HASHED else dist) / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def _copy_python(parts: SiteParts, dist: Path) -> Callable[[str], dict[str, Any]]:
    """Copy all that is Python's; return what describes it to a reader from where `dist/` is at the given address."""
    for wheel in parts.wheels.values():
        (dist / "wheels").mkdir(exist_ok=True)
        shutil.copyfile(wheel, dist / "wheels" / wheel.name)
    interpreter = copy_interpreter(NODE_MODULES / "pyodide", parts.snapshot, dist)
    versions = _list_versions(parts)

    def describe(root: str) -> dict[str, Any]:
        wheels = {name: f"{root}wheels/{wheel.name}" for name, wheel in parts.wheels.items()}
        return {**versions, **wheels, **interpreter.describe(root)}

    return describe


def _copy_schema(wheel: Path, file: Path) -> None:
    """Publish the schema of the document that the page exports, at an address that stays."""
    with ZipFile(wheel) as archive:
        file.write_bytes(archive.read(f"sidestep/{_SCHEMA}"))


def _name_app(dist: Path, app: Path) -> str:
    """Join the style sheets, and give the folder *app* the name that its contents and the pages' ask for; return it."""
    pages = sorted(dist.glob("*.html"))
    for page in pages:
        page.write_text(join_styles(app, page.read_text(encoding="utf-8")), encoding="utf-8")
    texts = (page.read_text(encoding="utf-8") for page in pages)
    build = digest(digest_contents(app), *texts)[:_BUILD_LENGTH]
    app.rename(dist / "app" / build)
    return build


def write_service_worker(dist: Path, build: str) -> None:
    """Tell the service worker in *dist* what to keep: all that a first visit fetches, the page by its folder's name."""
    file = dist / _SERVICE_WORKER
    if not file.exists():
        return
    files = ["./", *(address for address in list_first_visit(dist) if address not in {"index.html", _SERVICE_WORKER})]
    described = json.loads((dist / "build.json").read_text(encoding="utf-8"))
    precache = {"build": build, "files": files, "packed": described["snapshot"]["file"]}
    text = f"const PRECACHE = {json.dumps(precache, indent=1)};\n{file.read_text(encoding='utf-8')}"
    file.write_text(text, encoding="utf-8")


def list_site_files(web: Path) -> Iterator[Path]:
    """Yield the files of the folder *web* that belong to the page."""
    return (file for file in list_files([web]) if file.name not in _NOT_SHIPPED)


def fill_page(html: str, import_map: str, build: str, own: str, scripts: Sequence[str]) -> str:
    """Return the page's *html* with its placeholders filled, and its own code looked for in the folder *own*.

    The placeholders are those of the policy, the import map with the *scripts* to preload, and the *build*'s name.
    """
    policy = format_csp(import_map, for_meta=True)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    # Before the links: once a module is being loaded, some browsers take no import map any more.
    links = [f'<script type="importmap">{import_map}</script>']
    links += [f'<link rel="modulepreload" fetchpriority="low" href="{own}{script}">' for script in scripts]
    # By this a page knows that the server has another one by now.
    name = f'<meta name="build" content="{build}">'
    html = _OWN_ADDRESS.sub(rf"\1{own}\2/", html)
    return (
        html.replace(CSP_PLACEHOLDER, meta)
        .replace(BUILD_PLACEHOLDER, name)
        .replace(IMPORT_MAP_PLACEHOLDER, "\n".join(links))
    )


def read_catalogue() -> str:
    """Return what the page offers of each provider, as JSON: written down here, it need not wait for Python there."""
    command: list[str | Path] = [find_program("python"), "-m", "sidestep", "catalogue", "--json"]
    return run(command, purpose="write the list of providers down", environment={"PYTHONUTF8": "1"})


def _list_versions(parts: SiteParts) -> dict[str, str]:
    locked = json.loads((WEB / "package.json").read_text())["dependencies"]
    return {"version": parts.wheels["sidestep"].name.split("-")[1], "pyodide": locked["pyodide"]}


def _write_json(file: Path, value: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _swap(fresh: Path) -> None:
    old = BUILD / "dist-old"
    if old.exists():
        shutil.rmtree(old)
    if DIST.exists():
        DIST.rename(old)
    fresh.rename(DIST)
    if old.exists():
        shutil.rmtree(old)
