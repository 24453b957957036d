"""The tests' browser: found where it should be, and a watchman for every page."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.page_errors import PageErrors
from tools.browsers import find_browser
from tools.failures import BuildError

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_the_named_browser_comes_first(tmp_path: Path) -> None:
    mine = tmp_path / "my-browser"
    mine.write_text("")

    assert find_browser({"SIDESTEP_CHROMIUM": str(mine)}) == mine


def test_a_named_browser_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"SIDESTEP_CHROMIUM names .*lost, which is not there"):
        find_browser({"SIDESTEP_CHROMIUM": str(tmp_path / "lost")})


def test_a_browser_on_the_path_is_found(tmp_path: Path) -> None:
    program = tmp_path / "chromium"
    program.write_text("")
    program.chmod(0o755)

    assert find_browser({"PATH": str(tmp_path)}) == program


class Watched:
    """An empty page of the built site's origin with a watchman of its own, so that errors can be made on purpose."""

    def __init__(self, browser: "Browser", address: str) -> None:
        self._browser, self._address = browser, address

    def run(self, script: str) -> list[str]:
        """Run *script* in the page; return what the watchman found."""
        errors = PageErrors()
        with self._browser.new_context() as context:
            errors.watch(context)
            page = context.new_page()
            page.goto(f"{self._address}/nothing-here")
            page.evaluate(script)
            page.wait_for_timeout(200)
        return errors.unexpected


@pytest.fixture
def watched(browser: "Browser", static_server: str) -> Watched:
    return Watched(browser, static_server)


def test_a_request_to_another_host_is_found(watched: Watched) -> None:
    found = watched.run("fetch('https://provider.example/v1').catch(() => null)")

    assert found == ["request to another host: https://provider.example/v1"]


def test_an_uncaught_error_is_found(watched: Watched) -> None:
    assert watched.run("setTimeout(() => { throw new Error('lost') })") == ["uncaught error: lost"]


def test_a_policy_violation_is_found(watched: Watched) -> None:
    found = watched.run("document.body.setAttribute('style', 'color: red')")

    assert found
    assert all(problem.startswith("policy violation: ") for problem in found)


def test_assigning_plain_text_as_markup_is_found(watched: Watched) -> None:
    found = watched.run("try { document.body.innerHTML = '<b>x</b>' } catch { }")

    assert "TrustedHTML" in found[0]


def test_requests_to_this_computer_are_fine(watched: Watched) -> None:
    assert watched.run("fetch('/build.json')") == []


def test_what_a_test_allows_is_not_held_against_it() -> None:
    errors = PageErrors(found=["request to another host: https://provider.example/", "uncaught error: lost"])
    errors.allow(r"provider\.example")

    assert errors.unexpected == ["uncaught error: lost"]
