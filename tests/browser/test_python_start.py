"""How Python starts: with the memory that the build put away, or in full where that cannot be used."""

import ast
import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.pages import last_answer, open_settings, send, wait_for_python
from tests.fakes.providers import OpenProvider
from tests.page_errors import PageErrors

_SNAPSHOT = "**/*.snapshot"
_CLOCKS = """
import datetime, time
def look():
    now = datetime.datetime.now()
    return [time.time(), now.hour * 60 + now.minute, time.localtime().tm_gmtoff, time.monotonic()]
look()
"""
_CHANCE = """
import os, random, secrets, uuid
drawn = [random.random(), random.getrandbits(64), random.Random().random()]
[*drawn, os.urandom(8), secrets.token_hex(), str(uuid.uuid4())]
"""


@pytest.fixture
def wasm(site_dir: Path, build: dict[str, Any]) -> bytes:
    """Python itself."""
    return (site_dir / str(build["interpreter"]) / "pyodide.asm.wasm").read_bytes()


def open_console(page: Page) -> None:
    open_settings(page)
    page.get_by_text("A console for the curious").click()


def run_python(page: Page, code: str) -> str:
    """Run *code* in the page's console; what it printed."""
    entries = page.get_by_role("list", name="Console").get_by_role("listitem")
    before = entries.count()
    box = page.get_by_role("textbox", name="Python code")
    box.fill(code)
    box.press("Enter")
    expect(entries).to_have_count(before + 1)
    return entries.last.locator("pre").last.inner_text()


def test_python_begins_with_its_memory(page: Page, static_server: str, build: dict[str, Any]) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(f"{static_server}/")))
    page.goto(f"{static_server}/")
    wait_for_python(page)
    open_settings(page)
    expect(page.get_by_role("region", name="Python")).to_contain_text("It began with the memory")
    assert build["snapshot"]["file"] in asked
    for unneeded in (build["micropip"], build["sidestep"], "python_stdlib.zip", "pyodide-lock.json"):
        assert not [url for url in asked if url.endswith(unneeded) and "empty" not in url], unneeded


