"""What single models refuse although their vendor's schema knows it, in the vendors' own words.

Written down here from what the vendors answer, and not from the catalogue, which is held against it. Sources:
hermes-agent#11137, opencode-claude-bridge#1 and the migration guides of platform.claude.com (Claude);
zenn.dev/headwaters/a5468c45ec2e52, pydantic-ai#3326 and LiteLLM's `gpt_5_transformation` (OpenAI); NativeTavern#83 and
new-api#6081 (xAI); opencode#27796 and dev.to/aihubmix on Kimi K3.1 (Moonshot).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["find_refusal"]

_NEW_CLAUDES = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-4-7")
_OLD_CLAUDES = ("claude-haiku-4-5", "claude-sonnet-4-5-20250929")
_MIDDLE_CLAUDES = ("claude-opus-4-6",)
_LARGEST: Mapping[str, int] = {
    **dict.fromkeys(_NEW_CLAUDES + _MIDDLE_CLAUDES, 128_000),
    **dict.fromkeys(_OLD_CLAUDES, 64_000),
}
_SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
_FIELDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_NEW_CLAUDES, ("temperature", "top_p")),
    **dict.fromkeys(("gpt-5-mini", "gpt-6.1-sol", "o3"), (*_SAMPLING, "stop")),
    **dict.fromkeys(("gpt-5.2", "gpt-5.5"), ("presence_penalty", "frequency_penalty", "stop")),
    "gpt-4.1": ("reasoning_effort", "reasoning", "include"),
    "grok-4.20-reasoning": ("presence_penalty", "frequency_penalty", "stop", "reasoning_effort"),
    "grok-4.20-non-reasoning": ("presence_penalty", "frequency_penalty", "reasoning_effort"),
    "grok-4.5": ("presence_penalty", "frequency_penalty", "stop"),
    "kimi-k2.6": (*_SAMPLING, "reasoning_effort"),
    "kimi-k3": _SAMPLING,
}
_EFFORTS: Mapping[str, tuple[str, ...]] = {
    "gpt-5-mini": ("minimal", "low", "medium", "high"),
    "gpt-6.1-sol": ("low", "medium", "high"),
    **dict.fromkeys(("gpt-5.2", "gpt-5.5"), ("none", "low", "medium", "high")),
    **dict.fromkeys(("kimi-k3", "glm-5.3"), ("low", "high", "max")),
}
_DEFAULT_EFFORTS: Mapping[str, str] = {"gpt-5.2": "none", "gpt-5.5": "medium"}


def find_refusal(body: Mapping[str, Any]) -> str:
    """Return what the model that *body* asks for refuses in it, as `place: words`; empty if nothing."""
    model = str(body.get("model"))
    if unsupported := next((name for name in _FIELDS.get(model, ()) if name in body), ""):
        return f"{unsupported}: Unsupported parameter: '{unsupported}' is not supported with this model"
    return _find_thinking(model, body) or _find_effort(model, body)


def _find_thinking(model: str, body: Mapping[str, Any]) -> str:
    if model not in _LARGEST:
        return _find_compulsory(model, body)
    thinking = body.get("thinking") or {}
    form, largest = thinking.get("type"), _LARGEST[model]
    if (form == "enabled" and model in _NEW_CLAUDES) or (form == "adaptive" and model in _OLD_CLAUDES):
        return f'thinking: "thinking.type.{form}" is not supported for this model'
    if form and "temperature" in body:
        return "temperature: may only be set to 1 when thinking is enabled or in adaptive mode"
    if body["max_tokens"] > largest:
        return f"max_tokens: {body['max_tokens']} > {largest}, which is the maximum for {model}"
    if thinking.get("budget_tokens", 0) >= body["max_tokens"]:
        return "max_tokens: must be greater than thinking.budget_tokens"
    return ""


def _find_compulsory(model: str, body: Mapping[str, Any]) -> str:
    is_disabled = (body.get("thinking") or {}).get("type") == "disabled"
    return "thinking: this model always thinks" if model == "glm-5.3" and is_disabled else ""


def _find_effort(model: str, body: Mapping[str, Any]) -> str:
    effort = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort")
    if effort and effort not in _EFFORTS.get(model, (effort,)):
        return f"reasoning_effort: {effort!r} is not supported with this model"
    is_thinking = (effort or _DEFAULT_EFFORTS.get(model, "none")) != "none"
    if model in _DEFAULT_EFFORTS and is_thinking and {"temperature", "top_p"} & body.keys():
        return "temperature: Unsupported value: only the default (1) value is supported while reasoning"
    return ""
