"""The main job, end to end: real browser, real CORS, real relay, real LiteLLM; nothing is stubbed in the page.

Page, relay and providers are four origins. What blocks a call is the browser's own enforcement of CORS.
"""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.apps import App, badge_of
from tests.fakes.providers import AnthropicProvider, HidesErrorsProvider, OpenProvider, ZaiProvider
from tests.fakes.servers import Hold, Stream
from tests.fakes.wires import write_chunk
from tests.relay.servers import RunningRelay


def add_zai(app: App, provider: ZaiProvider, key: str = "") -> None:
    app.add_provider("Z.ai coding plan", key=key or provider.key, base_url=provider.base_url)


def add_openai(app: App, provider: OpenProvider, key: str = "") -> None:
    app.add_provider("OpenAI", key=key or provider.key, base_url=provider.base_url)


def count_preflights(provider: OpenProvider) -> int:
    return sum(request.method == "OPTIONS" for request in provider.requests)


def test_an_open_provider_answers_directly_and_its_key_never_meets_the_relay(
    app: App, relay: RunningRelay, open_provider: OpenProvider
) -> None:
    app.pair(relay.url, relay.token)
    add_openai(app, open_provider)
    answer = app.ask("fake-small")
    expect(answer).to_contain_text(open_provider.text)
    expect(badge_of(answer)).to_have_text("direct")
    chat = open_provider.chats[-1]
    assert chat.headers["origin"] == app.address, "the browser itself must have called"
    assert chat.headers["authorization"] == f"Bearer {open_provider.key}"
    assert not [line for line in relay.log_lines() if line.get("event") == "chat"]
    assert open_provider.key not in "\n".join([*relay.stdout, *relay.stderr])


def test_a_blocked_provider_is_answered_through_the_relay_by_itself(
    app: App, relay: RunningRelay, zai_provider: ZaiProvider
) -> None:
    app.pair(relay.url, relay.token)
    add_zai(app, zai_provider)
    app.choose_model("glm-4.6")
    app.send("Say hello")
    failed = app.wait_for_answer("failed")
    # The first time only: a relay sees a key when the user has said so, and not before.
    failed.get_by_role("button", name="Allow Attic").click()
    answer = app.wait_for_answer("done")
    expect(answer).to_contain_text(zai_provider.text)
    expect(badge_of(answer)).to_have_text("relay Attic")
    expect(answer.get_by_text("Reasoning")).to_be_visible()
    logged = relay.wait_for_log(event="chat", status=200)
    assert logged["model"].endswith("glm-4.6")
    assert [request.method for request in zai_provider.requests][:1] == ["OPTIONS"], "direct was tried first"
    assert len(zai_provider.chats) == 1, "the provider is asked once, by the relay"
    assert "origin" not in zai_provider.chats[0].headers

    # Remembered: the second time goes to the relay at once, and the page says why.
    preflights = count_preflights(zai_provider)
    again = app.ask("glm-4.6", "And again")
    expect(badge_of(again)).to_have_text("relay Attic")
    assert count_preflights(zai_provider) == preflights
    app.go_to("Providers")
    expect(app.page.get_by_role("main")).to_contain_text("refused direct calls")


def test_two_providers_one_open_and_one_blocked_in_one_conversation(
    app: App, relay: RunningRelay, open_provider: OpenProvider, zai_provider: ZaiProvider
) -> None:
    app.pair(relay.url, relay.token)
    add_openai(app, open_provider)
    add_zai(app, zai_provider)
    expect(badge_of(app.ask("fake-small"))).to_have_text("direct")
    app.choose_model("glm-4.6")
    app.send("And you?")
    app.wait_for_answer("failed").get_by_role("button", name="Allow Attic").click()
    expect(badge_of(app.wait_for_answer("done"))).to_have_text("relay Attic")
    asked = zai_provider.chats[-1].json["messages"]
    assert [message["role"] for message in asked] == ["user", "assistant", "user"], "the conversation goes along"


