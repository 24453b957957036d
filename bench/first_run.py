"""The first run: from a cold start of the page to the first answer of the demo, beside a bare start of Pyodide.

A fresh profile each round: nothing is cached, as at a first visit. What a person does is pressing two buttons.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from playwright.sync_api import Browser, expect, sync_playwright

from bench._measures import report
from tools.browsers import list_arguments, prepare_browser
from tools.commands import prepare_site
from tools.places import DIST
from tools.servers import serve_folder

ROUNDS = 5
STEPS = ("open the page", "press “Try the demo”", "press an example")
WANTED_STEPS = 3
_PATIENCE = 60_000

_BARE = """async (origin) => {
    const began = performance.now();
    const {interpreter} = await (await fetch(`${origin}/build.json`)).json();
    const {loadPyodide} = await import(`${origin}/${interpreter}pyodide.mjs`);
    await loadPyodide();
    return (performance.now() - began) / 1000;
}"""


def time_first_run(browser: Browser, origin: str) -> dict[str, float]:
    """Return the seconds from the address to each stage, of one first visit."""
    page = browser.new_page()
    began = time.perf_counter()
    stages: dict[str, float] = {}

    def note(stage: str) -> None:
        stages[stage] = time.perf_counter() - began

    page.goto(origin)
    expect(page.get_by_role("button", name="Try the demo")).to_be_visible(timeout=_PATIENCE)
    note("page shown")
    page.get_by_role("button", name="Try the demo").click()
    page.get_by_role("button", name="What can you do?").click(timeout=_PATIENCE)
    note("asked")
    answer = page.get_by_role("log").locator("[data-role=assistant]").last
    expect(answer).to_contain_text("Hello", timeout=_PATIENCE)
    note("first word")
    expect(answer).to_have_attribute("data-status", "done", timeout=_PATIENCE)
    note("whole answer")
    page.close()
    return stages


def time_bare(browser: Browser, origin: str) -> float:
    """Return the seconds that Pyodide alone takes to start, in a page of its own."""
    page = browser.new_page()
    page.goto(f"{origin}/build.json")
    seconds: float = page.evaluate(_BARE, origin)
    page.close()
    return seconds


def main() -> int:
    """Measure and print; return 1 if what is wanted was not reached."""
    prepare_site(for_tests=True)
    rows: list[dict[str, float]] = []
    bare: list[float] = []
    with serve_folder(DIST) as origin, sync_playwright() as playwright:
        for _ in range(ROUNDS):
            browser = playwright.chromium.launch(executable_path=prepare_browser(), args=list_arguments())
            bare.append(time_bare(browser, origin))
            browser.close()
            browser = playwright.chromium.launch(executable_path=prepare_browser(), args=list_arguments())
            rows.append(time_first_run(browser, origin))
            browser.close()
    medians: dict[str, Any] = {stage: round(statistics.median(row[stage] for row in rows), 3) for stage in rows[0]}
    alone = statistics.median(bare)
    return report(
        bench="the first run, from a cold start to the demo's answer",
        rounds=ROUNDS,
        steps=STEPS,
        median_seconds=medians,
        bare_pyodide_seconds=round(alone, 3),
        first_word_over_bare_pyodide=round(medians["first word"] / alone, 2),
        wanted=f"at most {WANTED_STEPS} steps",
        is_reached=len(STEPS) <= WANTED_STEPS,
    )


if __name__ == "__main__":
    raise SystemExit(main())
