"""Take the README's picture: `python -m tests.pictures.readme FILE`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.apps import App
from tests.fakes.providers import OpenProvider, ZaiProvider
from tests.relay.servers import run_relay
from tools.browsers import list_arguments, prepare_browser
from tools.places import DIST
from tools.servers import serve_folder

_DIRECT = "Straight from the provider: it answers browsers, so nothing stands in between."
_RELAYED = """Around the corner. My provider answers **no browser**, so the same request went through your relay:

```python
async for event in client.stream("zai-coding/glm-4.6", messages):
    print(event)
```
"""


def main(arguments: Sequence[str]) -> int:
    """Ask one provider that answers browsers and one that does not, and take the picture; return the exit code."""
    (file,) = arguments
    with (
        serve_folder(DIST) as origin,
        OpenProvider() as openai,
        ZaiProvider() as zai,
        run_relay(origins=[origin], destinations=[openai.origin, zai.origin]) as relay,
        sync_playwright() as playwright,
    ):
        openai.models, openai.text = ["gpt-5.2"], _DIRECT
        zai.reasoning, zai.text = "The reader asks which way I came.", _RELAYED
        browser = playwright.chromium.launch(executable_path=prepare_browser(), args=list_arguments())
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light", service_workers="block")
        app = App(page, origin)
        app.pair(relay.url, relay.token, "This computer")
        app.add_provider("OpenAI", key=openai.key, base_url=openai.base_url)
        app.add_provider("Z.ai coding plan", key=zai.key, base_url=zai.base_url)
        _talk(app)
        _show(page)
        page.screenshot(path=Path(file))
        browser.close()
    return 0


def _talk(app: App) -> None:
    app.ask("gpt-5.2", "Which way did you come?")
    app.choose_model("glm-4.6")
    app.send("And you?")
    app.wait_for_answer("failed").get_by_role("button", name="Allow This computer").click()
    app.wait_for_answer("done")


def _show(page: Page) -> None:
    expect(page.get_by_role("button", name="Dismiss")).to_have_count(0)
    page.mouse.move(0, 0)
    expect(page.get_by_role("log", name="Conversation")).to_contain_text("print(event)")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
