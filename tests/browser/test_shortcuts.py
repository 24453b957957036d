"""The keyboard everywhere: shortcuts, and the palette that knows every command by its name."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.pages import last_answer, send
from tests.fakes.providers import OpenProvider

Seed = Callable[[OpenProvider], Page]


def test_single_keys_work_where_nothing_is_typed_and_can_be_turned_off(page_without_python: Page) -> None:
    page = page_without_python
    box = page.get_by_role("textbox", name="Message")
    box.press_sequentially("2?n/")
    expect(box).to_have_value("2?n/")
    page.get_by_role("log").focus()
    page.keyboard.press("2")
    expect(page.get_by_role("heading", name="Providers", level=1)).to_be_focused()
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.get_by_role("log").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Command palette")
    page.keyboard.press("3")
    expect(dialog).to_be_visible()
    dialog.get_by_role("checkbox", name=re.compile("single key")).uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("log").focus()
    page.keyboard.press("3")
    expect(page.get_by_role("heading", name="Relays", level=1)).to_have_count(0)
    page.reload()
    page.get_by_role("log").focus()
    page.keyboard.press("?")
    expect(dialog).to_have_count(0)


def test_the_palette_finds_views_chats_models_and_deeds(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    send(page, "A chat to be found")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    page.get_by_role("button", name="New chat").click()
    box = page.get_by_role("textbox", name="Message")
    box.press("Control+k")
    palette = page.get_by_role("combobox", name="What do you want to do?")
    expect(palette).to_be_focused()
    palette.fill("found")
    expect(page.get_by_role("option")).to_have_text([re.compile("A chat to be found")])
    palette.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("A chat to be found")
    page.keyboard.press("Control+k")
    palette.fill("use fake-lar")
    palette.press("Enter")
    expect(page.get_by_role("combobox", name="Model")).to_have_value("fake-large")
    page.keyboard.press("Control+k")
    palette.fill("addprov")
    palette.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Base URL")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    palette.fill("zzzz")
    expect(page.get_by_text("Nothing is called that.")).to_be_visible()
    palette.press("Escape")
    expect(palette).to_have_count(0)
