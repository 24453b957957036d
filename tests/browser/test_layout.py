"""The page on a phone: written from either side, and with a finger."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

_PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
_VIEWS = ("Chat", "Providers", "Relays", "Rules", "Insights", "Settings")

_STORE = """async () => {
  const { Store } = await import(own("js/store.js"));
  const store = await Store.open(() => {});
  const long = "a-rather-long-name-that-somebody-gave-without-a-single-space";
  const provider = { id: "mine", kind: "custom", name: long, base_url: `https://${long}.example/v1`,
    dialect: "openai_chat", headers: {}, route: "auto", models: [`${long}/${long}`, "other"] };
  const relay = { id: "home", name: long, url: `https://${long}.example`, weight: 1 };
  await store.saveSetting("config", { version: 1, providers: [provider], relays: [relay],
    consents: [{ relay: "home", provider: "mine" }],
    rules: [{ name: long, when: { model: `${long}*` }, then: { route: "direct" } }],
    groups: [{ id: "quick", name: long, models: [{ model: `mine/${long}/${long}` }, { model: "mine/other" }] }] });
  await store.saveSetting("model", `mine/${long}/${long}`);
}"""

# What sticks out of the window, except out of what scrolls sideways on purpose or cannot be seen.
_STICKING_OUT = """() => {
  const isAside = (one) => one.closest(".unseen, .skip, .side, pre, table, .plot, [popover]");
  return [...document.querySelectorAll("#app *")]
    .filter((one) => one.checkVisibility() && !isAside(one) && !one.closest("svg svg, svg *"))
    .map((one) => [one.getBoundingClientRect(), one])
    .filter(([box]) => box.width && (box.left < -1 || box.right > innerWidth + 1))
    .map(([box, one]) => `${Math.round(box.left)}…${Math.round(box.right)}: ${one.outerHTML.slice(0, 110)}`)
    .slice(0, 5);
}"""

# What is smaller than a finger's tip: 44 px, or 24 px where it stands among others of its kind.
_SMALL = """() => [...document.querySelectorAll("button, a[href], input, select, textarea, summary")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest(".skip, [inert]"))
  .filter((one) => !one.disabled && !(getComputedStyle(one).display === "inline" && one.closest("p, li, td")))
  .map((one) => [(one.labels?.[0]?.contains(one) ? one.labels[0] : one).getBoundingClientRect(), one])
  .filter(([box, one]) =>
    box.width && (box.height < 43.5 || box.width < (one.matches("a, summary, .link") ? 24 : 43.5)))
  .map(([box, one]) => `${Math.round(box.width)}×${Math.round(box.height)}: ${one.outerHTML.slice(0, 110)}`)"""


@pytest.fixture
def phone(new_context: Callable[..., BrowserContext], static_server: str) -> Page:
    """The page on a phone, with names that are too long; its Python never comes."""
    page = new_context(**_PHONE).new_page()
    page.route("**/pyodide/**", lambda route: route.abort())
    page.goto(f"{static_server}/")
    page.evaluate(_STORE)
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("Python did not start")
    return page


def go_to(page: Page, view: str) -> None:
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("link", name=view, exact=True).click()
    expect(page.get_by_role("link", name=view, exact=True, include_hidden=True)).to_have_attribute(
        "aria-current", "page"
    )


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_nothing_sticks_out(phone: Page, direction: str) -> None:
    phone.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)
    for view in _VIEWS:
        go_to(phone, view)
        assert phone.evaluate(_STICKING_OUT) == [], view
    for view, opener in (
        ("Providers", "Add provider"),
        ("Providers", "Edit"),
        ("Relays", "Add relay"),
        ("Rules", "Add rule"),
        ("Rules", "Add group"),
    ):
        go_to(phone, view)
        phone.get_by_role("button", name=opener).first.click()
        expect(phone.get_by_role("dialog")).to_be_visible()
        assert phone.evaluate(_STICKING_OUT) == [], opener
        phone.keyboard.press("Escape")
        expect(phone.get_by_role("dialog")).to_have_count(0)


def test_fingers_find_their_targets(phone: Page) -> None:
    for view in _VIEWS:
        go_to(phone, view)
        assert phone.evaluate(_SMALL) == [], view
    phone.get_by_role("button", name="Menu", exact=True).click()
    assert phone.evaluate(_SMALL) == [], "menu"
