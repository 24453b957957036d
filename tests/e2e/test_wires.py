"""The other wires, from a page: each provider's own headers pass its own preflight, and its stream reads the same."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.apps import App, badge_of
from tests.fakes.gemini import GeminiProvider
from tests.fakes.providers import OpenProvider
from tests.fakes.responses import ResponsesProvider
from tests.fakes.servers import Answer, Recorded, Reply, Stream


def test_a_local_server_without_a_key_answers_directly(app: App, open_provider: OpenProvider) -> None:
    def answer_anybody(request: Recorded) -> Answer:
        is_chat = request.method == "POST"
        return (
            Stream(open_provider.write_stream("fake-small", True))
            if is_chat
            else Reply(200, open_provider.list_models())
        )

    open_provider.behaviour = answer_anybody
    open_provider.text = "<think>Somebody asks.</think>I run on this very computer."
    app.open()
    app.add_provider("llama.cpp", base_url=open_provider.base_url)
    answer = app.ask("fake-small")
    expect(badge_of(answer)).to_have_text("direct")
    expect(answer).to_contain_text("I run on this very computer.")
    expect(answer).not_to_contain_text("<think>")
    answer.get_by_text("Reasoning").click()
    expect(answer).to_contain_text("Somebody asks.")
    assert "authorization" not in open_provider.chats[-1].headers


def test_gemini_answers_directly_and_gets_its_signature_back(app: App, gemini_provider: GeminiProvider) -> None:
    gemini_provider.reasoning = "Somebody greets me."
    app.open()
    app.add_provider("Google Gemini", key=gemini_provider.key, base_url=gemini_provider.base_url)
    answer = app.ask("gemini-fake-pro")
    expect(badge_of(answer)).to_have_text("direct")
    expect(answer).to_contain_text(gemini_provider.text)
    app.send("And now?")
    app.wait_for_answer("done")
    expect(app.answers).to_have_count(2)
    turn = gemini_provider.chats[-1].json["contents"][1]
    assert turn["role"] == "model"
    assert gemini_provider.signature in [part.get("thoughtSignature") for part in turn["parts"]]


def test_the_responses_wire_answers_directly(app: App, responses_provider: ResponsesProvider) -> None:
    app.open()
    app.add_provider("OpenAI (Responses)", key=responses_provider.key, base_url=responses_provider.base_url)
    answer = app.ask(responses_provider.models[0])
    expect(badge_of(answer)).to_have_text("direct")
    expect(answer).to_contain_text(responses_provider.text)
    assert responses_provider.chats[-1].json["store"] is False
