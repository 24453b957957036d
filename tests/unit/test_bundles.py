"""The document for a bug report: what it says, and that no secret and nothing of a conversation is in it."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from sidestep.bundles import make_bundle
from sidestep.config import Config, Provider, Relay
from sidestep.errors import AuthenticationError, FetchRejected, RoutesFailed
from sidestep.ledger import Ledger
from sidestep.metrics import Attempt, Metrics
from sidestep.types import Message

NOW = 1_790_000_000.0
KEY, TOKEN, VALUE, LOGIN = "cAnaryKey/+=\"1'x", "canary~token-2", "canary value 3", "canary-login-4"
CANARIES = (KEY, TOKEN, VALUE, LOGIN, "canary")
PYTHON = "def decide(request):\n    return {'policy': 'direct'} if request.provider == 'mine' else None\n"


def provider(**changes: Any) -> Provider:
    made = Provider("mine", api_key=KEY, base_url="https://api.test/v1", headers={"X-Team": VALUE})
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def relay(**changes: Any) -> Relay:
    made = Relay("https://attic.test", token=TOKEN, name="Attic")
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def bundle(config: Config | None = None, **parts: Any) -> dict[str, Any]:
    config = config or Config((provider(),), (relay(),))
    return make_bundle(config=config, now=NOW, version="0.1", **parts)


def write(made: dict[str, Any]) -> str:
    text = json.dumps(made, ensure_ascii=False, allow_nan=False)
    assert json.loads(text) == made
    return text


def has_canary(text: str) -> bool:
    return "canary" in text.lower()


def test_it_says_what_is_set_up_and_what_was_learned() -> None:
    document = {
        "version": 1,
        "providers": [
            {"id": "mine", "base_url": "https://api.test/v1", "headers": {"X-Team": VALUE}, "models": ["m-1"]}
        ],
        "relays": [{"id": "attic", "name": "Attic", "url": "https://attic.test"}],
        "consents": [{"relay": "attic", "provider": "mine"}],
        "rules": [{"id": "r", "name": "At night", "python": PYTHON}],
    }
    config, _ = Config.load(document, {"providers": {"mine": KEY}, "relays": {"attic": TOKEN}})
    ledger = Ledger().record("mine", "https://api.test", None, NOW)
    summaries = Metrics((Attempt(NOW, "mine", "m-1", "direct", "ok", 0.5, 2.0),)).summarise(NOW)
    basis = {"key": {"page_origin": "https://page.test", "headers": ["authorization"]}, "basis": "api.test answered."}
    made = bundle(
        config,
        page_origin="https://page.test/chat?token=canary#relay=canary",
        user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0.0.0",
        evidence=[basis],
        ledger=ledger.to_list(),
        metrics=summaries,
        health={"mine": {"direct": {"level": "healthy", "failures": 0, "reason": ""}}},
        verdicts=[{"cause": "cors_blocked", "certainty": 0.9, "remedy": "Use a relay."}],
        explanations=[{"model": "mine/m-1", "routes": [{"included": True, "reason": "api.test is asked first."}]}],
    )
    assert not has_canary(write(made))
    assert made["sidestep"] == "0.1"
    assert made["made_at"] == "2026-09-21T14:13:20+00:00"
    assert made["page_origin"] == "https://page.test"
    assert made["user_agent"] == "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0.0.0"
    (row,) = made["config"]["providers"]
    assert (row["base_url"], row["headers"], row["models"]) == ("https://api.test/v1", {"X-Team": "[value]"}, ["m-1"])
    assert made["config"]["relays"][0]["url"] == "https://attic.test"
    assert made["config"]["consents"] == [{"relay": "attic", "provider": "mine"}]
    assert made["config"]["rules"][0]["python"] == PYTHON
    assert made["evidence"] == [basis]
    assert made["ledger"] == ledger.to_list()
    assert made["metrics"][0]["first_token"] == {"p50": 0.5, "p95": 0.5, "p99": 0.5, "count": 1}
    assert made["health"]["mine"]["direct"]["level"] == "healthy"
    assert made["verdicts"] == [{"cause": "cors_blocked", "certainty": 0.9, "remedy": "Use a relay."}]
    assert made["explanations"][0]["routes"][0]["reason"] == "api.test is asked first."


SPELLINGS = [
    lambda secret: secret,
    lambda secret: f"before{secret}after",
    str.upper,
    str.lower,
    lambda secret: quote(secret, safe=""),
    lambda secret: quote(secret, safe="").lower(),
    lambda secret: "".join(f"%{ord(mark):02X}" for mark in secret),
    lambda secret: json.dumps({"echo": secret}),
    lambda secret: json.dumps(secret).replace("/", "\\/"),
    lambda secret: base64.b64encode(secret.encode()).decode(),
    lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    lambda secret: f"https://api.test/{secret}/v1",
    lambda secret: f"https://{secret}.api.test/v1",
]


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize("secret", [KEY, TOKEN, VALUE])
def test_a_secret_of_the_configuration_is_found_wherever_text_can_stand(spell: Any, secret: str) -> None:
    spelled = spell(secret)
    places: dict[str, Any] = {
        "name": spelled,
        spelled: spelled,
        "deep": [{"list": (spelled, {spelled: {spelled}})}],
        "basis": f"The browser was refused: {spelled}.",
    }
    document = {"rules": [{"id": "r", "name": spelled, "python": f"# {spelled}\n{PYTHON}"}]}
    rules = Config.load(document)[0].policies
    row = provider(name=spelled, models=(spelled,), base_url=spelled, headers={"X-Team": VALUE, spelled: "plain"})
    config = Config((row,), (relay(name=spelled, url=spelled, id=spelled),), policies=rules)
    made = bundle(
        config,
        page_origin=spelled,
        user_agent=spelled,
        evidence=[places],
        health=places,
        metrics=Metrics((Attempt(NOW, spelled, spelled, spelled, spelled),)).summarise(NOW),
        ledger=[places | {"destination": spelled}],
        verdicts=[places],
        explanations=[places],
    )
    text = write(made)
    assert spelled not in text
    assert json.dumps(spelled)[1:-1] not in text
    assert not has_canary(text)
    # The parts around it stay.
    assert "The browser was refused: " in made["verdicts"][0]["basis"]


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://api.test/v1", "https://api.test/v1"),
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
        ("http://[::1]:11434/v1", "http://[::1]:11434/v1"),
        ("https://bücher.test/v1", "https://bücher.test/v1"),
        (f"https://user:{LOGIN}@api.test/v1", "https://api.test/v1"),
        (f"https://{LOGIN}@api.test/v1", "https://api.test/v1"),
        (f"HTTPS://USER:{LOGIN}@API.test/v1", "HTTPS://API.test/v1"),
        (f"https://user:{LOGIN}@[::1]:80/v1", "https://[::1]:80/v1"),
        (f"https:\\\\user:{LOGIN}@api.test\\v1", "https:\\\\api.test\\v1"),
        (f"https:user:{LOGIN}@api.test", "https:api.test"),
        (f"https:///user:{LOGIN}@api.test", "https:///api.test"),
        (f"//user:{LOGIN}@api.test/v1", "//api.test/v1"),
        (f"redis://:{LOGIN}@cache.test:6379/0", "redis://cache.test:6379/0"),
        (f"user:{LOGIN}@api.test/v1", "[address]/v1"),
        (f"https://user:{LOGIN}/x@api.test/v1", "[address]"),
        (f"https://user?{LOGIN}@api.test/v1", "[address]"),
        (f"https://user#{LOGIN}@api.test/v1", "[address]"),
        (f"https://api.test/v1?key={LOGIN}", "https://api.test/v1"),
        (f"https://api.test?key={LOGIN}", "https://api.test"),
        (f"https://api.test/v1;key={LOGIN}", "https://api.test/v1"),
        (f"https://page.test/#relay={LOGIN}", "https://page.test/"),
    ],
)
def test_an_address_is_kept_without_login_query_and_fragment(address: str, kept: str) -> None:
    config = Config((provider(base_url=address),), (relay(url=address),))
    made = bundle(config, verdicts=[f"{address} was asked, then “{address}”."], ledger={address: address})
    assert not has_canary(write(made))
    assert made["config"]["providers"][0]["base_url"] == kept
    assert made["config"]["relays"][0]["url"] == kept
    assert made["ledger"] == {kept: kept}


@pytest.mark.parametrize(
    "shape",
    [
        "sk-canary0123456789abcdef",
        "Authorization: Bearer canary-0123456789",
        "Basic Y2FuYXJ5OmNhbmFyeQ==",
        'x-api-key: "canary-0123456789"',
        "api_key='canary-0123456789'",
        "token=canary-0123456789",
        '{"password": "canary-0123456789"}',
        "eyJhbGciOiJIUzI1NiJ9.canary-payload.canary-signature",
        "canary0123456789abcdef0123456789",
    ],
)
def test_what_looks_like_a_key_is_left_out_whosever_it_was(shape: str) -> None:
    text = write(bundle(verdicts=[{"basis": f"It said {shape} and no more"}]))
    assert not has_canary(text)
    assert "Y2FuYXJ5" not in text
    assert "and no more" in text


@pytest.mark.parametrize(
    "name", ["api_key", "apiKey", "X-Api-Key", "key", "token", "secret", "secrets", "password", "Authorization"]
)
@pytest.mark.parametrize("value", ["canary", ["canary"], {"canary"}, {"openai": "canary"}, b"canary"])
def test_fields_that_hold_keys_are_blanked(name: str, value: Any) -> None:
    if name == "key" and isinstance(value, dict):
        value = {"token": "canary"}
    made = bundle(evidence=[{name: value}, {name: 271828}])
    assert not has_canary(write(made))
    assert made["evidence"][1] == {name: "[key]"}


def test_the_values_of_headers_are_blanked_wherever_they_are_and_their_names_kept() -> None:
    made = bundle(verdicts=[{"headers": {"X-One": "canary", "X-Two": ""}}, {"headers": ["x-one"]}])
    assert made["verdicts"] == [{"headers": {"X-One": "[value]", "X-Two": "[value]"}}, {"headers": ["x-one"]}]


def test_of_two_keys_that_begin_alike_nothing_is_left() -> None:
    config = Config((provider(api_key="abcdef"), Provider("other", kind="custom", base_url="https://b.test")))
    made = bundle(config, secrets=["abcdefghijkl"], verdicts=["It was abcdefghijkl."])
    assert made["verdicts"] == ["It was [key]."]


def test_two_names_that_become_one_lose_no_field() -> None:
    made = bundle(health={KEY: 1, TOKEN: 2})
    assert made["health"] == {"[key]": 1, "[key] 2": 2}


def test_a_number_can_be_a_secret_and_what_is_no_number_is_null() -> None:
    made = bundle(secrets=["123456789"], metrics=[123456789, 12, math.nan, math.inf, True])
    assert made["metrics"] == ["[key]", 12, None, None, True]


def test_a_stopgap_key_that_all_know_blanks_nothing() -> None:
    config = Config((Provider("ollama", api_key="ollama"),))
    assert bundle(config)["config"]["providers"][0]["kind"] == "ollama"


def test_a_header_with_the_pages_own_address_does_not_hide_it() -> None:
    config = Config((provider(headers={"HTTP-Referer": "https://page.test"}),))
    made = bundle(config, page_origin="https://page.test", evidence=["https://page.test asked."])
    assert (made["page_origin"], made["evidence"]) == ("https://page.test", ["https://page.test asked."])
    assert made["config"]["providers"][0]["headers"] == {"HTTP-Referer": "[value]"}


@dataclass
class Hidden:
    """A record with a field that is never printed."""

    number: int
    answer: str = field(repr=False)


def test_nothing_of_a_conversation_and_no_word_of_a_provider_is_in_it() -> None:
    failed = AuthenticationError("The key was refused: canary", status=401, code="invalid_api_key", remedy="Look.")
    failed.partial_text = "canary"
    last = RoutesFailed("No route answered. canary")
    last.attempts = (({"kind": "direct"}, failed), ({"kind": "relay"}, FetchRejected("canary")))
    message = Message("user", "canary")
    resting = {"level": "failing", "failures": 2, "reason": "It said: canary"}
    made = bundle(
        verdicts=[
            {
                "cause": "auth",
                "message": "The key was refused.",
                "basis": ["api.test answered with 401.", "canary"],
                "remedies": [{"text": "Make a new key.", "paste": "", "action": "edit_key"}],
                "error": last.to_dict(),
            }
        ],
        health={"mine": {"direct": resting}, "outage": {"since": 1, "until": 2, "reason": "canary"}},
        explanations=[
            {
                "reason": "Nothing stood in between.",
                "health": {"direct": resting},
                "outage": {"since": 1, "until": 2, "reason": "canary"},
                "messages": [message],
                "message": {"said": "canary"},
                "text": "canary",
                "parts": Hidden(1, "canary"),
                "reasoning": 7,
                "partial_text": "canary",
                "record": message,
                "hidden": Hidden(1, "canary"),
                "bytes": b"canary",
                "object": object(),
            }
        ],
    )
    assert not has_canary(write(made))
    inner = made["verdicts"][0]["error"]["attempts"][0]["error"]
    assert (inner["type"], inner["status"], inner["code"], inner["remedy"]) == (
        "AuthenticationError",
        401,
        "invalid_api_key",
        "Look.",
    )
    assert made["verdicts"][0]["message"] == "The key was refused."
    assert made["verdicts"][0]["remedies"] == [{"text": "Make a new key.", "paste": "", "action": "edit_key"}]
    assert (made["explanations"][0]["parts"], made["explanations"][0]["reasoning"]) == ("[left out]", 7)
    assert made["explanations"][0]["hidden"] == {"number": 1}
    assert made["explanations"][0]["reason"] == "Nothing stood in between."
    assert made["health"]["mine"]["direct"]["failures"] == 2


def test_what_has_no_end_is_cut_off() -> None:
    endless: dict[str, Any] = {"name": "x"}
    endless["below"] = endless
    write(bundle(verdicts=[endless]))


def test_long_text_takes_no_time() -> None:
    pieces = ("a:", "a.", "a-", "https://", "token=", "token ", "x1", "%63", "//", "eyJ.", "user:@")
    hostile = "".join(piece * 5_000 for piece in pieces)
    assert len(write(bundle(verdicts=[hostile]))) < 400_000