def cut(memory: bytes) -> bytes:
    return memory[: len(memory) // 2]


def flip(memory: bytes) -> bytes:
    middle = len(memory) // 2
    return memory[:middle] + bytes([memory[middle] ^ 0x10]) + memory[middle + 1 :]


def cut_within(memory: bytes) -> bytes:
    return gzip.compress(gzip.decompress(memory)[:-65536], compresslevel=1)


def blank(memory: bytes) -> bytes:
    return gzip.compress(bytes(len(gzip.decompress(memory))), compresslevel=1)


def rename_build(memory: bytes) -> bytes:
    """Another Pyodide's: the name of its build is in the header."""
    whole = bytearray(gzip.decompress(memory))
    whole[20] ^= 0xFF
    return gzip.compress(bytes(whole), compresslevel=1)


@pytest.mark.parametrize(
    "spoil", [cut, flip, cut_within, blank, rename_build, lambda _: b"<!doctype html>", lambda _: b""]
)
def test_memory_that_cannot_be_used_is_done_without(
    spoil: Callable[[bytes], bytes],
    seed: Callable[[OpenProvider], Page],
    open_provider: OpenProvider,
    site_dir: Path,
    build: dict[str, Any],
) -> None:
    page = seed(open_provider)
    memory = (site_dir / build["snapshot"]["file"]).read_bytes()
    page.route(_SNAPSHOT, lambda route: route.fulfill(body=spoil(memory)))
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("Python is ready, after a full start")
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text(open_provider.text)
    open_settings(page)
    expect(page.get_by_role("region", name="Python")).to_contain_text("It was booted in full")


def test_memory_that_is_missing_is_done_without(page: Page, static_server: str, page_errors: PageErrors) -> None:
    page_errors.allow("404")
    page.route(_SNAPSHOT, lambda route: route.fulfill(status=404))
    page.goto(f"{static_server}/")
    expect(page.get_by_role("status")).to_contain_text("Python is ready, after a full start")
    open_settings(page)
    expect(page.get_by_role("region", name="Python")).to_contain_text("The snapshot was answered with 404.")


@pytest.mark.parametrize("fault", ["missing", "lost", "cut", "not WebAssembly"])
def test_python_that_cannot_be_had_is_said_and_not_waited_for(
    fault: str, page: Page, static_server: str, wasm: bytes, page_errors: PageErrors
) -> None:
    # Pyodide looks after the fetch it began only later than it fails.
    page_errors.allow("Failed to fetch")

    def spoil(route: Route) -> None:
        if fault == "lost":
            route.abort()
        elif fault == "missing":
            route.fulfill(status=404)
        else:
            route.fulfill(
                body=wasm[:100_000] if fault == "cut" else b"<!doctype html>", content_type="application/wasm"
            )

    page.route("**/pyodide.asm.wasm", spoil)
    page.goto(f"{static_server}/")
    expect(page.get_by_role("main")).to_contain_text("Python did not start")
    expect(page.get_by_role("button", name="Reload the page")).to_be_visible()


def test_no_two_visits_share_their_chance(context: BrowserContext, static_server: str) -> None:
    """The memory is the same for all; what is drawn in it must not be."""
    drawn: list[list[object]] = []
    for _ in range(2):
        page = context.new_page()
        page.goto(f"{static_server}/")
        wait_for_python(page)
        open_console(page)
        drawn.append(ast.literal_eval(run_python(page, _CHANCE)))
        page.close()
    for one, other in zip(*drawn, strict=True):
        assert one != other


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_clocks_are_the_visit_s_own(new_context: Callable[..., BrowserContext], static_server: str, zone: str) -> None:
    page = new_context(timezone_id=zone).new_page()
    page.goto(f"{static_server}/")
    wait_for_python(page)
    open_console(page)
    epoch, minute, offset, first = ast.literal_eval(run_python(page, _CLOCKS))
    now, its_minute, its_offset = page.evaluate(
        """() => { const d = new Date(); return [d / 1000, d.getHours() * 60 + d.getMinutes(),
        -60 * d.getTimezoneOffset()]; }"""
    )
    assert 0 <= now - epoch < 60
    assert (its_minute - minute) % 1440 <= 1
    assert offset == its_offset
    assert ast.literal_eval(run_python(page, "look()"))[3] > first


def test_the_rest_of_the_library_comes_when_it_is_asked_for(page: Page, static_server: str) -> None:
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(f"{static_server}/")
    wait_for_python(page)
    open_console(page)
    assert "ModuleNotFoundError" in run_python(page, "import surely_not_there")
    assert not [url for url in fetched if url.endswith("python_stdlib.zip")]
    assert run_python(page, "import statistics, xml.etree.ElementTree\nstatistics.mean([1, 2, 6])") == "3"
    assert run_python(page, "import colorsys\ncolorsys.rgb_to_hsv(1, 0, 0)") == "(0.0, 1.0, 1)"
    assert len([url for url in fetched if url.endswith("python_stdlib.zip")]) == 1


def test_a_library_that_cannot_be_had_is_said(page: Page, static_server: str, page_errors: PageErrors) -> None:
    page_errors.allow("ERR_FAILED")
    page.route("**/python_stdlib.zip", lambda route: route.abort())
    page.goto(f"{static_server}/")
    wait_for_python(page)
    open_console(page)
    assert "statistics is in the part of Python's library that is fetched when needed" in run_python(
        page, "import statistics"
    )
    page.unroute("**/python_stdlib.zip")
    assert run_python(page, "import statistics\nstatistics.mean([2, 4])") == "3"


def test_errors_in_the_library_are_told_without_its_sources(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/")
    wait_for_python(page)
    open_console(page)
    told = run_python(page, "import json\njson.loads('{')")
    assert re.search(r"JSONDecodeError: .*line 1 column 2", told)
    assert "json/decoder.py" in told
