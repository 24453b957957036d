"""What may be said to a provider through the relay, and with which key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestep.catalogue import load_catalogue
from sidestep_relay.chats import ChatCall, estimate_tokens, read_chat
from sidestep_relay.errors import RelayError
from sidestep_relay.fields import OPENAI_FIELDS, VENDOR_FIELDS
from sidestep_relay.lanes.translate import build_arguments, load_litellm
from sidestep_relay.tokens import make_full_token
from tests.relay.servers import TOKEN

CATALOGUE = load_catalogue()
MESSAGES = [{"role": "user", "content": "hi"}]


def read(
    model: str = "openai/gpt-x",
    *,
    key: str | None = "sk-mine",
    base_url: str | None = None,
    own_keys: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
    **fields: Any,
) -> ChatCall:
    body = {"model": model, "messages": MESSAGES, **fields, **(extra or {})}
    return read_chat(body, CATALOGUE, key=key, base_url=base_url, own_keys=own_keys or {}, token=make_full_token(TOKEN))


def refuse(*arguments: Any, **fields: Any) -> RelayError:
    with pytest.raises(RelayError) as caught:
        read(*arguments, **fields)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    "name",
    [
        "api_base", "api_key", "api_version", "aws_access_key_id", "azure_ad_token", "base_url", "cache", "caching",
        "callbacks", "success_callback", "client", "context_window_fallback_dict", "custom_llm_provider",
        "drop_params", "extra_body", "extra_headers", "extra_query", "fallbacks", "headers", "litellm_metadata",
        "logger_fn", "max_retries", "mock_response", "mock_tool_calls", "model_list", "num_retries", "organization",
        "prompt_id", "proxy_server_request", "region_name", "request_timeout", "ssl_verify", "timeout",
        "vertex_credentials", "input_cost_per_token", "_skip_mcp_handler", "allowed_openai_params", "shared_session",
    ],
)  # fmt: skip
@pytest.mark.parametrize("model", ["zai/glm-4.6", "anthropic/claude-x"])
def test_names_that_steer_litellm_are_refused_by_name(name: str, model: str) -> None:
    error = refuse(model, extra={name: {"x": 1}})
    assert error.param == name
    assert name in error.message


def test_vendor_fields_pass_where_they_only_reach_the_provider() -> None:
    vendor: dict[str, Any] = {
        "thinking": {"type": "enabled"},
        "tool_stream": True,
        "enable_thinking": True,
        "chat_template_kwargs": {},
    }
    arguments = build_arguments(read("zai/glm-4.6", **vendor, temperature=0.1), client=None)
    assert arguments["extra_body"] == {**vendor, "temperature": 0.1}
    assert arguments["model"] == "openai/glm-4.6"
    assert arguments["api_base"] == "https://api.z.ai/api/paas/v4"
    assert read("anthropic/claude-x", thinking={"type": "enabled"}).fields["thinking"]
    assert refuse("anthropic/claude-x", tool_stream=True).param == "tool_stream"


@pytest.mark.parametrize("model", ["zai/glm-4.6", "anthropic/claude-x"])
def test_no_field_of_a_request_becomes_an_argument_that_litellm_owns(model: str) -> None:
    litellm = load_litellm()
    owned = set(litellm.types.utils.all_litellm_params) - OPENAI_FIELDS.keys()
    ours = set(build_arguments(read(model), client=None))
    for name in owned:
        try:
            call = read(model, extra={name: "x"})
        except RelayError:
            continue
        assert set(build_arguments(call, client=None)) <= ours | {"extra_body"}, name


def test_the_two_lists_of_fields_do_not_meet() -> None:
    for fields in VENDOR_FIELDS.values():
        assert fields.isdisjoint(OPENAI_FIELDS)


@pytest.mark.parametrize(
    "body",
    [
        None, [], "text", {}, {"model": "openai/x"}, {"model": "openai/x", "messages": []},
        {"model": "x", "messages": MESSAGES}, {"model": "openai/", "messages": MESSAGES},
        {"model": "openai/x y", "messages": MESSAGES}, {"model": 3, "messages": MESSAGES},
        {"model": "openai/x", "messages": ["hi"]}, {"model": "openai/x", "messages": [{"content": "hi"}]},
        {"model": "openai/x", "messages": [{"role": "user", "content": ["x"]}]},
        {"model": "openai/x", "messages": MESSAGES, "stream": "yes"},
        {"model": "openai/x", "messages": MESSAGES, "stream_options": 1},
        {"model": "nobody/x", "messages": MESSAGES},
    ],
)  # fmt: skip
def test_a_body_that_cannot_work_is_explained(body: Any) -> None:
    with pytest.raises(RelayError) as caught:
        read_chat(body, CATALOGUE, key="sk-mine", base_url=None, own_keys={}, token=make_full_token(TOKEN))
    assert caught.value.status == 400
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "http://10.0.0.1/x.png"}},
        {"type": "image_url", "image_url": "HTTP://10.0.0.1/x.png"},
        {"type": "file", "file": {"file_id": "https://10.0.0.1/x.pdf"}},
        {"type": "file", "file": {"file_data": "http://10.0.0.1/x.pdf"}},
        {"type": "file", "file": {"file_id": "www.example/x.pdf"}},
    ],
)
def test_the_relay_is_not_made_to_fetch_files(part: dict[str, Any]) -> None:
    with pytest.raises(RelayError, match="fetches no files"):
        read(messages=[{"role": "user", "content": [part]}])


def test_data_and_https_images_pass() -> None:
    parts = [
        {"type": "text", "text": "http://is just text"},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}},
    ]
    assert read(messages=[{"role": "user", "content": parts}]).messages[0]["content"] == parts


def test_rows_that_share_a_prefix_are_told_apart_by_the_base_url() -> None:
    assert read().entry.id == "openai"
    assert read(base_url="https://api.openai.com/v1/").entry.id == "openai"
    assert read(base_url="https://mine.example/v1").entry.id == "custom"
    assert read("zai/glm-4.6", base_url="https://api.z.ai/api/paas/v4").base_url == "https://api.z.ai/api/paas/v4"


def test_a_key_is_needed_unless_the_provider_needs_none() -> None:
    assert refuse(key=None).code == "provider_key_missing"
    assert read(key=None, base_url="http://mine.example/v1").key == ""
    assert refuse(key="sk-ümlaut").code == "provider_key_invalid"


def test_the_relays_own_key_stays_at_the_providers_own_address() -> None:
    own = {"OPENAI_API_KEY": "sk-own"}
    assert read(key=None, own_keys=own).key == "sk-own"
    assert read(key="sk-mine", own_keys=own).key == "sk-mine"
    assert read(key=None, base_url="https://api.openai.com.evil.example/v1", own_keys=own).key == ""
    assert refuse("zai/glm-4.6", key=None, base_url="https://evil.example", own_keys={"ZAI_API_KEY": "x"}).code == (
        "provider_key_missing"
    )


def test_a_call_shows_no_key_and_no_prompt() -> None:
    shown = repr(read(key="sk-canary", messages=[{"role": "user", "content": "canary"}], user="canary"))
    assert "canary" not in shown
    assert json.dumps(shown)


@pytest.mark.parametrize(
    ("asked", "tokens"), [({}, 1), ({"max_tokens": 50}, 51), ({"max_tokens": 2**63 - 1}, 1_000_001)]
)
def test_an_estimate_is_the_text_and_the_longest_answer_that_can_be(asked: dict[str, int], tokens: int) -> None:
    messages = [{"role": "user", "content": "four"}]
    assert estimate_tokens(read(extra={"messages": messages, **asked})) == tokens
