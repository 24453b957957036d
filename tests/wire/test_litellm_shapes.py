"""Our `acompletion` beside the real one, against the same fakes: what a caller reads is the same.

LiteLLM is imported in a process of its own, since that takes seconds and changes global state.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import sidestep
from sidestep.completions import FATES, CompletionError, CompletionParameters, CompletionStream
from tests.fakes.providers import AnthropicProvider, OpenProvider
from tests.fakes.servers import Answer, Recorded, Reply, Stream
from tests.fakes.wires import DONE, make_usage, write_chunk, write_event

ROOT = Path(__file__).parents[2]
LIMIT = 120.0
"""Seconds for the import of LiteLLM and a handful of calls; a busy machine takes its time."""

ASK_LITELLM = """
import asyncio, inspect, json, sys
import litellm

async def ask(call):
    stream = call.get("stream")
    try:
        answer = await litellm.acompletion(**call)
        return [chunk.model_dump() async for chunk in answer] if stream else answer.model_dump()
    except Exception as error:
        names = ("status_code", "llm_provider", "model")
        return {"error": type(error).__name__, **{name: getattr(error, name, None) for name in names}}

async def ask_all():
    return {name: await ask(call) for name, call in json.load(sys.stdin).items()}

rows = inspect.signature(litellm.acompletion).parameters.items()
signature = [name for name, row in rows if row.kind != row.VAR_KEYWORD]
print(json.dumps({"answers": asyncio.run(ask_all()), "signature": signature}))
"""

CALL: dict[str, Any] = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bern"}'}}
DETAILS: dict[str, Any] = {
    "completion_tokens_details": {"reasoning_tokens": 3},
    "prompt_tokens_details": {"cached_tokens": 2},
}
"""What OpenAI adds to its usage."""

OF_KEYWORDS = {
    "api_base",
    "custom_llm_provider",
    "drop_params",
    "extra_body",
    "max_retries",
    "num_retries",
}
"""Arguments that LiteLLM takes among its `**kwargs`, where no signature shows them."""


def stream_call() -> Stream:
    opened = {**CALL, "index": 0, "function": {"name": "weather", "arguments": ""}}
    pieces = [{"index": 0, "function": {"arguments": piece}} for piece in ('{"city"', ':"Bern"}')]
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "tool_calls": [opened]},
        *({"tool_calls": [row]} for row in pieces),
    ]
    end = write_chunk({}, finish_reason="tool_calls")
    usage = write_chunk(choices=[], usage=make_usage(**DETAILS))
    return Stream([*(write_chunk(delta) for delta in deltas), end, usage, DONE])


def write_call() -> Reply:
    message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    head = {"id": "chatcmpl-fake", "object": "chat.completion", "created": 1, "model": "fake-small"}
    return Reply(200, {**head, "choices": [choice], "usage": make_usage(**DETAILS)})


def stream_thought() -> Stream:
    """Return a signed thought and a tool call, as Anthropic streams them."""
    start = {"id": "m", "type": "message", "role": "assistant", "model": "claude-fake", "content": []}
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    tool = {"type": "tool_use", "id": "c1", "name": "weather", "input": {}}
    rows: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**start, "usage": {"input_tokens": 7, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": thinking},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "It asks. "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Look."}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "signed"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": tool},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"city":'}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '"Bern"}'}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    return Stream([write_event(row, row["type"]) for row in rows])


def write_thought() -> Reply:
    thought = {"type": "thinking", "thinking": "It asks. Look.", "signature": "signed"}
    tool = {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Bern"}}
    head = {"id": "m", "type": "message", "role": "assistant", "model": "claude-fake"}
    end = {"stop_reason": "tool_use", "usage": {"input_tokens": 7, "output_tokens": 5}}
    return Reply(200, {**head, "content": [thought, tool], **end})


SCRIPTS: dict[str, Answer] = {
    "openai call": write_call(),
    "openai call stream": stream_call(),
    "anthropic call": write_thought(),
    "anthropic call stream": stream_thought(),
}
REFUSALS = (401, 404, 429, 400, 500)
KINDS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 500: "api_error"}


def script(request: Recorded) -> Answer | None:
    """Return what the call named by a header gets; None for the fake's usual answer."""
    name = request.headers["x-case"]
    if (status := name.rpartition(" ")[2]).isdigit():
        kind = KINDS.get(int(status), "invalid_request_error")
        return Reply(int(status), {"type": "error", "error": {"message": "No.", "type": kind}})
    return SCRIPTS.get(name)


