"""Everything in one file, and back."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Download, Locator, Page, expect

from tests.browser.pages import (
    PASSPHRASE,
    ask_demo,
    last_answer,
    open_settings,
    provider_cards,
    send,
    set_passphrase,
    store_provider,
    stored_config,
    wait_for_python,
)
from tests.fakes.providers import OpenProvider

HEADER = json.dumps({"format": "sidestep-backup", "version": 1, "saved": "2026-11-27T00:00:00Z"})
CHAT = {
    "id": "c1",
    "title": "From a backup",
    "created": 1,
    "updated": 2,
    "isPinned": False,
    "system": "",
    "parameters": {},
    "current": "m1",
}
MESSAGE = {
    "id": "m1",
    "conversation": "c1",
    "role": "user",
    "parent": None,
    "created": 1,
    "content": "Hello from there",
}
END = json.dumps({"kind": "end", "conversations": 1, "messages": 1})

EMPTY_END = json.dumps({"kind": "end", "conversations": 0, "messages": 0})


def write_lines(*lines: object) -> str:
    return "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)


WHOLE = write_lines(HEADER, {"kind": "conversation", "row": CHAT}, {"kind": "message", "row": MESSAGE}, END)


def save_all(page: Page) -> bytes:
    open_settings(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save everything as a file").click()
    return Path(waiting.value.path()).read_bytes()


def open_restore(page: Page, content: bytes | str) -> Locator:
    open_settings(page)
    page.get_by_role("button", name="Restore a backup…").click()
    dialog = page.get_by_role("dialog", name="Restore a backup")
    buffer = content if isinstance(content, bytes) else content.encode()
    dialog.get_by_label("Backup to restore").set_input_files(
        {"name": "sidestep-backup.jsonl", "mimeType": "application/jsonl", "buffer": buffer}
    )
    return dialog


def test_everything_comes_back_in_another_browser(
    page: Page, static_server: str, new_context: Callable[..., BrowserContext]
) -> None:
    page.goto(static_server)
    wait_for_python(page)
    ask_demo(page)
    saved = save_all(page)
    other = open_another(new_context, static_server)
    dialog = open_restore(other, saved)
    expect(dialog.get_by_role("row", name="Here now")).to_have_text("Here now00")
    expect(dialog.get_by_role("row", name="In the backup")).to_have_text("In the backup12")
    dialog.get_by_role("button", name="Restore", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(other.get_by_role("main")).to_contain_text("1 chat, 2 messages.")
    other.get_by_role("link", name="Providers").click()
    expect(provider_cards(other)).to_have_count(1)
    other.reload()
    other.get_by_role("region", name="Conversations").get_by_text("Hello").click()
    expect(last_answer(other)).to_have_attribute("data-status", "done")
    send(other, "And again")
    expect(last_answer(other)).to_have_attribute("data-status", "done")


_SCRATCH_FILES = """
async () => {
  const root = await navigator.storage.getDirectory();
  const names = [];
  for await (const folder of root.values()) for await (const name of folder.keys()) names.push(name);
  return names;
}
"""

_FILL = """
async ([chats, each]) => {
  const { Store } = await import(own("js/store.js"));
  const store = await Store.open(() => {});
  const content = "x".repeat(100_000);
  for (let chat = 0; chat < chats; chat++) {
    const id = `chat-${chat}`;
    const messages = Array.from({ length: each }, (_, turn) => ({
      id: `m-${turn}`, conversation: id, role: "user", parent: turn ? `m-${turn - 1}` : null, created: turn, content,
    }));
    const current = messages.at(-1).id;
    const head = { id, title: id, created: 1, updated: 1, isPinned: false, system: "", parameters: {}, current };
    await store.putRows({ conversations: [head], messages });
  }
}
"""


def test_the_file_is_on_disk_while_it_is_written_and_is_deleted_with_everything_else(
    page: Page, static_server: str
) -> None:
    page.goto(static_server)
    wait_for_python(page)
    ask_demo(page)
    save_all(page)
    expect(page.get_by_text("The backup holds: 1 chat, 2 messages.")).to_be_visible()
    assert len(page.evaluate(_SCRATCH_FILES)) == 1
    page.get_by_role("button", name="Delete everything…").click()
    dialog = page.get_by_role("dialog")
    with page.expect_navigation():
        dialog.get_by_role("button", name="Delete everything").click()
    assert page.evaluate(_SCRATCH_FILES) == []


def test_a_file_that_nobody_reads_any_more_is_deleted_at_the_next_start(page: Page, static_server: str) -> None:
    page.clock.install()
    page.goto(static_server)
    wait_for_python(page)
    ask_demo(page)
    save_all(page)
    assert len(page.evaluate(_SCRATCH_FILES)) == 1
    page.reload()
    wait_for_python(page)
    assert len(page.evaluate(_SCRATCH_FILES)) == 1
    page.clock.set_system_time(time.time() + 11 * 60)
    page.reload()
    wait_for_python(page)
    deadline = time.monotonic() + 30
    while page.evaluate(_SCRATCH_FILES):
        assert time.monotonic() < deadline, "it is still there"


def test_a_file_that_another_tab_deletes_meanwhile_is_no_fault(page: Page, static_server: str) -> None:
    page.goto(static_server)
    wait_for_python(page)
    page.evaluate("""async () => {
      const { dropOldScratchFiles, writeScratchFile } = await import(own("js/scratch_files.js"));
      await writeScratchFile((file) => file.write("a backup"));
      FileSystemFileHandle.prototype.getFile = () => Promise.reject(new DOMException("gone", "NotFoundError"));
      await dropOldScratchFiles();
    }""")


@pytest.mark.parametrize(
    "lack",
    [
        "delete StorageManager.prototype.getDirectory",
        "delete FileSystemFileHandle.prototype.createWritable",
        "StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('no', 'SecurityError'))",
        """FileSystemWritableFileStream.prototype.write = () =>
          Promise.reject(new DOMException('no room', 'QuotaExceededError'))""",
    ],
    ids=["no place", "no writing", "closed", "full"],
)
def test_where_a_page_has_no_place_on_disk_the_file_is_the_same(page: Page, static_server: str, lack: str) -> None:
    page.add_init_script(lack)
    page.goto(static_server)
    wait_for_python(page)
    ask_demo(page)
    lines = [json.loads(line) for line in save_all(page).splitlines()]
    assert lines[-1] == {"kind": "end", "conversations": 1, "messages": 2}
    assert [line.get("kind") for line in lines[1:-1]] == ["config", "settings", "conversation", "message", "message"]


def test_saving_can_be_cancelled(page: Page, static_server: str) -> None:
    page.goto(static_server)
    wait_for_python(page)
    page.evaluate(_FILL, [20, 20])
    open_settings(page)
    downloads: list[Download] = []

    def note(download: Download) -> None:
        downloads.append(download)

    page.on("download", note)
    # Held where it has begun, so that there is something to cancel.
    page.evaluate(
        """() => {
          const { write } = FileSystemWritableFileStream.prototype;
          const pressed = new Promise((tell) => addEventListener("click", (event) => {
            if (event.target.textContent === "Cancel") tell();
          }));
          FileSystemWritableFileStream.prototype.write = function (...given) {
            return pressed.then(() => write.apply(this, given));
          };
        }"""
    )
    page.get_by_role("button", name="Save everything as a file").click()
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
    expect(page.get_by_role("button", name="Saving…")).to_be_disabled()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Save everything as a file")).to_be_enabled()
    assert page.evaluate(_SCRATCH_FILES) == []
    assert not downloads


def open_another(new_context: Callable[..., BrowserContext], address: str) -> Page:
    """Open the page in another browser, where nothing is stored."""
    page = new_context().new_page()
    page.goto(address)
    wait_for_python(page)
    return page


def save_with_keys(page: Page) -> bytes:
    open_settings(page)
    page.get_by_role("button", name="Save it with keys…").click()
    dialog = page.get_by_role("dialog", name="Save everything, with keys")
    dialog.get_by_label("Passphrase", exact=True).fill("short")
    dialog.get_by_role("button", name="Save as a file").click()
    expect(dialog.get_by_text("At least 10 characters.")).to_be_visible()
    dialog.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    dialog.get_by_label("Once more", exact=True).fill(PASSPHRASE)
    with page.expect_download() as waiting:
        dialog.get_by_role("button", name="Save as a file").click()
    expect(dialog).to_have_count(0)
    return Path(waiting.value.path()).read_bytes()


def open_with_key(page: Page, address: str, fake: OpenProvider, headers: Mapping[str, str] | None = None) -> None:
    page.goto(address)
    store_provider(page, fake, headers)
    page.reload()
    wait_for_python(page)


def test_keys_come_back_under_their_passphrase_and_in_no_other_way(
    page: Page, static_server: str, open_provider: OpenProvider, new_context: Callable[..., BrowserContext]
) -> None:
    open_with_key(page, static_server, open_provider)
    assert open_provider.key.encode() not in save_all(page)
    saved = save_with_keys(page)
    assert open_provider.key.encode() not in saved
    other = open_another(new_context, static_server)
    dialog = open_restore(other, saved)
    dialog.get_by_label("Passphrase of the keys in it", exact=True).fill("not the right one")
    dialog.get_by_role("button", name="Restore", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("That is not its passphrase")
    expect(other.get_by_role("main")).to_contain_text("0 chats, 0 messages.")
    dialog.get_by_label("Passphrase of the keys in it", exact=True).fill(PASSPHRASE)
    dialog.get_by_role("button", name="Restore", exact=True).click()
    expect(dialog).to_have_count(0)
    other.get_by_role("link", name="Providers").click()
    expect(provider_cards(other)).to_contain_text("Key: On this device")
    other.get_by_role("link", name="Chat", exact=True).click()
    send(other, "Hello")
    expect(last_answer(other)).to_have_attribute("data-status", "done")
    assert open_provider.chats[-1].headers["authorization"] == f"Bearer {open_provider.key}"


HEADERS = {"X-Signature": "made-up-secret", "X-Team": "blue"}


def test_headers_that_may_be_secret_go_only_with_the_keys(
    page: Page, static_server: str, open_provider: OpenProvider, new_context: Callable[..., BrowserContext]
) -> None:
    open_with_key(page, static_server, open_provider, HEADERS)
    plain = save_all(page)
    assert b"blue" in plain
    assert b"made-up-secret" not in plain
    expect(page.get_by_text("Headers that may be secret are left out.")).to_be_visible()
    sealed = save_with_keys(page)
    assert b"made-up-secret" not in sealed
    other = open_another(new_context, static_server)
    dialog = open_restore(other, sealed)
    dialog.get_by_label("Passphrase of the keys in it", exact=True).fill(PASSPHRASE)
    dialog.get_by_role("button", name="Restore", exact=True).click()
    expect(dialog).to_have_count(0)
    assert stored_config(other)["providers"][0]["headers"] == HEADERS


def test_a_page_whose_python_did_not_start_saves_all_but_headers(
    page_without_python: Page, open_provider: OpenProvider
) -> None:
    page = page_without_python
    store_provider(page, open_provider, HEADERS)
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("Python did not start")
    saved = save_all(page)
    assert open_provider.base_url.encode() in saved
    assert b"blue" not in saved
    assert b"made-up-secret" not in saved


def test_nothing_is_restored_while_its_keys_could_not_be_kept(
    page: Page, static_server: str, open_provider: OpenProvider, new_context: Callable[..., BrowserContext]
) -> None:
    open_with_key(page, static_server, open_provider)
    saved = save_with_keys(page)
    other = new_context().new_page()
    open_with_key(other, static_server, open_provider)
    set_passphrase(other)
    other.get_by_role("button", name="Lock now").click()
    before = stored_config(other)
    dialog = open_restore(other, saved)
    dialog.get_by_label("Passphrase of the keys in it", exact=True).fill(PASSPHRASE)
    dialog.get_by_role("button", name="Restore", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("Your keys are locked. Unlock them first.")
    assert stored_config(other) == before
    dialog.get_by_role("button", name="Cancel").click()
    other.get_by_role("button", name="Save it with keys…").click()
    expect(other.get_by_role("dialog")).to_contain_text("Keys that are locked now are not in it.")


def test_without_their_passphrase_the_keys_stay_in_the_file(
    page: Page, static_server: str, open_provider: OpenProvider, new_context: Callable[..., BrowserContext]
) -> None:
    open_with_key(page, static_server, open_provider)
    saved = save_with_keys(page)
    other = open_another(new_context, static_server)
    open_restore(other, saved).get_by_role("button", name="Restore", exact=True).click()
    expect(other.get_by_role("dialog")).to_have_count(0)
    other.get_by_role("link", name="Providers").click()
    expect(provider_cards(other)).to_contain_text("No key")


def test_a_key_that_is_here_goes_nowhere_else_because_of_a_backup(
    page: Page, static_server: str, open_provider: OpenProvider
) -> None:
    open_with_key(page, static_server, open_provider)
    provider = stored_config(page)["providers"][0]
    relay = {"id": "new", "name": "New", "url": "https://relay.example", "order": 1, "weight": 1, "enabled": True}
    consents = [{"relay": "new", "provider": "fake"}, {"relay": "new", "provider": "*"}]

    def write(base_url: str) -> str:
        moved = {**provider, "base_url": base_url}
        config = {"version": 2, "providers": [moved], "relays": [relay], "consents": consents}
        return write_lines(HEADER, {"kind": "config", "config": config}, EMPTY_END)

    # The address is the same: the key stays, and no relay that came with the file may see it.
    open_restore(page, write(open_provider.base_url)).get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="Providers").click()
    expect(provider_cards(page)).to_contain_text("Key: On this device")
    config = stored_config(page)
    assert [row["id"] for row in config["relays"]] == ["new"]
    assert config["consents"] == []
    # Another address: the key stays behind, and comes back with the configuration that it was kept for.
    open_restore(page, write("https://elsewhere.example/v1")).get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="Providers").click()
    expect(provider_cards(page)).to_contain_text("No key")
    open_settings(page)
    earlier = page.get_by_role("region", name="Earlier configurations")
    earlier.get_by_role("listitem").first.get_by_role("button").click()
    page.get_by_role("link", name="Providers").click()
    expect(provider_cards(page)).to_contain_text("Key: On this device")


def test_what_a_new_chat_begins_with_is_in_the_backup(
    page: Page, static_server: str, new_context: Callable[..., BrowserContext]
) -> None:
    page.goto(static_server)
    wait_for_python(page)
    set_system_prompt(page, "Answer in rhyme.")
    saved = save_all(page)
    other = open_another(new_context, static_server)
    open_restore(other, saved).get_by_role("button", name="Restore", exact=True).click()
    expect(other.get_by_role("dialog")).to_have_count(0)
    other.get_by_role("link", name="Chat", exact=True).click()
    other.get_by_role("button", name="System prompt and parameters").click()
    expect(other.get_by_role("textbox", name="System prompt")).to_have_value("Answer in rhyme.")


def set_system_prompt(page: Page, text: str) -> None:
    page.get_by_role("button", name="System prompt and parameters").click()
    page.get_by_role("textbox", name="System prompt").fill(text)
    page.keyboard.press("Escape")


def test_chats_are_added_and_none_is_lost(page: Page, static_server: str) -> None:
    page.goto(static_server)
    wait_for_python(page)
    ask_demo(page)
    dialog = open_restore(page, WHOLE)
    expect(dialog.get_by_role("row", name="Here now")).to_have_text("Here now12")
    dialog.get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("2 chats, 3 messages.")
    # Once more changes nothing.
    open_restore(page, WHOLE).get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("main")).to_contain_text("2 chats, 3 messages.")


def test_a_file_of_the_earlier_form_is_taken(page: Page, static_server: str) -> None:
    page.goto(static_server)
    chats = [{**CHAT, "messages": {"m1": {name: value for name, value in MESSAGE.items() if name != "conversation"}}}]
    document = {"format": "sidestep-data", "version": 1, "config": {"version": 1, "providers": []}, "chats": chats}
    dialog = open_restore(page, json.dumps(document, indent=1))
    dialog.get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("1 chat, 1 message.")


BAD: list[tuple[Any, str]] = [
    ("", "The file is empty."),
    ("hello", "no backup of Sidestep"),
    ('{"format": "something"}\n', "no backup of Sidestep"),
    ('{"provider": {}}', "no backup of Sidestep"),
    (WHOLE[:-60], "damaged in line 3"),
    (write_lines(HEADER, {"kind": "conversation", "row": CHAT}), "ends in the middle, after line 2"),
    (write_lines(HEADER, {"kind": "message", "row": MESSAGE}, END), "Parts of this backup are missing"),
    (write_lines(HEADER, {"kind": "message", "row": 7}, END), "damaged in line 2"),
    (write_lines(HEADER, {"kind": "weird"}, END), "damaged in line 2"),
    (write_lines(HEADER, "[[[", END), "damaged in line 2"),
    (WHOLE + "{}\n", "follows the end of this backup, in line 5"),
    (WHOLE.replace('"version": 1', '"version": 9'), "of version 9"),
    (write_lines(HEADER, {"kind": "config", "config": {"version": 99}}, EMPTY_END),
     "version 99"),
    (bytes(range(256)), "no backup of Sidestep"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "said"), BAD, ids=range(len(BAD)))
def test_what_is_no_whole_backup_is_told_and_changes_nothing(
    page: Page, static_server: str, content: bytes | str, said: str
) -> None:
    page.goto(static_server)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    dialog = open_restore(page, content)
    expect(dialog.get_by_role("alert")).to_contain_text(said)
    expect(dialog.get_by_role("button", name="Restore", exact=True)).to_be_disabled()
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("main")).to_contain_text("0 chats, 0 messages.")
