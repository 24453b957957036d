"""The client's whole unit suite once more, inside Pyodide in the browser: it is there that it has to work."""

from __future__ import annotations

import io
import json
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
# Pure Python, so what CPython has installed (hash-checked) runs in the browser as it is.
RUNNER = ("pytest", "pluggy", "iniconfig", "packaging", "pygments", "ruamel.yaml")

START_PYTHON = """async ({origin, wheel}) => {
    const {interpreter} = await (await fetch(`${origin}/build.json`)).json();
    const {loadPyodide} = await import(`${origin}/${interpreter}pyodide.mjs`);
    const pyodide = await loadPyodide();
    for (const [name, format] of [["unit-tests.zip", "zip"], [wheel, "wheel"]]) {
        const answer = await fetch(`${origin}/${name}`);
        pyodide.unpackArchive(await answer.arrayBuffer(), format);
    }
    return await pyodide.runPythonAsync(await (await fetch(`${origin}/run-unit-tests.py`)).text());
}"""

RUN_TESTS = """
import io, json, sys
from contextlib import redirect_stdout
import pytest

sys.path.insert(0, "/home/pyodide")

class Results:
    def __init__(self):
        self.outcomes = {}

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid] = report.outcome

results = Results()
output = io.StringIO()
with redirect_stdout(output):
    code = pytest.main(["tests/unit", "-q", "-p", "no:cacheprovider", "-W", "error"], plugins=[results])
json.dumps({"code": int(code), "outcomes": results.outcomes, "output": output.getvalue(), "python": sys.version})
"""


def pack_tests() -> bytes:
    """Return a zip of the unit tests and of what runs them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted((ROOT / "tests" / "unit").glob("*.py")):
            archive.write(path, path.relative_to(ROOT))
        for path in sorted((ROOT / "tests" / "fixtures").rglob("*.*")):
            archive.write(path, path.relative_to(ROOT))
        for name in RUNNER:
            for file in distribution(name).files or []:
                if file.suffix == ".py":
                    archive.write(file.locate(), file.as_posix())
    return packed.getvalue()


def run_in_page(page: Page, origin: str, wheel: str) -> dict[str, Any]:
    """Run the suite in *page* and return what it reports."""
    page.route("**/unit-tests.zip", lambda route: route.fulfill(body=pack_tests()))
    page.route("**/run-unit-tests.py", lambda route: route.fulfill(body=RUN_TESTS))
    # A file of the site that runs no script of its own, so that nothing else competes for the page.
    page.goto(f"{origin}/build.json")
    report: dict[str, Any] = json.loads(page.evaluate(START_PYTHON, {"origin": origin, "wheel": wheel}))
    return report


def test_the_unit_suite_passes_in_the_browser(page: Page, static_server: str, site_dir: Path) -> None:
    wheel = json.loads((site_dir / "build.json").read_text(encoding="utf-8"))["sidestep"]
    report = run_in_page(page, static_server, wheel)
    outcomes = report["outcomes"]
    failed = [name for name, outcome in outcomes.items() if outcome == "failed"]
    assert report["code"] == 0, f"{failed}\n{report['output']}"
    assert "3.14" in report["python"]
    passed = [name for name, outcome in outcomes.items() if outcome == "passed"]
    skipped = {name for name, outcome in outcomes.items() if outcome == "skipped"}
    assert len(passed) > 190, "the browser must run the suite, not a part of it"
    assert skipped <= {"tests/unit/test_http_transport.py"}, "only httpx's transport has no place in a browser"
