"""What a list of models says of each, under the names that providers use for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from sidestep.types import Model

__all__ = ["read_model"]

_CONTEXT = (
    "context_length",
    "context_window",
    "max_context_length",
    "max_model_len",
    "max_input_tokens",
    "inputTokenLimit",
)
_OUTPUT = ("max_completion_tokens", "max_output_length", "max_tokens", "outputTokenLimit", "max_output_tokens")
_PER_MILLION = 1_000_000
_CENTS_PER_HUNDRED_MILLION = 10_000  # a dollar for a million tokens, in xAI's unit


def read_model(row: Mapping[str, Any], *, id_field: str = "id") -> Model | None:
    """Return the model that *row* describes, or None if it has no id.

    Sources: the `/models` answers of OpenAI, OpenRouter (openrouter.ai/docs, *Models*), Mistral
    (docs.mistral.ai, *List models*), Groq, Together, vLLM and Anthropic (docs.claude.com, *List models*), xAI's
    `/language-models`, Gemini's `models` and Ollama's `/api/tags`, whose rows have a `model` instead of an id.
    """
    identifier = _text(row, id_field, "model")
    if not identifier:
        return None
    provider = _mapping(row.get("top_provider"))
    can = _read_abilities(row)
    return Model(
        id=identifier,
        name=_text(row, "display_name", "displayName", "name") or identifier,
        context_length=_count(row, *_CONTEXT),
        max_output=_count(provider, "max_completion_tokens") or _count(row, *_OUTPUT),
        has_vision=_decide(can, "vision", "image_input", "image"),
        has_tools=_decide(can, "function_calling", "tools"),
        has_reasoning=_decide(can, "reasoning", "thinking"),
        input_price=_read_price(row, "prompt", "input", "prompt_text_token_price"),
        output_price=_read_price(row, "completion", "output", "completion_text_token_price"),
    )


def _read_abilities(row: Mapping[str, Any]) -> dict[str, bool]:
    """Return what the model can take or do, by the providers' names for it.

    A list stands for all there is: what a list of the same kind leaves out, the model has not.
    """
    inputs = {*_words(_mapping(row.get("architecture")).get("input_modalities")), *_words(row.get("input_modalities"))}
    can = {"image": "image" in inputs} if inputs else {}
    parameters = {*_words(row.get("supported_parameters"))}
    listed = {*_words(row.get("capabilities"))}
    if parameters:
        can |= {"tools": "tools" in parameters, "reasoning": "reasoning" in parameters}
    if listed:
        can |= {name: name in listed for name in ("vision", "tools", "thinking")}
    for name, value in (*_mapping(row.get("capabilities")).items(), ("thinking", row.get("thinking"))):
        # Mistral says true, Anthropic {"supported": true}.
        said = value.get("supported") if isinstance(value, Mapping) else value
        if isinstance(said, bool):
            can[str(name)] = said
    return can


def _read_price(row: Mapping[str, Any], by_token: str, by_million: str, by_cents: str) -> float | None:
    """Return dollars for a million tokens, from OpenRouter's, Together's or xAI's unit."""
    pricing = _mapping(row.get("pricing"))
    if by_token in pricing:
        return _price(pricing[by_token], _PER_MILLION)
    if by_million in pricing:
        return _price(pricing[by_million], 1)
    return _price(row.get(by_cents), 1 / _CENTS_PER_HUNDRED_MILLION)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _words(value: Any) -> Iterable[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _text(row: Mapping[str, Any], *names: str) -> str:
    return next((row[name] for name in names if isinstance(row.get(name), str) and row[name]), "")


def _count(row: Mapping[str, Any], *names: str) -> int | None:
    counts = (row.get(name) for name in names)
    return next(
        (count for count in counts if isinstance(count, int) and not isinstance(count, bool) and count > 0), None
    )


def _decide(can: Mapping[str, bool], *names: str) -> bool | None:
    return next((can[name] for name in names if name in can), None)


def _price(value: Any, factor: float) -> float | None:
    try:
        price = float(value) * factor
    except (TypeError, ValueError, OverflowError):
        return None
    return round(price, 6) if 0 <= price < math.inf else None
