"""Every row of the catalogue: whole, well formed, and true to the facts it was written from."""

import dataclasses
import json
import re
from typing import get_args
from urllib.parse import urlsplit

import pytest

from sidestep import Provider
from sidestep.catalogue import CatalogueEntry, format_table, load_catalogue
from sidestep.config import clean_base_url
from sidestep.dialects import DIALECTS
from sidestep.dialects.failures import KINDS
from sidestep.dialects.openai_chat import REASONING_CONTROLS
from sidestep.types import Effort

CATALOGUE = load_catalogue()
ENTRIES = pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.id)

ALIVE = {
    "openai", "openai-responses", "anthropic", "gemini", "mistral", "groq", "deepseek", "xai", "openrouter", "together",
    "fireworks", "cohere", "perplexity", "cerebras", "sambanova", "nvidia", "huggingface", "moonshot", "kimi-coding",
    "dashscope", "bigmodel", "zai", "zai-coding", "zai-anthropic", "minimax", "siliconflow", "volcengine", "azure",
    "bedrock", "vertex", "ollama", "lm-studio", "llama-cpp", "vllm", "litellm-proxy", "open-webui", "demo", "custom",
}  # fmt: skip


def test_the_catalogue_holds_these() -> None:
    assert set(CATALOGUE) == ALIVE
    assert list(CATALOGUE)[-1] == "custom", "what fits nothing else stands last"


@ENTRIES
def test_addresses_are_clean_and_encrypted(entry: CatalogueEntry) -> None:
    for url in (entry.base_url, entry.relay_base_url, *entry.alternatives.values()):
        if url:
            assert clean_base_url(url) == url
            assert url.startswith("https://") or (entry.is_local and urlsplit(url).hostname == "localhost")
    assert entry.base_url or entry.base_url_hint, "whoever must give the address is shown its form"


@ENTRIES
def test_words_are_known_words(entry: CatalogueEntry) -> None:
    assert re.fullmatch(r"[a-z0-9-]+", entry.id)
    assert entry.dialect in DIALECTS
    assert entry.cors.verdict in {"open", "blocked", "unknown"}
    own_controls = {"adaptive", "adaptive_only"} if entry.dialect == "anthropic" else set()
    direct = (entry.rules, *(own.rules for own in entry.model_rules))
    relayed = (entry.relay_rules, *(own.relay_rules for own in entry.model_rules))
    assert {rules.reasoning_control for rules in direct} <= {*REASONING_CONTROLS, *own_controls}
    assert {rules.reasoning_control for rules in relayed} <= set(REASONING_CONTROLS)
    assert set(entry.error_codes.values()) <= set(KINDS)
    assert entry.litellm_prefix
    assert entry.litellm_route
    assert not entry.models_path or entry.models_path.startswith("/")


@ENTRIES
def test_rules_of_some_models_name_their_source_and_are_reached(entry: CatalogueEntry) -> None:
    for own in entry.model_rules:
        assert own.source
        assert {*own.rules.efforts, *own.rules.efforts.values()} <= set(get_args(Effort))
        for pattern in own.match:
            # A pattern that another one before it covers would never count.
            assert next(row for row in entry.model_rules if row.covers(pattern.replace("*", "-x-"))) is own, pattern


@ENTRIES
def test_a_verdict_names_who_saw_it_and_when(entry: CatalogueEntry) -> None:
    assert re.fullmatch(r"(\d{4}-\d{2}(-\d{2})?)?", entry.cors.date)
    if entry.cors.verdict != "unknown":
        assert entry.cors.source


@ENTRIES
def test_there_is_a_way_to_a_key_and_to_a_model(entry: CatalogueEntry) -> None:
    if entry.key_required and entry.base_url:
        assert entry.key_url.startswith("https://")
    has_list = bool(entry.models_path)
    names_own = entry.id in {"azure", "bedrock", "vertex", "custom"}
    assert has_list or entry.models or names_own


@ENTRIES
def test_what_is_sent_passes_the_preflight(entry: CatalogueEntry) -> None:
    if entry.allowed_headers:
        sent = {entry.auth_header, "content-type", *entry.headers}
        assert {name.lower() for name in sent} <= set(entry.allowed_headers)
    assert all(name == name.lower() for name in entry.allowed_headers)


@ENTRIES
def test_a_provider_can_be_made_of_it_and_stored(entry: CatalogueEntry) -> None:
    provider = Provider("mine", kind=entry.id, api_key="k", base_url=entry.base_url or "https://host.test/v1")
    json.dumps([provider.to_dict(), entry.to_dict()])
    assert dataclasses.replace(entry) == entry


@ENTRIES
def test_a_server_of_ones_own_is_opened_by_a_line_that_names_its_source(entry: CatalogueEntry) -> None:
    if entry.cors_remedy:
        assert entry.is_local or not entry.base_url, "what the user cannot change is no remedy"
        assert entry.cors_remedy.source
        assert entry.cors_remedy.text.endswith(".")
        assert "{origin}" in entry.cors_remedy.paste or entry.id == "lm-studio"
    if entry.is_local and entry.cors.verdict == "blocked":
        assert entry.cors_remedy


def test_the_terms_of_zais_plan_are_said_where_it_is_chosen() -> None:
    for entry_id in ("zai-coding", "zai-anthropic"):
        assert "suspended" in CATALOGUE[entry_id].warning


def test_the_table_has_a_row_for_each() -> None:
    table = format_table(CATALOGUE)
    assert table.count("\n") == len(CATALOGUE) + 2
    assert "| Z.ai coding plan | relay | 2026-09-18 |" in table
