"""The whole of the promise: one command, the printed link, two providers, two answers, and no question asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.apps import App, badge_of
from tests.fakes.providers import OpenProvider, ZaiProvider
from tools.ports import LOOPBACK, find_free_port

ROOT = Path(__file__).parents[2]
LIMIT = 300.0
"""Seconds for the one command to say that it is ready; everything is built already when the tests run."""


@contextmanager
def serve(home: Path, *destinations: str) -> Iterator[str]:
    """Run `build.py serve` as a newcomer would, and yield the link that it prints."""
    port = find_free_port()
    process = subprocess.Popen(
        [sys.executable, ROOT / "build.py", "serve", "--no-browser", "--port", str(port)],
        env={**os.environ, "XDG_CONFIG_HOME": str(home), "SIDESTEP_DESTINATIONS": ",".join(destinations)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    watchdog = threading.Timer(LIMIT, process.kill)
    watchdog.start()
    try:
        assert process.stdout
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith(f"http://{LOOPBACK}:{port}/#relay="):
                break
        else:
            raise AssertionError("no link was printed:\n" + "".join(lines))
        yield line.strip()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()
        watchdog.cancel()


def test_one_command_two_providers_two_answers(
    page: Page, tmp_path: Path, open_provider: OpenProvider, zai_provider: ZaiProvider
) -> None:
    open_provider.models.append("gpt-5.2")
    open_provider.text = "Straight from the provider: it answers browsers, so nothing stands in between."
    zai_provider.text = (
        "Around the corner. My provider answers **no browser**, so the same request went through your relay:\n\n"
        '```python\nasync for event in client.stream("zai-coding/glm-4.6", messages):\n    print(event)\n```'
    )
    with serve(tmp_path, open_provider.origin, zai_provider.origin) as link:
        app = App(page, link.partition("/#")[0])
        page.goto(link)
        app.wait_for_python()
        assert "relay=" not in page.url, "the token must leave the address bar"
        app.add_provider("OpenAI", key=open_provider.key, base_url=open_provider.base_url)
        app.add_provider("Z.ai coding plan", key=zai_provider.key, base_url=zai_provider.base_url)
        direct = app.ask("gpt-5.2", "Which way did you come?")
        expect(direct).to_contain_text("Straight from the provider")
        expect(badge_of(direct)).to_have_text("direct")
        relayed = app.ask("glm-4.6", "And you?")
        expect(relayed).to_contain_text("Around the corner")
        expect(badge_of(relayed)).to_have_text("relay This computer")
        if folder := os.environ.get("SIDESTEP_PICTURES"):
            page.screenshot(path=Path(folder) / "page.png")
        badge_of(relayed).click()
        expect(relayed.get_by_role("note")).to_contain_text("refused the browser's direct call")
        page.reload()
        app.wait_for_python()
        expect(app.answers).to_have_count(2)
        expect(badge_of(app.ask("glm-4.6", "Still there?"))).to_have_text("relay This computer")
