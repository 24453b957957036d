"""The fields of a chat request: which pass, and what kind of JSON each is. Data alone.

The kinds are those of the wire, as wide as any vendor uses them; whether a value is good is for the provider to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "INTEGER_BOUNDS",
    "KINDS_OF_JSON",
    "MODEL",
    "OPENAI_FIELDS",
    "STEERING",
    "VENDOR_FIELDS",
    "is_kind",
]

INTEGER_BOUNDS = (-(2**63), 2**63 - 1)

MODEL = re.compile(r"[A-Za-z0-9_]+/[\x21-\x7e]{1,200}")
"""What a model is called: the provider's prefix, and the provider's own name for it."""

OPENAI_FIELDS: Mapping[str, tuple[str, ...]] = {
    "audio": ("object",),
    "frequency_penalty": ("number",),
    "function_call": ("string", "object"),
    "functions": ("array",),
    "logit_bias": ("object",),
    "logprobs": ("boolean", "integer"),  # Together counts them
    "max_completion_tokens": ("integer",),
    "max_tokens": ("integer",),
    "messages": ("array",),
    "metadata": ("object",),
    "modalities": ("array",),
    "model": ("string",),
    "n": ("integer",),
    "parallel_tool_calls": ("boolean",),
    "prediction": ("object",),
    "presence_penalty": ("number",),
    "reasoning_effort": ("string",),
    "response_format": ("object",),
    "safety_identifier": ("string",),
    "seed": ("integer",),
    "service_tier": ("string",),
    "stop": ("string", "array"),
    "store": ("boolean",),
    "stream": ("boolean",),
    "stream_options": ("object",),
    "temperature": ("number",),
    "tool_choice": ("string", "object"),
    "tools": ("array",),
    "top_logprobs": ("integer",),
    "top_p": ("number",),
    "user": ("string",),
    "verbosity": ("string",),
    "web_search_options": ("object",),
}
"""Each may be null, and then counts as absent. Source: OpenAI API reference, *Create chat completion*, request body."""

VENDOR_FIELDS: Mapping[str, frozenset[str]] = {
    "anthropic": frozenset({"thinking", "top_k", "output_config", "context_management"}),
    # Anthropic's models there; others have their parameters among OpenAI's.
    "bedrock_converse": frozenset({"thinking", "top_k"}),
    "plugin": frozenset(),
}
"""For each dialect that goes through LiteLLM: the vendor's own fields that pass. Source: Anthropic API reference;
Amazon Bedrock user guide, *Inference parameters*."""

STEERING = re.compile(
    r"_.*|api_(base|key|type|version)|base_(url|model)|extra_(body|headers|query)|(default_)?headers"
    r"|.*fallbacks?|.*fallback_.*|model_(list|info|config|alias_map)|custom_(llm_provider|prompt_dict)|mock_.*"
    r"|.*callbacks?|logger_fn|caching.*|cache|cache_key|(num|max)_retries|retry_(policy|strategy)|.*timeout"
    r"|(aws|azure|vertex|litellm|langfuse|langsmith|s3|gcs|arize|wandb|posthog|watsonx|dd|openai|anthropic)_.*"
    r"|vertex|azure|organization|organization_id|project|region_name|client(_id|_secret)?|shared_session|ssl_verify"
    r"|proxy_server_request|guardrails|prompt_(id|variables|label|version)|allowed_openai_params"
    r"|additional_drop_params|drop_params|provider_specific_header|use_.*proxy|tenant_id|.*_cost_per_.*",
    re.DOTALL,
)
"""Names that would steer LiteLLM; refused everywhere."""

KINDS_OF_JSON: Mapping[str, str] = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}
"""JSON Schema's names for the kinds, and how a person calls them."""


def is_kind(value: Any, kind: str) -> bool:
    """Say whether *value*, as it came from JSON, is of *kind*, in JSON Schema's sense: 1.0 is a whole number."""
    if kind == "integer":
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        return is_whole and not isinstance(value, bool) and INTEGER_BOUNDS[0] <= value <= INTEGER_BOUNDS[1]
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, _PYTHON_TYPES[kind])


_PYTHON_TYPES: Mapping[str, type] = {"array": list, "boolean": bool, "object": dict, "string": str}
