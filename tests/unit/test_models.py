"""What each provider's list says of its models."""

from typing import Any

import pytest

from sidestep import Model
from sidestep.dialects import DIALECTS

ROWS: list[tuple[str, dict[str, Any], Model]] = [
    (
        "openai_chat",  # OpenRouter
        {
            "id": "vendor/one",
            "name": "Vendor: One",
            "context_length": 200000,
            "architecture": {"input_modalities": ["text", "image"]},
            "pricing": {"prompt": "0.000003", "completion": "0.000015"},
            "top_provider": {"max_completion_tokens": 64000},
            "supported_parameters": ["tools", "temperature"],
        },
        Model("vendor/one", "Vendor: One", 200000, 64000, True, True, False, 3.0, 15.0),
    ),
    (
        "openai_chat",  # OpenRouter's automatic choice, whose price depends
        {"id": "auto", "pricing": {"prompt": "-1", "completion": "-1"}, "supported_parameters": []},
        Model("auto", "auto"),
    ),
    (
        "openai_chat",  # Mistral
        {
            "id": "mistral-small-latest",
            "max_context_length": 131072,
            "capabilities": {"completion_chat": True, "function_calling": True, "vision": False},
        },
        Model("mistral-small-latest", "mistral-small-latest", 131072, None, False, True),
    ),
    (
        "openai_chat",  # Together
        {
            "id": "zai-org/GLM",
            "type": "chat",
            "display_name": "GLM",
            "context_length": 202752,
            "pricing": {"hourly": 0, "input": 0.6, "output": 2.2, "base": 0},
        },
        Model("zai-org/GLM", "GLM", 202752, input_price=0.6, output_price=2.2),
    ),
    ("openai_chat", {"id": "qwen", "max_model_len": 32768, "root": "qwen"}, Model("qwen", "qwen", 32768)),  # vLLM
    (
        "openai_chat",  # Groq
        {"id": "gpt-oss", "context_window": 131072, "max_completion_tokens": 65536, "active": True},
        Model("gpt-oss", "gpt-oss", 131072, 65536),
    ),
    (
        "anthropic",
        {
            "type": "model",
            "id": "claude-x",
            "display_name": "Claude X",
            "max_input_tokens": 1000000,
            "max_tokens": 128000,
            "capabilities": {"image_input": {"supported": True}, "thinking": {"supported": True, "types": {}}},
        },
        Model("claude-x", "Claude X", 1000000, 128000, True, None, True),
    ),
]


@pytest.mark.parametrize(("dialect", "row", "model"), ROWS, ids=[row[2].id for row in ROWS])
def test_each_providers_row_is_read(dialect: str, row: dict[str, Any], model: Model) -> None:
    assert DIALECTS[dialect].decode_models({"data": [row]}) == (model,)


def test_xais_rich_list_is_read() -> None:
    row = {
        "id": "grok-x",
        "input_modalities": ["text", "image"],
        "prompt_text_token_price": 20000,
        "completion_text_token_price": 100000,
    }
    expected = Model("grok-x", "grok-x", has_vision=True, input_price=2.0, output_price=10.0)
    assert DIALECTS["openai_chat"].decode_models({"models": [row]}) == (expected,)
    assert DIALECTS["openai_chat"].decode_models({"data": [{"id": "grok-x", "object": "model"}]}) == (
        Model("grok-x", "grok-x"),
    )


def test_geminis_list_is_read_and_holds_only_what_generates() -> None:
    chat = {
        "name": "models/gemini-x",
        "displayName": "Gemini X",
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
        "thinking": True,
        "supportedGenerationMethods": ["generateContent"],
    }
    embed = {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]}
    expected = Model("gemini-x", "Gemini X", 1048576, 65536, has_reasoning=True)
    assert DIALECTS["gemini"].decode_models({"models": [chat, embed]}) == (expected,)


def test_ollamas_own_list_is_read() -> None:
    rows = [
        {"name": "llama:8b", "model": "llama:8b", "size": 1, "capabilities": ["completion", "tools"]},
        {"name": "no-model"},
    ]
    expected = Model("llama:8b", "llama:8b", has_vision=False, has_tools=True, has_reasoning=False)
    assert DIALECTS["openai_chat"].decode_models({"models": rows}) == (expected,)


@pytest.mark.parametrize(
    "fields",
    [
        {"pricing": "free", "capabilities": "all", "architecture": [], "top_provider": 3},
        {"pricing": {"prompt": "nan", "completion": "inf"}, "context_length": "many", "supported_parameters": "tools"},
        {"pricing": {"prompt": None, "input": 1}, "context_length": True, "capabilities": {"vision": "yes"}},
        {"max_tokens": -1, "input_modalities": [3], "capabilities": [None], "prompt_text_token_price": []},
    ],
)
def test_nonsense_about_a_model_is_nothing_known_of_it(fields: dict[str, Any]) -> None:
    assert DIALECTS["openai_chat"].decode_models({"data": [{"id": "x", **fields}]}) == (Model("x", "x"),)
