"""Asking and being answered."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.pages import last_answer, send
from tests.fakes.providers import OpenProvider
from tests.fakes.servers import Hold, Stream
from tests.fakes.wires import DONE, write_chunk

Seed = Callable[[OpenProvider], Page]


def half_an_answer(hold: Hold) -> Stream:
    return Stream([write_chunk({"content": "Half of it"}), hold, write_chunk({"content": ", whole."}), DONE])


def test_answer_carries_its_route_and_why(seed: Seed, open_provider: OpenProvider) -> None:
    open_provider.reasoning = "They greet me."
    page = seed(open_provider)
    page.reload()
    send(page, "Hello")
    answer = last_answer(page)
    expect(answer).to_contain_text(open_provider.text)
    badge = answer.get_by_role("button", name=re.compile("^direct"))
    why = answer.get_by_role("note")
    page.mouse.move(0, 0)
    expect(why).to_be_hidden()
    badge.click()
    expect(why).to_be_visible()
    expect(badge).to_have_attribute("aria-expanded", "true")
    expect(badge).to_have_accessible_description(re.compile(r"\w+ \w+"))
    badge.click()
    page.mouse.move(0, 0)
    expect(why).to_be_hidden()
    reasoning = answer.locator("details", has_text="Reasoning")
    expect(reasoning.get_by_text("They greet me.")).to_be_hidden()
    reasoning.get_by_text("Reasoning").click()
    expect(reasoning.get_by_text("They greet me.")).to_be_visible()
    expect(answer).to_contain_text("5 tokens")
    expect(page.get_by_role("status")).to_contain_text("Answer complete.")


def test_stop_keeps_what_came(seed: Seed, open_provider: OpenProvider) -> None:
    hold = Hold()
    open_provider.answers.append(half_an_answer(hold))
    page = seed(open_provider)
    page.reload()
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text("Half of it")
    expect(last_answer(page).get_by_role("button", name=re.compile("^direct"))).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(last_answer(page)).to_contain_text(re.compile(r"Half of it\s*Stopped\."))
    assert open_provider.chats[0].wait_closed()
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_reload_keeps_the_conversation_and_marks_a_half_answer(seed: Seed, open_provider: OpenProvider) -> None:
    open_provider.answers.append(half_an_answer(Hold()))
    page = seed(open_provider)
    page.reload()
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text("Half of it")
    page.get_by_role("textbox", name="Message").fill("Not sent yet")
    page.reload()
    log = page.get_by_role("log", name="Conversation")
    expect(log).to_contain_text("Hello")
    expect(last_answer(page)).to_contain_text(re.compile(r"Half of it\s*Interrupted"))
    expect(page.get_by_role("textbox", name="Message")).to_have_value("Not sent yet")


def test_retry_keeps_the_earlier_answer(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text(open_provider.text)
    open_provider.text = "Another thing."
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(last_answer(page)).to_contain_text("Another thing.")
    expect(last_answer(page)).to_contain_text("2 of 2")
    page.get_by_role("button", name="Earlier answer").click()
    expect(last_answer(page)).to_contain_text("Grüße")
    assert [message["content"] for message in open_provider.chats[1].json["messages"]] == ["Hello"]


def test_error_says_what_to_do_and_leads_to_the_settings(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    open_provider.key = "another"
    page.reload()
    send(page, "Hello")
    answer = last_answer(page)
    answer.get_by_role("button", name="Open the provider's settings").click()
    expect(page.get_by_role("dialog").get_by_label("Base URL")).to_have_value(open_provider.base_url)
    page.keyboard.press("Escape")
    open_provider.key = open_provider.default_key
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(last_answer(page)).to_contain_text(open_provider.text)


def test_busy_provider_is_asked_again_and_the_page_says_so(seed: Seed, open_provider: OpenProvider) -> None:
    open_provider.answers.append(open_provider.error(429, "Slow down", Retry_After="2"))
    page = seed(open_provider)
    page.reload()
    send(page, "Hello")
    answer = last_answer(page)
    expect(answer).to_contain_text(re.compile(r"too many requests.*“Slow down” Trying again (in [12] s|now)…"))
    expect(answer).to_contain_text(open_provider.text)
    expect(answer).not_to_contain_text("Trying again")
    assert [chat.json for chat in open_provider.chats][1:] == [open_provider.chats[0].json]


def test_error_says_when_to_come_back(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    for wait, words in (("100", r"Try again in \d\d?\d? s\."), ("7200", r"Try again at \d\d?:\d\d")):
        open_provider.answers.append(open_provider.error(429, "Slow down", Retry_After=wait))
        send(page, "Hello")
        expect(last_answer(page).get_by_role("timer")).to_have_text(re.compile(words))
        expect(last_answer(page)).to_contain_text(f"{wait} s, longer than is waited")


def test_deleted_conversation_comes_back_by_undo(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    send(page, "Remember this")
    expect(last_answer(page)).to_contain_text(open_provider.text)
    page.get_by_role("button", name="More for “Remember this”").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.get_by_role("button", name="Remember this")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("log")).to_contain_text("Remember this")
    page.reload()
    expect(page.get_by_role("log")).to_contain_text("Remember this")


def test_everything_can_be_done_from_the_keyboard(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    box = page.get_by_role("textbox", name="Message")
    expect(box).to_be_focused()
    page.keyboard.type("One")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Two")
    expect(box).to_have_value("One\nTwo")
    page.keyboard.press("Tab")
    models = page.get_by_role("combobox", name="Model")
    expect(models).to_be_focused()
    page.keyboard.type("large")
    expect(page.get_by_role("option")).to_have_text(["fake-large", "Use “large”"])
    page.keyboard.press("Enter")
    expect(models).to_have_value("fake-large")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(last_answer(page)).to_contain_text(open_provider.text)
    sent = open_provider.chats[0].json
    assert (sent["model"], sent["messages"][0]["content"]) == ("fake-large", "One\nTwo")


def test_enter_that_ends_a_composition_does_not_send(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    box = page.get_by_role("textbox", name="Message")
    box.fill("にほん")
    box.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(box).to_have_value("にほん")
    expect(page.locator("[data-role=user]")).to_have_count(0)


def test_model_no_list_has_can_be_typed(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    models = page.get_by_role("combobox", name="Model")
    models.click()
    page.keyboard.type("fake/brand-new")
    page.keyboard.press("Enter")
    expect(models).to_have_value("brand-new")
    page.reload()
    expect(models).to_have_value("brand-new")


_BUSY_STORAGE = """async () => {
  const database = await new Promise((resolve) => {
    const request = indexedDB.open("sidestep");
    request.onsuccess = () => resolve(request.result);
  });
  const store = database.transaction("settings", "readwrite").objectStore("settings");
  const again = () => { store.get("model").onsuccess = again; };
  await new Promise((resolve) => { store.get("model").onsuccess = () => { again(); resolve(); }; });
}"""


def test_choice_outlives_a_reload_that_comes_before_its_write(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    models = page.get_by_role("combobox", name="Model")
    expect(models).to_have_value(open_provider.models[0])
    page.evaluate(_BUSY_STORAGE)
    models.click()
    page.keyboard.type("fake/brand-new")
    page.keyboard.press("Enter")
    expect(models).to_have_value("brand-new")
    page.reload()
    expect(models).to_have_value("brand-new")


def test_page_works_where_nothing_can_be_stored(page: Page, static_server: str) -> None:
    page.add_init_script("indexedDB.open = () => { throw new DOMException('no', 'SecurityError'); }")
    page.goto(f"{static_server}/")
    expect(page.get_by_text("keeps nothing for this page")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Python is ready")
    expect(page.get_by_role("button", name="Add provider")).to_be_visible()


_RULE = """async () => {
  const { Store } = await import(own("js/store.js"));
  const store = await Store.open(() => {});
  const { config } = await store.settings();
  const rule = { id: "long", name: "Patient ones", enabled: true, when: { model: "fake*" }, then: { timeout: 90 } };
  await store.saveSetting("config", { ...config, rules: [rule] });
}"""


def test_an_answer_tells_which_rule_decided_how_it_went(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.evaluate(_RULE)
    page.reload()
    send(page, "Hello")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    page.reload()
    last_answer(page).get_by_role("button", name=re.compile("^direct")).click()
    why = last_answer(page).get_by_role("note")
    expect(why).to_contain_text("Rule: Patient ones")
    why.get_by_role("link", name="Look at the rules").click()
    page.get_by_role("button", name="Remove Patient ones").click()
    page.get_by_role("link", name="Chat", exact=True).click()
    last_answer(page).get_by_role("button", name=re.compile("^direct")).click()
    expect(why).to_contain_text("Rule: Patient ones (not there any more)")
