"""The fakes held to account: the vendors' own SDKs read from them what our client reads.

A fake that our client alone understands would prove nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types as google

from sidestep import Reply
from tests.fakes import (
    AnthropicProvider,
    FakeCall,
    GeminiProvider,
    MistralProvider,
    OllamaProvider,
    OpenProvider,
    ResponsesProvider,
    StrictOpenAIProvider,
    ZaiProvider,
)
from tests.fakes.providers import BaseProvider
from tests.wire.clients import ask

QUESTION = "Where do ducks sleep?"
CALLS = [FakeCall("call_1", "find", {"q": "dück", "n": 1}), FakeCall("call_2", "open", {})]


@dataclass
class Read:
    """What a client read of an answer, in the words that all of them share."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    finish: str = ""
    usage: tuple[int | None, int | None] = (None, None)


SDK = Callable[[BaseProvider, bool], Read]


def read_openai_chat(fake: BaseProvider, is_stream: bool) -> Read:
    client = openai.OpenAI(api_key=fake.key or "none", base_url=fake.base_url, max_retries=0)
    with client:
        messages: list[Any] = [{"role": "user", "content": QUESTION}]
        if not is_stream:
            whole = client.chat.completions.create(model=fake.models[0], messages=messages)
            return _read_completion(whole, getattr(whole.choices[0].message, "reasoning_content", ""))
        options: Any = openai.omit if isinstance(fake, MistralProvider) else {"include_usage": True}
        reasoning = ""
        with client.chat.completions.stream(model=fake.models[0], messages=messages, stream_options=options) as stream:
            for event in stream:
                if event.type == "chunk" and event.chunk.choices:
                    reasoning += getattr(event.chunk.choices[0].delta, "reasoning_content", "")
            return _read_completion(stream.get_final_completion(), reasoning)


def _read_completion(completion: Any, reasoning: str) -> Read:
    choice = completion.choices[0]
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or []]
    usage = (completion.usage.prompt_tokens, completion.usage.completion_tokens)
    return Read(choice.message.content, reasoning, calls, choice.finish_reason, usage)


def read_openai_responses(fake: BaseProvider, is_stream: bool) -> Read:
    client = openai.OpenAI(api_key=fake.key, base_url=fake.base_url, max_retries=0)
    with client:
        if not is_stream:
            return _read_response(client.responses.create(model=fake.models[0], input=QUESTION))
        with client.responses.stream(model=fake.models[0], input=QUESTION) as stream:
            return _read_response(stream.get_final_response())


def _read_response(response: Any) -> Read:
    items = response.output
    reasoning = "".join(part.text for item in items if item.type == "reasoning" for part in item.summary)
    calls = [(item.name, json.loads(item.arguments)) for item in items if item.type == "function_call"]
    finish = "tool_calls" if calls else {"completed": "stop"}[response.status]
    usage = (response.usage.input_tokens, response.usage.output_tokens)
    return Read(response.output_text, reasoning, calls, finish, usage)


def read_anthropic(fake: BaseProvider, is_stream: bool) -> Read:
    client = anthropic.Anthropic(api_key=fake.key, base_url=fake.origin, max_retries=0)
    with client:
        messages: list[Any] = [{"role": "user", "content": QUESTION}]
        if not is_stream:
            return _read_message(client.messages.create(model=fake.models[0], max_tokens=9, messages=messages))
        with client.messages.stream(model=fake.models[0], max_tokens=9, messages=messages) as stream:
            return _read_message(stream.get_final_message())


def _read_message(message: Any) -> Read:
    blocks = message.content
    finishes = {"end_turn": "stop", "tool_use": "tool_calls"}
    return Read(
        "".join(block.text for block in blocks if block.type == "text"),
        "".join(block.thinking for block in blocks if block.type == "thinking"),
        [(block.name, block.input) for block in blocks if block.type == "tool_use"],
        finishes[message.stop_reason],
        (message.usage.input_tokens, message.usage.output_tokens),
    )


