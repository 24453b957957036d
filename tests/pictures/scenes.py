"""What is pictured: each scene is a place in the page and what a person does there before looking."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.pages import PASSPHRASE, last_answer, send, wait_for_python

if TYPE_CHECKING:
    from tests.fakes.providers import OpenProvider
from tests.unit.fixtures import IMPORTS

# Python's start takes most of it.
expect.set_options(timeout=30_000)

_STORE = """async ({ settings, secrets, attempts }) => {
  const { Store } = await import(own("js/store.js"));
  const store = await Store.open(() => {});
  for (const [name, value] of Object.entries(settings)) await store.saveSetting(name, value);
  for (const [id, value] of Object.entries(secrets)) {
    await store.vault.save("providers", id, { value, custody: "device" });
  }
  // `ago` in hours; a little of everything, always the same.
  const rows = Array.from({ length: attempts.count }, (_, place) => {
    const row = attempts.rows[place % attempts.rows.length];
    const wobble = 1 + Math.sin(place * 1.7) / 3;
    return { input_tokens: 40, reasoning_tokens: null, cached_tokens: null, overhead: null, ...row,
      at: Date.now() / 1000 - (attempts.count - place) * 3600, first_token: row.first_token && row.first_token * wobble,
      total: row.total && row.total * wobble };
  });
  await store.addMeasurements(rows);
}"""
_FURNITURE = Path(__file__).parent / "furniture.json"


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture.

    Attributes:
        name: of its file.
        fragment: of the page's address.
        play: what is done before the picture is taken; it waits for what it did.
        is_first_visit: whether nothing is stored yet.
    """

    name: str
    fragment: str
    play: Callable[[Page], None]
    is_first_visit: bool = False


def furnish(context: BrowserContext, origin: str, fake: OpenProvider) -> None:
    """Store providers, a relay, rules and some conversations in *context*; *fake* answers."""
    page = context.new_page()
    page.route("**/pyodide/**", lambda route: route.abort())
    page.goto(f"{origin}/")
    settings = json.loads(_FURNITURE.read_text().replace("FAKE", fake.base_url))
    attempts = settings.pop("attempts")
    page.evaluate(_STORE, {"settings": settings, "secrets": {"fake": fake.key}, "attempts": attempts})
    page.unroute("**/pyodide/**")
    page.goto(f"{origin}/")
    page.reload()
    _talk(page, fake)
    page.close()


def _talk(page: Page, fake: OpenProvider) -> None:
    usual = fake.text
    fake.text, fake.reasoning = _LONG, "The reader wants to see what the page can show.\n\nSo I show all of it."
    send(page, "Show me what an answer can look like")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    fake.text, fake.reasoning = usual, ""
    _show_side(page)
    page.get_by_role("button", name="New chat").click()
    send(page, "Wie sagt man „sidestep“ auf Deutsch?")
    expect(last_answer(page)).to_have_attribute("data-status", "done")


_LONG = """## A heading

A paragraph with **bold**, *italic*, `code` and a [link](https://example.org/). A formula: $e^{i\\pi} + 1 = 0$.

| route | first token | tokens/s |
|---|---:|---:|
| direct | 312 ms | 84 |
| relay | 355 ms | 83 |

```python
async def main() -> None:
    reply = await client.complete("openai/gpt-5.2", "Say hello")
    print(reply.text)  # and how it came: reply.route
```

1. First
2. Second
   - nested

> Said by somebody.

$$\\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}$$
"""


def _wait(page: Page) -> None:
    expect(page.get_by_role("main").get_by_role("heading").first).to_be_attached()
    wait_for_python(page)


def _long_answer(page: Page) -> None:
    _wait(page)
    _show_side(page)
    page.get_by_role("button", name=re.compile("^Show me what an answer")).first.click()
    expect(last_answer(page)).to_contain_text("A heading")


def _show_side(page: Page) -> None:
    menu = page.get_by_role("button", name="Menu", exact=True)
    if menu.is_visible():
        menu.click()


def _search(page: Page) -> None:
    _wait(page)
    _show_side(page)
    page.get_by_role("searchbox", name="Search all chats").fill("sidestep")
    expect(page.get_by_text("places found")).to_be_visible()


def _menu(page: Page) -> None:
    _wait(page)
    _show_side(page)
    page.get_by_role("button", name=re.compile("^More for")).first.click()


