"""Settings: where keys are kept, how the page looks, what it holds, and Python for the curious."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.pages import PASSPHRASE, last_answer, open_settings, send, set_passphrase, wait_for_python
from tests.fakes.providers import OpenProvider

Seed = Callable[[OpenProvider], Page]


_STORED = """async () => {
  const database = await new Promise((resolve) => {
    const request = indexedDB.open("sidestep");
    request.onsuccess = () => resolve(request.result);
  });
  const rows = await new Promise((resolve) => {
    const request = database.transaction("vault").objectStore("vault").getAll();
    request.onsuccess = () => resolve(request.result);
  });
  database.close();
  const session = Object.values(sessionStorage).join(" ");
  return { custodies: rows.map(({ custody }) => custody).filter(Boolean), session };
}"""


def test_keys_are_kept_as_they_are_wanted_and_none_is_lost(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    open_settings(page)
    expect(page.get_by_role("radio", name=re.compile("^On this device"))).to_be_checked()
    page.get_by_role("radio", name=re.compile("^For this session")).check()
    page.wait_for_function("() => Object.keys(sessionStorage).length > 0")
    stored = page.evaluate(_STORED)
    assert stored["custodies"] == []
    assert open_provider.key in stored["session"]
    page.get_by_role("radio", name=re.compile("^Only in memory")).check()
    page.wait_for_function("() => Object.keys(sessionStorage).length === 0")
    page.get_by_role("link", name="Chat", exact=True).click()
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text(open_provider.text)
    page.reload()
    wait_for_python(page)
    page.get_by_role("link", name="Providers").click()
    expect(page.get_by_role("main")).to_contain_text("No key")


def test_a_passphrase_locks_the_keys_until_it_is_said(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    open_settings(page)
    page.get_by_role("radio", name=re.compile("^Under a passphrase")).check()
    page.get_by_label("New passphrase", exact=True).fill("short")
    page.get_by_role("button", name="Set the passphrase").click()
    expect(page.get_by_role("main")).to_contain_text("At least 10 characters.")
    page.get_by_role("button", name="Cancel").click()
    set_passphrase(page)
    assert page.evaluate(_STORED)["custodies"] == ["passphrase"]
    page.reload()
    wait_for_python(page)
    expect(page.get_by_role("alert")).to_contain_text("Your keys are locked.")
    page.get_by_role("link", name="Chat", exact=True).click()
    send(page, "Hello")
    expect(last_answer(page)).to_have_attribute("data-status", "failed")
    page.get_by_role("alert").get_by_role("button", name="Unlock").click()
    dialog = page.get_by_role("dialog", name="Unlock your keys")
    dialog.get_by_label("Passphrase", exact=True).fill("wrong horse battery")
    dialog.get_by_role("button", name="Unlock").click()
    expect(dialog).to_contain_text("That is not the passphrase.")
    dialog.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    dialog.get_by_role("button", name="Unlock").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(last_answer(page)).to_contain_text(open_provider.text)
    open_settings(page)
    page.get_by_role("radio", name=re.compile("^On this device")).check()
    expect(page.get_by_role("button", name="Lock now")).to_have_count(0)
    assert page.evaluate(_STORED)["custodies"] == ["device"]


def test_a_locked_key_outlives_edits_and_undo_and_is_locked_in_every_tab(
    seed: Seed, open_provider: OpenProvider, context: BrowserContext
) -> None:
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    set_passphrase(page)
    other = context.new_page()
    other.goto(page.url)
    wait_for_python(other)
    other.get_by_role("alert").get_by_role("button", name="Unlock").click()
    other.get_by_role("dialog").get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    other.get_by_role("dialog").get_by_role("button", name="Unlock").click()
    expect(other.get_by_role("button", name="Lock now")).to_be_visible()
    page.get_by_role("button", name="Lock now").click()
    expect(other.get_by_role("alert")).to_contain_text("Your keys are locked.")
    page.get_by_role("link", name="Providers").click()
    page.get_by_role("button", name="Edit Fake").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Renamed")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Remove Renamed").click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("alert").get_by_role("button", name="Unlock").click()
    page.get_by_role("dialog").get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    page.get_by_role("dialog").get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("link", name="Chat", exact=True).click()
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text(open_provider.text)


def test_colours_and_language_are_kept_and_hold_from_the_first_frame(page_without_python: Page) -> None:
    page = page_without_python
    open_settings(page)
    page.get_by_label("Colours").select_option("Dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_label("Language", exact=True).select_option("Deutsch")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.route("**/js/main.js", lambda route: route.abort())
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.unroute("**/js/main.js")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.locator("#field-language").select_option("English")
    page.get_by_label("Colours").select_option("As the system has it")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_an_error_is_told_in_the_readers_language_with_pythons_own_words_below(
    seed: Seed, open_provider: OpenProvider
) -> None:
    page = seed(open_provider)
    page.reload()
    open_settings(page)
    page.get_by_label("Language", exact=True).select_option("Deutsch")
    page.get_by_role("link", name="Chat", exact=True).click()
    open_provider.answers.append(open_provider.error(401, "Who are you?"))
    page.get_by_role("textbox", name="Nachricht").fill("Hallo")
    page.get_by_role("button", name="Senden").click()
    card = page.get_by_role("group", name="Was schiefging")
    expect(card).to_contain_text("Schlüssel abgelehnt.")
    expect(card.locator("[lang=en]").first).to_contain_text("Who are you?")


def test_everything_is_saved_without_a_key_and_deleted_when_asked(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    send(page, "Keep this")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    open_settings(page)
    expect(page.get_by_role("main")).to_contain_text("1 chat, 2 messages.")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save everything as a file").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["row"]["title"] for line in lines if line.get("kind") == "conversation"] == ["Keep this"]
    assert open_provider.key not in text
    page.get_by_role("button", name="Delete everything…").click()
    dialog = page.get_by_role("dialog", name="Delete all that is stored?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("main")).to_contain_text("1 chat, 2 messages.")
    page.get_by_role("button", name="Delete everything…").click()
    dialog.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("main")).to_contain_text("0 chats, 0 messages.")
    page.get_by_role("link", name="Providers").click()
    expect(page.get_by_text("No provider yet.")).to_be_visible()


def test_python_can_be_talked_to(open_page: Page) -> None:
    page = open_page
    wait_for_python(page)
    open_settings(page)
    expect(page.get_by_role("region", name="Python")).to_contain_text(re.compile(r"Python started in [\d.]+ (ms|sec)"))
    page.get_by_text("A console for the curious").click()
    box = page.get_by_role("textbox", name="Python code")
    box.fill("x = 6 * 7")
    box.press("Enter")
    expect(page.get_by_role("list", name="Console").get_by_role("listitem")).to_have_count(1)
    box.fill("await client.models('nobody')")
    box.press("Enter")
    log = page.get_by_role("list", name="Console")
    expect(log).to_contain_text("UnknownModel")
    box.fill("x")
    box.press("Enter")
    expect(log.get_by_role("listitem").last).to_contain_text("42")
    box.press("ArrowUp")
    box.press("ArrowUp")
    expect(box).to_have_value("await client.models('nobody')")


def test_a_new_version_is_offered_and_never_forced(page: Page, static_server: str, context: BrowserContext) -> None:
    page.clock.install()
    page.route("**/pyodide/**", lambda route: route.abort())
    page.goto(f"{static_server}/")
    # The box alone is there before the page's modules are.
    expect(page.get_by_role("heading", level=1)).to_have_text("New chat")
    page.route(f"{static_server}/build.json", lambda route: route.fulfill(json={"build": "another"}))
    page.get_by_role("textbox", name="Message").fill("half a sentence")
    page.clock.run_for(3_700_000)
    expect(page.get_by_role("alert").filter(has_text="A new version")).to_be_visible()
    expect(page.get_by_role("textbox", name="Message")).to_have_value("half a sentence")
    page.get_by_role("button", name="Later").click()
    expect(page.get_by_text("A new version")).to_have_count(0)


def test_the_page_can_be_installed(page_without_python: Page, static_server: str) -> None:
    page = page_without_python
    manifest = page.evaluate(
        """async () => {
          const address = document.querySelector("link[rel=manifest]").href;
          const manifest = await (await fetch(address)).json();
          const pictures = manifest.icons.filter(({ type }) => type === "image/png");
          const sizes = await Promise.all(pictures.map(async (icon) => {
            const bitmap = await createImageBitmap(await (await fetch(new URL(icon.src, address))).blob());
            return icon.sizes === `${bitmap.width}x${bitmap.height}`;
          }));
          return { ...manifest, sizes };
        }"""
    )
    assert manifest["display"] == "standalone"
    assert manifest["sizes"] == [True, True]
    session = page.context.new_cdp_session(page)
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # Private windows, which tests run in, install nothing.
    assert [error["errorId"] for error in errors if error["errorId"] != "in-incognito"] == []
