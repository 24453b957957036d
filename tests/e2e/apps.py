"""The page as a person uses it: by the names that they see and a screen reader speaks."""

from __future__ import annotations

import base64
import json
import re

from playwright.sync_api import Locator, Page, expect

PYTHON_START = 90_000
"""Milliseconds; Python's start is long on a busy machine with two cores."""

# A limit, not a pace: a relay that has just started loads LiteLLM first, and a busy machine takes its time.
expect.set_options(timeout=45_000)


class App:
    """One open page.

    Args:
        page: a browser page.
        address: where the built page is served, without a slash at its end.
    """

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address

    def open(self, fragment: str = "") -> App:
        """Open the page and wait until Python is ready."""
        self.page.goto(f"{self.address}/{fragment}")
        return self.wait_for_python()

    def wait_for_python(self) -> App:
        """Wait until the status says that Python is ready."""
        expect(self.page.get_by_role("status")).to_contain_text("Python is ready", timeout=PYTHON_START)
        return self

    def go_to(self, name: str) -> None:
        """Follow the navigation link *name*."""
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()

    def fill_provider(
        self, kind: str, *, key: str = "", base_url: str = "", name: str = "", route: str = ""
    ) -> Locator:
        """Fill the dialog for a new provider, without saving; return the dialog."""
        self.go_to("Providers")
        self.page.get_by_role("button", name="Add provider").first.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label("Provider", exact=True).select_option(label=kind)
        for label, value in (("Base URL", base_url), ("API key", key), ("Name", name)):
            if value:
                dialog.get_by_label(label, exact=True).fill(value)
        if route:
            dialog.get_by_label("Route", exact=True).select_option(label=route)
        return dialog

    def add_provider(self, kind: str, **fields: str) -> None:
        """Add a provider and go back to the chat."""
        dialog = self.fill_provider(kind, **fields)
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_have_count(0)
        self.go_to("Chat")

    def pair(self, url: str, token: str, name: str = "Attic", *, sealing_key: str = "") -> None:
        """Open a pairing link of a relay elsewhere and agree to add it."""
        sealing = {"key": sealing_key} if sealing_key else {}
        content = json.dumps({"url": url, "token": token, "name": name, **sealing}).encode()
        self.open("#relay=" + base64.urlsafe_b64encode(content).decode().rstrip("="))
        dialog = self.page.get_by_role("dialog")
        expect(dialog).to_contain_text(url)
        dialog.get_by_role("button", name="Add relay").click()
        expect(dialog).to_have_count(0)

    def choose_model(self, model: str) -> None:
        """Type a model's id into the box and take the first that fits."""
        box = self.page.get_by_role("combobox", name="Model")
        box.click()
        box.fill(model)
        expect(self.page.get_by_role("option").filter(has_text=model.rpartition("/")[2]).first).to_be_visible()
        box.press("Enter")

    def send(self, text: str) -> None:
        """Type a message and send it."""
        self.page.get_by_role("textbox", name="Message").fill(text)
        self.page.get_by_role("button", name="Send").click()

    def ask(self, model: str, text: str = "Say hello") -> Locator:
        """Choose a model, send a message and return the answer once it is whole."""
        self.choose_model(model)
        self.send(text)
        return self.wait_for_answer("done")

    def wait_for_answer(self, status: str) -> Locator:
        """Return the last answer once it has *status*: done, failed or stopped."""
        answer = self.answers.last
        expect(answer).to_have_attribute("data-status", re.compile(status))
        return answer

    @property
    def answers(self) -> Locator:
        """Every answer in the conversation."""
        return self.page.get_by_role("log", name="Conversation").locator("[data-role=assistant]")


def badge_of(answer: Locator) -> Locator:
    """Return the badge that says which way *answer* came."""
    return answer.get_by_role("button", name=re.compile("^(direct|relay )"))
