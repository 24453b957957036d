"""The page while Python starts, and where it does not."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.pages import Held, last_answer, send
from tests.fakes.providers import OpenProvider


def test_composer_takes_text_before_python_is_up(page: Page, static_server: str) -> None:
    Held(page, "**/pyodide.asm.wasm")
    page.goto(f"{static_server}/")
    page.get_by_role("textbox", name="Message").fill("Written early")
    expect(page.get_by_role("textbox", name="Message")).to_have_value("Written early")
    expect(page.get_by_role("status")).to_contain_text("Loading Python")
    expect(page.get_by_role("button", name="Send")).to_be_enabled()


def test_text_typed_before_the_script_ran_is_kept(page: Page, static_server: str) -> None:
    held = Held(page, "**/js/main.js")
    page.goto(f"{static_server}/", wait_until="commit")
    page.get_by_role("textbox", name="Message").fill("Quick fingers")
    page.wait_for_function("document.activeElement.id === 'early-message'")
    held.release()
    expect(page.locator("#message")).to_have_value("Quick fingers")
    expect(page.locator("#message")).to_be_focused()


@pytest.mark.parametrize("way", ["Enter", "Send"])
def test_a_message_can_be_sent_before_the_page_is_there(
    seed: Callable[[OpenProvider], Page], open_provider: OpenProvider, way: str
) -> None:
    page = seed(open_provider)
    held = Held(page, "**/js/page.js")
    page.reload(wait_until="commit")
    box = page.get_by_role("textbox", name="Message")
    box.fill("Quick fingers")
    if way == "Enter":
        box.press("Enter")
    else:
        page.get_by_role("button", name="Send").click()
    expect(page.locator(".message.user")).to_have_text("Quick fingers")
    expect(box).to_have_value("")
    box.press_sequentially("And then")
    box.press("Enter")
    expect(box).to_have_value("And then")
    assert not open_provider.chats
    held.release()
    expect(last_answer(page)).to_contain_text(open_provider.text)
    expect(page.locator("#message")).to_have_value("And then")
    expect(page.locator("#message")).to_be_focused()
    assert [chat.json["messages"][-1]["content"] for chat in open_provider.chats] == ["Quick fingers"]


def test_an_early_message_that_nobody_can_answer_is_given_back(page: Page, static_server: str) -> None:
    held = Held(page, "**/js/page.js")
    page.goto(f"{static_server}/", wait_until="commit")
    page.get_by_role("textbox", name="Message").fill("Is anybody there?")
    page.get_by_role("textbox", name="Message").press("Enter")
    held.release()
    expect(page.get_by_text("Add a provider first.")).to_be_visible()
    expect(page.locator("#message")).to_have_value("Is anybody there?")


def test_a_browser_that_is_too_old_is_told_so(page: Page, static_server: str) -> None:
    page.add_init_script("HTMLScriptElement.supports = undefined")
    page.goto(f"{static_server}/")
    expect(page.get_by_text("This browser is too old for Sidestep")).to_be_visible()


def test_a_browser_without_module_workers_is_told_so(page: Page, static_server: str) -> None:
    page.add_init_script(
        """const Real = Worker;
        Worker = class extends Real { constructor(url, options) { super(url, { name: options.name }); } };"""
    )
    page.goto(f"{static_server}/")
    expect(page.get_by_text("Python did not start: this browser is too old")).to_be_visible()


_FORGET_MODEL = """
async () => {
  const store = await import(own("js/store.js"));
  await (await store.Store.open(() => {})).saveSetting("model", "");
}
"""

_WATCH_SEND = """
window.gaps = [];
new MutationObserver((changes) => {
  for (const { target } of changes) if (target.disabled && target.matches("[type=submit]")) gaps.push(target.ariaLabel);
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["disabled"] });
"""


def test_what_is_typed_early_can_be_sent_all_along(
    seed: Callable[[OpenProvider], Page], open_provider: OpenProvider
) -> None:
    page = seed(open_provider)
    page.reload()
    send(page, "First")
    expect(last_answer(page)).to_contain_text(open_provider.text)
    page.add_init_script(_WATCH_SEND)
    held = Held(page, "**/js/main.js")
    page.reload(wait_until="commit")
    page.get_by_role("textbox", name="Message").fill("Quick fingers")
    held.release()
    expect(page.get_by_role("log", name="Conversation")).to_contain_text("First")
    expect(page.locator("#message")).to_have_value("Quick fingers")
    assert page.evaluate("gaps") == []


def test_early_message_waits_its_turn_and_is_answered(
    seed: Callable[[OpenProvider], Page], open_provider: OpenProvider
) -> None:
    page = seed(open_provider)
    held = Held(page, "**/pyodide.asm.wasm")
    page.reload()
    send(page, "Are you there?")
    expect(last_answer(page)).to_contain_text("Waiting for Python…")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert not open_provider.chats
    held.release()
    expect(last_answer(page)).to_contain_text(open_provider.text)


def test_early_message_can_be_taken_back(seed: Callable[[OpenProvider], Page], open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    held = Held(page, "**/pyodide.asm.wasm")
    page.reload()
    send(page, "Never mind")
    page.get_by_role("button", name="Stop").click()
    expect(last_answer(page)).to_contain_text("Stopped.")
    held.release()
    expect(page.get_by_role("status")).to_contain_text("Python is ready")
    assert not open_provider.chats


def test_the_demo_can_be_asked_before_python_is_there(page: Page, static_server: str) -> None:
    held = Held(page, "**/pyodide.asm.wasm")
    page.goto(f"{static_server}/")
    page.get_by_role("button", name="Try the demo").click()
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text("Waiting for Python…")
    held.release()
    expect(last_answer(page)).to_have_attribute("data-status", "done")


def test_a_message_waits_until_it_is_known_which_models_there_are(
    seed: Callable[[OpenProvider], Page], open_provider: OpenProvider
) -> None:
    page = seed(open_provider)
    page.evaluate(_FORGET_MODEL)
    held = Held(page, "**/catalogue.json")
    page.reload()
    send(page, "Who is there?")
    expect(page.locator("#message")).to_have_value("")
    held.release()
    expect(last_answer(page)).to_contain_text(open_provider.text)


def test_a_click_that_began_before_the_page_was_there_is_not_lost(
    seed: Callable[[OpenProvider], Page], open_provider: OpenProvider
) -> None:
    page = seed(open_provider)
    held = Held(page, "**/js/page.js")
    page.reload()
    page.get_by_role("textbox", name="Message").fill("Pressed for long")
    page.get_by_role("button", name="Send").hover()
    page.mouse.down()
    with page.expect_response("**/js/page.js"):
        held.release()
    # The page's modules are there, and its place is still taken.
    page.evaluate("import(own('js/page.js')).then(() => new Promise((done) => setTimeout(done, 300)))")
    expect(page.locator("#early-composer")).to_have_count(1)
    page.mouse.up()
    expect(last_answer(page)).to_contain_text(open_provider.text)


def test_python_that_does_not_start_is_said(page_without_python: Page) -> None:
    expect(page_without_python.get_by_role("main")).to_contain_text("Python did not start")
    expect(page_without_python.get_by_role("button", name="Reload the page")).to_be_visible()


def test_page_works_below_any_folder(page: Page, static_server: str) -> None:
    """Nothing is asked for by an absolute path."""
    paths: list[str] = []
    page.on("request", lambda request: paths.append(request.url))

    def strip(route: Route) -> None:
        route.continue_(url=route.request.url.replace("/deep/down/", "/"))

    page.route("**/deep/down/**", strip)
    page.goto(f"{static_server}/deep/down/")
    expect(page.get_by_role("status")).to_contain_text("Python is ready")
    assert [url for url in paths if "/deep/down/" not in url] == []
