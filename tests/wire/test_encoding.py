"""What we send, held against what each vendor's published schema takes; and what a provider refuses is not sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sidestep import BadRequest, ImagePart, Message, ReasoningPart, TextPart, ToolCall
from sidestep.calls import make_chat_call, make_chat_request
from sidestep.catalogue import CatalogueEntry, load_catalogue
from sidestep.config import Provider, Relay
from sidestep.dialects import DIALECTS
from sidestep.types import Endpoint, FilePart, Tool, WireRules
from tests.fakes import (
    AnthropicProvider,
    GeminiProvider,
    MistralProvider,
    ResponsesProvider,
    StrictOpenAIProvider,
)
from tests.fakes.providers import BaseProvider
from tests.fakes.schemas import find_problem
from tests.wire.clients import ask

PIXEL = "data:image/png;base64,iVBORw0KGgo="
PAPER = "data:application/pdf;base64,JVBERi0xLjcK"
PARAMETERS = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
TOOLS = (Tool("find", "Finds what is asked for.", PARAMETERS), Tool("now"))
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
CALLS = (ToolCall("call_1", "find", '{"q": "ducks"}', "c2lnbmVkLWNhbGw="), ToolCall("call_2", "now", ""))
RESULTS = (Message("tool", "Two ducks.", (), "call_1"), Message("tool", "Noon.", (), "call_2"))
THOUGHT = ReasoningPart("Ask the tool.", "c2lnbmVkLXRob3VnaHQ=", "rs_1")
HIDDEN = ReasoningPart("", "aGlkZGVu", "rs_2", is_redacted=True)
USER = Message("user", "Which ducks?")


def parts(*shown: TextPart | ImagePart | FilePart) -> list[Message]:
    return [Message("user", shown)]


REQUESTS: dict[str, tuple[list[Message], dict[str, Any]]] = {
    "one question": ([USER], {}),
    "not streamed": ([USER], {"is_stream": False}),
    "system prompts and turns": (
        [
            Message("system", "Be brief."),
            Message("system", "Be kind."),
            USER,
            Message("assistant", "Mallards."),
            Message("user", "Grüße\u2028🦆 \ud83d"),
        ],
        {},
    ),
    "an answer stopped before its first word": ([USER, Message("assistant", ""), USER], {}),
    "image by address": (parts(TextPart("What is it?"), ImagePart("https://example.com/duck.png")), {}),
    "image inside": (parts(ImagePart(PIXEL), TextPart("What is it?")), {}),
    "file inside": (parts(FilePart("paper.pdf", PAPER), TextPart("Sum it up.")), {}),
    "tools": ([USER], {"tools": TOOLS}),
    "tools, auto": ([USER], {"tools": TOOLS, "tool_choice": "auto"}),
    "tools, none": ([USER], {"tools": TOOLS, "tool_choice": "none"}),
    "tools, required": ([USER], {"tools": TOOLS, "tool_choice": "required"}),
    "tools, named": ([USER], {"tools": TOOLS, "tool_choice": "find"}),
    "tool results": ([USER, Message("assistant", "One moment.", CALLS), *RESULTS], {"tools": TOOLS}),
    "calls without text": ([USER, Message("assistant", "", CALLS), *RESULTS], {"tools": TOOLS}),
    "structured output": ([USER], {"response_schema": SCHEMA}),
    **{
        f"effort {effort}": ([USER], {"reasoning_effort": effort})
        for effort in ("none", "minimal", "low", "medium", "high", "max")
    },
    "budget": ([USER], {"reasoning_budget": 2048, "max_tokens": 100}),
    "reasoning returned": (
        [USER, Message("assistant", (THOUGHT, HIDDEN, TextPart("Wait.")), CALLS), *RESULTS],
        {"tools": TOOLS},
    ),
    "reasoning without a signature": ([USER, Message("assistant", (ReasoningPart("Hm."), TextPart("Yes."))), USER], {}),
    "everything about sampling": (
        [USER],
        {
            "temperature": 0.5,
            "top_p": 0.9,
            "max_tokens": 100,
            "stop": ("END", "STOP"),
            "seed": 7,
            "presence_penalty": 0.1,
            "frequency_penalty": 0.2,
        },
    ),
}
KINDS: list[type[BaseProvider]] = [
    StrictOpenAIProvider,
    ResponsesProvider,
    AnthropicProvider,
    GeminiProvider,
    MistralProvider,
]


@contextmanager
def run_strict(kind: type[BaseProvider]) -> Iterator[BaseProvider]:
    with kind() as fake:
        fake.is_strict = True
        yield fake


def sent(kind: type[BaseProvider], name: str, **more: Any) -> dict[str, Any]:
    """Return the body that a request became, once a strict fake has taken it."""
    messages, parameters = REQUESTS[name]
    with run_strict(kind) as fake:
        assert ask(fake, messages, **parameters, **more).text == fake.text
        body: dict[str, Any] = fake.chats[0].json
        return body


@pytest.mark.parametrize("kind", KINDS)
def test_the_vendor_takes_every_request(kind: type[BaseProvider]) -> None:
    with run_strict(kind) as fake:
        for name, (messages, parameters) in REQUESTS.items():
            if kind is MistralProvider and name == "file inside":
                continue  # has its own test: the wire has another place for files
            assert ask(fake, messages, **parameters).text == fake.text, name


def test_what_a_wire_has_no_place_for_is_refused_in_the_vendors_words() -> None:
    messages, _ = REQUESTS["file inside"]
    with run_strict(MistralProvider) as fake, pytest.raises(BadRequest):
        ask(fake, messages)


@pytest.mark.parametrize("kind", KINDS)
def test_a_strict_fake_refuses_what_is_unknown_or_missing(kind: type[BaseProvider]) -> None:
    with run_strict(kind) as fake:
        with pytest.raises(BadRequest, match=r"of_our_own|unknown|extra"):
            ask(fake, "Hi", extra={"of_our_own": 1})
        empty: dict[str, Any] = (
            {"input": [{"type": "function_call"}]} if kind is ResponsesProvider else {"stream": True}
        )
        assert find_problem(fake.schema, empty)


# --- OpenAI, chat


def test_openai_gets_its_own_names() -> None:
    body = sent(StrictOpenAIProvider, "everything about sampling", extra={"service_tier": "flex"})
    assert body["max_completion_tokens"] == 100
    assert "max_tokens" not in body
    assert (body["temperature"], body["top_p"], body["seed"]) == (0.5, 0.9, 7)
    assert (body["presence_penalty"], body["frequency_penalty"]) == (0.1, 0.2)
    assert body["stop"] == ["END", "STOP"]
    assert body["service_tier"] == "flex"
    assert body["stream_options"] == {"include_usage": True}


def test_openai_gets_tools_and_their_results() -> None:
    body = sent(StrictOpenAIProvider, "calls without text")
    _, turn, *results = body["messages"]
    assert turn["content"] is None
    assert [(call["id"], call["function"]["arguments"]) for call in turn["tool_calls"]] == [
        ("call_1", '{"q": "ducks"}'),
        ("call_2", "{}"),
    ]
    assert [(row["tool_call_id"], row["content"]) for row in results] == [("call_1", "Two ducks."), ("call_2", "Noon.")]
    assert sent(StrictOpenAIProvider, "tools, named")["tool_choice"] == {
        "type": "function",
        "function": {"name": "find"},
    }
    assert sent(StrictOpenAIProvider, "structured output")["response_format"]["json_schema"]["schema"] == SCHEMA


# --- OpenAI, responses


def test_responses_get_reasoning_back_as_it_came() -> None:
    body = sent(ResponsesProvider, "reasoning returned")
    thought, hidden, said, *calls = body["input"][1:]
    assert (thought["id"], thought["encrypted_content"]) == (THOUGHT.id, THOUGHT.signature)
    assert thought["summary"] == [{"type": "summary_text", "text": THOUGHT.text}]
    assert (hidden["id"], hidden["encrypted_content"], hidden["summary"]) == (HIDDEN.id, HIDDEN.signature, [])
    assert said["role"] == "assistant"
    assert [row["type"] for row in calls] == [*["function_call"] * 2, *["function_call_output"] * 2]
    assert body["store"] is False
    assert body["include"] == ["reasoning.encrypted_content"]


def test_responses_get_their_own_names() -> None:
    body = sent(ResponsesProvider, "everything about sampling", extra={"truncation": "auto"})
    assert body["max_output_tokens"] == 100
    assert not {"stop", "seed", "presence_penalty", "frequency_penalty", "max_tokens"} & body.keys()
    assert body["truncation"] == "auto"
    assert sent(ResponsesProvider, "system prompts and turns")["instructions"] == "Be brief.\n\nBe kind."
    assert sent(ResponsesProvider, "effort high")["reasoning"] == {"effort": "high", "summary": "auto"}
    assert sent(ResponsesProvider, "tools, named")["tool_choice"] == {"type": "function", "name": "find"}


# --- Anthropic


def test_anthropic_gets_reasoning_back_as_it_came() -> None:
    _, turn, results = sent(AnthropicProvider, "reasoning returned")["messages"]
    assert turn["content"][:2] == [
        {"type": "thinking", "thinking": THOUGHT.text, "signature": THOUGHT.signature},
        {"type": "redacted_thinking", "data": HIDDEN.signature},
    ]
    assert [block["type"] for block in turn["content"][2:]] == ["text", "tool_use", "tool_use"]
    assert [block["tool_use_id"] for block in results["content"]] == ["call_1", "call_2"]
    unsigned = sent(AnthropicProvider, "reasoning without a signature")["messages"][1]
    assert unsigned["content"] == [{"type": "text", "text": "Yes."}]


def test_anthropic_gets_its_own_names() -> None:
    body = sent(AnthropicProvider, "everything about sampling", extra={"service_tier": "auto"})
    assert (body["max_tokens"], body["stop_sequences"], body["service_tier"]) == (100, ["END", "STOP"], "auto")
    assert not {"stop", "seed", "presence_penalty", "frequency_penalty"} & body.keys()
    assert sent(AnthropicProvider, "one question")["max_tokens"] > 0
    assert sent(AnthropicProvider, "system prompts and turns")["system"] == "Be brief.\n\nBe kind."
    budget = sent(AnthropicProvider, "budget")
    assert budget["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert budget["max_tokens"] > 2048
    choices = [sent(AnthropicProvider, f"tools, {word}")["tool_choice"] for word in ("auto", "none", "required")]
    assert [choice["type"] for choice in choices] == ["auto", "none", "any"]
    assert sent(AnthropicProvider, "tools, named")["tool_choice"] == {"type": "tool", "name": "find"}


def test_newer_claudes_are_told_the_effort_in_a_word() -> None:
    """They refuse a budget; older ones know nothing else. Which of the two it is, is data of the row."""
    endpoint, rules = Endpoint("https://api.test/v1"), WireRules(reasoning_control="adaptive")
    request = make_chat_request("claude", [USER], {"reasoning_effort": "minimal", "response_schema": SCHEMA})
    body = json.loads(DIALECTS["anthropic"].encode_chat(request, endpoint, rules).body or b"")
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}
    assert body["max_tokens"] == rules.default_max_tokens
    assert find_problem("anthropic", body) == ""


# --- Gemini


def test_gemini_gets_its_own_names() -> None:
    config = sent(GeminiProvider, "everything about sampling")["generationConfig"]
    assert config == {
        "temperature": 0.5,
        "topP": 0.9,
        "maxOutputTokens": 100,
        "stopSequences": ["END", "STOP"],
        "seed": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
    }
    assert sent(GeminiProvider, "budget")["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 2048
    assert sent(GeminiProvider, "effort none")["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 0
    named = sent(GeminiProvider, "tools, named")["toolConfig"]["functionCallingConfig"]
    assert named == {"mode": "ANY", "allowedFunctionNames": ["find"]}
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    assert sent(GeminiProvider, "one question", extra={"safetySettings": settings})["safetySettings"] == settings


def test_gemini_gets_signatures_back_as_they_came() -> None:
    _, turn, results = sent(GeminiProvider, "reasoning returned")["contents"]
    signatures = [part["thoughtSignature"] for part in turn["parts"] if "thoughtSignature" in part]
    assert signatures == [THOUGHT.signature, HIDDEN.signature, CALLS[0].signature]
    assert [part["functionResponse"]["name"] for part in results["parts"]] == ["find", "now"]


def test_gemini_gets_no_header_that_its_preflight_forbids() -> None:
    with run_strict(GeminiProvider) as fake:
        ask(fake, "Hi")
        headers = fake.chats[0].headers.keys()
    ours = headers - {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}
    assert ours == {"content-type", "x-goog-api-key"}


# --- by row of the catalogue


def build(entry: CatalogueEntry, name: str, *, relay: bool) -> dict[str, Any]:
    """Return the body that a request to the catalogue's provider has, directly or through a relay."""
    messages, parameters = REQUESTS[name]
    base_url = entry.base_url or "https://own.test/v1"
    call = make_chat_call(
        Provider("own", kind=entry.id, api_key="key-of-a-test", base_url=base_url),
        make_chat_request("some-model", messages, parameters),
    )
    http = call.encode_for_relay(Relay("https://relay.test", token="token-of-a-test")) if relay else call.direct
    body: dict[str, Any] = json.loads(http.body or b"")
    return body


