"""From opening the page to the first answer, and everything that can be tried before one has a key."""

import re

from playwright.sync_api import Page, expect

from tests.browser.pages import last_answer, send


def test_three_steps_lead_to_the_first_answer_without_a_key_or_a_network(open_page: Page) -> None:
    """Open, press “Try the demo”, press an example."""
    page = open_page
    asked: list[str] = []
    page.get_by_role("button", name="Try the demo").click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("tour")
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("list", name="Examples").get_by_role("button", name="What can you do?").click()
    answer = last_answer(page)
    expect(answer).to_contain_text("I am the demo")
    expect(answer.get_by_role("button", name=re.compile("^direct"))).to_be_visible()
    expect(answer).to_have_attribute("data-status", "done")
    expect(answer).to_contain_text("tokens/s")
    send(page, "Pretend my key is a wrong key")
    card = last_answer(page).get_by_role("group", name="What went wrong")
    expect(card).to_contain_text("Certain: the provider itself said so.")
    expect(card.get_by_role("button", name="Open the provider's settings")).to_be_visible()
    send(page, "Break off in the middle")
    page.get_by_role("button", name="Continue", exact=True).click()
    expect(last_answer(page)).to_contain_text("This one breaks off right here, and goes on")
    send(page, "A formula, please")
    expect(last_answer(page).locator("math")).to_have_count(2)
    outside = [url for url in asked if not re.search(r"/(js|vendor|css)/", url)]
    assert outside == []


def test_the_empty_page_teaches_its_ways(page_without_python: Page) -> None:
    page = page_without_python
    page.get_by_role("button", name="Add provider").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Host a relay").click()
    expect(page.get_by_role("heading", name="Relays", level=1)).to_be_visible()
