"""Coming from the web UI that this one follows: what it left in the browser's storage works at the first visit."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from tests.e2e.apps import App, badge_of
from tests.fakes.providers import OpenProvider, ZaiProvider
from tests.relay.servers import RunningRelay


def leave_behind(page: Page, address: str, open_provider: OpenProvider, zai_provider: ZaiProvider) -> None:
    """Put into the origin's storage what the earlier app kept there."""
    providers = [
        {"id": "1764720000000", "name": "Open one", "baseUrl": open_provider.base_url, "apiKey": open_provider.key,
         "authType": "bearer", "isActive": True, "models": [{"id": "fake-small", "name": "Small"}]},
        {"id": "1764720000001", "name": "Z.ai", "baseUrl": zai_provider.base_url, "apiKey": zai_provider.key,
         "authType": "bearer", "isActive": False, "customHeaders": {"User-Agent": "opencode"},
         "models": [{"id": "glm-4.6", "name": "GLM"}]},
    ]  # fmt: skip
    page.goto(f"{address}/manifest.webmanifest")
    page.evaluate("text => localStorage.setItem('opencode-providers', text)", json.dumps(providers))


def test_what_the_earlier_app_left_is_brought_over_works_is_moved_and_rolled_back(
    page: Page, static_server: str, relay: RunningRelay, open_provider: OpenProvider, zai_provider: ZaiProvider
) -> None:
    leave_behind(page, static_server, open_provider, zai_provider)
    app = App(page, static_server)
    app.open()
    offer = page.get_by_role("dialog", name="Bring over what another app left here?")
    expect(offer.get_by_text("A header that a page may not set was set aside: “User-Agent”.")).to_be_visible()
    offer.get_by_role("button", name="Apply 2 items").click()
    expect(offer).to_have_count(0)

    # Every provider works: the open one at once, the blocked one as soon as there is a relay that may see its key.
    answer = app.ask("fake-small")
    expect(answer).to_contain_text(open_provider.text)
    expect(badge_of(answer)).to_have_text("direct")
    app.pair(relay.url, relay.token)
    app.choose_model("glm-4.6")
    app.send("Say hello")
    app.wait_for_answer("failed").get_by_role("button", name="Allow Attic").click()
    answer = app.wait_for_answer("done")
    expect(answer).to_contain_text(zai_provider.text)
    expect(badge_of(answer)).to_have_text("relay Attic")

    # The blocked one is moved to the relay.
    app.go_to("Providers")
    card = (
        page.get_by_role("main")
        .get_by_role("listitem")
        .filter(has=page.get_by_role("heading", name="Z.ai", exact=True))
    )
    card.get_by_role("button", name="Test connection of Z.ai").click()
    page.get_by_role("dialog").get_by_role("button", name="Always use the relay").click()
    expect(card).to_contain_text("Relay only")
    preflights = sum(request.method == "OPTIONS" for request in zai_provider.requests)
    app.go_to("Chat")
    expect(badge_of(app.ask("glm-4.6", "And again"))).to_have_text("relay Attic")
    assert sum(request.method == "OPTIONS" for request in zai_provider.requests) == preflights

    # And back, step by step: before the move, then before the import.
    app.go_to("Settings")
    earlier = page.get_by_role("region", name="Earlier configurations").get_by_role("listitem")
    moved = earlier.filter(has_text="then: Z.ai changed")
    moved.get_by_role("button").click()
    app.go_to("Providers")
    expect(card).to_contain_text("Auto")
    app.go_to("Chat")
    expect(badge_of(app.ask("fake-small", "Still there?"))).to_have_text("direct")
    app.go_to("Settings")
    earlier.filter(has_text=re.compile("then: Open one added, Z.ai added")).get_by_role("button").click()
    app.go_to("Providers")
    expect(page.get_by_text("No provider yet.")).to_be_visible()
    # What the earlier app left is untouched, and not offered a second time.
    assert page.evaluate("localStorage.getItem('opencode-providers')")
