"""Pytest fixtures, one fake each; use them with `pytest_plugins = ["tests.fakes.fixtures"]`."""

from collections.abc import Iterator

import pytest

from tests.fakes.bedrock import BedrockProvider
from tests.fakes.gemini import GeminiProvider
from tests.fakes.ollama import OllamaProvider
from tests.fakes.providers import (
    AnthropicProvider,
    HidesErrorsProvider,
    MistralProvider,
    OpenProvider,
    StrictOpenAIProvider,
    ZaiProvider,
)
from tests.fakes.responses import ResponsesProvider


@pytest.fixture
def open_provider() -> Iterator[OpenProvider]:
    with OpenProvider() as fake:
        yield fake


@pytest.fixture
def zai_provider() -> Iterator[ZaiProvider]:
    with ZaiProvider() as fake:
        yield fake


@pytest.fixture
def anthropic_provider() -> Iterator[AnthropicProvider]:
    with AnthropicProvider() as fake:
        yield fake


@pytest.fixture
def bedrock_provider() -> Iterator[BedrockProvider]:
    with BedrockProvider() as fake:
        yield fake


@pytest.fixture
def hides_errors_provider() -> Iterator[HidesErrorsProvider]:
    with HidesErrorsProvider() as fake:
        yield fake


@pytest.fixture
def strict_openai_provider() -> Iterator[StrictOpenAIProvider]:
    with StrictOpenAIProvider() as fake:
        yield fake


@pytest.fixture
def mistral_provider() -> Iterator[MistralProvider]:
    with MistralProvider() as fake:
        yield fake


@pytest.fixture
def gemini_provider() -> Iterator[GeminiProvider]:
    with GeminiProvider() as fake:
        yield fake


@pytest.fixture
def responses_provider() -> Iterator[ResponsesProvider]:
    with ResponsesProvider() as fake:
        yield fake


@pytest.fixture
def ollama_provider() -> Iterator[OllamaProvider]:
    with OllamaProvider() as fake:
        yield fake
