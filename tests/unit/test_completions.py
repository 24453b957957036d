"""LiteLLM's `acompletion` in our hands: its arguments, its shapes, its errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

import pytest

import sidestep
from sidestep import MockResponse, MockTransport, completions, errors
from sidestep.catalogue import load_catalogue
from sidestep.completions.failures import NAMES, translate_error
from sidestep.completions.providers import find_target
from sidestep.types import HttpRequest
from tests.unit.answers import EVENT_STREAM, delta, refused, said, sse, streamed, usage

QUESTION = [{"role": "user", "content": "Say hello"}]
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}, "strict": True}}
THOUGHT = [
    {"type": "message_start", "message": {"usage": {"input_tokens": 7, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "signed"}},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t1", "name": "weather"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'}},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
    {"type": "message_stop"},
]


def answering(answer: MockResponse | Exception) -> MockTransport:
    return MockTransport(lambda _: answer)


def body_of(transport: MockTransport) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(transport.requests[-1].body or b"{}")
    return body


async def ask(answer: MockResponse | Exception | MockTransport, model: str = "openai/gpt-5.2", **more: Any) -> Any:
    transport = answer if isinstance(answer, MockTransport) else answering(answer)
    given: dict[str, Any] = {"api_key": "sk-test", "num_retries": 0, "messages": QUESTION} | more
    return await sidestep.acompletion(model, given.pop("messages"), transport=transport, **given)


async def sent(model: str = "openai/gpt-5.2", **given: Any) -> dict[str, Any]:
    """Return the body that a call sends."""
    is_anthropic = model.startswith("anthropic/")
    transport = answering(MockResponse(200, pieces=[sse(*THOUGHT, done=False)]) if is_anthropic else said("Hi"))
    await ask(transport, model, **given)
    return body_of(transport)


async def fails(model: str = "openai/gpt-5.2", **given: Any) -> completions.CompletionError:
    """Return the error of a call that must not send anything."""
    transport = answering(said("Hi"))
    with pytest.raises(completions.CompletionError) as caught:
        await ask(transport, model, **given)
    assert transport.requests == []
    return caught.value


async def test_an_answer_is_attribute_and_dictionary_alike() -> None:
    response = await ask(said("Hello"))
    assert response.choices[0].message.content == "Hello"
    assert response["choices"][0]["message"]["content"] == "Hello"
    assert response.choices[0].finish_reason == "stop"
    assert (response.object, response.model) == ("chat.completion", "gpt-5.2")
    assert response.id.startswith("chatcmpl-")
    assert isinstance(response.created, int)
    assert (response.usage.prompt_tokens, response.usage.completion_tokens, response.usage.total_tokens) == (3, 2, 5)
    assert response.get("nothing", "else") == "else"
    assert not hasattr(response.choices[0].message, "reasoning_content"), (
        "what is not there is not there, as in LiteLLM"
    )
    response.choices[0].message.content = "Changed"
    assert response["choices"][0]["message"]["content"] == "Changed"


async def test_an_answer_can_be_dumped() -> None:
    response = await ask(said("Hello"))
    dumped = response.model_dump()
    assert type(dumped["choices"][0]["message"]) is dict
    assert dumped["choices"][0]["message"]["tool_calls"] is None
    assert "tool_calls" not in response.model_dump(exclude_none=True)["choices"][0]["message"]
    assert response.json() == dumped == json.loads(response.model_dump_json())


async def test_an_answer_says_which_way_it_came() -> None:
    response = await ask(said("Hello"))
    assert response.route.route.kind == "direct"
    assert response._hidden_params["route"]["kind"] == "direct"
    assert response._hidden_params["route"]["reason"]
    assert "route" not in response.model_dump(), "the answer itself stays as LiteLLM has it"


async def test_usage_tells_reasoning_and_cache() -> None:
    counts = {
        "prompt_tokens": 7,
        "completion_tokens": 5,
        "completion_tokens_details": {"reasoning_tokens": 3},
        "prompt_tokens_details": {"cached_tokens": 2},
    }
    response = await ask(streamed(delta("Hi"), delta(finish="stop"), {"choices": [], "usage": counts}))
    assert response.usage.completion_tokens_details.reasoning_tokens == 3
    assert response.usage.prompt_tokens_details.cached_tokens == 2


async def test_a_stream_has_the_role_first_and_the_reason_last() -> None:
    pieces = [sse(delta("Hel"), done=False), sse(delta("lo"), delta(finish="stop"), usage(3, 2))]
    stream = await ask(MockResponse(200, EVENT_STREAM, pieces), stream=True)
    assert stream.route.route.kind == "direct"
    chunks = [chunk async for chunk in stream]
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["Hel", "lo", None]
    assert [chunk["choices"][0]["delta"]["role"] for chunk in chunks] == ["assistant", None, None]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, "stop"]
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert not any("usage" in chunk for chunk in chunks)


async def test_a_stream_ends_with_the_usage_that_was_asked_for() -> None:
    stream = await ask(said("Hello"), stream=True, stream_options={"include_usage": True})
    *_, last = [chunk async for chunk in stream]
    assert last.usage.total_tokens == 5
    assert last.choices[0].delta.content is None, "code that reads every chunk's first choice must not fall over"


async def test_reasoning_and_tool_calls_are_where_litellm_puts_them() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "weather", "arguments": '{"a"'}}
    more = {"index": 0, "function": {"arguments": ":1}"}}
    pieces = [
        delta(reasoning_content="Hm"),
        delta(tool_calls=[call]),
        delta(tool_calls=[more]),
        delta(finish="tool_calls"),
    ]
    message = (await ask(streamed(*pieces))).choices[0].message
    assert message.reasoning_content == "Hm"
    assert message.content is None
    assert (message.tool_calls[0].id, message.tool_calls[0].type) == ("c1", "function")
    assert message.tool_calls[0].function.arguments == '{"a":1}'

    chunks = [chunk async for chunk in await ask(streamed(*pieces), stream=True)]
    assert chunks[0].choices[0].delta.reasoning_content == "Hm"
    calls = [chunk.choices[0].delta.tool_calls for chunk in chunks]
    assert [call and (call[0].index, call[0].id, call[0].function.name) for call in calls] == [
        None, (0, "c1", "weather"), (0, None, None), None,
    ]  # fmt: skip
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_a_signed_thought_goes_back_as_it_came() -> None:
    answer = MockResponse(200, pieces=[sse(*THOUGHT, done=False)])
    message = (await ask(answer, "anthropic/claude-haiku-4-5")).choices[0].message
    assert message.thinking_blocks == [{"type": "thinking", "thinking": "Hm", "signature": "signed"}]
    result = {"role": "tool", "tool_call_id": "t1", "content": "Sunny"}
    body = await sent("anthropic/claude-haiku-4-5", messages=[*QUESTION, message, result])
    thought, call = body["messages"][1]["content"]
    assert thought == {"type": "thinking", "thinking": "Hm", "signature": "signed"}
    assert call["input"] == {"a": 1}

    answer = MockResponse(200, pieces=[sse(*THOUGHT, done=False)])
    stream = await ask(answer, "anthropic/claude-haiku-4-5", stream=True)
    blocks = [block async for chunk in stream for block in chunk.choices[0].delta.get("thinking_blocks") or []]
    assert blocks == message.thinking_blocks


async def test_a_signed_tool_call_goes_back_as_it_came() -> None:
    call = {"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": "signed"}
    candidate = {"content": {"parts": [call]}, "finishReason": "STOP"}
    transport = answering(MockResponse(200, pieces=[sse({"candidates": [candidate]}, done=False)]))
    message = (await ask(transport, "gemini/gemini-2.5-flash")).choices[0].message
    assert message.tool_calls[0].provider_specific_fields.thought_signature == "signed"
    await ask(transport, "gemini/gemini-2.5-flash", messages=[*QUESTION, message.model_dump()])
    assert b"signed" in (transport.requests[-1].body or b"")


class EndlessAnswer(MockResponse):
    """A stream that stays open after its first piece."""

    async def chunks(self) -> AsyncGenerator[bytes]:
        yield sse(delta("Hello"), done=False)
        await asyncio.Event().wait()


async def test_closing_a_stream_closes_the_connection_even_before_the_first_chunk() -> None:
    for reads in (0, 1):
        answer = EndlessAnswer(200, EVENT_STREAM)
        stream = await ask(answer, stream=True)
        for _ in range(reads):
            await anext(stream)
        was_closed = answer.is_closed
        await stream.aclose()
        assert (was_closed, answer.is_closed) == (False, True)
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


class HeldTransport(MockTransport):
    """A transport that holds connections, as the one of CPython does."""

    was_closed = False

    async def aclose(self) -> None:
        self.was_closed = True


async def test_a_transport_of_the_calls_own_is_closed_with_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for answer in (said("Hi"), MockResponse(200, pieces=[sse(delta("Half"), done=False)]), refused(401, {})):
        for stream in (False, True):
            held = HeldTransport(lambda _, answer=answer: answer)  # type: ignore[misc]
            monkeypatch.setattr(completions, "choose_transport", lambda held=held: held)
            with suppress(completions.CompletionError):
                opened = await sidestep.acompletion("openai/m", QUESTION, api_key="k", num_retries=0, stream=stream)
                if isinstance(opened, completions.CompletionStream):
                    assert not held.was_closed
                    assert [chunk async for chunk in opened]
            assert held.was_closed


async def test_a_transport_that_is_passed_in_stays_open() -> None:
    held = HeldTransport(lambda _: said("Hi"))
    await ask(held)
    assert not held.was_closed


async def test_a_stream_read_to_its_end_is_closed() -> None:
    answer = said("Hello")
    assert [chunk async for chunk in await ask(answer, stream=True)]
    assert answer.is_closed


@pytest.mark.parametrize(
    ("model", "given", "url"),
    [
        ("openai/gpt-5.2", {}, "https://api.openai.com/v1/chat/completions"),
        ("gpt-5.2", {}, "https://api.openai.com/v1/chat/completions"),
        ("gpt-4o", {}, "https://api.openai.com/v1/chat/completions"),
        ("claude-sonnet-4-5", {}, "https://api.anthropic.com/v1/messages"),
        ("zai/glm-4.6", {}, "https://api.z.ai/api/paas/v4/chat/completions"),
        ("glm-4.6", {"custom_llm_provider": "zai"}, "https://api.z.ai/api/paas/v4/chat/completions"),
        ("zai-coding/glm-4.6", {}, "https://api.z.ai/api/coding/paas/v4/chat/completions"),
        ("openai/m", {"api_base": "http://h.test/v1/"}, "http://h.test/v1/chat/completions"),
        ("openai/m", {"base_url": "http://h.test/v1"}, "http://h.test/v1/chat/completions"),
        ("anthropic/m", {"api_base": "http://h.test"}, "http://h.test/v1/messages"),
        ("openrouter/z-ai/glm-4.6", {}, "https://openrouter.ai/api/v1/chat/completions"),
    ],
)
async def test_a_model_id_leads_to_its_provider(model: str, given: dict[str, str], url: str) -> None:
    transport = answering(refused(400, {"error": {"message": "no"}}))
    with pytest.raises(completions.BadRequestError):
        await ask(transport, model, **given)
    assert transport.requests[0].url == url


async def test_an_address_chooses_among_the_providers_of_one_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each of the prefix has a key of its own, so the key tells which of them was chosen.
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-anthropic")
    monkeypatch.setenv("ZAI_API_KEY", "key-of-zai")
    for address, key in ((None, "key-of-anthropic"), ("https://api.z.ai/api/anthropic", "key-of-zai")):
        transport = answering(MockResponse(200, pieces=[sse(*THOUGHT, done=False)]))
        await ask(transport, "anthropic/glm-4.6", api_key=None, api_base=address)
        assert key in "".join(transport.requests[0].headers.values())


async def test_a_bare_name_that_one_provider_lists_is_that_providers() -> None:
    rows = load_catalogue().values()
    for model in {model for row in rows for model in row.models if "/" not in model}:
        listing = {row.litellm_prefix for row in rows if model in row.models}
        if len(listing) == 1:
            assert find_target(model, api_key="k").llm_provider == listing.pop(), model


@pytest.mark.parametrize("model", ["o3", "glm-4.6", "nobody/model", "openai/", "/x", ""])
async def test_a_model_without_its_provider_is_refused_with_the_form(model: str) -> None:
    error = await fails(model)
    assert isinstance(error, completions.BadRequestError)
    assert isinstance(error, sidestep.UnknownModel)
    assert "provider/model" in error.remedy


async def test_a_bare_name_that_several_serve_names_them() -> None:
    assert "zai/glm-4.6" in (await fails("glm-4.6")).message


async def test_the_key_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-environment")
    transport = answering(said("Hi"))
    await ask(transport, api_key=None)
    assert transport.requests[0].headers["Authorization"] == "Bearer sk-from-environment"


async def test_a_key_of_the_environment_is_not_shown_to_an_address_of_the_callers_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-environment")
    monkeypatch.setenv("ZAI_API_KEY", "key-from-environment")
    transport = answering(said("Hi"))
    await ask(transport, api_key=None, api_base="http://h.test/v1")
    assert "Authorization" not in transport.requests[0].headers
    assert isinstance(
        await fails("zai/glm-4.6", api_key=None, api_base="http://h.test/v1"), completions.AuthenticationError
    )


async def test_a_missing_key_is_named_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    error = await fails(api_key=None)
    assert isinstance(error, completions.AuthenticationError)
    assert error.status_code == 401
    assert "OPENAI_API_KEY" in error.remedy


async def test_parameters_reach_the_wire() -> None:
    given: dict[str, Any] = {
        "temperature": 0.5, "top_p": 0.9, "stop": "END", "seed": 7, "presence_penalty": 0.1, "frequency_penalty": 0.2,
        "tools": [WEATHER], "tool_choice": "required", "reasoning_effort": "low", "user": "u1", "verbosity": "low",
        "response_format": {"type": "json_object"}, "logit_bias": {"1": 2}, "parallel_tool_calls": False, "n": 1,
    }  # fmt: skip
    body = await sent(
        "openai/a-model-of-tomorrow",
        **given,
        max_tokens=5,
        max_completion_tokens=9,
        extra_body={"mine": 1, "user": "u2"},
    )
    expected = given | {"stop": ["END"], "max_completion_tokens": 9, "mine": 1, "user": "u2"}
    del expected["n"]
    assert body | expected == body


async def test_a_tool_choice_may_name_a_function() -> None:
    choice = {"type": "function", "function": {"name": "weather"}}
    assert (await sent(tools=[WEATHER], tool_choice=choice))["tool_choice"] == choice


async def test_another_wire_gets_its_own_words() -> None:
    schema = {"type": "object", "properties": {}}
    body = await sent(
        "anthropic/claude-haiku-4-5",
        tools=[WEATHER],
        thinking={"type": "enabled", "budget_tokens": 2048},
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
        stop=["END"],
        max_tokens=100,
    )
    assert body["tools"] == [{"name": "weather", "input_schema": {"type": "object"}}]
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert body["output_config"]["format"]["schema"] == schema
    assert body["stop_sequences"] == ["END"]


async def test_thinking_is_said_as_the_provider_has_it() -> None:
    body = await sent("zai/glm-4.6", thinking={"type": "disabled"})
    assert body["thinking"] == {"type": "disabled"}
    assert "thinking" not in await sent("anthropic/claude-haiku-4-5", thinking={"type": "disabled"})


async def test_a_class_with_a_schema_is_a_response_format() -> None:
    class Answer:
        @staticmethod
        def model_json_schema() -> dict[str, Any]:
            return {"type": "object"}

    body = await sent(response_format=Answer)
    assert body["response_format"]["json_schema"] == {"name": "Answer", "schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("openai/gpt-5.2", {"n": 2}),
        ("openai/gpt-5.2", {"logprobs": True}),
        ("openai/gpt-5.2", {"functions": []}),
        ("openai/gpt-5.2", {"top_k": 3}),
        ("openai/gpt-5.2", {"mock_response": "Hi"}),
        ("openai/gpt-5.2", {"thinking": {"type": "enabled", "budget_tokens": 9}}),
        ("openai/gpt-5.2", {"stop": "END"}),
        ("openai/gpt-5.2", {"logit_bias": {"1": 2}}),
        ("openai/gpt-5-mini", {"temperature": 0.5}),
        ("openai/gpt-4.1", {"reasoning_effort": "low"}),
        ("anthropic/claude-opus-5-5", {"temperature": 0.5}),
        ("anthropic/claude-haiku-4-5", {"seed": 1}),
        ("anthropic/claude-haiku-4-5", {"presence_penalty": 1}),
        ("anthropic/claude-haiku-4-5", {"user": "u"}),
        ("anthropic/claude-haiku-4-5", {"response_format": {"type": "json_object"}}),
        ("mistral/mistral-small-latest", {"seed": 1}),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_name_or_dropped_when_asked(model: str, given: dict[str, Any]) -> None:
    error = await fails(model, **given)
    assert isinstance(error, completions.UnsupportedParamsError)
    assert next(iter(given)) in error.message
    assert error.status_code == 400
    body = await sent(model, **given, drop_params=True)
    assert not set(given) & set(body)


async def test_what_goes_only_without_thinking_is_refused_beside_it() -> None:
    assert (await sent(temperature=0.5))["temperature"] == 0.5
    error = await fails(temperature=0.5, reasoning_effort="high")
    assert "temperature" in error.message
    assert "gpt-5.2" in error.message
    body = await sent(temperature=0.5, reasoning_effort="high", drop_params=True)
    assert (body["reasoning_effort"], "temperature" in body) == ("high", False)


async def test_the_value_that_a_model_has_anyway_is_no_reason_to_refuse() -> None:
    given = {"temperature": 1, "top_p": 1.0, "presence_penalty": 0, "frequency_penalty": 0.0}
    assert await sent("openai/gpt-5-mini", **given) == await sent("openai/gpt-5-mini")
    assert await sent("anthropic/claude-opus-5-5", temperature=1) == await sent("anthropic/claude-opus-5-5")


async def test_cached_tokens_are_part_of_the_prompt() -> None:
    counts = {"input_tokens": 7, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2, "output_tokens": 1}
    start = {"type": "message_start", "message": {"usage": counts}}
    answer = MockResponse(200, pieces=[sse(start, *THOUGHT[1:], done=False)])
    response = await ask(answer, "anthropic/claude-haiku-4-5")
    assert (response.usage.prompt_tokens, response.usage.completion_tokens, response.usage.total_tokens) == (13, 5, 18)
    assert response.usage.prompt_tokens_details.cached_tokens == 4


async def test_none_is_not_given() -> None:
    usual = await sent()
    assert await sent(temperature=None, logprobs=None, top_k=None, tools=[], shared_session=object()) == usual


@pytest.mark.parametrize(
    "given",
    [
        {"timeout": "long"},
        {"timeout": -1},
        {"tool_choice": 7},
        {"thinking": "yes"},
        {"reasoning_effort": {"effort": "low"}},
        {"extra_headers": {"Host": "x"}},
        {"api_base": "ftp://x"},
        {"messages": [{"role": "nobody", "content": "x"}]},
    ],
)
async def test_what_cannot_work_is_a_bad_request(given: dict[str, Any]) -> None:
    error = await fails(**given)
    assert isinstance(error, completions.BadRequestError)
    assert isinstance(error, sidestep.ConfigurationError)


async def test_a_header_that_the_provider_lets_no_page_send_is_refused() -> None:
    error = await fails("mistral/mistral-small-latest", extra_headers={"X-Mine": "1"})
    assert "X-Mine" in error.message
    transport = answering(said("Hi"))
    await ask(transport, extra_headers={"X-Mine": "1"})
    assert transport.requests[0].headers["X-Mine"] == "1"


async def test_a_client_brings_its_own_providers() -> None:
    transport = answering(said("Hi"))
    provider = sidestep.Provider("mine", kind="zai-coding", api_key="key-of-mine")
    client = sidestep.Client([provider], transport=transport)
    for model in ("zai/glm-4.6", "mine/glm-4.6"):
        response = await sidestep.acompletion(model, QUESTION, client=client)
        assert response.choices[0].message.content == "Hi"
        assert transport.requests[-1].headers["Authorization"] == "Bearer key-of-mine"
        assert body_of(transport)["model"] == "glm-4.6"
    for excess in ({"api_key": "k"}, {"timeout": 3.0}, {"relays": [sidestep.Relay("http://r.test")]}):
        with pytest.raises(completions.BadRequestError, match=next(iter(excess))):
            await sidestep.acompletion("zai/glm-4.6", QUESTION, client=client, **excess)
    with pytest.raises(completions.BadRequestError, match="it has mine"):
        await sidestep.acompletion("openai/gpt-5.2", QUESTION, client=client)


async def test_a_relay_takes_the_detour() -> None:
    def answer(request: HttpRequest) -> MockResponse | Exception:
        is_relay = request.url.startswith("http://r.test")
        return said("Around the corner") if is_relay else errors.FetchRejected("The browser got no answer.")

    transport = MockTransport(answer)
    response = await ask(transport, "zai/glm-4.6", relays=[sidestep.Relay("http://r.test", token="t")])
    assert response.route.route.kind == "relay"
    assert body_of(transport)["model"] == "zai/glm-4.6"
    assert [request.url.split("/")[2] for request in transport.requests] == ["api.z.ai", "r.test"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "error", "named", "kind"),
    [
        (401, {"code": "invalid_api_key"}, "AuthenticationError", sidestep.AuthenticationError),
        (403, {}, "PermissionDeniedError", sidestep.PermissionDenied),
        (404, {"code": "model_not_found"}, "NotFoundError", sidestep.ModelNotFound),
        (429, {}, "RateLimitError", sidestep.RateLimited),
        (429, {"code": "insufficient_quota"}, "RateLimitError", sidestep.QuotaExceeded),
        (400, {}, "BadRequestError", sidestep.BadRequest),
        (400, {"code": "context_length_exceeded"}, "ContextWindowExceededError", sidestep.BadRequest),
        (400, {"code": "content_policy_violation"}, "ContentPolicyViolationError", sidestep.ContentRefused),
        (503, {}, "ServiceUnavailableError", sidestep.Overloaded),
        (500, {}, "InternalServerError", sidestep.ServerError),
    ],
)
async def test_a_refusal_has_litellms_name_and_ours(
    stream: bool, status: int, error: dict[str, str], named: str, kind: Any
) -> None:
    answer = refused(status, {"error": {"message": "No.", **error}}, **{"x-request-id": "r1"})
    with pytest.raises(getattr(completions, named)) as caught:
        # With a stream too it is raised here, not by the first chunk.
        await ask(answer, stream=stream)
    raised: Any = caught.value
    assert isinstance(raised, kind)
    assert type(raised).__name__ == named
    assert type(raised.__cause__) is kind
    assert (raised.status_code, raised.llm_provider, raised.model) == (status, "openai", "openai/gpt-5.2")
    assert "No." in raised.message
    assert (raised.status, raised.request_id, raised.route["kind"]) == (status, "r1", "direct")


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_breaks_off_keeps_what_came(stream: bool) -> None:
    broken = MockResponse(200, pieces=[sse(delta("Half of it"), done=False)])

    async def read() -> None:
        answer = await ask(broken, stream=stream)
        async for _ in answer:
            pass

    with pytest.raises(completions.APIConnectionError) as caught:
        await read()
    assert isinstance(caught.value, sidestep.StreamIncomplete)
    assert caught.value.partial_text == "Half of it"
    assert broken.is_closed


async def test_no_connection_and_silence_have_names() -> None:
    for error, named in (
        (errors.ConnectionFailed("No connection."), completions.APIConnectionError),
        (errors.TransportTimeout("Silence."), completions.Timeout),
    ):
        with pytest.raises(named):
            await ask(error)


def walk(kind: type[sidestep.SidestepError]) -> list[type[sidestep.SidestepError]]:
    below = [each for child in kind.__subclasses__() for each in walk(child)]
    return [kind, *below] if kind.__module__ == errors.__name__ else below


def test_every_error_of_ours_has_litellms_name() -> None:
    kinds = set(walk(sidestep.SidestepError))
    assert len(kinds) > 20
    assert kinds == set(NAMES)
    make: Callable[..., sidestep.SidestepError]
    for make in kinds:
        error = make("What happened.", remedy="What to do.")
        error.partial_text = "Half"
        translated = translate_error(error, llm_provider="zai", model="glm-4.6")
        assert isinstance(translated, type(error))
        assert isinstance(translated, NAMES[type(error)])
        assert 400 <= translated.status_code < 600
        assert (translated.message, translated.remedy, translated.partial_text) == (
            "What happened.",
            "What to do.",
            "Half",
        )
        assert translated.to_dict()["message"] == "What happened."


def test_an_error_of_a_later_kind_is_translated_as_its_ancestor() -> None:
    class Newer(errors.Overloaded):
        pass

    translated = translate_error(Newer("Busy.", status=529), llm_provider="", model="")
    assert isinstance(translated, completions.ServiceUnavailableError)
    assert isinstance(translated, Newer)
