"""Our client, with its real transport, pointed at a fake provider."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sidestep import Client, Message, Provider, Reply
from sidestep.transports.http import HttpTransport
from tests.fakes.providers import BaseProvider

KINDS = {
    "OpenProvider": "openai",
    "StrictOpenAIProvider": "openai",
    "ResponsesProvider": "openai-responses",
    "AnthropicProvider": "anthropic",
    "GeminiProvider": "gemini",
    "MistralProvider": "mistral",
    "OllamaProvider": "ollama",
    "ZaiProvider": "zai-coding",
}


def ask(fake: BaseProvider, messages: str | Sequence[Message | dict[str, Any]] = "Hi", **parameters: Any) -> Reply:
    """Return the whole answer of *fake* to *messages*; it is asked as the provider that it behaves like."""
    kind = parameters.pop("kind", KINDS[type(fake).__name__])
    provider = Provider("fake", kind=kind, api_key=fake.key, base_url=fake.base_url)

    async def complete() -> Reply:
        transport = HttpTransport()
        try:
            client = Client([provider], transport=transport)
            return await client.complete(f"fake/{fake.models[0]}", messages, **parameters)
        finally:
            await transport.aclose()

    return asyncio.run(complete())
