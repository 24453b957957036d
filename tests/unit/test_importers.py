"""What other clients' files become. The expectation beside each fixture was read before it was kept."""

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest

from sidestep.config import Config
from sidestep.exporters import EXPORTS, write_export
from sidestep.importers import FORMATS, Imported, ImportProblem, read_import, read_storage
from sidestep.merging import Side, compare_documents
from tests.unit.fixtures import IMPORTS, list_imports, read_expected

READABLE = sorted(set(EXPORTS) - {"relay"})

FIXTURES = list_imports()


def summarise(imported: Imported) -> dict[str, Any]:
    document = copy.deepcopy(dict(imported.document))
    for row in document["providers"]:
        row["key"] = imported.secrets["providers"].get(row["id"], "")
    return {
        "format": imported.format,
        "document": document,
        "findings": [f"{finding.kind} | {finding.item} | {finding.message}" for finding in imported.findings],
    }


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_file_becomes_what_a_person_would_expect(fixture: Path) -> None:
    assert summarise(read_import(fixture.read_text(encoding="utf-8"))) == read_expected(fixture)


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_is_imported_is_valid(fixture: Path) -> None:
    imported = read_import(fixture.read_text(encoding="utf-8"))
    config, problems = Config.load(imported.document, imported.secrets)
    assert not problems
    assert config.to_dict() == imported.document


def test_every_format_has_three_fixtures() -> None:
    formats = {known.id for known in FORMATS} | {"env", "curl"}
    assert {path.parent.name for path in FIXTURES} == formats
    for name in formats:
        assert {path.stem for path in FIXTURES if path.parent.name == name} >= {"plain", "full", "quirky"}, name


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_finding_and_no_extra_holds_a_key(fixture: Path) -> None:
    imported = read_import(fixture.read_text(encoding="utf-8"))
    told = json.dumps([imported.document, [finding.to_dict() for finding in imported.findings]])
    for key in imported.secrets["providers"].values():
        assert key not in told
    assert "made-up" not in told.replace("-virtual-made-up", "")


@pytest.mark.parametrize("format_id", READABLE)
@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_was_exported_comes_back_as_it_was(fixture: Path, format_id: str) -> None:
    config, _ = Config.load(read_import(fixture.read_text(encoding="utf-8")).document)
    again = read_import(write_export(config, format_id).text)
    assert again.document == config.to_dict()


MIXED = {
    "version": 2,
    "providers": [
        {"id": "openai", "kind": "openai", "route": "direct", "models": ["gpt-5.2"]},
        {"id": "zai-coding", "kind": "zai-coding", "route": "relay", "models": ["glm-4.6", "glm-4.5-air"]},
        {"id": "work", "kind": "openai", "name": "Work", "route": "auto", "headers": {"X-Team": "blue"}},
        {"id": "claude", "kind": "custom", "name": "Ours", "base_url": "https://claude.example.org/v1",
         "dialect": "anthropic", "auth": "x-api-key", "route": "auto", "models": ["claude/sonnet 4"]},
        {"id": "gemini", "kind": "gemini"},
        {"id": "2nd.local", "kind": "ollama", "base_url": "http://192.168.1.20:11434/v1"},
    ],
    "relays": [
        {"id": "laptop", "name": "Laptop", "url": "http://127.0.0.1:8787"},
        {"id": "team", "name": "Team", "url": "https://relay.example.org", "group": 1, "weight": 2.5},
    ],
    "consents": [{"relay": "laptop", "provider": "*"}, {"relay": "team", "provider": "zai-coding"}],
    "rules": [
        {"id": "night", "name": "Night", "when": {"provider": ["openai", "zai*"]}, "then": {"relays": ["team"]}},
        {"id": "own", "name": "Own", "enabled": False, "python": "def route(request, context):\n    return None\n"},
    ],
    "groups": [{"name": "fast", "strategy": "weighted", "members": [{"model": "openai/gpt-5.2", "weight": 3}]}],
    "options": {"caches_answers": True, "cache_lifetime": 60},
    "extras": {"opencode": {"theme": "system"}},
}  # fmt: skip


