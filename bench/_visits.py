"""How a visit to the page begins: cold and warm, from the snapshot and in full."""

from __future__ import annotations

import statistics
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright

from bench._pages import open_profile, wait_for_python
from tests.browser.pages import wait_until_kept

COLD_ROUNDS = 5
WARM_ROUNDS = 9

# What a page without a snapshot has to do: the very wheel, by Pyodide and micropip.
_PLAIN = """async () => {
    const build = await (await fetch("build.json")).json();
    const began = performance.now();
    const { loadPyodide } = await import(new URL(build.interpreter + "pyodide.mjs", location.href).href);
    const pyodide = await loadPyodide();
    await pyodide.loadPackage(new URL(build.micropip, location.href).href,
        { messageCallback() {}, checkIntegrity: false });
    await pyodide.pyimport("micropip").install.callKwargs(new URL(build.sidestep, location.href).href, { deps: false });
    pyodide.pyimport("sidestep.bridge");
    return performance.now() - began;
}"""

# In the first frame that has the box: words are typed and sent, as fast as a program can.
_TYPE = """(() => {
  const look = () => {
    const box = document.querySelector("#early-message");
    if (!box) return requestAnimationFrame(look);
    box.value = "Hello";
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    globalThis.typed = document.querySelector(".bubble")?.textContent === "Hello" ? performance.now() : -1;
  };
  requestAnimationFrame(look);
})();"""


def time_cold_visits(playwright: Playwright, origin: str) -> dict[str, Any]:
    """Return medians, in milliseconds, of first visits, each with a profile of its own."""
    rows = []
    for _ in range(COLD_ROUNDS):
        with open_profile(playwright) as context:
            rows.append(_visit(context, origin))
    return _summarise(rows)


def time_warm_visits(context: BrowserContext, origin: str) -> dict[str, Any]:
    """Return medians, in milliseconds, of visits to the kept page, and of plain starts between them."""
    _visit(context, origin, is_to_be_kept=True)
    rows, plain = [], []
    for number in range(WARM_ROUNDS + 1):
        row, alone = _visit(context, origin), _start_in_full(context, origin)
        if number:  # the first round fills the caches of both
            rows.append(row)
            plain.append(alone)
    summary = _summarise(rows)
    in_full = statistics.median(plain)
    return {
        **summary,
        "plain_pyodide_ms": round(in_full),
        "python_over_plain": round(summary["python_ms"] / in_full, 3),
    }


def time_first_words(context: BrowserContext, origin: str) -> dict[str, Any]:
    """Return how soon, in milliseconds after the address, a message can be typed and sent in the kept page."""
    seen = []
    for _ in range(WARM_ROUNDS):
        page = context.new_page()
        page.add_init_script(_TYPE)
        page.goto(f"{origin}/")
        wait_for_python(page)
        seen.append(page.evaluate("typed"))
        page.close()
    return {"median_ms": round(statistics.median(seen)), "slowest_ms": round(max(seen)), "failed": seen.count(-1)}


def _visit(context: BrowserContext, origin: str, *, is_to_be_kept: bool = False) -> dict[str, float]:
    page = context.new_page()
    page.goto(f"{origin}/")
    wait_for_python(page)
    row: dict[str, float] = page.evaluate(
        """() => ({
            first_frame_ms: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
            python_ms: marks.ready.elapsed_ms,
            is_from_snapshot: marks.ready.origin === "snapshot" ? 1 : 0,
            long_tasks: marks.tasks,
            longest_task_ms: marks.longest,
        })"""
    )
    if is_to_be_kept:
        wait_until_kept(page)
    page.close()
    return row


def _start_in_full(context: BrowserContext, origin: str) -> float:
    page: Page = context.new_page()
    # A file of the site that runs no script of its own, so that nothing else competes for the page.
    page.goto(f"{origin}/build.json")
    took: float = page.evaluate(_PLAIN)
    page.close()
    return took


def _summarise(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(row[name] for row in rows), 1) for name in rows[0]}
