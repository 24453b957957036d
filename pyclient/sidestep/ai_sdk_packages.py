"""The npm packages of the AI SDK, by which opencode names a provider's wire format."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["PACKAGES"]

PACKAGES: Mapping[str, str] = {
    "openai_chat": "@ai-sdk/openai-compatible",
    "anthropic": "@ai-sdk/anthropic",
    "openai_responses": "@ai-sdk/openai",
    "gemini": "@ai-sdk/google",
}
"""By dialect."""