def list_calls(openai: OpenProvider, anthropic: AnthropicProvider) -> dict[str, dict[str, Any]]:
    """Return the arguments of every call, by its name."""
    usage = {"stream": True, "stream_options": {"include_usage": True}}
    shared = {"messages": [{"role": "user", "content": "Say hello"}], "num_retries": 0}
    calls: dict[str, dict[str, Any]] = {}
    # Each in its own habit: LiteLLM appends the version to Anthropic's address by itself.
    for name, fake, base in (("openai", openai, openai.base_url), ("anthropic", anthropic, anthropic.origin)):
        own = {**shared, "model": f"{name}/{fake.models[0]}", "api_key": fake.key, "api_base": base}
        calls |= {name: own, f"{name} stream": own | {"stream": True}, f"{name} usage": own | usage}
        # Without `tools`: LiteLLM demands another package for them, and the fakes call a tool all the same.
        calls |= {f"{name} call": own, f"{name} call stream": own | usage}
        calls |= {f"{name} {status}": own for status in REFUSALS}
    return {name: {**call, "extra_headers": {"x-case": name}} for name, call in calls.items()}


async def ask_ourselves(call: dict[str, Any]) -> Any:
    try:
        answer = await sidestep.acompletion(**call)
        if isinstance(answer, CompletionStream):
            return [chunk.model_dump() async for chunk in answer]
        return answer.model_dump()
    except CompletionError as error:
        names = ("status_code", "llm_provider", "model")
        return {"error": type(error).__name__, **{name: getattr(error, name) for name in names}}


async def ask_all(calls: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: await ask_ourselves(call) for name, call in calls.items()}


