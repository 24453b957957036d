"""Names, focus and contrast: what a person needs who does not see the page, or not well."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import last_answer, open_provider_form, send
from tests.fakes.providers import OpenProvider

_NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, textarea, dialog, [role]")]
  .filter((one) => one.checkVisibility())
  .filter((one) => !["note", "status", "presentation", "search"].includes(one.getAttribute("role")))
  .filter((one) => !(one.getAttribute("aria-label") || one.labels?.length || one.textContent.trim()
    || document.getElementById(one.getAttribute("aria-labelledby"))))
  .map((one) => one.outerHTML.slice(0, 120))"""

_DUPLICATE_IDS = """() => {
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  return ids.filter((id, position) => ids.indexOf(id) !== position);
}"""

_PAIRS = [
    ("ink", "paper"),
    ("ink", "surface"),
    ("ink", "accent-soft"),
    ("ink", "sunken"),
    ("ink", "bad-soft"),
    ("muted", "paper"),
    ("muted", "surface"),
    ("muted", "sunken"),
    ("muted", "bad-soft"),
    ("accent", "surface"),
    ("accent-strong", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("detour", "detour-soft"),
    ("bad", "bad-soft"),
    ("bad", "surface"),
    ("paper", "ink"),
    ("muted", "code-paper"),
    ("code-comment", "code-paper"),
    ("code-keyword", "code-paper"),
    ("code-string", "code-paper"),
    ("code-number", "code-paper"),
    ("code-title", "code-paper"),
]


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, as WCAG defines it."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(page_without_python: Page, scheme: str) -> None:
    page_without_python.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    expect(page_without_python.locator("html")).to_have_attribute("data-theme", scheme)
    read = "(name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()"
    for front, back in _PAIRS:
        one, other = (luminance(page_without_python.evaluate(read, name)) for name in (front, back))
        contrast = (max(one, other) + 0.05) / (min(one, other) + 0.05)
        assert contrast >= 4.5, f"{front} on {back}: {contrast:.2f}"


def test_everything_has_a_name(seed: Callable[[OpenProvider], Page], open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text(open_provider.text)
    for view in ("Chat", "Providers", "Relays", "Rules"):
        page.get_by_role("link", name=view).click()
        assert page.evaluate(_NAMELESS) == [], view
        assert page.evaluate(_DUPLICATE_IDS) == [], view
        assert page.locator("h1").count() == 1
        expect(page.get_by_role("link", name=view)).to_have_attribute("aria-current", "page")
    for opener in ("Add rule", "Add group"):
        page.get_by_role("button", name=opener).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert page.evaluate(_NAMELESS) == [], opener
        assert page.evaluate(_DUPLICATE_IDS) == [], opener
        page.keyboard.press("Escape")
    open_provider_form(page)
    assert page.evaluate(_NAMELESS) == []
    assert page.evaluate(_DUPLICATE_IDS) == []


def test_focus_follows_the_view_and_returns_from_a_dialog(open_page: Page) -> None:
    open_page.get_by_role("link", name="Providers").click()
    expect(open_page.get_by_role("heading", name="Providers")).to_be_focused()
    opener = open_page.get_by_role("button", name="Add provider")
    opener.click()
    expect(open_page.get_by_role("dialog")).to_be_visible()
    open_page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_skip_link_leads_to_the_content_and_keeps_the_view(open_page: Page) -> None:
    open_page.get_by_role("link", name="Relays").click()
    expect(open_page.get_by_role("heading", name="Relays")).to_be_focused()
    open_page.get_by_role("link", name="Skip to the content").focus()
    open_page.keyboard.press("Enter")
    expect(open_page.get_by_role("main")).to_be_focused()
    expect(open_page).to_have_url(re.compile("#relays$"))


def test_nothing_is_cut_off_on_a_narrow_screen(new_context: Callable[..., object], static_server: str) -> None:
    context = new_context(viewport={"width": 360, "height": 640})
    page: Page = context.new_page()  # type: ignore[attr-defined]
    page.goto(f"{static_server}/")
    for view in ("Providers", "Relays", "Rules", "Chat"):
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("link", name=view).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        expect(page.get_by_role("status")).to_be_in_viewport()
