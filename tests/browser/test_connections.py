"""Testing a provider's connection, saved or not; what its card says; its models and favourites."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.pages import (
    fill_provider,
    last_answer,
    open_provider_form,
    provider_cards,
    send,
    wait_for_python,
)
from tests.fakes.providers import OpenProvider, ZaiProvider
from tests.fakes.servers import Hold, Stream

Seed = Callable[[OpenProvider], Page]


def test_an_unsaved_form_is_tested_layer_by_layer(open_page: Page, open_provider: OpenProvider) -> None:
    page = open_page
    wait_for_python(page)
    dialog = open_provider_form(page)
    fill_provider(dialog, open_provider)
    dialog.get_by_label("API key", exact=True).fill("sk-wrong")
    dialog.get_by_role("button", name="Test connection").click()
    panel = dialog.get_by_role("region", name="Test of the connection")
    expect(panel).to_contain_text("No way works.")
    expect(panel.get_by_role("listitem").filter(has_text="Key: not good.")).to_be_visible()
    dialog.get_by_label("API key", exact=True).fill(open_provider.key)
    dialog.get_by_role("button", name="Test connection").click()
    expect(panel).to_contain_text("It works directly.")
    for layer in ("Reached", "Lets pages read", "Key", "Models", "Chat"):
        expect(panel.get_by_role("listitem").filter(has_text=re.compile(f"^{layer}: good."))).to_be_visible()
    expect(panel).to_contain_text("It lists 2 models.")
    expect(panel.locator(".trial-time").first).to_have_text(re.compile(r"\d"))
    assert open_provider.chats[-1].json["max_tokens"] == 16
    page.keyboard.press("Escape")
    expect(page.get_by_text("No provider yet.")).to_be_visible()


def test_a_provider_closed_to_pages_is_said_to_be(open_page: Page, zai_provider: ZaiProvider) -> None:
    page = open_page
    wait_for_python(page)
    dialog = open_provider_form(page)
    dialog.get_by_label("Name", exact=True).fill("Closed")
    dialog.get_by_label("Base URL").fill(zai_provider.base_url)
    dialog.get_by_label("API key", exact=True).fill(zai_provider.key)
    dialog.get_by_role("button", name="Test connection").click()
    panel = dialog.get_by_role("region", name="Test of the connection")
    expect(panel).to_contain_text("No way works.")
    expect(panel.get_by_role("listitem").filter(has_text="Lets pages read: not good.")).to_be_visible()


def test_what_is_typed_is_checked_before_anything_is_sent(open_page: Page, open_provider: OpenProvider) -> None:
    page = open_page
    wait_for_python(page)
    dialog = open_provider_form(page)
    fill_provider(dialog, open_provider)
    dialog.get_by_text("More", exact=True).click()
    headers = dialog.get_by_label("Headers, one a line")
    for typed, words in (
        ("no header", "is no header: write Name: value."),
        ("Authorization: mine", "cannot be set: the browser or Sidestep sets it."),
        ("X Bad: 1", "is not a header's name."),
    ):
        headers.fill(typed)
        dialog.get_by_role("button", name="Test connection").click()
        expect(dialog.locator("#field-headers-problem")).to_contain_text(words)
    assert open_provider.requests == []
    headers.fill("X-Team: blue")
    dialog.get_by_label("How the key is sent").select_option("x-api-key: …")
    dialog.get_by_label("Base URL").fill(f"{open_provider.base_url}/chat/completions")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(provider_cards(page)).to_contain_text(open_provider.base_url)
    send_request = open_provider.requests
    page.get_by_role("button", name="Test connection of Mine").click()
    expect(page.get_by_role("dialog")).to_contain_text("No way works.")
    asked = next(request for request in send_request if request.method == "GET")
    assert asked.headers["x-api-key"] == open_provider.key
    assert asked.headers["x-team"] == "blue"
    assert "authorization" not in asked.headers


def test_a_test_can_be_stopped(seed: Seed, open_provider: OpenProvider) -> None:
    hold = Hold()
    open_provider.answers.append(Stream([hold]))
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    page.get_by_role("link", name="Providers").click()
    page.get_by_role("button", name="Test connection of Fake").click()
    hold.wait_reached()
    page.get_by_role("button", name="Stop the test").click()
    expect(page.get_by_role("button", name="Test again")).to_be_enabled()


def test_a_card_says_how_its_provider_is(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    page.get_by_role("link", name="Providers").click()
    card = provider_cards(page).filter(has_text="Fake").first
    expect(card).to_contain_text("Not tried yet")
    expect(card).to_contain_text("No answer yet.")
    page.get_by_role("link", name="Chat", exact=True).click()
    send(page, "Hello")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    page.get_by_role("link", name="Providers").click()
    expect(card).to_contain_text("Works directly")
    expect(card).to_contain_text("Last answer:")


def test_catalogue_cards_lead_to_a_filled_form(page_without_python: Page) -> None:
    page = page_without_python
    page.get_by_role("link", name="Providers").click()
    page.get_by_role("searchbox", name="Search the providers").fill("mistral")
    page.get_by_role("button", name=re.compile("^Mistral")).click()
    dialog = page.get_by_role("dialog", name="Add a provider")
    expect(dialog.get_by_label("Provider", exact=True)).to_have_value("mistral")
    expect(dialog.get_by_label("Base URL")).to_have_value(re.compile("mistral"))


def test_favourite_models_stand_first(seed: Seed, open_provider: OpenProvider) -> None:
    open_provider.models = [f"model-{number:03}" for number in range(300)]
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    page.get_by_role("link", name="Providers").click()
    page.get_by_role("button", name=re.compile(r"^\d+ models?$")).click()
    dialog = page.get_by_role("dialog", name="Models of Fake")
    dialog.get_by_role("button", name="Look up again").click()
    expect(dialog).to_contain_text("300 models")
    dialog.get_by_role("searchbox", name="Search the models").fill("model-2 99")
    dialog.get_by_role("button", name="Favourite: model-299").click()
    expect(dialog.get_by_role("button", name="Favourite: model-299")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    page.reload()
    page.get_by_role("link", name="Chat", exact=True).click()
    page.get_by_role("combobox", name="Model", exact=True).click()
    expect(page.get_by_role("group", name="Favourites").get_by_role("option")).to_have_text(["model-299"])
