"""The page that is kept: opened again without a request, without a network, and replaced by a newer one when wanted."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.pages import ask_demo, last_answer, open_settings, wait_for_python, wait_until_kept
from tests.page_errors import PageErrors
from tools.policies import hash_inline
from tools.servers import serve_folder

_NEWER = "0123456789abcdef"


class Host:
    """A static host of the page whose files can be changed, and which can go away."""

    def __init__(self, site: Path, folder: Path) -> None:
        shutil.copytree(site, folder)
        self.folder = folder
        self.asked: list[str] = []
        self._stack = ExitStack()
        # It reads its rules once, so they name no policy: the page has its own.
        rules = (folder / "_headers").read_text()
        (folder / "_headers").write_text(re.sub(r"  Content-Security-Policy:.*\n", "", rules))
        self.address = self._stack.enter_context(serve_folder(folder, asked=self.asked))

    def leave(self) -> None:
        """Answer nothing any more."""
        self._stack.close()

    def publish(self, build: str) -> None:
        """Put a newer version in the place of *build*; it differs by its name alone."""
        (self.folder / "app" / build).rename(self.folder / "app" / _NEWER)
        for name in ("index.html", "build.json", "service_worker.js"):
            file = self.folder / name
            file.write_text(file.read_text().replace(build, _NEWER))
        # The policy allows one import map, and that has changed with the names.
        index = self.folder / "index.html"
        html = index.read_text()
        import_map = html.partition('<script type="importmap">')[2].partition("</script>")[0]
        index.write_text(re.sub(r"'sha256-[^']+'", hash_inline(import_map), html))
        for copy in [*self.folder.glob("*.br"), *self.folder.glob("*.gz")]:
            copy.unlink()


@pytest.fixture
def host(site_dir: Path, tmp_path: Path) -> Iterator[Host]:
    made = Host(site_dir, tmp_path / "site")
    yield made
    made.leave()


@pytest.fixture
def visitor(new_context: Callable[..., BrowserContext]) -> BrowserContext:
    """A browser that keeps pages."""
    return new_context(service_workers="allow")


def visit(visitor: BrowserContext, host: Host) -> Page:
    """Open the page in a tab of its own and wait until it is kept."""
    page = visitor.new_page()
    page.goto(f"{host.address}/")
    wait_for_python(page)
    wait_until_kept(page)
    return page


def list_kept(page: Page) -> list[str]:
    """Return the names of the versions that are kept."""
    wait_until_kept(page)
    names: list[str] = page.evaluate("caches.keys()")
    return sorted(names)


def test_a_second_visit_asks_for_nothing_but_a_newer_one(visitor: BrowserContext, host: Host) -> None:
    visit(visitor, host).close()
    host.asked.clear()
    page = visitor.new_page()
    page.goto(f"{host.address}/")
    wait_for_python(page)
    open_settings(page)
    expect(page.get_by_role("region", name="Python")).to_contain_text("It began with the memory")
    assert set(host.asked) <= {"/service_worker.js"}


def test_a_first_visit_fetches_nothing_twice(visitor: BrowserContext, host: Host) -> None:
    visit(visitor, host)
    again = {path for path in host.asked if host.asked.count(path) > 1}
    # What is not named by its contents is looked at once more, to be sure that it is of this version.
    assert again <= {"/", "/favicon.svg", "/manifest.webmanifest", "/service_worker.js"}


def test_the_page_opens_without_a_host(visitor: BrowserContext, host: Host) -> None:
    visit(visitor, host).close()
    host.leave()
    page = visitor.new_page()
    page.goto(f"{host.address}/")
    wait_for_python(page)
    ask_demo(page)
    page.reload()
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    for view in ("Providers", "Insights", "Settings"):
        page.get_by_role("link", name=view, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(view)


def test_offline_the_page_says_what_still_works(visitor: BrowserContext, host: Host) -> None:
    page = visit(visitor, host)
    notice = page.get_by_text("You are offline.")
    expect(notice).to_have_count(0)
    visitor.set_offline(True)
    expect(notice).to_contain_text("Reading, searching, exporting")
    page.reload()
    expect(notice).to_be_visible()
    wait_for_python(page)
    visitor.set_offline(False)
    expect(notice).to_have_count(0)


def test_a_newer_page_is_fetched_offered_and_taken(visitor: BrowserContext, host: Host, build: dict[str, Any]) -> None:
    page = visit(visitor, host)
    host.publish(build["build"])
    page.reload()
    offer = page.get_by_role("alert").filter(has_text="A new version")
    expect(offer).to_be_visible()
    assert page.locator("meta[name=build]").get_attribute("content") == build["build"], "nothing is forced"
    wait_for_python(page)
    offer.get_by_role("button", name="Reload").click()
    expect(page.locator("meta[name=build]")).to_have_attribute("content", _NEWER)
    wait_for_python(page)
    assert list_kept(page) == [f"sidestep-page-{_NEWER}"]
    host.leave()
    page.reload()
    wait_for_python(page)


def test_an_older_tab_goes_on_with_its_own_files(visitor: BrowserContext, host: Host, build: dict[str, Any]) -> None:
    older = visit(visitor, host)
    page = visitor.new_page()
    host.publish(build["build"])
    page.goto(f"{host.address}/")
    page.get_by_role("alert").filter(has_text="A new version").get_by_role("button", name="Reload").click()
    expect(page.locator("meta[name=build]")).to_have_attribute("content", _NEWER)
    wait_for_python(page)
    expect(older.get_by_role("alert").filter(has_text="A new version")).to_be_visible()
    # A module that is loaded only when it is needed, and that the host no longer has.
    host.leave()
    assert older.evaluate("import(own('js/languages/de.js')).then((module) => typeof module.words)") == "object"
    assert list_kept(page) == sorted(f"sidestep-page-{name}" for name in (build["build"], _NEWER))


def test_a_version_that_is_not_whole_is_not_kept(visitor: BrowserContext, host: Host, build: dict[str, Any]) -> None:
    """An interrupted first visit, or a host in the middle of an update."""
    missing = host.folder / build["app"] / "vendor" / "temml.js"
    aside = missing.with_suffix(".aside")
    for copy in missing.parent.glob("temml.js.*"):
        copy.unlink()
    missing.rename(aside)
    page = visitor.new_page()
    page.goto(f"{host.address}/")
    wait_for_python(page)
    page.evaluate("""async () => {
      const wait = () => new Promise((tell) => setTimeout(tell, 20));
      while (!(await caches.keys()).length) await wait();
      while (await navigator.serviceWorker.getRegistration()) await wait();
    }""")
    expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    aside.rename(missing)
    host.asked.clear()
    page.reload()
    wait_for_python(page)
    wait_until_kept(page)
    assert f"/{build['snapshot']['file']}" not in host.asked, "what was there is not fetched again"


def test_a_page_of_another_version_is_not_kept_with_this_one_s_files(
    visitor: BrowserContext, host: Host, build: dict[str, Any]
) -> None:
    page = visit(visitor, host)
    # The host has the new service worker already, and still the old page.
    file = host.folder / "service_worker.js"
    (host.folder / "app" / _NEWER).symlink_to(host.folder / "app" / build["build"])
    for copy in host.folder.glob("service_worker.js.*"):
        copy.unlink()
    file.write_text(file.read_text().replace(build["build"], _NEWER))
    refused = """async () => {
      const registration = await navigator.serviceWorker.ready;
      const coming = new Promise((tell) => registration.onupdatefound = () => tell(registration.installing));
      await registration.update();
      const fresh = await coming;
      while (!["installed", "redundant"].includes(fresh.state)) await new Promise((tell) => fresh.onstatechange = tell);
      return fresh.state;
    }"""
    assert page.evaluate(refused) == "redundant"
    page.reload()
    wait_for_python(page)
    expect(page.get_by_text("A new version")).to_have_count(0)


@pytest.mark.parametrize(
    "refusal",
    [
        "Object.defineProperty(Navigator.prototype, 'serviceWorker', { value: undefined })",
        "if (navigator.serviceWorker) navigator.serviceWorker.register = () => Promise.reject(new DOMException('no'))",
    ],
)
def test_a_browser_that_keeps_no_pages_shows_it_all_the_same(
    visitor: BrowserContext, host: Host, refusal: str, page_errors: PageErrors
) -> None:
    visitor.add_init_script(refusal)
    page = visitor.new_page()
    page.goto(f"{host.address}/")
    wait_for_python(page)
    ask_demo(page)
    assert not page_errors.found


def test_what_the_server_says_anew_each_time_is_not_kept(visitor: BrowserContext, host: Host) -> None:
    """A relay may serve the page: what it answers under its own paths is never the cache's."""
    page = visit(visitor, host)
    page.reload()
    (host.folder / "v1").mkdir()
    for answer in ("one", "two"):
        (host.folder / "v1" / "relay").write_text(answer)
        assert page.evaluate("fetch('v1/relay', { cache: 'no-store' }).then((answer) => answer.text())") == answer
