"""Fixtures of every test: the built page, a server for it, and a browser that may talk to this computer only.

Browser tests are plain functions: Playwright's synchronous interface keeps an event loop of its own.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.page_errors import PageErrors
from tools.browsers import OWN_MODULES, list_arguments, prepare_browser
from tools.commands import prepare_site
from tools.places import DIST
from tools.servers import serve_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page


pytest_plugins = ["tests.spreading", "tests.faults.tables"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the browser tests last: while the browser is open, its event loop keeps others from starting."""
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def site_dir() -> Path:
    """The folder of the built page, brought up to date."""
    prepare_site(for_tests=True)
    return DIST


@pytest.fixture(scope="session")
def build(site_dir: Path) -> dict[str, Any]:
    """What `build.json` says of the built page."""
    described: dict[str, Any] = json.loads((site_dir / "build.json").read_text(encoding="utf-8"))
    return described


@pytest.fixture(scope="session")
def app_dir(site_dir: Path, build: dict[str, Any]) -> Path:
    """The folder of the page's own code, within the built page."""
    return site_dir / str(build["app"])


@pytest.fixture(scope="session")
def static_server(site_dir: Path) -> Iterator[str]:
    """The address, without a slash at its end, of a static host of the built page; not the relay's origin."""
    with serve_folder(site_dir) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """A headless Chromium that reaches this computer only."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - other tests start faster without

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=prepare_browser(), args=list_arguments())
        yield opened
        opened.close()


@pytest.fixture
def page_errors() -> Iterator[PageErrors]:
    """The problems in the test's pages; fails the test if one is left that `page_errors.allow` does not cover."""
    errors = PageErrors()
    yield errors
    if errors.unexpected:
        pytest.fail("\n".join(dict.fromkeys(errors.unexpected)), pytrace=False)


@pytest.fixture
def new_context(browser: "Browser", page_errors: PageErrors) -> Iterator[Callable[..., "BrowserContext"]]:
    """Make another watched browser context, as for another user; takes the options of Playwright's `new_context`."""
    opened: list[BrowserContext] = []

    def make(**options: object) -> "BrowserContext":
        # What it answers, no test could hold back or spoil; its own tests allow it.
        made = browser.new_context(**{"service_workers": "block", **options})  # type: ignore[arg-type]
        page_errors.watch(made)
        made.add_init_script(OWN_MODULES)
        opened.append(made)
        return made

    yield make
    for made in opened:
        made.close()


@pytest.fixture
def context(new_context: Callable[..., "BrowserContext"]) -> "BrowserContext":
    """A watched browser context of this test's own, with empty storage."""
    return new_context()


@pytest.fixture
def page(context: "BrowserContext") -> "Page":
    """An empty watched page."""
    return context.new_page()
