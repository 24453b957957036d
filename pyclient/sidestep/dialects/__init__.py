"""Wire formats: a `ChatRequest` to an `HttpRequest`, a provider's bytes to `Event`s. No IO, no transport.

Code in here knows meaning, never bytes on a network: it imports `types`, `sse` and `errors`, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sidestep.dialects._base import Dialect, StreamDecoder
from sidestep.dialects.anthropic import Anthropic
from sidestep.dialects.gemini import Gemini
from sidestep.dialects.openai_chat import OpenAIChat
from sidestep.dialects.openai_responses import OpenAIResponses

__all__ = ["DIALECTS", "Dialect", "StreamDecoder"]

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "openai_chat": OpenAIChat(),
        "openai_responses": OpenAIResponses(),
        "anthropic": Anthropic(),
        "gemini": Gemini(),
    }
)
"""Every dialect by the name that the catalogue uses."""