@pytest.mark.parametrize("format_id", READABLE)
def test_direct_and_relayed_providers_survive_the_round_trip(format_id: str) -> None:
    config, problems = Config.load(MIXED)
    assert not problems
    exported = write_export(config, format_id)
    assert read_import(exported.text).document == config.to_dict()


@pytest.mark.parametrize("format_id", EXPORTS)
def test_an_export_holds_no_key_and_no_secret_header(format_id: str) -> None:
    row = {"id": "mine", "kind": "custom", "base_url": "https://llm.example.org/v1", "headers": {"X-Token": "h-secret"}}
    document = {"version": 2, "providers": [row], "relays": [{"id": "r", "url": "https://relay.example.org"}]}
    config, _ = Config.load(document, {"providers": {"mine": "p-secret"}, "relays": {"r": "r-secret"}})
    assert config.providers[0].api_key == "p-secret"
    exported = write_export(config, format_id, page_origin="https://page.example.org")
    assert "secret" not in exported.text
    if format_id != "relay":
        assert any("X-Token" in note for note in exported.notes)


def test_what_is_edited_by_hand_counts_more_than_what_we_carry() -> None:
    config, _ = Config.load(MIXED)
    text = write_export(config, "opencode").text
    lines = text.splitlines()
    edited = "\n".join(line.replace("https://api.openai.com/v1", "https://proxy.example.org/v1") if number else line
                       for number, line in enumerate(lines))  # fmt: skip
    document = read_import(edited).document
    by_id = {row["id"]: row for row in document["providers"]}
    assert by_id["openai"]["base_url"] == "https://proxy.example.org/v1"
    assert by_id["openai"]["route"] == "direct"


def test_a_link_carries_a_whole_configuration() -> None:
    text = write_export(Config.load(MIXED)[0], "sidestep").text
    data = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    assert read_import(f"https://page.example.org/#import={data}").document == Config.load(MIXED)[0].to_dict()


def test_what_other_apps_left_in_storage_is_found() -> None:
    entries = {
        "theme": "dark",
        "opencode-providers": (IMPORTS / "opencode-web-ui" / "plain.json").read_text(encoding="utf-8"),
        "opencode-api-key": "oc-made-up",
        "sidestep.drafts": "{}",
    }
    found = read_storage(entries)
    assert found is not None
    assert found.format == "opencode-web-ui"
    assert [row["id"] for row in found.document["providers"]] == ["z.ai", "openai", "opencode"]


def test_a_provider_of_both_roles_in_storage_is_one() -> None:
    chosen = json.dumps({"_current": "MistralAI", "MistralAI": {"apiKey": "mi-made-up"}, "None": {"provider": "None"}})
    found = read_storage({"@jupyterlite/ai:chat-settings": chosen, "@jupyterlite/ai:completer-settings": chosen})
    assert found is not None
    assert [row["kind"] for row in found.document["providers"]] == ["mistral"]
    assert found.secrets["providers"] == {"mistral": "mi-made-up"}
    assert not found.findings


@pytest.mark.parametrize(
    "entries", [{}, {"opencode-providers": "[]"}, {"opencode-providers": "{"}, {"hollama-servers": "7"}]
)
def test_storage_without_anything_of_use_is_no_import(entries: dict[str, str]) -> None:
    assert read_storage(entries) is None


