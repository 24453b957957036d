"""Sealing, end to end: what a listener between the page and its relay sees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from sidestep.envelopes import decode_public_key, encode, make_fingerprint
from sidestep_relay.pairing import make_pairing_link
from sidestep_relay.sealing import make_sealing_key
from sidestep_relay.sealing_keys import read_keys
from tests.e2e.apps import App, badge_of
from tests.e2e.taps import Tap, tap_line
from tests.fakes.providers import ZaiProvider
from tests.relay.envelopes import read_public_key
from tests.relay.servers import RunningRelay

PROMPT = "What-nobody-else-may-read"
ANSWER = "and-what-nobody-else-may-hear"


@pytest.fixture
def tap(relay: RunningRelay) -> Iterator[Tap]:
    with tap_line(relay.port) as opened:
        yield opened


def choose_level(app: App, level: str) -> None:
    """Change what the host may see, as a person does."""
    app.go_to("Relays")
    app.page.get_by_role("button", name="Edit Attic").click()
    dialog = app.page.get_by_role("dialog")
    dialog.get_by_label("What the host in front of it can see").select_option(label=level)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    app.go_to("Chat")


def test_a_listener_sees_neither_key_nor_prompt_nor_answer_until_sealing_is_turned_off(
    app: App, relay: RunningRelay, tap: Tap, zai_provider: ZaiProvider
) -> None:
    zai_provider.text = ANSWER
    secrets = {name: name.encode() for name in (zai_provider.key, relay.token, PROMPT, ANSWER)}
    public_key = read_public_key(relay)
    app.pair(tap.url, relay.token, sealing_key=public_key)
    app.go_to("Relays")
    fingerprint = make_fingerprint(decode_public_key(public_key))
    expect(app.page.get_by_role("main")).to_contain_text(fingerprint)
    assert any(fingerprint in line for line in relay.stdout), "the relay says the same"
    app.add_provider("Z.ai coding plan", key=zai_provider.key, base_url=zai_provider.base_url)
    app.choose_model("glm-4.6")
    app.send(PROMPT)
    app.wait_for_answer("failed").get_by_role("button", name="Allow Attic").click()
    answer = app.wait_for_answer("done")
    expect(answer).to_contain_text(ANSWER)
    expect(badge_of(answer)).to_have_text("relay Attic")
    assert b"POST /v1/sealed" in tap.seen
    assert [name for name, data in secrets.items() if data in tap.seen] == []
    assert zai_provider.chats[-1].json["messages"][-1]["content"] == PROMPT

    choose_level(app, "Not the providers' keys")
    tap.clear()
    app.ask("glm-4.6", PROMPT)
    assert [name for name, data in secrets.items() if data in tap.seen] == [relay.token, PROMPT, ANSWER]

    choose_level(app, "Everything")
    tap.clear()
    app.ask("glm-4.6", PROMPT)
    assert [name for name, data in secrets.items() if data in tap.seen] == list(secrets), "so the tap does see"


def test_a_relay_with_another_key_than_the_pinned_one_gets_nothing(
    app: App, relay: RunningRelay, tap: Tap, zai_provider: ZaiProvider, page: Page
) -> None:
    other = encode(read_keys(make_sealing_key()).current.public)
    app.pair(tap.url, relay.token, sealing_key=other)
    app.add_provider("Z.ai coding plan", key=zai_provider.key, base_url=zai_provider.base_url, route="Relay only")
    app.choose_model("glm-4.6")
    app.send(PROMPT)
    app.wait_for_answer("failed").get_by_role("button", name="Allow Attic").click()
    failed = app.wait_for_answer("failed")
    expect(failed).to_contain_text("sealed to a key that this relay does not have")
    expect(failed).to_contain_text("pair again by the new link")
    assert zai_provider.chats == []
    assert zai_provider.key.encode() not in tap.seen
    assert PROMPT.encode() not in tap.seen

    # The right link: another key than before is shown, and taken only by a person.
    public_key = read_public_key(relay)
    page.evaluate(
        "hash => { location.hash = hash }",
        make_pairing_link("", tap.url, relay.token, "Attic", sealing_key=decode_public_key(public_key)),
    )
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("another sealing key")
    expect(dialog).to_contain_text(make_fingerprint(decode_public_key(other)))
    expect(dialog).to_contain_text(make_fingerprint(decode_public_key(public_key)))
    dialog.get_by_role("button", name="Add relay").click()
    expect(badge_of(app.ask("glm-4.6", PROMPT))).to_have_text("relay Attic")
    assert PROMPT.encode() not in tap.seen
