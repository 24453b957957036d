"""Everything in one file, and back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.pages import ask_demo, last_answer, open_settings, provider_cards, send, wait_for_python

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
    other = new_context().new_page()
    other.goto(static_server)
    wait_for_python(other)
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
