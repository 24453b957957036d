"""What a message is sent with: files, a system prompt, parameters, a model among many."""

import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

from playwright.sync_api import FilePayload, Page, expect

from tests.browser.pages import last_answer, send, wait_for_python
from tests.fakes.providers import OpenProvider

Seed = Callable[[OpenProvider], Page]

_PASTE = """(box, [name, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(bytes)], name, { type }));
  box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""
_DROP = """([name, type, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type }));
  for (const kind of ["dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


def make_png(width: int, height: int) -> bytes:
    """Return a picture of *width* × *height* pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes([line % 256, 90, 200]) * width for line in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def png(name: str, width: int, height: int) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": make_png(width, height)}


def attach(page: Page, *files: FilePayload) -> None:
    page.get_by_label("Files to attach").set_input_files(list(files))


def sent_content(fake: OpenProvider) -> Any:
    return fake.chats[-1].json["messages"][-1]["content"]


def test_files_are_picked_pasted_and_dropped_and_sent(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    attach(page, png("small.png", 20, 10))
    attached = page.get_by_role("list", name="Attached")
    expect(attached.get_by_role("button", name="Look at small.png")).to_be_visible()
    box = page.get_by_role("textbox", name="Message")
    box.evaluate(_PASTE, ["pasted.png", "image/png", list(make_png(4, 4))])
    expect(attached.get_by_role("listitem")).to_have_count(2)
    page.evaluate(_DROP, ["notes.md", "text/markdown", "# Grüße"])
    expect(attached.get_by_role("listitem")).to_have_count(3)
    page.reload()
    expect(attached.get_by_role("listitem")).to_have_count(3)
    attached.get_by_role("button", name="Remove pasted.png").click()
    attached.get_by_role("button", name="Look at notes.md").click()
    expect(page.get_by_role("dialog", name="notes.md")).to_contain_text("# Grüße")
    page.keyboard.press("Escape")
    send(page, "What are these?")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    image, text, words = sent_content(open_provider)
    assert image["image_url"]["url"].startswith("data:image/png;base64,")
    assert text["text"] == "File “notes.md”:\n```\n# Grüße\n```"
    assert words["text"] == "What are these?"
    shown = page.get_by_role("log").get_by_role("list", name="Attached")
    expect(shown.get_by_role("listitem")).to_have_count(2)
    expect(page.locator(".composer").get_by_role("list", name="Attached")).to_have_count(0)


def test_a_large_picture_is_made_smaller_and_says_so(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    attach(page, png("large.png", 6000, 3000))
    page.get_by_role("button", name="Look at large.png").click()
    expect(page.get_by_role("dialog")).to_contain_text("6000×3000 became 2048×1024")
    page.keyboard.press("Escape")
    send(page, "See")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    assert len(json.dumps(sent_content(open_provider))) < 5_000_000


def test_what_cannot_be_sent_is_refused_in_words(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    attach(
        page,
        {"name": "song.mp3", "mimeType": "audio/mpeg", "buffer": b"ID3"},
        {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"},
        {"name": "tool.bin", "mimeType": "application/octet-stream", "buffer": b"\0\1\2"},
        {"name": "good.txt", "mimeType": "text/plain", "buffer": b"good"},
    )
    for words in (
        "“song.mp3” is sound or film",
        "“broken.png” cannot be read as a picture",
        "“tool.bin” is not a text",
    ):
        expect(page.get_by_text(words)).to_be_visible()
    expect(page.get_by_role("list", name="Attached").get_by_role("listitem")).to_have_count(1)


def test_a_chat_has_its_own_system_prompt_and_parameters(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    page.get_by_role("button", name="System prompt and parameters").click()
    dialog = page.get_by_role("dialog", name="This chat")
    dialog.get_by_label("System prompt").fill("Be brief.")
    dialog.get_by_label("Temperature").fill("3")
    expect(dialog).to_contain_text("At most 2.")
    dialog.get_by_label("Temperature").fill("0,5")
    expect(dialog).not_to_contain_text("At most 2.")
    dialog.get_by_label("Stop where the answer says").fill("END\nSTOP")
    dialog.get_by_role("button", name="Done").click()
    page.reload()
    wait_for_python(page)
    expect(page.get_by_role("button", name="System prompt and parameters: set")).to_be_visible()
    send(page, "Hello")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    sent = open_provider.chats[0].json
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (sent["temperature"], sent["stop"]) == (0.5, ["END", "STOP"])
    page.get_by_role("button", name="New chat").click()
    expect(page.get_by_role("button", name="System prompt and parameters", exact=True)).to_be_visible()


def test_only_what_the_model_takes_is_offered(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.evaluate(
        """async () => {
          const { Store } = await import(own("js/store.js"));
          const store = await Store.open(() => {});
          const { config } = await store.settings();
          config.providers.push({ id: "anthropic", kind: "anthropic", name: "", base_url: "", dialect: "", headers: {},
            route: "auto", models: ["claude-sonnet-4-5"] });
          await store.saveSetting("config", config);
          await store.saveSetting("model", "anthropic/claude-sonnet-4-5");
          await store.saveSetting("beginning", { system: "", parameters: { seed: 7 } });
        }"""
    )
    page.reload()
    wait_for_python(page)
    page.get_by_role("button", name="System prompt and parameters: set").click()
    dialog = page.get_by_role("dialog", name="This chat")
    expect(dialog.get_by_label("Temperature")).to_be_visible()
    expect(dialog).to_contain_text("From 0 to 1.")
    expect(dialog.get_by_label("Seed")).to_have_count(0)
    expect(dialog).to_contain_text("not sent to this one: Seed.")
    dialog.get_by_label("Reasoning effort").select_option("High")
    expect(dialog.get_by_label("Temperature")).to_have_count(0)
    dialog.get_by_role("button", name="Back to the provider's defaults").click()
    expect(dialog.get_by_label("Temperature")).to_be_visible()
    expect(dialog.get_by_label("Reasoning effort")).to_have_value("")


def test_five_hundred_models_and_one_of_endless_name_stay_usable(seed: Seed, open_provider: OpenProvider) -> None:
    endless = "endless-" + "x" * 5000
    open_provider.models = [endless, *(f"model-{number:03}" for number in range(500))]
    page = seed(open_provider)
    page.reload()
    wait_for_python(page)
    models = page.get_by_role("combobox", name="Model", exact=True)
    models.click()
    expect(page.get_by_text(" more. Type to find them.")).to_be_visible()
    models.press_sequentially("model-497")
    expect(page.get_by_role("option").first).to_have_text("model-497")
    models.press("Enter")
    expect(models).to_have_value("model-497")
    send(page, "Hello")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    models.click()
    models.press_sequentially("endless")
    models.press("Enter")
    send(page, "And you?")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    assert open_provider.chats[1].json["model"] == endless
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.get_by_role("button", name="Send")).to_be_in_viewport()