BAD = [
    ("", "empty"),
    ("   \n", "empty"),
    ("hello", "Nothing here"),
    ('{"provider": {"mine": {"options": {"baseURL": "https://x.example.org', "begins in line 1 has no end"),
    ('{"provider": {"mine": {', "ends in the middle, in line 1"),
    ('{\n"a": 1,\n"b": oops}', "line 3"),
    ('{"a": 1}', "no configuration that Sidestep knows"),
    ("[" * 200 + "]" * 200, "100 levels"),
    ('{"a":' * 150 + "1" + "}" * 150, "100 levels"),
    ('{"version": 3, "providers": [], "relays": []}', "version 3"),
    ('{"format": "sidestep-config", "version": 99, "config": {"version": 99, "providers": []}}', "version 99"),
    ('{"format": "sidestep-config", "version": 2}', "no configuration in it"),
    ('{"providers": [], "relays": [], "version": "two"}', "which version"),
    ('{"a": NaN}', "number that is none"),
    ('{"a": ' + "9" * 5000 + "}", "too long"),
    ("model_list:\n  - model_name: [", "not YAML"),
    ("model_list: &a\n  - *a\n", "alias in line 2"),
    ("model_list:\n\t- x: 1", "not YAML"),
    ("model_list: 5", "no configuration that Sidestep knows"),
    ("curl -H 'Authorization: Bearer x", "quote in it is not closed"),
    ("curl -H 'Accept: */*'", "calls no address"),
    ("curl javascript:alert(1)", "not a web address"),
    ("cherrystudio://providers/api-keys?v=1&data=%%%", "link is incomplete"),
    ("https://page.example.org/#import=AAAA", "Nothing here|incomplete"),
    ('{"opencode-providers": []}', "no provider in it"),
    ('{"provider": {"x": {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": "javascript:alert(1)"}}}}', "https://"),
    ('{"__proto__": {"provider": {}}, "constructor": {"prototype": {}}}', "no configuration that Sidestep knows"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD)
def test_bad_input_is_told_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ImportProblem, match=said):
        read_import(text)


def test_what_is_far_too_long_is_refused_at_once() -> None:
    with pytest.raises(ImportProblem, match="50 million"):
        read_import("[" + " " * 50_000_001)


def test_a_name_of_javascript_s_own_is_a_name() -> None:
    imported = read_import('{"provider": {"__proto__": {"options": {"baseURL": "https://x.example.org/v1"}}}}')
    assert [row["id"] for row in imported.document["providers"]] == ["proto"]


def test_our_own_rule_of_python_is_pointed_out() -> None:
    text = write_export(Config.load(MIXED)[0], "sidestep").text
    assert [finding.item for finding in read_import(text).findings if finding.kind == "code"] == ["rule/own"]


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_is_said_of_an_item_names_it_as_the_merge_does(fixture: Path) -> None:
    imported = read_import(fixture.read_text(encoding="utf-8"))
    nothing = Side({"version": 2, "providers": [], "relays": []}, {})
    keys = {change.key for change in compare_documents(nothing, Side(imported.document, imported.secrets))}
    assert {finding.item for finding in imported.findings} - {""} <= keys


def test_a_relay_and_a_provider_of_one_name_are_told_apart() -> None:
    provider = {"id": "home", "kind": "openai", "name": "Home"}
    relay = {"id": "home", "name": "Home", "url": "https://relay.example.org"}
    document = {
        "format": "sidestep-config",
        "version": 2,
        "config": {"version": 2, "providers": [provider], "relays": [relay]},
    }
    findings = read_import(json.dumps(document)).findings
    assert [finding.item for finding in findings if finding.kind == "key_needed"] == ["provider/home", "relay/home"]


@pytest.mark.parametrize("name", ["X-Team-Key", "X-Extra-Auth", "X-Signature", "X-Session", "X-Access-Code"])
def test_a_header_that_sounds_secret_stays_behind(name: str) -> None:
    provider = {
        "id": "p",
        "kind": "custom",
        "name": "P",
        "base_url": "https://p.example.org/v1",
        "dialect": "openai_chat",
    }
    config, _ = Config.load(
        {"version": 2, "providers": [{**provider, "headers": {name: "made-up", "X-Title": "Kept"}}]}
    )
    for chosen in ("sidestep", "opencode", "litellm", "open-webui"):
        text = write_export(config, chosen).text
        assert "made-up" not in text
        assert "Kept" in text


def test_a_sealed_file_says_no_more_than_that() -> None:
    imported = read_import('{"format": "sidestep-config", "version": 2, "sealed": {"cipher": "AES-256-GCM"}}')
    assert imported.sealed == {"cipher": "AES-256-GCM"}
    assert imported.document == {}
