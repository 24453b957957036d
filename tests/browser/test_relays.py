"""Relays: pairing links, consents, removal."""

import re

from playwright.sync_api import Page, expect

from sidestep.envelopes import decode_public_key, encode, make_fingerprint
from tests.browser.pages import RELAY_TOKEN, make_link, provider_cards, wait_for_python

_POINT = b"\x04" + bytes(range(64))


def test_relay_of_the_same_origin_is_paired_at_once(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/{make_link(static_server, 'This computer')}")
    expect(page.get_by_text("Paired with this computer's relay.")).to_be_visible()
    assert "relay=" not in page.url
    page.get_by_role("link", name="Relays").click()
    expect(provider_cards(page)).to_contain_text(re.compile("This computer.*every provider", re.DOTALL))
    assert RELAY_TOKEN not in page.content()


def test_relay_of_another_origin_is_shown_before_it_is_added(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/{make_link('https://relay.example')}")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("https://relay.example")
    assert "relay=" not in page.url
    dialog.get_by_role("button", name="Not now").click()
    page.get_by_role("link", name="Relays").click()
    expect(page.get_by_text("No relay yet")).to_be_visible()

    page.goto(f"{static_server}/{make_link('https://relay.example')}")
    dialog.get_by_role("button", name="Add relay").click()
    page.get_by_role("link", name="Relays").click()
    expect(provider_cards(page)).to_contain_text("Sees no provider's key")


def test_pairing_link_opened_in_an_open_page_is_taken_too(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/")
    wait_for_python(page)
    page.evaluate("hash => { location.hash = hash }", make_link("https://relay.example"))
    expect(page.get_by_role("dialog")).to_contain_text("https://relay.example")
    assert "relay=" not in page.url


def test_broken_pairing_link_gets_a_sentence(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/#relay=not-a-link")
    expect(page.get_by_text("That pairing link is incomplete.")).to_be_visible()
    assert "relay=" not in page.url


def test_pasted_link_fills_the_form_and_removal_can_be_undone(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/#relays")
    page.get_by_role("button", name="Add relay").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Relay URL").fill(f"https://page.example/{make_link('https://relay.example')}")
    expect(dialog.get_by_label("Relay URL")).to_have_value("https://relay.example")
    expect(dialog.get_by_label("Relay token", exact=True)).to_have_value(RELAY_TOKEN)
    dialog.get_by_role("button", name="Save").click()
    card = provider_cards(page)
    expect(card).to_contain_text("My laptop")
    page.get_by_role("button", name="Remove My laptop").click()
    expect(card).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(card).to_contain_text("https://relay.example")


def test_consent_can_be_revoked_and_given_back(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/{make_link(static_server, 'This computer')}")
    page.get_by_role("link", name="Relays").click()
    page.get_by_role("button", name="Revoke for every provider").click()
    expect(provider_cards(page)).to_contain_text("Sees no provider's key")
    page.get_by_role("button", name="Undo").click()
    expect(provider_cards(page)).to_contain_text("every provider")


def test_a_dialog_that_is_told_late_to_have_closed_takes_no_other_along(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/#relays")
    page.get_by_role("button", name="Add relay").click()
    expect(page.get_by_role("dialog")).to_contain_text("Relay URL")
    # In one task: the dialog closes, and before the browser tells so, a pairing link comes.
    page.evaluate(
        """async (hash) => {
          document.querySelector("dialog").close();
          location.hash = hash;
          await new Promise((resolve) => { addEventListener("hashchange", resolve, { once: true }); });
        }""",
        make_link("https://relay.example"),
    )
    expect(page.get_by_role("dialog")).to_contain_text("https://relay.example")


def test_a_link_with_a_key_seals_and_another_key_is_never_taken_by_itself(page: Page, static_server: str) -> None:
    keys = [encode(b"\x04" + bytes([place]) * 64) for place in (1, 2)]
    page.goto(f"{static_server}/{make_link(static_server, 'This computer', key=keys[0])}")
    page.get_by_role("link", name="Relays").click()
    card = provider_cards(page)
    expect(card).to_contain_text("Sealed: the host in front of it sees neither keys nor words.")
    expect(card).to_contain_text(make_fingerprint(decode_public_key(keys[0])))

    # Not even from the page's own origin, where a pairing is taken at once.
    page.evaluate("hash => { location.hash = hash }", make_link(static_server, "This computer", key=keys[1]))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("another sealing key")
    dialog.get_by_role("button", name="Not now").click()
    expect(card).to_contain_text(make_fingerprint(decode_public_key(keys[0])))

    page.evaluate("hash => { location.hash = hash }", make_link(static_server, "This computer"))
    expect(page.get_by_text("Paired with this computer's relay.").last).to_be_visible()
    expect(card).to_contain_text(make_fingerprint(decode_public_key(keys[0])))
    expect(card).to_contain_text("Sealed:")


def test_what_the_host_may_see_is_chosen_only_where_there_is_a_key(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/#relays")
    wait_for_python(page)
    page.get_by_role("button", name="Add relay").click()
    dialog = page.get_by_role("dialog")
    choice = dialog.get_by_label("What the host in front of it can see")
    expect(choice).to_be_disabled()
    expect(choice).to_have_value("off")
    dialog.get_by_label("Relay URL").fill(make_link("https://relay.example", key=encode(_POINT)))
    expect(choice).to_have_value("exchange")
    choice.select_option(label="Not the providers' keys")
    dialog.get_by_role("button", name="Save").click()
    card = provider_cards(page)
    expect(card).to_contain_text("sees the words, and not the providers' keys")

    # Editing something else changes nothing of it.
    page.get_by_role("button", name="Edit My laptop").click()
    dialog.get_by_label("Name").fill("Attic")
    dialog.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("Attic")
    expect(card).to_contain_text("sees the words, and not the providers' keys")


_TWO = """async () => {
  const { Store } = await import(own("js/store.js"));
  const store = await Store.open(() => {});
  const relay = (id) => ({ id, name: `Relay ${id}`, url: `https://${id}.example` });
  await store.saveSetting("config", { version: 1, relays: [relay("a"), relay("b")], consents: [],
    providers: [{ id: "mine", kind: "custom", name: "Mine", base_url: "https://mine.example/v1", dialect: "openai_chat",
      headers: {}, route: "auto", models: ["m"] }] });
  for (const id of ["a", "b"]) await store.vault.save("relays", id, { value: "t".repeat(40), custody: "device" });
}"""


def test_several_relays_have_an_order_weights_and_consents(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/")
    page.evaluate(_TWO)
    page.goto(f"{static_server}/#relays")
    page.reload()
    wait_for_python(page)
    cards = page.get_by_role("list", name="Your relays")
    expect(cards.get_by_role("heading")).to_have_text(["Relay a", "Relay b"])
    cards.get_by_role("button", name="Move Relay b up").click()
    expect(cards.get_by_role("heading")).to_have_text(["Relay b", "Relay a"])
    page.get_by_role("button", name="Edit Relay b").click()
    dialog = page.get_by_role("dialog", name="Edit relay")
    dialog.get_by_label("Weight").fill("0")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("A weight is a number above 0.")
    dialog.get_by_label("Weight").fill("2,5")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    first = cards.get_by_role("listitem").filter(has=page.get_by_role("heading")).first
    first.get_by_text("Allow it more").click()
    first.get_by_role("button", name="Let it see the key of Mine").click()
    expect(first).to_contain_text("May see the key of Mine.")
    page.reload()
    expect(cards.get_by_role("heading")).to_have_text(["Relay b", "Relay a"])
    expect(first).to_contain_text("May see the key of Mine.")
    page.get_by_role("button", name="Edit Relay b").click()
    expect(dialog.get_by_label("Weight")).to_have_value("2.5")


def test_a_link_pasted_anywhere_in_the_view_is_taken_and_the_guide_names_this_page(
    page: Page, static_server: str
) -> None:
    page.goto(f"{static_server}/#relays")
    expect(page.get_by_text("How to host one")).to_be_visible()
    command = page.locator(".guide pre").first
    expect(command).to_contain_text(f"SIDESTEP_ORIGINS={static_server} sidestep-relay serve --page {static_server}/")
    wait_for_python(page)
    page.get_by_role("heading", name="Relays", level=1).evaluate(
        """(heading, link) => {
          const data = new DataTransfer();
          data.setData("text/plain", link);
          heading.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        make_link("https://relay.example"),
    )
    expect(page.get_by_role("dialog", name="Add this relay?")).to_contain_text("https://relay.example")
