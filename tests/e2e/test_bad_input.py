"""What goes wrong at a user's desk: each fault gets a sentence, keeps what had come, and shows no key."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.apps import App, badge_of
from tests.fakes.providers import OpenProvider
from tests.fakes.servers import CUT, Answer, Hold, Reply, Stream
from tests.fakes.wires import DONE, split_inside_characters, write_chunk

KEY = "sk-open-canary-0123456789"
HALF = write_chunk({"content": "Half of it "})
END = write_chunk({}, finish_reason="stop")


def add_openai(app: App, provider: OpenProvider) -> None:
    provider.key = KEY
    app.add_provider("OpenAI", key=KEY, base_url=provider.base_url)
    app.choose_model("fake-small")


def assert_shows_no_key(app: App) -> None:
    assert KEY not in app.page.content()


def test_a_form_says_what_is_wrong_beside_the_field(app: App) -> None:
    app.open()
    faults = [
        ({"base_url": "api.openai.com"}, "Base URL", "must start with https://"),
        ({"base_url": "https://api.openai.com:port/v1"}, "Base URL", "check the host and the port"),
        ({"base_url": "https://me:secret@api.test/v1"}, "Base URL", "user name or password"),
        ({"key": ""}, "API key", "needs a key"),
        ({"key": "sk-one sk-two"}, "API key", "space or a line break"),
        ({"key": "sk\u2013dash"}, "API key", "no key has"),
    ]
    for fields, label, sentence in faults:
        dialog = app.fill_provider("OpenAI", **({"key": KEY} | fields))
        dialog.get_by_role("button", name="Save").click()
        field = dialog.get_by_label(label, exact=True)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(re.escape(sentence)))
        expect(field).to_be_focused()
        dialog.get_by_role("button", name="Cancel").click()
    expect(app.page.get_by_role("main")).not_to_contain_text("api.openai.com")


def test_a_key_with_stray_spaces_works(app: App, open_provider: OpenProvider) -> None:
    open_provider.key = KEY
    app.open()
    app.add_provider("OpenAI", key=f"  {KEY}\t", base_url=f" {open_provider.base_url}/chat/completions ")
    expect(app.ask("fake-small")).to_contain_text(open_provider.text)


def test_every_fault_of_an_answer_gets_its_sentence_and_keeps_what_came(app: App, open_provider: OpenProvider) -> None:
    app.open()
    add_openai(app, open_provider)
    faults: list[tuple[Answer, str, str]] = [
        (open_provider.error(401, f"Incorrect API key provided: {KEY}"), "OpenAI refused the key", ""),
        (open_provider.error(404, "no such model", code="model_not_found"), "does not know this model", ""),
        (open_provider.error(429, "quota", code="insufficient_quota"), "balance or the plan is used up", ""),
        (Reply(200, "<html>Sign in to the hotel network</html>"), "a web page instead of", ""),
        # So long that it is not waited for.
        (Reply(503, "<html>Bad day</html>", {"Retry-After": "3600"}), "is overloaded", ""),
        (Reply(200, b"{}garbage"), "broken JSON", ""),
        (Stream([HALF]), "broke off in the middle", "Half of it"),
        (Stream([HALF, b"data: {not json\n\n"]), "whose parts are not JSON", "Half of it"),
        (
            Stream([HALF, b'data: {"error": {"message": "the model fell over"}}\n\n']),
            "the model fell over",
            "Half of it",
        ),
    ]
    for answer, sentence, kept in faults:
        open_provider.answers.append(answer)
        app.send("Say hello")
        failed = app.wait_for_answer("failed")
        expect(failed).to_contain_text(sentence)
        expect(failed).to_contain_text(kept)
        assert_shows_no_key(app)


def test_a_connection_that_breaks_keeps_what_came(app: App, open_provider: OpenProvider) -> None:
    app.open()
    add_openai(app, open_provider)
    hold = Hold()
    open_provider.answers.append(Stream([HALF, hold, CUT]))
    app.send("Say hello")
    # A browser throws away what it had not handed over when the connection breaks, so first let it.
    expect(app.answers.last).to_contain_text("Half of it")
    hold.release()
    failed = app.wait_for_answer("failed")
    expect(failed).to_contain_text("broke while the answer was coming")
    expect(failed).to_contain_text("Half of it")


def test_a_character_cut_in_two_is_made_whole(app: App, open_provider: OpenProvider) -> None:
    app.open()
    add_openai(app, open_provider)
    text = "Grüße aus Zürich 🎈 日本語"
    pieces = split_inside_characters(write_chunk({"content": text}) + END + DONE)
    open_provider.answers.append(Stream(list(pieces)))
    app.send("Say hello")
    expect(app.wait_for_answer("done")).to_contain_text(text)


def test_a_relay_that_answers_garbage_is_named(app: App, open_provider: OpenProvider) -> None:
    app.pair(open_provider.origin, "a-token-0123456789-abcdefghij", name="Cellar")
    app.add_provider("Z.ai coding plan", key=KEY, base_url="http://127.0.0.1:9/v4", route="Relay only")
    app.choose_model("glm-4.6")
    open_provider.answers.append(Reply(200, "<html>I am a router</html>"))
    app.send("Say hello")
    app.wait_for_answer("failed").get_by_role("button", name="Allow Cellar").click()
    failed = app.wait_for_answer("failed")
    expect(failed).to_contain_text("The relay “Cellar” answered with a web page")
    assert_shows_no_key(app)


def test_a_badge_says_why(app: App, open_provider: OpenProvider) -> None:
    app.open()
    add_openai(app, open_provider)
    app.send("Say hello")
    badge = badge_of(app.wait_for_answer("done"))
    badge.click()
    expect(badge).to_have_attribute("aria-expanded", "true")
    expect(app.answers.last.get_by_role("note")).to_contain_text("Nothing stood in between")