def test_anthropic_answers_directly_because_it_is_asked_to_allow_browsers(
    app: App, relay: RunningRelay, anthropic_provider: AnthropicProvider
) -> None:
    app.open()
    app.add_provider("Anthropic", key=anthropic_provider.key, base_url=anthropic_provider.base_url)
    answer = app.ask("claude-fake")
    expect(answer).to_contain_text(anthropic_provider.text)
    expect(badge_of(answer)).to_have_text("direct")


def test_a_wrong_key_behind_hidden_errors_is_named_through_the_relay(
    app: App, relay: RunningRelay, hides_errors_provider: HidesErrorsProvider
) -> None:
    app.pair(relay.url, relay.token)
    add_openai(app, hides_errors_provider, key="sk-wrong-key-1234")
    app.choose_model("openai/fake-small")
    app.send("Say hello")
    app.wait_for_answer("failed").get_by_role("button", name="Allow Attic").click()
    failed = app.wait_for_answer("failed")
    expect(failed).to_contain_text("OpenAI refused the key")
    expect(failed).not_to_contain_text("sk-wrong-key-1234")
    app.go_to("Providers")
    expect(app.page.get_by_role("main")).not_to_contain_text("refused direct calls")


def test_a_wrong_relay_token_is_told_apart_from_a_wrong_key(
    app: App, relay: RunningRelay, zai_provider: ZaiProvider
) -> None:
    app.pair(relay.url, "a-wrong-token-0123456789-abcdefghij")
    add_zai(app, zai_provider)
    app.choose_model("glm-4.6")
    app.send("Say hello")
    app.wait_for_answer("failed").get_by_role("button", name="Allow Attic").click()
    failed = app.wait_for_answer("failed")
    expect(failed).to_contain_text("The relay “Attic” refused its token")
    assert zai_provider.chats == []


def test_a_relay_that_is_down_is_named_with_what_to_do(
    app: App, relay: RunningRelay, zai_provider: ZaiProvider
) -> None:
    app.pair(relay.url, relay.token)
    relay.process.terminate()
    relay.process.wait(20)
    add_zai(app, zai_provider)
    app.choose_model("glm-4.6")
    app.send("Say hello")
    app.wait_for_answer("failed").get_by_role("button", name="Allow Attic").click()
    failed = app.wait_for_answer("failed")
    expect(failed).to_contain_text(f"The relay “Attic” does not answer at {relay.url}")
    expect(failed).to_contain_text("Start it")


def test_stop_closes_the_connection_of_a_direct_answer(app: App, open_provider: OpenProvider) -> None:
    hold = Hold()
    open_provider.answers.append(Stream([write_chunk({"content": "Half an "}), hold]))
    app.open()
    add_openai(app, open_provider)
    app.choose_model("fake-small")
    app.send("Say hello")
    expect(app.answers.last).to_contain_text("Half an")
    app.page.get_by_role("button", name="Stop").click()
    answer = app.wait_for_answer("stopped")
    expect(answer).to_contain_text("Half an")
    assert open_provider.chats[-1].wait_closed(), "the fetch must be aborted, not only left unread"


def test_stop_closes_the_connection_behind_the_relay(app: App, relay: RunningRelay, zai_provider: ZaiProvider) -> None:
    hold = Hold()
    app.pair(relay.url, relay.token)
    app.add_provider("Z.ai coding plan", key=zai_provider.key, base_url=zai_provider.base_url, route="Relay only")
    zai_provider.answers.append(Stream([write_chunk({"role": "assistant", "content": "Half an "}), hold]))
    app.choose_model("glm-4.6")
    app.send("Say hello")
    app.wait_for_answer("failed").get_by_role("button", name="Allow Attic").click()
    expect(app.answers.last).to_contain_text("Half an")
    app.page.get_by_role("button", name="Stop").click()
    app.wait_for_answer("stopped")
    assert zai_provider.chats[-1].wait_closed()
