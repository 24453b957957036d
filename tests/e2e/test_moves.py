"""Many providers at once: tried by every route, moved to the one that works, and taken back."""

from __future__ import annotations

import json

from playwright.sync_api import Locator, Page, expect

from tests.e2e.apps import App, badge_of
from tests.fakes.providers import OpenProvider, ZaiProvider
from tests.relay.servers import RunningRelay


def card(page: Page, name: str) -> Locator:
    return (
        page.get_by_role("main").get_by_role("listitem").filter(has=page.get_by_role("heading", name=name, exact=True))
    )


def bring(app: App, open_provider: OpenProvider, zai_provider: ZaiProvider) -> None:
    """Import an open provider, a blocked one, and one that nobody serves."""
    fakes = {
        "Open": {"baseURL": open_provider.base_url, "apiKey": open_provider.key, "model": "fake-small"},
        "Blocked": {"baseURL": zai_provider.base_url, "apiKey": zai_provider.key, "model": "glm-4.6"},
        "Nobody": {"baseURL": "http://127.0.0.1:9/v1", "apiKey": "made-up", "model": "none"},
    }
    providers = {name.lower(): {"name": name, "options": {"baseURL": fake["baseURL"], "apiKey": fake["apiKey"]},
                                "models": {fake["model"]: {}}} for name, fake in fakes.items()}  # fmt: skip
    app.go_to("Providers")
    app.page.get_by_role("button", name="Import…").click()
    dialog = app.page.get_by_role("dialog")
    dialog.get_by_label("Paste it here").fill(json.dumps({"provider": providers}))
    dialog.get_by_role("button", name="Look at it").click()
    dialog.get_by_role("button", name="Apply 3 items").click()
    expect(dialog).to_have_count(0)


def test_all_are_tried_by_every_route_and_each_gets_the_one_that_works(
    app: App, relay: RunningRelay, open_provider: OpenProvider, zai_provider: ZaiProvider
) -> None:
    app.pair(relay.url, relay.token)
    bring(app, open_provider, zai_provider)
    page = app.page
    page.get_by_role("button", name="Test all…").click()
    dialog = page.get_by_role("dialog", name="Test all providers")
    dialog.get_by_label("Attic may see the keys of all providers").check()
    dialog.get_by_role("button", name="Begin").click()
    expect(dialog.get_by_text("1 provider would work better by another route.")).to_be_visible()
    rows = dialog.get_by_role("listitem")
    expect(rows.filter(has_text="Open")).to_contain_text("works directly")
    expect(rows.filter(has_text="Blocked")).to_contain_text("works through relay Attic")
    expect(rows.filter(has_text="Nobody")).to_contain_text("No way works.")
    expect(card(page, "Blocked")).to_contain_text("Auto")
    dialog.get_by_role("button", name="Change 1 route").click()
    expect(card(page, "Blocked")).to_contain_text("Relay only")
    expect(card(page, "Open")).to_contain_text("Auto")
    app.go_to("Chat")
    expect(badge_of(app.ask("glm-4.6"))).to_have_text("relay Attic")
    app.go_to("Providers")
    page.get_by_role("button", name="Undo").last.click()
    expect(card(page, "Blocked")).to_contain_text("Auto")


def test_a_way_back_to_direct_is_one_click(app: App, open_provider: OpenProvider, zai_provider: ZaiProvider) -> None:
    app.open()
    bring(app, open_provider, zai_provider)
    page = app.page
    for name in ("Open", "Blocked"):
        card(page, name).get_by_role("button", name=f"Edit {name}").click()
        page.get_by_role("dialog").get_by_label("Route").select_option("relay")
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(card(page, name)).to_contain_text("Relay only")
    page.get_by_role("button", name="All back to direct").click()
    for name in ("Open", "Blocked"):
        expect(card(page, name)).to_contain_text("Auto")
    page.get_by_role("button", name="Undo").last.click()
    expect(card(page, "Open")).to_contain_text("Relay only")
    card(page, "Open").get_by_role("button", name="Back to direct").click()
    expect(card(page, "Open")).to_contain_text("Auto")
    expect(card(page, "Blocked")).to_contain_text("Relay only")


def test_a_provider_that_needs_a_relay_is_offered_one_by_itself(
    app: App, relay: RunningRelay, open_provider: OpenProvider, zai_provider: ZaiProvider
) -> None:
    app.pair(relay.url, relay.token)
    bring(app, open_provider, zai_provider)
    page = app.page
    card(page, "Blocked").get_by_role("button", name="Test connection of Blocked").click()
    result = page.get_by_role("dialog").get_by_role("group", name="Result")
    expect(result).to_contain_text("No way works.")
    result.get_by_role("button", name="Route through Attic").click()
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    expect(card(page, "Open").get_by_role("button", name="Route through Attic")).to_have_count(0)
    expect(card(page, "Blocked")).to_contain_text("Relay only")
    app.go_to("Chat")
    expect(badge_of(app.ask("glm-4.6"))).to_have_text("relay Attic")


def test_a_test_of_all_can_be_stopped(app: App, open_provider: OpenProvider, zai_provider: ZaiProvider) -> None:
    app.open()
    bring(app, open_provider, zai_provider)
    page = app.page
    page.route(f"{open_provider.base_url}/**", lambda _: None)
    page.get_by_role("button", name="Test all…").click()
    dialog = page.get_by_role("dialog", name="Test all providers")
    dialog.get_by_role("button", name="Begin").click()
    expect(dialog.get_by_text("2 of 3 tried.")).to_be_visible()
    dialog.get_by_role("button", name="Stop the test").click()
    expect(dialog.get_by_role("listitem").filter(has_text="Open")).to_contain_text("stopped")
    dialog.get_by_role("button", name="Close").last.click()
    assert not [request for request in open_provider.requests if request.method == "POST"]
