"""What a person does in the page, as the tests' words."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

from tests.fakes.providers import OpenProvider

PASSPHRASE = "correct horse battery"
RELAY_TOKEN = "pairing-token-0123456789abcdef"

OVERHEAR = """
const Original = Worker;
globalThis.Worker = class extends Original {
  constructor(...parts) { super(...parts); globalThis.overheard = this; }
};
"""
"""An init script that lets a test talk to the page's worker."""

_SEED = """async ([provider, key, model]) => {
  const { Store } = await import(own("js/store.js"));
  const store = await Store.open();
  await store.saveSetting("config", { version: 1, providers: [provider], relays: [], consents: [] });
  await store.vault.save("providers", provider.id, { value: key, custody: "device" });
  await store.saveSetting("model", model);
}"""

_STORED_CONFIG = """async () => {
  const { Store } = await import(own("js/store.js"));
  const { config } = await (await Store.open()).settings();
  return config ?? { providers: [] };
}"""

_IS_KEPT = """async () => {
  const { active, scope } = await navigator.serviceWorker.ready;
  while (active.state !== "activated") await new Promise((tell) => active.onstatechange = tell);
  return scope;
}"""


class Held:
    """Requests of *page* for *pattern*, kept back until `release`."""

    def __init__(self, page: Page, pattern: str) -> None:
        self._routes: list[Route] = []
        self._is_open = False
        page.route(pattern, self._take)

    def _take(self, route: Route) -> None:
        if self._is_open:
            route.continue_()
        else:
            self._routes.append(route)

    def release(self) -> None:
        self._is_open = True
        for route in self._routes:
            route.continue_()


def make_link(url: str, name: str = "My laptop", **more: str) -> str:
    """Return a pairing link's fragment."""
    data = json.dumps({"url": url, "token": RELAY_TOKEN, "name": name, **more}).encode()
    return "#relay=" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def open_settings(page: Page) -> None:
    page.get_by_role("link", name="Settings", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")


def set_passphrase(page: Page) -> None:
    """Keep the keys under `PASSPHRASE`; they are open then."""
    open_settings(page)
    page.get_by_role("radio", name=re.compile("^Under a passphrase")).check()
    page.get_by_label("New passphrase", exact=True).fill(PASSPHRASE)
    page.get_by_label("Once more", exact=True).fill(PASSPHRASE)
    page.get_by_role("button", name="Set the passphrase").click()
    expect(page.get_by_role("button", name="Lock now")).to_be_visible()


def wait_for_python(page: Page) -> None:
    expect(page.get_by_role("status")).to_contain_text("Python is ready")


def store_provider(page: Page, fake: OpenProvider, headers: Mapping[str, str] | None = None) -> None:
    """Store *fake* as the provider `fake`, its first model chosen; the page has to be opened again to see it."""
    provider = {
        "id": "fake",
        "kind": "custom",
        "name": "Fake",
        "base_url": fake.base_url,
        "dialect": "openai_chat",
        "headers": dict(headers or {}),
        "route": "auto",
        "models": list(fake.models),
    }
    page.evaluate(_SEED, [provider, fake.key, f"fake/{fake.models[0]}"])


def stored_config(page: Page) -> dict[str, Any]:
    """Return the configuration as the page has stored it."""
    config: dict[str, Any] = page.evaluate(_STORED_CONFIG)
    return config


def wait_until_kept(page: Page) -> str:
    """Wait until the page's service worker has all that the page needs; the address that it keeps the page for."""
    scope: str = page.evaluate(_IS_KEPT)
    return scope


def ask_demo(page: Page) -> None:
    """Take the provider that needs no key, and wait for its answer."""
    page.get_by_role("button", name="Try the demo").click()
    send(page, "Hello")
    expect(last_answer(page)).to_have_attribute("data-status", "done")


def send(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Message").fill(text)
    page.get_by_role("button", name="Send").click()


def last_answer(page: Page) -> Locator:
    return page.get_by_role("log", name="Conversation").locator("[data-role=assistant]").last


def open_provider_form(page: Page) -> Locator:
    """Open the form for a new custom provider; the dialog."""
    page.get_by_role("link", name="Providers").click()
    page.get_by_role("button", name="Add provider").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Provider", exact=True).select_option("custom")
    return dialog


def fill_provider(dialog: Locator, fake: OpenProvider, name: str = "Mine") -> None:
    dialog.get_by_label("Name", exact=True).fill(name)
    dialog.get_by_label("Base URL").fill(fake.base_url)
    dialog.get_by_label("API key", exact=True).fill(fake.key)


def save(dialog: Locator) -> None:
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)


def provider_cards(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("listitem").filter(has=page.get_by_role("heading"))