def read_gemini(fake: BaseProvider, is_stream: bool) -> Read:
    with _open_gemini(fake) as client:
        if is_stream:
            chunks = list(client.models.generate_content_stream(model=fake.models[0], contents=QUESTION))
        else:
            chunks = [client.models.generate_content(model=fake.models[0], contents=QUESTION)]
    parts = list(_list_parts(chunks))
    called = [part.function_call for part in parts if part.function_call]
    calls: list[tuple[str, Any]] = [(call.name or "", call.args or {}) for call in called]
    usage: Any = chunks[-1].usage_metadata
    finish = (chunks[-1].candidates or [])[0].finish_reason
    assert finish == google.FinishReason.STOP
    return Read(
        "".join(part.text for part in parts if part.text and not part.thought),
        "".join(part.text for part in parts if part.text and part.thought),
        calls,
        "tool_calls" if calls else "stop",
        (usage.prompt_token_count, usage.candidates_token_count),
    )


def _open_gemini(fake: BaseProvider) -> genai.Client:
    return genai.Client(api_key=fake.key, http_options=google.HttpOptions(base_url=fake.origin, api_version="v1beta"))


def _list_parts(chunks: list[google.GenerateContentResponse]) -> Iterator[google.Part]:
    for chunk in chunks:
        for candidate in chunk.candidates or []:
            yield from (candidate.content.parts or []) if candidate.content else []


def translate(reply: Reply) -> Read:
    """Return what our client read, in the same words."""
    return Read(
        reply.text,
        reply.reasoning,
        [(call.name, json.loads(call.arguments or "{}")) for call in reply.tool_calls],
        reply.finish_reason,
        (reply.usage.input_tokens, reply.usage.output_tokens),
    )


PAIRS: list[tuple[type[BaseProvider], SDK]] = [
    (OpenProvider, read_openai_chat),
    (StrictOpenAIProvider, read_openai_chat),
    (ZaiProvider, read_openai_chat),
    (OllamaProvider, read_openai_chat),
    (ResponsesProvider, read_openai_responses),
    (AnthropicProvider, read_anthropic),
    (GeminiProvider, read_gemini),
]


@pytest.mark.parametrize("is_stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(
    ("reasoning", "calls"),
    [("", []), ("Ducks float. So they sleep afloat.", CALLS)],
    ids=["text", "reasoning-and-calls"],
)
@pytest.mark.parametrize(("kind", "sdk"), PAIRS, ids=lambda row: getattr(row, "__name__", None))
def test_the_vendors_sdk_reads_what_we_read(
    kind: type[BaseProvider], sdk: SDK, calls: list[FakeCall], reasoning: str, is_stream: bool
) -> None:
    with kind() as fake:
        fake.text = "On the water, heads tucked under. Grüße 🦆"
        fake.reasoning = reasoning
        fake.tool_calls = calls
        expected = Read(
            fake.text,
            reasoning,
            [(call.name, call.arguments) for call in calls],
            "tool_calls" if calls else "stop",
            (7, 5),
        )
        assert sdk(fake, is_stream) == expected
        assert translate(ask(fake, QUESTION, is_stream=is_stream)) == expected
        assert len(fake.chats) == 2


def test_openais_sdk_reads_mistrals_text() -> None:
    """Its thoughts are parts that the SDK has no type for, so only text is compared."""
    with MistralProvider() as fake:
        fake.text = "Afloat."
        read = read_openai_chat(fake, True)
        assert (read.text, read.finish, read.usage) == ("Afloat.", "stop", (7, 5))
        assert translate(ask(fake, QUESTION)) == read


def test_openais_sdk_is_refused_with_a_wrong_key() -> None:
    with (
        OpenProvider() as fake,
        openai.OpenAI(api_key="wrong", base_url=fake.base_url, max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()


def test_anthropics_sdk_is_refused_with_a_wrong_key() -> None:
    with (
        AnthropicProvider() as fake,
        anthropic.Anthropic(api_key="wrong", base_url=fake.origin, max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.models.list()


def test_each_sdk_lists_the_models() -> None:
    with OpenProvider() as fake, openai.OpenAI(api_key=fake.key, base_url=fake.base_url) as client:
        assert [model.id for model in client.models.list()] == fake.models
    with AnthropicProvider() as claude, anthropic.Anthropic(api_key=claude.key, base_url=claude.origin) as sdk:
        assert [model.id for model in sdk.models.list()] == claude.models
    with GeminiProvider() as gemini, _open_gemini(gemini) as genai_client:
        names = [model.name or "" for model in genai_client.models.list()]
        assert names == [*(f"models/{name}" for name in gemini.models), "models/embed-fake"]