# Fields that a provider is known to refuse, wherever they stand (facts with their sources in the catalogue).
REFUSED = {
    "mistral": {"stream_options", "seed", "reasoning_content", "reasoning_effort", "max_completion_tokens"},
    "perplexity": {"tools", "tool_choice", "seed"},
    "deepseek": {"seed"},
    "zai": {"seed"},
    "zai-coding": {"seed"},
    "bigmodel": {"seed"},
    "gemini": {"stream", "max_tokens", "maxTokens"},
    "anthropic": {"seed", "stop", "presence_penalty", "frequency_penalty"},
    "openai-responses": {"stop", "seed", "messages", "max_tokens"},
    "openai": {"max_tokens", "reasoning_content"},
}


def list_names(value: Any) -> set[str]:
    """Return every field name in *value*, except inside schemas, which are the caller's."""
    if isinstance(value, list):
        return {name for row in value for name in list_names(row)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {name for key, row in value.items() if key != "parameters" for name in list_names(row)}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_provider_refuses_is_not_sent(name: str) -> None:
    entry = load_catalogue()[name]
    for request in REQUESTS:
        assert not REFUSED[name] & list_names(build(entry, request, relay=False)), request


DIRECT = [name for name, entry in load_catalogue().items() if not entry.is_relay_only]


@pytest.mark.parametrize("name", DIRECT)
def test_every_row_speaks_its_wire(name: str) -> None:
    """Beside what the vendor's own schema knows, only the row's own ways of steering reasoning are sent."""
    entry = load_catalogue()[name]
    steering = {"thinking", "enable_thinking", "thinking_budget", "reasoning", entry.rules.reasoning_return}
    for request in REQUESTS:
        body = build(entry, request, relay=False)
        for row in [body, *body.get("messages", [])]:
            for field in steering & row.keys() if entry.dialect == "openai_chat" else ():
                del row[field]
        if entry.dialect == "gemini":
            body.pop("model", None)
        assert find_problem(entry.dialect, body) == "", request


@pytest.mark.parametrize("name", load_catalogue())
def test_a_relay_is_always_spoken_to_in_openais_wire(name: str) -> None:
    entry = load_catalogue()[name]
    body = build(entry, "everything about sampling", relay=True)
    assert body["model"] == f"{entry.litellm_prefix}/some-model"
    assert find_problem("openai_chat", body) == ""
