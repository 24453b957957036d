"""Conversations as people keep them: versions, branches, the list, searching, saving, and two tabs in step."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, Download, Page, expect

from tests.browser.pages import last_answer, send, wait_for_python
from tests.fakes.providers import OpenProvider
from tests.fakes.servers import Hold, Stream
from tests.fakes.wires import DONE, write_chunk

Seed = Callable[[OpenProvider], Page]


def ask(page: Page, text: str) -> None:
    send(page, text)
    expect(last_answer(page)).to_have_attribute("data-status", "done")


def said(fake: OpenProvider, number: int) -> list[str]:
    """Return the words of all messages of the chat request *number*."""
    return [message["content"] for message in fake.chats[number].json["messages"]]


def titles(page: Page) -> list[str]:
    return page.get_by_role("region", name="Conversations").locator(".conversation-title").all_inner_texts()


def choose(page: Page, title: str, item: str) -> None:
    page.get_by_role("button", name=f"More for “{title}”").click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def read(download: Download) -> str:
    return Path(download.path()).read_text(encoding="utf-8")


def test_an_edited_message_keeps_what_was_said_before_and_all_that_followed(
    seed: Seed, open_provider: OpenProvider
) -> None:
    page = seed(open_provider)
    page.reload()
    ask(page, "First question")
    ask(page, "Second question")
    log = page.get_by_role("log", name="Conversation")
    mine = log.get_by_role("group", name="Your message").first
    mine.get_by_role("button", name="Edit").click()
    box = page.get_by_role("textbox", name="Edit your message")
    expect(box).to_be_focused()
    box.fill("Another question")
    box.press("Enter")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    expect(log).not_to_contain_text("Second question")
    assert said(open_provider, 2) == ["Another question"]
    log.get_by_role("button", name="Earlier version").click()
    expect(log).to_contain_text("Second question")
    expect(log).not_to_contain_text("Another question")
    page.reload()
    expect(log).to_contain_text("Second question")
    log.get_by_role("button", name="Later version").click()
    expect(log).to_contain_text("Another question")


def test_a_stopped_answer_goes_on_where_it_broke_off(seed: Seed, open_provider: OpenProvider) -> None:
    hold = Hold()
    open_provider.answers.append(Stream([write_chunk({"content": "Half"}), hold]))
    page = seed(open_provider)
    page.reload()
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text("Half")
    page.get_by_role("button", name="Stop").click()
    open_provider.answers.append(Stream([write_chunk({"content": " and whole."}), DONE]))
    page.get_by_role("button", name="Continue", exact=True).click()
    expect(last_answer(page)).to_contain_text("Half and whole.")
    expect(page.get_by_role("button", name="Continue", exact=True)).to_have_count(0)
    assert said(open_provider, 1)[:2] == ["Hello", "Half"]


def test_a_branch_is_a_chat_of_its_own(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    ask(page, "Trunk")
    ask(page, "Leaf")
    log = page.get_by_role("log", name="Conversation")
    log.get_by_role("group", name="This answer").first.get_by_role("button", name="Branch").click()
    expect(log).not_to_contain_text("Leaf")
    ask(page, "Twig")
    assert titles(page) == ["Trunk (branch)", "Trunk"]
    assert said(open_provider, 2)[::2] == ["Trunk", "Twig"]
    page.get_by_role("button", name="Trunk", exact=True).click()
    expect(log).to_contain_text("Leaf")


def test_the_list_is_renamed_pinned_and_searched(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    ask(page, "Apples and pears")
    page.get_by_role("button", name="New chat").click()
    ask(page, "Nothing about fruit")
    choose(page, "Apples and pears", "Rename")
    title = page.get_by_role("textbox", name="Title")
    expect(title).to_be_focused()
    title.fill("Groceries")
    title.press("Enter")
    choose(page, "Groceries", "Pin")
    expect(page.get_by_role("heading", name="Pinned")).to_be_visible()
    assert titles(page) == ["Groceries", "Nothing about fruit"]
    page.reload()
    expect(page.get_by_role("heading", name="Pinned")).to_be_visible()
    assert titles(page) == ["Groceries", "Nothing about fruit"]
    search = page.get_by_role("searchbox", name="Search all chats")
    search.fill("PEARS apples")
    results = page.get_by_role("region", name="Search results")
    expect(results).to_contain_text("1 place found")
    expect(results.locator("mark")).to_have_text(["Apples", "pears"])
    results.get_by_role("button").click()
    expect(page.get_by_role("log", name="Conversation")).to_contain_text("Apples and pears")
    search.fill("nowhere to be found")
    expect(results).to_contain_text("Nothing found.")
    search.press("Escape")
    assert titles(page) == ["Groceries", "Nothing about fruit"]


def test_a_menu_is_worked_by_the_keyboard(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    ask(page, "Keys")
    button = page.get_by_role("button", name="More for “Keys”")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Pin")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Delete")).to_be_focused()
    page.keyboard.press("r")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(page.get_by_role("menuitem", name="Pin")).to_be_hidden()


def test_one_chat_is_saved_as_markdown_and_as_json(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    ask(page, "To be saved")
    with page.expect_download() as markdown:
        choose(page, "To be saved", "Save as Markdown")
    assert markdown.value.suggested_filename == "To be saved.md"
    assert read(markdown.value).startswith("# To be saved\n\n## You\n\nTo be saved\n\n## fake/fake-small\n\nGrüße")
    with page.expect_download() as whole:
        choose(page, "To be saved", "Save as JSON")
    document = json.loads(read(whole.value))
    assert [message["role"] for message in document["messages"].values()] == ["user", "assistant"]
    assert open_provider.key not in json.dumps(document)


def test_two_tabs_are_in_step(seed: Seed, open_provider: OpenProvider, context: BrowserContext) -> None:
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    other = context.new_page()
    other.goto(page.url)
    wait_for_python(other)
    ask(page, "Said in one tab")
    other.get_by_role("button", name="Said in one tab", exact=True).click()
    expect(last_answer(other)).to_contain_text(open_provider.text)
    ask(other, "And in the other")
    expect(page.get_by_role("log", name="Conversation")).to_contain_text("And in the other")
    choose(other, "Said in one tab", "Delete")
    expect(page.get_by_role("button", name="Said in one tab", exact=True)).to_have_count(0)


def test_drafts_belong_to_their_chats(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    ask(page, "Kept apart")
    box = page.get_by_role("textbox", name="Message")
    box.fill("for the old chat")
    page.get_by_role("button", name="New chat").click()
    expect(box).to_have_value("")
    box.fill("for the new one")
    page.get_by_role("button", name="Kept apart", exact=True).click()
    expect(box).to_have_value("for the old chat")
    page.reload()
    expect(box).to_have_value("for the old chat")
    page.get_by_role("button", name="New chat").click()
    expect(box).to_have_value("for the new one")


def test_two_models_answer_side_by_side_and_the_chat_goes_on_from_one(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    page.get_by_role("button", name="Compare with another model").click()
    expect(page.get_by_role("combobox", name="Second model")).to_have_value("fake-large")
    send(page, "Which is better?")
    log = page.get_by_role("log", name="Conversation")
    for name in ("fake-small", "fake-large"):
        answer = log.get_by_role("article", name=f"Answer of {name}")
        expect(answer).to_have_attribute("data-status", "done")
        expect(answer.get_by_role("button", name=re.compile("^direct"))).to_be_visible()
        expect(answer).to_contain_text("first after")
    assert sorted(chat.json["model"] for chat in open_provider.chats) == ["fake-large", "fake-small"]
    open_provider.text = "After the choice."
    log.get_by_role("button", name="Go on with this one").click()
    page.get_by_role("button", name="Do not ask fake/fake-large").click()
    ask(page, "Go on")
    assert said(open_provider, 2)[0] == "Which is better?"
    expect(last_answer(page)).to_contain_text("After the choice.")
