"""Rules of single models: which of them count for a model, and what they make of a request."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sidestep import Provider, Relay
from sidestep.calls import make_chat_call, make_chat_request
from sidestep.catalogue import ModelRules, load_catalogue
from sidestep.types import ChatRequest, Effort, WireRules

ROW = load_catalogue()["custom"]
FIRST, SECOND = WireRules(dropped=frozenset({"seed"})), WireRules(dropped=frozenset({"stop"}))
OWN = replace(
    ROW,
    model_rules=(
        ModelRules(("m-2*", "exact"), "a test", FIRST, SECOND),
        ModelRules(("m-*",), "a test", SECOND, FIRST),
    ),
)
SAMPLING: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.9,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "stop": "END",
}


def encode(kind: str, model: str, *, relay: bool = False, **parameters: Any) -> dict[str, Any]:
    """Return the body that a chat with *model* has, directly or through a relay."""
    request = make_chat_request(model, "Hi", parameters)
    call = make_chat_call(Provider(kind, api_key="key-of-a-test"), request)
    http = call.encode_for_relay(Relay("https://relay.test", token="token-of-a-test")) if relay else call.direct
    body: dict[str, Any] = json.loads(http.body or b"")
    return body


@pytest.mark.parametrize(
    ("model", "rules"),
    [
        ("m-2", FIRST),
        ("m-2.5-mini", FIRST),
        ("exact", FIRST),
        ("m-3", SECOND),
        ("exactly", ROW.rules),
        ("M-2", ROW.rules),
        ("vendor/m-2", ROW.rules),
        ("", ROW.rules),
    ],
)
def test_the_first_pattern_that_fits_counts_and_else_the_row(model: str, rules: WireRules) -> None:
    assert OWN.rules_for(model) == rules
    other = {id(FIRST): SECOND, id(SECOND): FIRST}.get(id(rules), ROW.relay_rules)
    assert OWN.relay_rules_for(model) == other


def test_rules_of_a_model_come_on_top_of_the_row() -> None:
    entry = load_catalogue()["moonshot"]
    own = entry.rules_for("kimi-k3")
    assert own.reasoning_return == entry.rules.reasoning_return == "reasoning_content"
    assert load_catalogue()["zai"].rules_for("glm-5.3").dropped == {"seed"}
    assert {"seed", "temperature"} < load_catalogue()["anthropic"].relay_rules_for("claude-opus-5-5").dropped


def test_rows_that_share_their_models_share_the_rules() -> None:
    rows = load_catalogue()
    for model in ("gpt-5.2", "o3", "gpt-4.1"):
        direct, chat = rows["openai-responses"].rules_for(model), rows["openai"].rules_for(model)
        assert (direct.dropped, direct.dropped_thinking) == (chat.dropped, chat.dropped_thinking)
        assert rows["openai-responses"].relay_rules_for(model).max_tokens_field == "max_completion_tokens"
    assert rows["zai-coding"].rules_for("glm-5.3").efforts == rows["zai"].rules_for("glm-5.3").efforts


def test_a_router_is_not_guessed_at() -> None:
    for entry_id in ("openrouter", "litellm-proxy", "custom", "azure"):
        entry = load_catalogue()[entry_id]
        for model in ("anthropic/claude-opus-5-5", "claude-opus-5-5", "openai/gpt-5-mini", "gpt-5-mini"):
            assert entry.rules_for(model) is entry.rules


@pytest.mark.parametrize(
    ("effort", "budget", "thinks_by_default", "is_dropped"),
    [
        (None, None, False, False),
        (None, None, True, True),
        ("none", None, True, False),
        ("low", None, False, True),
        (None, 0, True, False),
        (None, 1024, False, True),
        ("minimal", None, False, False),
    ],
)
def test_what_thinking_excludes_is_left_out_while_the_model_thinks(
    effort: Effort | None, budget: int | None, thinks_by_default: bool, is_dropped: bool
) -> None:
    rules = WireRules(
        dropped=frozenset({"seed"}),
        dropped_thinking=frozenset({"top_p"}),
        thinks_by_default=thinks_by_default,
        efforts={"minimal": "none"},
    )
    request = ChatRequest("m", (), reasoning_effort=effort, reasoning_budget=budget)
    fitted, own = rules.fit(request)
    assert own.dropped == ({"seed", "top_p"} if is_dropped else {"seed"})
    assert fitted.reasoning_effort == ("none" if effort == "minimal" else effort)


def test_the_newest_claude_and_an_older_one() -> None:
    newest = encode("anthropic", "claude-opus-5-5", **SAMPLING, reasoning_effort="high")
    assert not {"temperature", "top_p"} & newest.keys()
    assert newest["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert newest["output_config"] == {"effort": "high"}
    assert (newest["max_tokens"], newest["stop_sequences"]) == (128_000, ["END"])

    older = encode("anthropic", "claude-haiku-4-5", **SAMPLING)
    assert (older["temperature"], older["top_p"], older["max_tokens"]) == (0.5, 0.9, 64_000)
    older = encode("anthropic", "claude-haiku-4-5", **SAMPLING, reasoning_effort="high")
    assert not {"temperature", "top_p", "output_config"} & older.keys()
    assert older["thinking"] == {"type": "enabled", "budget_tokens": 24_576}
    assert older["max_tokens"] == 64_000, "a budget fits into a default that is the most there is"
    assert encode("anthropic", "claude-of-tomorrow", reasoning_budget=10_000)["max_tokens"] == 18_192

    for relay_body in (encode("anthropic", "claude-opus-5-5", relay=True, **SAMPLING, reasoning_effort="none"),):
        assert not {"temperature", "top_p", "presence_penalty"} & relay_body.keys()
        assert relay_body["reasoning_effort"] == "low"
    assert encode("anthropic", "claude-haiku-4-5", relay=True, **SAMPLING)["temperature"] == 0.5


@pytest.mark.parametrize(
    ("budget", "effort"), [(1024, "low"), (2048, "low"), (2049, "medium"), (24_576, "high"), (99_999, "max")]
)
def test_a_budget_is_a_word_where_budgets_are_refused(budget: int, effort: str) -> None:
    body = encode("anthropic", "claude-opus-4-7", reasoning_budget=budget)
    assert body["output_config"] == {"effort": effort}
    assert body["thinking"]["type"] == "adaptive"
    body = encode("anthropic", "claude-opus-4-6", reasoning_budget=budget)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert "output_config" not in body


def test_a_gpt_that_reasons_and_one_that_does_not() -> None:
    reasoning = encode("openai", "gpt-5", **SAMPLING, seed=7, reasoning_effort="none", max_tokens=9)
    assert not SAMPLING.keys() & reasoning.keys()
    assert (reasoning["seed"], reasoning["reasoning_effort"], reasoning["max_completion_tokens"]) == (7, "minimal", 9)

    other = encode("openai", "gpt-4.1", **SAMPLING, reasoning_effort="high")
    assert other | SAMPLING | {"stop": ["END"]} == other
    assert "reasoning_effort" not in other
    assert not {"include", "reasoning"} & encode("openai-responses", "gpt-4.1", reasoning_effort="high").keys()
    assert {"include", "reasoning"} <= encode("openai-responses", "gpt-5", reasoning_effort="high").keys()

    assert encode("openai", "gpt-5.2", temperature=0.5)["temperature"] == 0.5
    assert "temperature" not in encode("openai", "gpt-5.2", temperature=0.5, reasoning_effort="low")
    assert "temperature" not in encode("openai", "gpt-5.5", temperature=0.5)
    assert encode("openai", "gpt-5.5", temperature=0.5, reasoning_effort="none")["temperature"] == 0.5
    assert "stop" in encode("openai", "o3-mini", **SAMPLING)
    assert "stop" not in encode("openai", "o3", **SAMPLING)


def test_the_switch_for_thinking_of_other_makers() -> None:
    kimi = encode("moonshot", "kimi-k2.6", **SAMPLING, reasoning_effort="high")
    assert (kimi["thinking"], kimi["stop"]) == ({"type": "enabled"}, ["END"])
    assert not {"temperature", "top_p", "presence_penalty", "frequency_penalty", "reasoning_effort"} & kimi.keys()
    assert encode("moonshot", "kimi-k3", reasoning_effort="medium")["reasoning_effort"] == "high"
    glm = encode("zai-coding", "glm-5.3", reasoning_effort="none")
    assert (glm["thinking"], glm["reasoning_effort"]) == ({"type": "enabled"}, "low")
    assert encode("zai-coding", "glm-5.2", reasoning_effort="none")["thinking"] == {"type": "disabled"}
    assert encode("deepseek", "deepseek-v4-pro", reasoning_effort="none")["thinking"] == {"type": "disabled"}
    assert "reasoning_effort" in encode("xai", "grok-4.5", **SAMPLING, reasoning_effort="low")
    assert "reasoning_effort" not in encode("xai", "grok-4.20-reasoning", **SAMPLING, reasoning_effort="low")
