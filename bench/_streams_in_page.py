"""What the page's Python adds to a call, against hand-written JavaScript in the same page; and what chats leave."""

from __future__ import annotations

import statistics
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from bench._measures import CHUNKS, ROUNDS, check_size, count_characters, write_stream
from bench._pages import PATIENCE, measure_memory, wait_for_python
from tests.browser.pages import store_provider
from tests.fakes import OpenProvider, Stream
from tests.fakes.servers import Answer, Recorded

FIRST_TOKEN_ROUNDS = 40
CHATS = 100

_SIDES = """([address, key]) => {
  let nextId = 1_000_000;
  const question = (text) => [{ role: "user", content: text }];
  globalThis.askPython = (text) => new Promise((resolve, reject) => {
    const id = nextId++, began = performance.now();
    let first = 0, size = 0;
    const listen = ({ data }) => {
      if (data.id !== id) return;
      if (data.kind === "events") {
        for (const event of data.events) if (event.type === "text_delta") size += event.text.length;
        if (size && !first) first = performance.now() - began;
        return;
      }
      overheard.removeEventListener("message", listen);
      if (data.kind === "error") reject(new Error(data.error.message));
      else resolve({ first, all: performance.now() - began, size });
    };
    overheard.addEventListener("message", listen);
    const payload = { model: "fake/fake-small", messages: question(text), parameters: {}, tags: [] };
    overheard.postMessage({ id, command: "chat", payload });
  });
  globalThis.askByHand = async (text) => {
    const began = performance.now();
    let first = 0, size = 0, rest = "";
    const answer = await fetch(`${address}/chat/completions`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Authorization": `Bearer ${key}` },
      body: JSON.stringify({ model: "fake-small", stream: true, messages: question(text) }),
    });
    const decoder = new TextDecoder();
    for await (const piece of answer.body) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split("\\n");
      rest = lines.pop();
      for (const line of lines) {
        if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
        size += JSON.parse(line.slice(6)).choices[0]?.delta.content?.length ?? 0;
      }
      if (size && !first) first = performance.now() - began;
    }
    return { first, all: performance.now() - began, size };
  };
}"""
_NAMES = ("askPython", "askByHand")


class LongProvider(OpenProvider):
    """Answers a chat that asks for a long answer with the benches' stream, as fast as it is taken."""

    pieces = tuple(write_stream())

    def complete(self, request: Recorded) -> Answer:
        return Stream(self.pieces) if b"at length" in request.body else super().complete(request)


def open_chat(context: BrowserContext, origin: str, fake: OpenProvider) -> Page:
    """Open the page with *fake* as its provider."""
    page = context.new_page()
    page.goto(f"{origin}/")
    wait_for_python(page)
    store_provider(page, fake)
    page.reload()
    wait_for_python(page)
    page.evaluate(_SIDES, [fake.base_url, fake.key])
    return page


def time_first_tokens(page: Page) -> dict[str, float]:
    """Return each side's median milliseconds to the first token; the sides take turns."""
    seen: dict[str, list[float]] = {name: [] for name in _NAMES}
    for number in range(FIRST_TOKEN_ROUNDS + 1):
        for name, row in seen.items():
            asked = page.evaluate(f"{name}('Hello')")
            if number:  # the first round only warms up
                row.append(asked["first"])
    python, by_hand = (statistics.median(seen[name]) for name in _NAMES)
    return {
        "python_ms": round(python, 1),
        "by_hand_ms": round(by_hand, 1),
        "more_ms": round(python - by_hand, 1),
    }


def time_streams(page: Page) -> dict[str, float]:
    """Return each side's median milliseconds for a long answer, and Python's throughput over JavaScript's."""
    seen: dict[str, list[float]] = {name: [] for name in _NAMES}
    for number in range(ROUNDS + 1):
        for name, row in seen.items():
            asked = page.evaluate(f"{name}('Tell me at length')")
            check_size(name, asked["size"], count_characters())
            if number:
                row.append(asked["all"])
    python, by_hand = (statistics.median(seen[name]) for name in _NAMES)
    return {
        "chunks": CHUNKS,
        "python_ms": round(python, 1),
        "by_hand_ms": round(by_hand, 1),
        "throughput_ratio": round(by_hand / python, 3),
    }


def measure_chats(page: Page) -> dict[str, Any]:
    """Return the memory after the start and after a hundred chats in the page, and what one chat left."""
    _chat(page)  # what the first one loads stays
    before = measure_memory(page)
    for _ in range(CHATS):
        _chat(page)
    after = measure_memory(page)
    return {
        "worker_after_boot_mb": round(before["worker"] / 1e6, 1),
        "worker_growth_kb": round((after["worker"] - before["worker"]) / 1e3, 1),
        "page_after_boot_mb": round(before["page"] / 1e6, 1),
        "page_growth_kb_a_chat": round((after["page"] - before["page"]) / 1e3 / CHATS, 1),
    }


def _chat(page: Page) -> None:
    page.get_by_role("button", name="New chat").click()
    page.get_by_role("textbox", name="Message").fill("Hello")
    page.get_by_role("textbox", name="Message").press("Enter")
    answer = page.get_by_role("log").locator("[data-role=assistant]").last
    expect(answer).to_have_attribute("data-status", "done", timeout=PATIENCE)
