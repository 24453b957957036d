"""How smooth the page stays: a long conversation and a fast stream, one word without end, a million tokens at once.

Long tasks are the browser's own (Long Tasks API: more than 50 ms on the main thread), counted while the answer comes
and while the same page is idle.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from bench._measures import report
from tests.fakes import OpenProvider, Stream
from tests.fakes.servers import Answer, Recorded
from tests.fakes.wires import DONE, write_chunk
from tools.browsers import OWN_MODULES, list_arguments, prepare_browser
from tools.commands import prepare_site
from tools.places import DIST
from tools.servers import serve_folder

TOKENS_PER_SECOND = 200
SECONDS = 10
LONGEST_TASK_MS = 50
_PATIENCE = 180_000

_WATCH = """() => {
  self.seen = { tasks: [], frames: [] };
  self.watcher?.disconnect();
  self.watcher = new PerformanceObserver((list) =>
    self.seen.tasks.push(...list.getEntries().map(({ duration }) => duration)));
  self.watcher.observe({ entryTypes: ["longtask"] });
  let before = performance.now();
  const mine = self.seen;
  const frame = (now) => {
    if (self.seen !== mine) return;
    mine.frames.push(now - before);
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""

_TEXT = "Answer **#**\n\n| a | b |\n|---|---|\n| 1 | # |\n\n```python\nprint(#)\n```"

_SEED = """async ([provider, key, text]) => {
  const { Store } = await import(own("js/store.js"));
  const { newConversation, asked } = await import(own("js/state/conversations.js"));
  const { newAnswer } = await import(own("js/state/answers.js"));
  const store = await Store.open(() => {});
  await store.saveSetting("config", { version: 1, providers: [provider], relays: [], consents: [] });
  await store.vault.save("providers", provider.id, { value: key, custody: "device" });
  await store.saveSetting("model", `${provider.id}/${provider.models[0]}`);
  let talk = newConversation("long", 1);
  for (let turn = 0; turn < 1000; turn++) {
    const answer = { ...newAnswer(`a${turn}`, "fake/fake-small", turn * 2 + 1), status: "done",
      content: text.replaceAll("#", String(turn)) };
    talk = asked(talk, { id: `q${turn}`, created: turn * 2, content: `Question ${turn}` }, [answer]);
  }
  await store.saveConversation({ ...talk, updated: Date.now() }, Object.values(talk.messages));
  await store.saveSetting("conversation", "long");
}"""


def pace() -> Iterator[bytes]:
    """Yield an answer in markdown at `TOKENS_PER_SECOND`, a token a chunk."""
    words = ("Words ", "that ", "go ", "on, ", "**bold** ", "and ", "`code` ", "too.\n\n- one\n- two\n\n")
    began = time.perf_counter()
    for number in range(TOKENS_PER_SECOND * SECONDS):
        due = began + number / TOKENS_PER_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        yield write_chunk({"content": words[number % len(words)]})
    yield DONE


def one_word() -> Iterator[bytes]:
    """Yield a megabyte of one word, as fast as it is taken."""
    for _ in range(1000):
        yield write_chunk({"content": "word" * 250})
    yield DONE


def million_tokens() -> Iterator[bytes]:
    """Yield about a million tokens of paragraphs, as fast as they are taken."""
    paragraph = "Some words that make a line of text, and then a few more of them. " * 4
    for _ in range(15_000):
        yield write_chunk({"content": f"{paragraph}\n\n"})
    yield DONE


class _Provider(OpenProvider):
    """Answers with what the bench sets."""

    script = staticmethod(pace)

    def complete(self, request: Recorded) -> Answer:
        return Stream(self.script())


def measure(page: Page, fake: _Provider, script: Any) -> dict[str, Any]:
    """Ask for one answer; return what the main thread did meanwhile."""
    fake.script = script
    page.evaluate(_WATCH)
    page.get_by_role("textbox", name="Message").fill("Go on")
    page.get_by_role("button", name="Send").click()
    answer = page.get_by_role("log").locator("[data-role=assistant]").last
    began = time.perf_counter()
    expect(answer).to_have_attribute("data-status", "done", timeout=_PATIENCE)
    return {"seconds": round(time.perf_counter() - began, 1), **read(page)}


def read(page: Page) -> dict[str, Any]:
    """Return what the watcher saw since it was started."""
    seen = page.evaluate("self.seen")
    frames = sorted(seen["frames"])
    tasks: list[float] = seen["tasks"]
    return {
        "long_tasks": len(tasks),
        "longest_task_ms": round(max(tasks, default=0)),
        "frame_p50_ms": round(statistics.median(frames), 1) if frames else None,
        "frame_p99_ms": round(frames[int(len(frames) * 0.99)], 1) if frames else None,
    }


def main() -> int:
    """Measure and print; return 1 if what is wanted was not reached."""
    prepare_site(for_tests=True)
    with _Provider() as fake, serve_folder(DIST) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=prepare_browser(), args=list_arguments())
        page = browser.new_page(service_workers="block")
        page.add_init_script(OWN_MODULES)
        page.goto(f"{origin}/build.json")
        page.goto(origin)
        provider = {"id": "fake", "kind": "custom", "name": "Fake", "base_url": fake.base_url, "dialect": "openai_chat"}
        page.evaluate(_SEED, [{**provider, "headers": {}, "route": "auto", "models": ["fake-small"]}, fake.key, _TEXT])
        page.reload()
        expect(page.get_by_role("status")).to_contain_text("Python is ready", timeout=_PATIENCE)
        expect(page.get_by_text("Question 999", exact=True)).to_be_visible(timeout=_PATIENCE)
        page.wait_for_timeout(2000)
        page.evaluate(_WATCH)
        page.wait_for_timeout(SECONDS * 1000)
        idle = read(page)
        paced = measure(page, fake, pace)
        word = measure(page, fake, one_word)
        million = measure(page, fake, million_tokens)
        browser.close()
    is_reached = paced["longest_task_ms"] <= LONGEST_TASK_MS
    return report(
        bench="the page while answers come into a conversation of 2,000 messages",
        idle=idle,
        paced={"tokens_per_second": TOKENS_PER_SECOND, **paced},
        one_megabyte_of_one_word=word,
        a_million_tokens_at_once=million,
        wanted=f"no task over {LONGEST_TASK_MS} ms at {TOKENS_PER_SECOND} tokens/s",
        is_reached=is_reached,
    )


if __name__ == "__main__":
    raise SystemExit(main())
