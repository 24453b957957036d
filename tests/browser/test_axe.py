"""WCAG 2.2 AA as far as a machine can tell: axe-core on every view and dialog, light and dark."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import last_answer, make_link, send, set_passphrase, wait_for_python
from tests.fakes.providers import OpenProvider
from tools.places import NODE_MODULES

Seed = Callable[[OpenProvider], Page]

_AXE = NODE_MODULES / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_LOOK = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return violations.map(({ id, nodes }) =>
    ({ id, where: nodes.map(({ html, failureSummary }) => `${html}\\n${failureSummary}`) }));
}"""


def look(page: Page, where: str) -> None:
    """Fail with what axe finds wrong in *page*."""
    found: list[dict[str, Any]] = page.evaluate(_LOOK, _RULES)
    assert not found, f"{where}: " + "\n".join(f"{one['id']}: {one['where'][:3]}" for one in found)


@pytest.fixture
def furnished(seed: Seed, open_provider: OpenProvider) -> Page:
    """The page with a provider, an answer and an error, and axe in it."""
    open_provider.text = (
        "# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nprint(1)\n```\n\n$a^2$ ![x](https://e.example/x.png)"
    )
    open_provider.reasoning = "Thinking."
    page = seed(open_provider)
    # By the debugger: the page's own policy lets no foreign script in, and is not loosened for the test.
    page.add_init_script(path=_AXE)
    page.reload()
    send(page, "Hello")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    open_provider.answers.append(open_provider.error(400, "That cannot be."))
    send(page, "Again")
    expect(last_answer(page)).to_have_attribute("data-status", "failed")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_and_dialog_is_accessible(furnished: Page, scheme: str) -> None:
    page = furnished
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    for view in ("Chat", "Providers", "Relays", "Rules", "Insights", "Settings"):
        page.get_by_role("link", name=view, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_be_attached()
        look(page, view)
    openers = {
        "Chat": ("System prompt and parameters",),
        "Providers": ("Add provider", "Test connection of Fake", "Diagnose Fake", "2 models"),
        "Relays": ("Add relay",),
        "Rules": ("Add rule", "Add group"),
        "Settings": (
            "All keyboard shortcuts",
            "Import…",
            "Export…",
            "Save it with keys…",
            "Restore a backup…",
            "Delete everything…",
        ),
    }
    for view, buttons in openers.items():
        page.get_by_role("link", name=view, exact=True).click()
        for button in buttons:
            page.get_by_role("button", name=button).first.click()
            expect(page.get_by_role("dialog")).to_be_visible()
            look(page, button)
            page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    look(page, "palette")
    page.keyboard.press("Escape")
    page.evaluate("(link) => { location.hash = link; }", make_link("https://relay.example"))
    expect(page.get_by_role("dialog")).to_be_visible()
    look(page, "pairing")
    page.get_by_role("button", name="Not now").click()
    set_passphrase(page)
    page.get_by_role("button", name="Lock now").click()
    look(page, "locked")
    page.get_by_role("alert").get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look(page, "unlock")


def test_the_empty_page_is_accessible(page: Page, static_server: str) -> None:
    page.add_init_script(path=_AXE)
    page.goto(f"{static_server}/")
    wait_for_python(page)
    for view in ("Chat", "Providers", "Relays", "Rules", "Insights", "Settings"):
        page.get_by_role("link", name=view, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_be_attached()
        look(page, f"empty {view}")


def test_nothing_overflows_when_written_from_the_right(furnished: Page) -> None:
    page = furnished
    page.set_viewport_size({"width": 390, "height": 800})
    page.evaluate("document.documentElement.dir = 'rtl'")
    for view in ("Providers", "Relays", "Rules", "Insights", "Settings", "Chat"):
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("link", name=view, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, view
    expect(page.get_by_role("button", name="Send")).to_be_in_viewport()
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("button", name=re.compile("^More for")).first).to_be_in_viewport()
