"""The built page: whole, self-contained, and under the policy it names."""

import base64
import hashlib
import json
import re
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest

from sidestep.catalogue import load_catalogue
from tools.commands import prepare_site
from tools.failures import BuildError
from tools.modules import MODULES
from tools.packages import prepare_node
from tools.places import WEB
from tools.policies import parse_headers
from tools.sites import assemble_site, prepare_parts

# Names of XML vocabularies, which no browser asks for.
_NAMESPACES = ("http://www.w3.org/",)
_OWN_HOSTS = re.compile(r"https?://(127\.0\.0\.1|localhost|[\w.-]+\.example)(?![\w.-])")
_ADDRESS = re.compile(r"""https?://[\w.-]+[^\s"'`)<>]*""")


@pytest.fixture(scope="session")
def html(site_dir: Path) -> str:
    return (site_dir / "index.html").read_text()


@pytest.fixture(scope="session")
def import_map(html: str) -> str:
    found = re.search(r'<script type="importmap">(.*?)</script>', html, re.DOTALL)
    assert found, "index.html has no import map"
    return found[1]


def test_the_second_build_does_nothing(site_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (site_dir / "build.json").stat().st_mtime_ns
    prepare_site(for_tests=True)

    # Tests in another process may be looking whether all is up to date, too.
    lines = [line for line in capsys.readouterr().out.splitlines() if "another build" not in line]
    assert lines
    assert all(line.endswith(": up to date") for line in lines), lines
    assert (site_dir / "build.json").stat().st_mtime_ns == before


def test_every_module_of_the_import_map_is_there(site_dir: Path, import_map: str) -> None:
    imports = json.loads(import_map)["imports"]

    assert {module.specifier for module in MODULES} == set(imports)
    for address in imports.values():
        assert address.startswith("./"), "an absolute address would break the page below a path"
        assert (site_dir / address).is_file(), address


def test_vendored_modules_import_only_what_the_map_has(app_dir: Path, import_map: str) -> None:
    imports = json.loads(import_map)["imports"]
    for file in (app_dir / "vendor").rglob("*.js"):
        text = re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)
        for specifier in re.findall(r'(?:\bfrom|^import)\s*"([@\w][^"]*)"', text):
            assert specifier in imports, f"{file.name} imports {specifier}"


def test_everything_the_page_names_is_there(site_dir: Path, html: str) -> None:
    addresses = re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="([^"]+)"', html)

    assert any(address.endswith("main.js") for address in addresses)
    for address in addresses:
        assert not address.startswith("/"), "an absolute address would break the page below a path"
        assert (site_dir / address).is_file(), address


def test_the_build_names_its_wheels(site_dir: Path) -> None:
    build = json.loads((site_dir / "build.json").read_text())

    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", build["version"])
    assert build["pyodide"] == json.loads((WEB / "package.json").read_text())["dependencies"]["pyodide"]
    for name in ("micropip", "sidestep"):
        assert zipfile.is_zipfile(site_dir / build[name])


def test_our_wheel_carries_the_client_with_its_data(site_dir: Path) -> None:
    build = json.loads((site_dir / "build.json").read_text())
    with zipfile.ZipFile(site_dir / build["sidestep"]) as wheel:
        names = set(wheel.namelist())

    assert {"sidestep/__init__.py", "sidestep/catalogue.toml", "sidestep/py.typed"} <= names


def test_the_policy_allows_exactly_the_inlined_import_map(site_dir: Path, html: str, import_map: str) -> None:
    header = parse_headers((site_dir / "_headers").read_text())["Content-Security-Policy"]
    meta = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', html)

    assert meta, "index.html has no policy"
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    assert re.findall(r"'sha256-([^']+)'", header) == [digest]
    assert header.replace("frame-ancestors 'none'; ", "") == meta[1]
    assert html.index("Content-Security-Policy") < html.index("<script"), "a policy covers only what follows it"


def test_the_policy_evaluates_no_text_and_allows_nothing_inline(site_dir: Path) -> None:
    policy = parse_headers((site_dir / "_headers").read_text())["Content-Security-Policy"]

    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in policy
    assert "require-trusted-types-for 'script'" in policy


def test_our_own_files_name_no_other_host(site_dir: Path, app_dir: Path) -> None:
    own = [*site_dir.glob("*.html"), *(app_dir / "css").rglob("*.css"), *(app_dir / "js").rglob("*.js")]

    assert len(own) > 10
    for file in own:
        for address in _ADDRESS.findall(file.read_text()):
            is_ours = _OWN_HOSTS.match(address) or address.startswith(_NAMESPACES)
            assert is_ours, f"{file.name} names {address}"


def test_no_source_map_is_named_that_is_not_shipped(site_dir: Path) -> None:
    for file in [*site_dir.rglob("*.js"), *site_dir.rglob("*.mjs")]:
        assert "sourceMappingURL=" not in file.read_text()[-500:], file.name


def test_what_the_page_carries_comes_with_its_licence(site_dir: Path) -> None:
    text = (site_dir / "THIRD-PARTY-LICENSES.txt").read_text()

    for name in (
        "preact",
        "htm",
        "marked",
        "dompurify",
        "idb",
        "pyodide",
        "@highlightjs/cdn-assets",
        "@hpke/common",
        "@hpke/core",
        "Python",
        "micropip",
    ):
        assert re.search(rf"^={{5,}}\n{name}\b", text, re.MULTILINE), name
    assert "Mozilla Public License" in text


def test_files_for_working_on_the_page_are_not_shipped(site_dir: Path) -> None:
    names = {file.name for file in site_dir.rglob("*")}

    assert not names & {"package.json", "package-lock.json", "tsconfig.json", "node_modules", ".npmrc"}
    assert not [name for name in names if name.endswith(".d.ts")]


def test_a_missing_style_sheet_stops_the_build(site_dir: Path, tmp_path: Path) -> None:
    page = tmp_path / "web"
    page.mkdir()
    (page / "index.html").write_text('<!-- csp --><link rel="stylesheet" href="css/lost.css"><!-- importmap -->')

    with pytest.raises(BuildError, match=r"not there: app/\w+/css/lost\.css, named by index\.html"):
        assemble_site(tmp_path / "dist", prepare_parts(prepare_node()), web=page)


def test_a_package_that_is_not_shipped_stops_the_build(site_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "web" / "js").mkdir(parents=True)
    script = (
        '/** @type {import("types-only").Thing} */\nimport { a } from "preact";\nimport {\n  b,\n} from "left-out";\n'
    )
    (tmp_path / "web" / "js" / "main.js").write_text(script)

    with pytest.raises(BuildError) as stopped:
        assemble_site(tmp_path / "dist", prepare_parts(prepare_node()), web=tmp_path / "web")

    assert str(stopped.value) == "The page refers to what is not there: left-out, imported by main.js."


def test_the_same_sources_give_the_same_wheel(site_dir: Path, tmp_path: Path) -> None:
    name = json.loads((site_dir / "build.json").read_text())["sidestep"]
    with zipfile.ZipFile(site_dir / name) as wheel:
        moments = {entry.date_time for entry in wheel.infolist()}

    assert moments == {(1980, 1, 1, 0, 0, 0)}


def test_the_schema_of_the_document_is_published_beside_the_page(site_dir: Path) -> None:
    published = (site_dir / "config.schema.json").read_bytes()
    assert published == files("sidestep").joinpath("config.schema.json").read_bytes()


def test_the_page_gets_the_list_of_providers_as_a_file(app_dir: Path) -> None:
    listed = json.loads((app_dir / "catalogue.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in listed] == list(load_catalogue())
