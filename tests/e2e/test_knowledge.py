"""What was learned of the ways outlives a visit, is known in every tab, and is forgotten in every tab."""

from playwright.sync_api import Page, expect

from tests.e2e.apps import App, badge_of
from tests.fakes.providers import ZaiProvider
from tests.relay.servers import RunningRelay

_COUNT = """async (name) => {
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open("sidestep");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const request = database.transaction(name).objectStore(name).count();
  await new Promise((resolve) => { request.onsuccess = resolve; });
  database.close();
  return request.result;
}"""


def count_preflights(provider: ZaiProvider) -> int:
    return len([request for request in provider.requests if request.method == "OPTIONS"])


def learn_that_it_is_blocked(app: App, relay: RunningRelay, provider: ZaiProvider) -> None:
    app.pair(relay.url, relay.token)
    app.add_provider("Z.ai coding plan", key=provider.key, base_url=provider.base_url)
    app.choose_model("glm-4.6")
    app.send("Say hello")
    app.wait_for_answer("failed").get_by_role("button", name="Allow Attic").click()
    expect(badge_of(app.wait_for_answer("done"))).to_have_text("relay Attic")


def open_providers(app: App) -> App:
    app.go_to("Providers")
    return app


def test_a_blocked_way_is_remembered_by_the_next_visit_and_by_other_tabs(
    app: App, relay: RunningRelay, zai_provider: ZaiProvider, page: Page
) -> None:
    learn_that_it_is_blocked(app, relay, zai_provider)
    other = App(page.context.new_page(), app.address).open()
    preflights = count_preflights(zai_provider)
    for tab in (other, app):
        tab.page.reload()
        tab.wait_for_python()
        expect(badge_of(tab.ask("glm-4.6", "Once more"))).to_have_text("relay Attic")
        open_providers(tab)
        expect(tab.page.get_by_role("main")).to_contain_text("Measured: needs a relay, since")
    assert count_preflights(zai_provider) == preflights, "nobody had to find out again"
    # Refused before and after the consent, then three good ones; each tab stored its own.
    assert page.evaluate(_COUNT, "measurements") == 5

    # Forgotten in one tab, it stays forgotten in both.
    app.page.get_by_role("button", name="Try direct again").click()
    for tab in (app, other):
        expect(tab.page.get_by_role("main")).to_contain_text("Not measured yet")
        expect(tab.page.get_by_role("main")).not_to_contain_text("Measured: needs a relay")
    other.page.reload()
    other.wait_for_python()
    expect(other.page.get_by_role("main")).to_contain_text("Not measured yet")


def test_a_diagnosis_says_what_is_wrong_and_its_remedy_is_a_click(
    app: App, relay: RunningRelay, zai_provider: ZaiProvider
) -> None:
    app.open()
    app.add_provider("Z.ai coding plan", key=zai_provider.key, base_url=zai_provider.base_url)
    app.choose_model("glm-4.6")
    app.send("Say hello")
    app.wait_for_answer("failed").get_by_role("button", name="Diagnose").click()
    dialog = app.page.get_by_role("dialog")
    expect(dialog.locator("[data-cause=cors_blocked]")).to_contain_text("Likely")
    expect(dialog).to_contain_text(f"SIDESTEP_ORIGINS={app.address} sidestep-relay serve")
    app.page.keyboard.press("Escape")

    app.pair(relay.url, relay.token)
    open_providers(app)
    app.page.get_by_role("button", name="Diagnose Z.ai coding plan").click()
    dialog.get_by_role("button", name="Allow Attic to see this key").click()
    expect(dialog).to_have_count(0)
    app.page.get_by_role("button", name="Diagnose Z.ai coding plan").click()
    expect(dialog.locator("[data-cause=cors_blocked]")).to_contain_text("Proven")
    expect(dialog).to_contain_text(f"Access-Control-Allow-Origin: {app.address}")
    dialog.get_by_role("button", name="Always use the relay").click()
    expect(app.page.get_by_role("main")).to_contain_text("Relay only")
    assert not [chat for chat in zai_provider.chats if chat.json.get("messages", [{}])[0].get("role") == "user"], (
        "a diagnosis asks nothing that anybody bills"
    )


def test_a_report_holds_what_was_seen_and_no_secret(app: App, relay: RunningRelay, zai_provider: ZaiProvider) -> None:
    learn_that_it_is_blocked(app, relay, zai_provider)
    open_providers(app)
    app.page.get_by_role("button", name="Diagnose Z.ai coding plan").click()
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="Save a report").click()
    report = download.value.path().read_text()
    assert "relay required" in report
    assert "Chrome" in report
    for secret in (zai_provider.key, relay.token, "Say hello", zai_provider.text):
        assert secret not in report
