"""Fakes that refuse what single models refuse: a chat goes well all the same, and without the rule it does not."""

from __future__ import annotations

from typing import Any

import pytest

from sidestep import BadRequest
from sidestep.catalogue import CatalogueEntry
from tests.fakes import AnthropicProvider, OpenProvider, ResponsesProvider, StrictOpenAIProvider
from tests.fakes.providers import BaseProvider
from tests.wire.clients import ask

SAMPLING: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.9,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "stop": ("END",),
}
EFFORTS = ("none", "minimal", "low", "medium", "high")
MODELS: list[tuple[type[BaseProvider], str, str]] = [
    *((AnthropicProvider, "anthropic", model) for model in ("claude-opus-5-5", "claude-haiku-5-5", "claude-opus-4-7")),
    (AnthropicProvider, "anthropic", "claude-opus-4-6"),
    (AnthropicProvider, "anthropic", "claude-haiku-4-5"),
    *((StrictOpenAIProvider, "openai", name) for name in ("gpt-5-mini", "gpt-5.2", "gpt-5.5", "gpt-6.1-sol", "o3")),
    (StrictOpenAIProvider, "openai", "gpt-4.1"),
    *((ResponsesProvider, "openai-responses", name) for name in ("gpt-5-mini", "gpt-5.2", "gpt-5.5", "gpt-4.1")),
    *((StrictOpenAIProvider, "xai", model) for model in ("grok-4.20-reasoning", "grok-4.20-non-reasoning", "grok-4.5")),
    (OpenProvider, "moonshot", "kimi-k2.6"),
    (OpenProvider, "moonshot", "kimi-k3"),
    (OpenProvider, "zai-coding", "glm-5.3"),
]
KINDS = pytest.mark.parametrize(("fake_kind", "kind", "model"), MODELS, ids=[f"{row[1]}-{row[2]}" for row in MODELS])
REQUESTS: list[dict[str, Any]] = [
    {},
    SAMPLING,
    *({**SAMPLING, "reasoning_effort": effort} for effort in EFFORTS),
    {**SAMPLING, "reasoning_budget": 10_000},
    {"reasoning_budget": 60_000},
    {"reasoning_budget": 2_000, "max_tokens": 100},
]


def ask_everything(fake_kind: type[BaseProvider], kind: str, model: str) -> None:
    with fake_kind() as fake:
        fake.is_strict = fake_kind is not OpenProvider
        fake.models = [model]
        for request in REQUESTS:
            assert ask(fake, kind=kind, **request).text == fake.text, request


@KINDS
def test_a_model_takes_every_request(fake_kind: type[BaseProvider], kind: str, model: str) -> None:
    ask_everything(fake_kind, kind, model)


@pytest.mark.parametrize(
    ("fake_kind", "kind", "model"),
    # The provider's row itself was written for the likes of these two.
    [row for row in MODELS if row[2] not in {"claude-haiku-4-5", "claude-opus-4-6"}],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_without_its_rules_it_does_not(
    monkeypatch: pytest.MonkeyPatch, fake_kind: type[BaseProvider], kind: str, model: str
) -> None:
    monkeypatch.setattr(CatalogueEntry, "rules_for", lambda entry, _: entry.rules)
    with pytest.raises(BadRequest):
        ask_everything(fake_kind, kind, model)


def test_a_temperature_reaches_the_models_that_take_one() -> None:
    for fake_kind, kind, model in (
        (AnthropicProvider, "anthropic", "claude-haiku-4-5"),
        (StrictOpenAIProvider, "openai", "gpt-4.1"),
        (StrictOpenAIProvider, "openai", "gpt-5.2"),
    ):
        with fake_kind() as fake:
            fake.models = [model]
            ask(fake, kind=kind, **SAMPLING)
            assert fake.chats[0].json["temperature"] == 0.5
