"""What the user enters: cleaned where it is clear what was meant, refused with a sentence where it is not."""

import pytest

from sidestep import Config, ConfigurationError, Consent, Provider, Relay
from sidestep.config import clean_base_url, clean_headers


@pytest.mark.parametrize(
    ("entered", "cleaned"),
    [
        ("https://api.test/v1", "https://api.test/v1"),
        ("  https://api.test/v1/ \n", "https://api.test/v1"),
        ("https://API.Test/V1", "https://api.test/V1"),
        ("https://api.test/v1/chat/completions", "https://api.test/v1"),
        ("https://api.test/v1/chat/completions/", "https://api.test/v1"),
        ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_is_cleaned(entered: str, cleaned: str) -> None:
    assert clean_base_url(entered) == cleaned


@pytest.mark.parametrize(
    ("entered", "word"),
    [
        ("", "missing"),
        ("api.test/v1", "https://"),
        ("ftp://api.test", "https://"),
        ("javascript:alert(1)", "https://"),
        ("https://", "host"),
        ("https:///v1", "host"),
        ("https://api.test:port/v1", "port"),
        ("https://api.test:99999/v1", "port"),
        ("https://[::1/v1", "host"),
        ("https://user:pass@api.test/v1", "password"),
        ("https://api.test/v1?key=abc", "?"),
        ("https://api.test/v1#x", "#"),
        ("https://api.test /v1", "space"),
        ("https://api.test\\v1", "backslash"),
    ],
)
def test_a_malformed_address_gets_a_sentence(entered: str, word: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Provider("custom", base_url=entered)
    assert caught.value.field == "base_url"
    assert word in caught.value.message


@pytest.mark.parametrize("entered", [" sk-test ", "sk-test\n", "\tsk-test\r\n", "Bearer sk-test", "\u200bsk-test"])
def test_stray_space_around_a_key_is_removed(entered: str) -> None:
    assert Provider("openai", api_key=entered).api_key == "sk-test"


@pytest.mark.parametrize("entered", ["sk-se cret", "sk-se\ncret", "sk\u2013secret", "sk-secret\u201c", "sk\x00secret"])
def test_a_key_that_cannot_be_one_gets_a_sentence_without_it(entered: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Provider("openai", api_key=entered)
    assert caught.value.field == "api_key"
    assert "cret" not in caught.value.message
    assert "copy it again" in caught.value.message


def test_a_provider_takes_what_is_not_said_from_the_catalogue() -> None:
    provider = Provider("zai-coding", api_key="k")
    assert provider.name == "Z.ai coding plan"
    assert provider.base_url == "https://api.z.ai/api/coding/paas/v4"
    assert provider.origin == "https://api.z.ai"
    work = Provider("zai-work", kind="zai-coding", name="Work", api_key="k")
    assert (work.name, work.base_url) == ("Work", provider.base_url)


def test_a_provider_of_ones_own_needs_an_address() -> None:
    mine = Provider("mine", base_url="https://llm.test/v1", headers={"X-Team": " blue "})
    assert (mine.name, mine.dialect, dict(mine.headers)) == ("mine", "openai_chat", {"X-Team": "blue"})
    with pytest.raises(ConfigurationError, match="address is missing"):
        Provider("mine")


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("id", {"id": "a/b"}),
        ("id", {"id": ""}),
        ("kind", {"id": "x", "kind": "nobody"}),
        ("route", {"id": "openai", "route": "sideways"}),
        ("dialect", {"id": "openai", "dialect": "klingon"}),
    ],
)
def test_other_fields_are_checked(field: str, arguments: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Provider(**arguments)  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize(
    "name", ["Cookie", "HOST", "user-agent", "Sec-Fetch-Mode", "proxy-x", "X-Provider-Key", "a b", ""]
)
def test_headers_that_may_not_be_set_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        clean_headers({name: "x"})


def test_a_header_with_a_line_break_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        clean_headers({"X-A": "b\r\nX-C: d"})


def test_nothing_prints_a_secret() -> None:
    provider, relay = Provider("openai", api_key="sk-secret-1"), Relay("https://r.test", token="token-secret-2")
    config = Config((provider,), (relay,))
    assert "secret" not in repr(config) + str(config.to_dict()) + repr(provider) + repr(relay)
    assert config.secrets == ("sk-secret-1", "token-secret-2")


def test_the_document_survives_the_round_trip() -> None:
    document = {
        "version": 2,
        "providers": [
            Provider("openai", route="direct", models=["gpt-x"]).to_dict(),
            Provider("mine", base_url="http://127.0.0.1:1/v1", headers={"X-A": "b"}).to_dict(),
        ],
        "relays": [Relay("https://r.test:8787/v1/", name="Attic").to_dict()],
        "consents": [{"relay": "r.test-8787", "provider": "openai"}],
        "rules": [{"id": "night", "when": {"time": {"from": "22:00", "to": "06:00"}}, "then": {"policy": "direct"}}],
        "groups": [{"name": "fast", "members": [{"model": "openai/gpt-5.2"}]}],
        "options": {"caches_answers": True},
        "extras": {"opencode": {"theme": "system"}},
    }
    secrets = {"providers": {"openai": "k"}, "relays": {"r.test-8787": "t"}}
    config, problems = Config.load(document, secrets)
    assert problems == []
    assert config.to_dict() == document
    assert config.providers[0].api_key == "k"
    assert (config.relays[0].url, config.relays[0].token) == ("https://r.test:8787", "t")
    assert config.consents == {Consent("r.test-8787", "openai")}


def test_one_bad_row_never_takes_the_others_with_it() -> None:
    document = {
        "providers": [{"id": "openai"}, {"id": "mine", "base_url": "nowhere"}, 3, {"id": "x", "headers": ["a"]}],
        "relays": [{"url": "javascript:x"}],
        "consents": "all",
    }
    config, problems = Config.load(document)
    assert [provider.id for provider in config.providers] == ["openai"]
    assert {(problem.item, problem.field) for problem in problems} == {
        ("mine", "base_url"),
        ("", "providers"),
        ("x", "headers"),
        ("", "url"),
        ("", "consents"),
    }


def test_a_later_version_is_refused_not_guessed() -> None:
    with pytest.raises(ConfigurationError, match="version 99"):
        Config.load({"version": 99})


def test_consent_is_per_relay_and_provider() -> None:
    config = Config(consents=frozenset({Consent("attic", "openai"), Consent("cellar", "*")}))
    assert config.has_consent("attic", "openai")
    assert not config.has_consent("attic", "zai-coding")
    assert config.has_consent("cellar", "zai-coding")


def test_a_wrong_rule_is_named_by_its_place_kept_and_not_obeyed() -> None:
    rules = [{"id": "a", "when": {"tokens": {"min": "many"}}, "then": {}}, {"id": "b", "when": {}, "then": {}}]
    config, problems = Config.load({"rules": rules, "groups": [{"name": "fast", "members": [{"model": "gone/x"}]}]})
    assert [problem.field for problem in problems] == ["/rules/0/when/tokens/min", "/groups/0/members/0/model"]
    assert [rule.is_active for rule in config.policies.rules] == [False, True]
    assert config.to_dict()["rules"] == rules


@pytest.mark.parametrize(
    ("field", "value"), [("group", -1), ("group", 1.5), ("group", True), ("weight", 0), ("weight", "2")]
)
def test_a_relays_place_among_the_others_is_checked(field: str, value: object) -> None:
    _, problems = Config.load({"relays": [{"url": "https://attic.test", field: value}]})
    assert [problem.field for problem in problems] == [field]


def test_no_provider_can_be_called_group() -> None:
    with pytest.raises(ConfigurationError, match="model groups"):
        Provider("group", base_url="https://x.test")


def test_no_relay_can_be_called_direct() -> None:
    with pytest.raises(ConfigurationError, match="without a relay"):
        Relay("https://attic.test", id="direct")
