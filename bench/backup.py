"""A backup of half a gigabyte: written, looked at and restored, and how smooth the page stays meanwhile.

Long tasks are the browser's own (Long Tasks API: more than 50 ms on the main thread).
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright, expect, sync_playwright

from bench._measures import report
from tools.browsers import OWN_MODULES, list_arguments, prepare_browser
from tools.commands import prepare_site
from tools.places import DIST
from tools.servers import serve_folder

MEGABYTES = 500
CHATS = 50
_PATIENCE = 600_000

_WATCH = """() => {
  self.tasks = [];
  new PerformanceObserver((list) => self.tasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ entryTypes: ["longtask"] });
}"""

_FILL = """async ([chats, each]) => {
  const { Store } = await import(own("js/store.js"));
  const { newConversation } = await import(own("js/state/conversations.js"));
  const store = await Store.open(() => {});
  const bytes = crypto.getRandomValues(new Uint8Array(1 << 16));
  const letters = bytes.reduce((text, byte) => text + (byte % 36).toString(36), "");
  const megabyte = letters.repeat(16);
  for (let chat = 0; chat < chats; chat++) {
    const talk = newConversation(`chat-${chat}`, chat + 1);
    for (let turn = 0; turn < each; turn++) {
      const id = `m-${chat}-${turn}`;
      talk.messages[id] = { id, role: "user", parent: talk.current, created: turn, content: megabyte };
      talk.current = id;
    }
    await store.saveConversation(talk, Object.values(talk.messages));
  }
}"""


def main() -> int:
    """Print what was measured as JSON; return 0 if no task was long."""
    prepare_site(for_tests=True)
    with serve_folder(DIST) as origin, sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "backup.jsonl"
        with open_profile(playwright, Path(folder) / "first") as context:
            saved = save(context, origin, file)
        with open_profile(playwright, Path(folder) / "second") as context:
            restored = restore(context, origin, file)
        size = file.stat().st_size
    is_reached = not saved["long_tasks"] and not restored["long_tasks"]
    return report(megabytes=round(size / 1e6), saved=saved, restored=restored, is_reached=is_reached)


def open_profile(playwright: Playwright, folder: Path) -> BrowserContext:
    """Open a browser whose storage is on disk, as a person's is: a private one keeps files in memory alone."""
    return playwright.chromium.launch_persistent_context(
        folder, executable_path=prepare_browser(), args=list_arguments(), accept_downloads=True, service_workers="block"
    )


def save(context: BrowserContext, origin: str, file: Path) -> dict[str, Any]:
    """Fill a page's storage and save all of it into *file*."""
    page = open_settings(context, origin)
    page.evaluate(_FILL, [CHATS, MEGABYTES // CHATS])
    page.evaluate(_WATCH)
    began = time.perf_counter()
    with page.expect_download(timeout=_PATIENCE) as waiting:
        page.get_by_role("button", name="Save everything as a file").click()
    took = time.perf_counter() - began
    waiting.value.save_as(file)
    return describe(page, took)


def restore(context: BrowserContext, origin: str, file: Path) -> dict[str, Any]:
    """Restore *file* in an empty browser."""
    page = open_settings(context, origin)
    page.get_by_role("button", name="Restore a backup…").click()
    dialog = page.get_by_role("dialog", name="Restore a backup")
    page.evaluate(_WATCH)
    began = time.perf_counter()
    dialog.get_by_label("Backup to restore").set_input_files(file)
    expect(dialog.get_by_role("row", name="In the backup")).to_contain_text(str(MEGABYTES), timeout=_PATIENCE)
    looked = time.perf_counter() - began
    dialog.get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text(f"{CHATS} chats, {MEGABYTES} messages.", timeout=_PATIENCE)
    return {"looked_s": round(looked, 1), **describe(page, time.perf_counter() - began)}


def open_settings(context: BrowserContext, origin: str) -> Page:
    """Open the page's settings."""
    context.set_default_timeout(_PATIENCE)
    context.add_init_script(OWN_MODULES)
    page = context.new_page()
    page.goto(f"{origin}/#settings")
    expect(page.get_by_role("status")).to_contain_text("Python is ready")
    return page


def describe(page: Page, took: float) -> dict[str, Any]:
    """Return how long it took, and the page's long tasks meanwhile."""
    tasks: list[float] = page.evaluate("self.tasks")
    return {"seconds": round(took, 1), "long_tasks": len(tasks), "longest_ms": round(max(tasks, default=0))}


if __name__ == "__main__":
    raise SystemExit(main())
