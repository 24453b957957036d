"""Adding, editing and removing providers, and where their keys are kept."""

import re

from playwright.sync_api import Page, expect

from tests.browser.pages import fill_provider, open_provider_form, provider_cards, save
from tests.fakes.providers import OpenProvider

_STORED = """async () => {
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open("sidestep");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const text = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value)
    ? new TextDecoder("latin1").decode(value)
    : value instanceof CryptoKey ? `extractable: ${value.extractable}`
    : value && typeof value === "object" ? Object.values(value).map(text).join(" ") : String(value);
  const words = [];
  for (const name of database.objectStoreNames) {
    const request = database.transaction(name).objectStore(name).getAll();
    await new Promise((resolve) => { request.onsuccess = resolve; });
    words.push(...request.result.map(text));
  }
  const session = Object.values(sessionStorage).join("\\n");
  return { indexedDB: words.join("\\n"), session, local: localStorage.length };
}"""


def test_provider_is_added_edited_and_removed_with_undo(open_page: Page, open_provider: OpenProvider) -> None:
    dialog = open_provider_form(open_page)
    fill_provider(dialog, open_provider)
    save(dialog)
    card = provider_cards(open_page)
    expect(card).to_contain_text("Mine")
    expect(card).to_contain_text(open_provider.base_url)
    expect(card).to_contain_text("Key: On this device")

    open_page.get_by_role("button", name="Edit Mine").click()
    dialog = open_page.get_by_role("dialog")
    expect(dialog.get_by_label("API key", exact=True)).to_have_value("")
    dialog.get_by_label("Name", exact=True).fill("Ours")
    dialog.get_by_label("Route").select_option("Direct only")
    save(dialog)
    expect(card).to_contain_text("Ours")
    expect(card).to_contain_text("Direct only")
    expect(card).to_contain_text("Key: On this device")

    open_page.get_by_role("button", name="Remove Ours").click()
    expect(card).to_have_count(0)
    open_page.get_by_role("button", name="Undo").click()
    expect(card).to_contain_text("Key: On this device")
    open_page.reload()
    expect(card).to_contain_text("Ours")
    expect(card).to_contain_text("Key: On this device")


def test_problems_stand_beside_their_fields_and_nothing_is_saved(open_page: Page) -> None:
    dialog = open_provider_form(open_page)
    dialog.get_by_label("Name", exact=True).fill("Mine")
    dialog.get_by_label("Base URL").fill("ftp://nowhere")
    dialog.get_by_role("button", name="Save").click()
    field = dialog.get_by_label("Base URL")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("http"))
    open_page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(provider_cards(open_page)).to_have_count(0)


def test_warning_is_shown_where_the_coding_plan_is_chosen(open_page: Page) -> None:
    dialog = open_provider_form(open_page)
    dialog.get_by_label("Provider", exact=True).select_option("zai-coding")
    expect(dialog.get_by_label("Base URL")).to_have_value("https://api.z.ai/api/coding/paas/v4")
    expect(dialog).to_contain_text("coding plan to the tools it lists")
    link = dialog.get_by_role("link", name="Get a key")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_key_kept_on_the_device_is_encrypted(open_page: Page, open_provider: OpenProvider) -> None:
    dialog = open_provider_form(open_page)
    fill_provider(dialog, open_provider)
    save(dialog)
    stored = open_page.evaluate(_STORED)
    assert open_provider.base_url in stored["indexedDB"], "the test must read what is stored"
    assert "extractable: false" in stored["indexedDB"]
    assert open_provider.key not in stored["indexedDB"]
    assert open_provider.key not in stored["session"]
    assert stored["local"] == 0


def test_key_kept_for_the_session_is_gone_in_another_tab(open_page: Page, open_provider: OpenProvider) -> None:
    dialog = open_provider_form(open_page)
    fill_provider(dialog, open_provider)
    dialog.get_by_label("For this session").check()
    save(dialog)
    card = provider_cards(open_page)
    expect(card).to_contain_text("Key: For this session")
    stored = open_page.evaluate(_STORED)
    assert open_provider.key in stored["session"]
    assert open_provider.key not in stored["indexedDB"]
    assert stored["local"] == 0
    open_page.reload()
    expect(card).to_contain_text("Key: For this session")
    other = open_page.context.new_page()
    other.goto(open_page.url)
    expect(provider_cards(other)).to_contain_text("No key")


def test_key_is_nowhere_in_the_document(open_page: Page, open_provider: OpenProvider) -> None:
    dialog = open_provider_form(open_page)
    fill_provider(dialog, open_provider)
    field = dialog.get_by_label("API key", exact=True)
    expect(field).to_have_attribute("type", "password")
    dialog.get_by_role("button", name="Show API key").click()
    expect(field).to_have_attribute("type", "text")
    assert open_provider.key not in open_page.content()
    save(dialog)
    assert open_provider.key not in open_page.content()
    assert open_provider.key not in open_page.url
