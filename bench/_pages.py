"""The built page in a Chromium that keeps what it fetched, and what can be read off it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tools.browsers import OWN_MODULES, list_arguments, prepare_browser

PATIENCE = 60_000  # milliseconds

_WATCH = """(() => {
  const marks = globalThis.marks = { longest: 0, tasks: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      marks.tasks += 1;
      marks.longest = Math.max(marks.longest, duration);
    }
  }).observe({ type: "longtask", buffered: true });
  const Real = Worker;
  globalThis.Worker = class extends Real {
    constructor(...parts) {
      super(...parts);
      globalThis.overheard = this;
      this.addEventListener("message", ({ data }) => {
        if (data.kind === "status" && data.phase === "ready") marks.ready = data;
      });
    }
  };
})();"""


@contextmanager
def open_profile(playwright: Playwright) -> Iterator[BrowserContext]:
    """Open a Chromium with a new profile on disk, which may keep the page by its service worker."""
    with tempfile.TemporaryDirectory() as folder:
        context = playwright.chromium.launch_persistent_context(
            Path(folder) / "profile",
            executable_path=prepare_browser(),
            args=list_arguments(),
        )
        context.add_init_script(OWN_MODULES)
        context.add_init_script(_WATCH)
        yield context
        context.close()


def wait_for_python(page: Page) -> None:
    """Wait until the page's Python is ready."""
    expect(page.get_by_role("status")).to_contain_text("Python is ready", timeout=PATIENCE)


def measure_memory(page: Page) -> dict[str, int]:
    """Return the bytes in use after a collection: `page`, the main thread's objects, and `worker`, Python's.

    The worker's are its JavaScript's objects and its buffers, of which Python's own memory is the largest; the
    machine code that WebAssembly was compiled to is in neither.
    """
    session = page.context.new_cdp_session(page)
    attached: list[Any] = []
    answers: list[Any] = []
    # Playwright marks what it calls, and a list's own method cannot be marked.
    session.on("Target.attachedToTarget", lambda event: attached.append(event))  # noqa: PLW0108
    session.on("Target.receivedMessageFromTarget", lambda event: answers.append(json.loads(event["message"])))
    session.send("HeapProfiler.collectGarbage")
    own = session.send("Runtime.getHeapUsage")
    session.send("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": False})
    # The service worker is attached too, at times.
    worker = next(event["sessionId"] for event in attached if event["targetInfo"]["type"] == "worker")
    for number, method in enumerate(("HeapProfiler.collectGarbage", "Runtime.getHeapUsage"), 1):
        message = json.dumps({"id": number, "method": method})
        session.send("Target.sendMessageToTarget", {"sessionId": worker, "message": message})
    while not any(answer.get("id") == 2 for answer in answers):  # noqa: PLR2004 - the second of the two
        page.wait_for_timeout(20)
    its = next(answer["result"] for answer in answers if answer.get("id") == 2)  # noqa: PLR2004 - the second
    session.detach()
    return {
        "page": int(own["usedSize"] + own["backingStorageSize"]),
        "worker": int(its["usedSize"] + its["backingStorageSize"]),
    }
