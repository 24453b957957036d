"""Decoding in the browser: our client in Pyodide, over the real `fetch`, against hand-written JavaScript in the page.

Both ask the same provider on this computer for the same stream, in turn, from the same page.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench._measures import CHUNKS, ROUNDS, check_size, count_characters, report, write_stream
from tests.fakes import OpenProvider, Stream
from tests.fakes.servers import Answer, Recorded
from tools.browsers import list_arguments, prepare_browser
from tools.commands import prepare_site
from tools.places import DIST
from tools.servers import serve_folder

WANTED = 0.8

_START = """async ({origin, wheel, address, key}) => {
    const {interpreter} = await (await fetch(`${origin}/build.json`)).json();
    const {loadPyodide} = await import(`${origin}/${interpreter}pyodide.mjs`);
    const pyodide = await loadPyodide();
    pyodide.unpackArchive(await (await fetch(`${origin}/${wheel}`)).arrayBuffer(), "wheel");
    pyodide.globals.set("address", address);
    pyodide.globals.set("key", key);
    await pyodide.runPythonAsync(`
import sidestep

client = sidestep.Client([sidestep.Provider("fake", kind="openai", api_key=key, base_url=address)])

async def read():
    size = 0
    async for event in client.stream("fake/fake-small", "Hi"):
        if isinstance(event, sidestep.TextDelta):
            size += len(event.text)
    return size
`);
    self.readWithPython = pyodide.globals.get("read");
    self.readWithJavaScript = async () => {
        const answer = await fetch(`${address}/chat/completions`, {
            method: "POST",
            headers: {"Content-Type": "application/json", "Authorization": `Bearer ${key}`},
            body: JSON.stringify({model: "fake-small", stream: true, messages: [{role: "user", content: "Hi"}]}),
        });
        const decoder = new TextDecoder();
        let size = 0;
        let rest = "";
        for await (const piece of answer.body) {
            const lines = (rest + decoder.decode(piece, {stream: true})).split("\\n");
            rest = lines.pop();
            for (const line of lines) {
                if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
                size += JSON.parse(line.slice(6)).choices[0]?.delta.content?.length ?? 0;
            }
        }
        return size;
    };
}"""

_TIME = """async (name) => {
    const began = performance.now();
    const size = await self[name]();
    return [(performance.now() - began) / 1000, size];
}"""


class _StreamingProvider(OpenProvider):
    """Answers every chat with the stream, as fast as it is taken."""

    pieces = tuple(write_stream())

    def complete(self, request: Recorded) -> Answer:
        return Stream(self.pieces)


@contextmanager
def open_page() -> Iterator[Page]:
    """Open an empty page of the built site in a Chromium that reaches this computer only."""
    prepare_site(for_tests=True)
    with serve_folder(DIST) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=prepare_browser(), args=list_arguments())
        page = browser.new_page()
        # A file of the site that runs no script of its own, so that nothing else competes for the page.
        page.goto(f"{origin}/build.json")
        yield page
        browser.close()


def measure(page: Page, fake: OpenProvider) -> dict[str, float]:
    """Return each side's median seconds."""
    build: dict[str, Any] = page.evaluate("JSON.parse(document.body.innerText)")
    origin = page.evaluate("location.origin")
    start = {"origin": origin, "wheel": build["sidestep"], "address": fake.base_url, "key": fake.key}
    page.evaluate(_START, start)
    seconds: dict[str, list[float]] = {"readWithPython": [], "readWithJavaScript": []}
    for number in range(ROUNDS + 1):
        for name, row in seconds.items():
            took, size = page.evaluate(_TIME, name)
            check_size(name, size, count_characters())
            if number:  # the first round only warms up
                row.append(took)
    return {name: statistics.median(row) for name, row in seconds.items()}


def main() -> int:
    """Measure and print; return 1 if what is wanted was not reached."""
    with _StreamingProvider() as fake, open_page() as page:
        seconds = measure(page, fake)
    ratio = seconds["readWithJavaScript"] / seconds["readWithPython"]
    return report(
        bench="decoding a stream in the browser",
        chunks=CHUNKS,
        rounds=ROUNDS,
        median_seconds={name: round(value, 4) for name, value in seconds.items()},
        throughput_ratio=round(ratio, 3),
        wanted=f"at least {WANTED} times the throughput of hand-written JavaScript",
        is_reached=ratio >= WANTED,
    )


if __name__ == "__main__":
    raise SystemExit(main())