@dataclass(frozen=True, slots=True)
class Both:
    """What both answered, by the names of the calls, and the names of LiteLLM's arguments."""

    theirs: dict[str, Any]
    ours: dict[str, Any]
    signature: list[str]


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with OpenProvider() as openai, AnthropicProvider() as anthropic:
        openai.reasoning = anthropic.reasoning = "The user greets."
        openai.behaviour = anthropic.behaviour = script
        calls = list_calls(openai, anthropic)
        # As a user would run it, whatever a test of the relay has set in this process; but without the variable LiteLLM
        # asks the network for its prices.
        plain = {name: value for name, value in os.environ.items() if not name.startswith("LITELLM_")}
        environment = {**plain, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        finished = subprocess.run(
            [sys.executable, "-c", ASK_LITELLM],
            input=json.dumps(calls),
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        report = json.loads(finished.stdout.splitlines()[-1])
        yield Both(report["answers"], asyncio.run(ask_all(calls)), report["signature"])


def collect(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a caller makes of a stream: the texts joined, the calls put together, the end."""
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    pieces = [call for delta in deltas for call in delta["tool_calls"] or []]
    blocks = [block for delta in deltas for block in delta.get("thinking_blocks") or []]
    is_signed = any(block.get("signature") for block in blocks)
    return {
        "content": "".join(delta["content"] or "" for delta in deltas),
        "reasoning": "".join(delta.get("reasoning_content") or "" for delta in deltas),
        "roles": [delta["role"] for delta in deltas if delta["role"]],
        "arguments": "".join(call["function"]["arguments"] for call in pieces),
        "ids": [call["id"] for call in pieces if call["id"]],
        "names": [call["function"]["name"] for call in pieces if call["function"]["name"]],
        "indices": sorted({call["index"] for call in pieces}),
        "types": {call["type"] for call in pieces},
        "finishes": [chunk["choices"][0]["finish_reason"] for chunk in chunks if chunk["choices"][0]["finish_reason"]],
        "usages": [count(chunk["usage"]) for chunk in chunks if chunk.get("usage")],
        "signatures": [block["signature"] for block in blocks if block.get("signature")],
        "signed": "".join(block.get("thinking") or "" for block in blocks) if is_signed else "",
    }


def count(usage: dict[str, Any]) -> tuple[int, ...]:
    return tuple(usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens"))


def assert_fits(ours: Any, theirs: Any, where: str) -> None:
    """Hold what we say against what LiteLLM says: each of our fields is one of its, of the same type."""
    if ours is None or theirs is None:
        return
    assert type(ours) is type(theirs), where
    if isinstance(ours, dict):
        assert set(ours) <= set(theirs), where
        for name, value in ours.items():
            assert_fits(value, theirs[name], f"{where}.{name}")
    elif isinstance(ours, list):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            assert_fits(one, other, f"{where}[{index}]")


@pytest.mark.parametrize("name", ["openai", "anthropic", "openai call", "anthropic call"])
def test_a_whole_answer_has_litellms_shape_and_content(both: Both, name: str) -> None:
    ours, theirs = both.ours[name], both.theirs[name]
    assert_fits(ours, theirs, name)
    assert set(ours) >= {"id", "created", "model", "object", "choices", "usage", "system_fingerprint"}
    assert (ours["object"], ours["model"]) == (theirs["object"], theirs["model"])
    our_choice, their_choice = ours["choices"][0], theirs["choices"][0]
    assert our_choice["finish_reason"] == their_choice["finish_reason"]
    our_message, their_message = our_choice["message"], their_choice["message"]
    assert our_message.get("reasoning_content") == their_message.get("reasoning_content")
    for field in ("content", "role", "function_call"):
        assert our_message[field] == their_message[field], field
    assert read_calls(our_message) == read_calls(their_message)
    assert count(ours["usage"]) == count(theirs["usage"])


def read_calls(message: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the tool calls; their arguments as what they stand for, since JSON may be spaced in two ways."""
    return [
        (call["id"], call["type"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message["tool_calls"] or []
    ]


def test_a_signed_thought_has_litellms_shape(both: Both) -> None:
    ours, theirs = (answers["anthropic call"]["choices"][0]["message"] for answers in (both.ours, both.theirs))
    assert ours["thinking_blocks"] == theirs["thinking_blocks"]


def test_the_details_of_usage_have_litellms_names(both: Both) -> None:
    for ours, theirs in (
        (both.ours["openai call"]["usage"], both.theirs["openai call"]["usage"]),
        (both.ours["openai call stream"][-1]["usage"], both.theirs["openai call stream"][-1]["usage"]),
    ):
        for details, name in (
            ("completion_tokens_details", "reasoning_tokens"),
            ("prompt_tokens_details", "cached_tokens"),
        ):
            assert ours[details][name] == theirs[details][name] > 0


@pytest.mark.parametrize("end", ["stream", "usage", "call stream"])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_stream_has_litellms_shape_and_content(both: Both, provider: str, end: str) -> None:
    ours, theirs = both.ours[f"{provider} {end}"], both.theirs[f"{provider} {end}"]
    assert collect(ours) == collect(theirs)
    assert_fits(ours[-1]["choices"], theirs[-1]["choices"], "the last")
    assert set(ours[0]["choices"][0]) == set(theirs[0]["choices"][0])
    their_fields = {name for chunk in theirs for name in chunk["choices"][0]["delta"]}
    usual_fields = set.intersection(*(set(chunk["choices"][0]["delta"]) for chunk in theirs))
    for chunk in ours:
        assert set(chunk) <= {name for other in theirs for name in other}
        assert usual_fields <= set(chunk["choices"][0]["delta"]) <= their_fields
    assert ours[0]["choices"][0]["delta"]["role"] == theirs[0]["choices"][0]["delta"]["role"] == "assistant"
    assert ("usage" in ours[-1]) == ("usage" in theirs[-1])


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_refusal_has_litellms_name(both: Both, provider: str, status: int) -> None:
    assert both.ours[f"{provider} {status}"] == both.theirs[f"{provider} {status}"]


def test_the_table_of_arguments_is_litellms_signature(both: Both) -> None:
    """Hold docs/litellm.md against the real signature: a row for each argument, and none too many."""
    text = (ROOT / "docs" / "litellm.md").read_text(encoding="utf-8")
    table = dict(
        re.findall(r"^\| `(\w+)` \| (honoured|passed through|refused|meaningless here) \|", text, re.MULTILINE)
    )
    assert table == dict(FATES)
    assert set(both.signature) <= set(table), "LiteLLM has an argument that no row speaks of"
    others = set(table) - set(both.signature)
    assert others == OF_KEYWORDS


def test_each_argument_that_is_taken_has_a_type() -> None:
    taken = {name for name, fate in FATES.items() if fate != "refused"}
    assert set(CompletionParameters.__annotations__) == taken - {"model", "messages", "stream"}