def _models(page: Page) -> None:
    _wait(page)
    page.get_by_role("combobox", name="Model", exact=True).click()


def _compared(page: Page) -> None:
    _wait(page)
    _show_side(page)
    page.get_by_role("button", name="New chat").click()
    page.get_by_role("button", name="Compare with another model").click()
    send(page, "Which of you is faster?")
    expect(page.get_by_text("The chat goes on from here.")).to_be_visible()


def _settings_of_chat(page: Page) -> None:
    _wait(page)
    page.get_by_role("button", name=re.compile("^System prompt and parameters")).click()
    expect(page.get_by_label("Temperature")).to_be_visible()


def _import(page: Page) -> None:
    _wait(page)
    page.get_by_role("button", name="Import…").click()
    dialog = page.get_by_role("dialog", name="Import")
    dialog.get_by_label("Paste it here").fill((IMPORTS / "opencode" / "full.json").read_text(encoding="utf-8"))
    dialog.get_by_role("button", name="Look at it").click()
    expect(dialog.get_by_text("Our server")).to_be_visible()


def _export(page: Page) -> None:
    _wait(page)
    page.get_by_role("button", name="Export…").click()
    page.get_by_role("dialog").get_by_label("With keys and tokens").check()


def _moves(page: Page) -> None:
    _wait(page)
    page.get_by_role("button", name="Test all…").click()
    dialog = page.get_by_role("dialog", name="Test all providers")
    dialog.get_by_label("This computer may see the keys of all providers").check()
    dialog.get_by_role("button", name="Begin").click()
    expect(dialog.get_by_role("button", name="Close")).to_have_count(2)


def _backup(page: Page) -> None:
    _wait(page)
    page.get_by_role("button", name="Save it with keys…").click()
    dialog = page.get_by_role("dialog", name="Save everything, with keys")
    for label in ("Passphrase", "Once more"):
        dialog.get_by_label(label, exact=True).fill(PASSPHRASE)


def _restore(page: Page) -> None:
    _backup(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as a file").click()
    page.get_by_role("button", name="Restore a backup…").click()
    dialog = page.get_by_role("dialog", name="Restore a backup")
    dialog.get_by_label("Backup to restore").set_input_files(waiting.value.path())
    expect(dialog.get_by_role("row", name="In the backup")).to_be_visible()


def _data(page: Page) -> None:
    _wait(page)
    page.get_by_role("button", name="Save it with keys…").scroll_into_view_if_needed()


def _history(page: Page) -> None:
    _wait(page)
    page.evaluate("location.hash = '#providers'")
    page.get_by_role("button", name="Remove Anthropic").click()
    page.evaluate("location.hash = '#settings'")
    page.get_by_role("heading", name="Earlier configurations").scroll_into_view_if_needed()


def _add_provider(page: Page) -> None:
    _wait(page)
    page.get_by_role("button", name="Add provider").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


SCENES = (
    Scene("welcome", "", _wait, is_first_visit=True),
    Scene("chat", "#chat", _long_answer),
    Scene("chat-new", "#chat", _wait),
    Scene("search", "#chat", _search),
    Scene("chat-menu", "#chat", _menu),
    Scene("models", "#chat", _models),
    Scene("compared", "#chat", _compared),
    Scene("chat-settings", "#chat", _settings_of_chat),
    Scene("providers", "#providers", _wait),
    Scene("add-provider", "#providers", _add_provider),
    Scene("relays", "#relays", _wait),
    Scene("rules", "#rules", _wait),
    Scene("insights", "#insights", _wait),
    Scene("settings", "#settings", _wait),
    Scene("import", "#providers", _import),
    Scene("export", "#settings", _export),
    Scene("moves", "#providers", _moves),
    Scene("data", "#settings", _data),
    Scene("backup", "#settings", _backup),
    Scene("restore", "#settings", _restore),
    Scene("history", "#settings", _history),
    Scene("no-providers", "#providers", _wait, is_first_visit=True),
    Scene("no-relays", "#relays", _wait, is_first_visit=True),
    Scene("no-rules", "#rules", _wait, is_first_visit=True),
    Scene("no-insights", "#insights", _wait, is_first_visit=True),
)
"""In the order in which a visitor meets them."""
