"""Fixtures of the page's own tests: the page opened by hand, with a provider already there, or without Python."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import store_provider
from tests.fakes.fixtures import open_provider, zai_provider  # noqa: F401 - fixtures are used by name
from tests.fakes.providers import OpenProvider
from tools.browsers import OWN_MODULES

# Python's start takes most of it, on a busy machine.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def bare_page(browser: Browser, static_server: str) -> Iterator[Page]:
    """The page's address with none of its scripts running: its modules can be imported and tried one by one.

    Shared by the tests of a file, which only call functions that change nothing.
    """
    context = browser.new_context()
    context.add_init_script(OWN_MODULES)
    page = context.new_page()
    page.route("**/js/main.js", lambda route: route.abort())
    page.goto(f"{static_server}/")
    yield page
    context.close()


@pytest.fixture
def page_without_python(page: Page, static_server: str) -> Page:
    """The page, whose Python never comes: for what must work without it."""
    page.route("**/pyodide/**", lambda route: route.abort())
    page.goto(f"{static_server}/")
    expect(page.get_by_role("status")).to_contain_text("Python did not start")
    return page


@pytest.fixture
def open_page(page: Page, static_server: str) -> Page:
    """The page as a first visit shows it; Python is on its way."""
    page.goto(f"{static_server}/")
    return page


@pytest.fixture
def seed(page_without_python: Page) -> Callable[[OpenProvider], Page]:
    """Store *fake* as the provider `fake`, its first model chosen; the page has to be opened again to see it."""

    def store(fake: OpenProvider) -> Page:
        store_provider(page_without_python, fake)
        page_without_python.unroute("**/pyodide/**")
        return page_without_python

    return store
