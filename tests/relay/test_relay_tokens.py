"""Named tokens: what is kept of them, what each may do, when they end, and how they change under a running relay."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from sidestep.catalogue import load_catalogue
from sidestep_relay.app import create_app
from sidestep_relay.config import RelayConfig, SettingError, load_config
from sidestep_relay.destinations import Destinations, parse_destination
from sidestep_relay.telemetry import make_log
from sidestep_relay.tokens import (
    Secret,
    Token,
    TokenFileError,
    add_token,
    hash_token,
    load_tokens,
    make_token,
    read_tokens,
    rotate_token,
    save_tokens,
)
from tests.fakes import OpenProvider
from tests.relay.calls import make_body, make_headers
from tests.relay.clocks import Clock
from tests.relay.servers import TOKEN, make_environment, run_relay

KNOWN = load_catalogue().keys()
NOON = datetime(2027, 1, 31, 12, tzinfo=UTC)
HERE = Destinations(named=(parse_destination("127.0.0.1"),))
VALUE = "the-named-token-0123456789-abcdef"
ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")


def make_named(name: str = "team", value: str = VALUE, **fields: Any) -> Token:
    return Token(name, (Secret(hash_token(value)),), **fields)


def bear(value: str = VALUE, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}", **more}


def read_code(answer: Any) -> tuple[int, str, str]:
    body = answer.json() if callable(answer.json) else answer.json
    return answer.status_code, body["error"]["code"], body["error"]["origin"]


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON.timestamp())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


@pytest.fixture
def make(path: Path, clock: Clock, log: StringIO) -> Callable[..., Flask]:
    """Makes the application that knows the tokens of *path*."""

    def make_it(*tokens: Token, environment: dict[str, str] | None = None, **fields: Any) -> Flask:
        save_tokens(path, tokens, KNOWN)
        config = RelayConfig(**{"token": TOKEN, "tokens_file": path, "destinations": HERE, **fields})
        return create_app(config, environment=environment, log=make_log(log), spawn=lambda _: None, clock=clock)

    return make_it


# what is kept


def test_the_file_holds_hashes_and_is_its_users_alone(path: Path) -> None:
    token = make_named(providers=frozenset({"zai", "openai"}), uses_own_keys=frozenset({"*"}), expires=NOON)
    save_tokens(path, (token,), KNOWN)
    assert VALUE not in path.read_text()
    assert hashlib.sha256(VALUE.encode()).hexdigest() in path.read_text()
    assert load_tokens(path, KNOWN) == (token,)
    assert [row.name for row in path.parent.iterdir()] == [path.name]
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_token_has_256_bits() -> None:
    assert len(base64.urlsafe_b64decode(make_token() + "=")) == 32


@ON_POSIX
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_is_open_to_others_is_refused(path: Path, mode: int) -> None:
    save_tokens(path, (make_named(),), KNOWN)
    path.chmod(mode)
    with pytest.raises(TokenFileError, match="chmod 600"):
        load_tokens(path, KNOWN)


GOOD_ROW = {"name": "a", "hash": "sha256:" + "0" * 64}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "version 1"),
        ('{"version": 2, "tokens": []}', "version 1"),
        ('{"version": 1}', "tokens"),
        ('{"version": 1, "tokens": [1]}', "tokens"),
        ({"hash": GOOD_ROW["hash"]}, "no name"),
        (GOOD_ROW | {"name": "a b"}, "no name"),
        (GOOD_ROW | {"hash": "plain-token"}, "hash"),
        (GOOD_ROW | {"provider": ["zai"]}, "'provider'"),
        (GOOD_ROW | {"providers": "zai"}, "providers"),
        (GOOD_ROW | {"providers": ["nobody"]}, "nobody"),
        (GOOD_ROW | {"uses_own_keys": [True]}, "uses_own_keys"),
        (GOOD_ROW | {"expires": "soon"}, "expires"),
        (GOOD_ROW | {"expires": 5}, "expires"),
        (GOOD_ROW | {"limits": {"requests": 1}}, "limits are"),
        (GOOD_ROW | {"limits": {"streams": -1}}, "streams"),
        (GOOD_ROW | {"limits": {"streams": True}}, "streams"),
        (GOOD_ROW | {"limits": []}, "limits must"),
        (GOOD_ROW | {"former": [{"hash": GOOD_ROW["hash"]}]}, "former"),
        (GOOD_ROW | {"former": [{"hash": GOOD_ROW["hash"], "until": "2027-01-01"}]}, "same hash"),
    ],
)
def test_a_broken_file_is_explained_and_not_quoted(text: Any, reason: str) -> None:
    if not isinstance(text, str):
        text = json.dumps({"version": 1, "tokens": [text]})
    with pytest.raises(TokenFileError, match=reason) as caught:
        read_tokens(text, KNOWN)
    assert "plain-token" not in str(caught.value)


def test_a_row_without_providers_may_call_none() -> None:
    (token,) = read_tokens(json.dumps({"version": 1, "tokens": [GOOD_ROW]}), KNOWN)
    assert not token.may_call("zai")
    assert not token.may_borrow("zai")


def test_a_name_is_given_once() -> None:
    with pytest.raises(TokenFileError, match="already"):
        add_token((make_named(),), make_named(value="another"))


# who somebody is


def test_named_tokens_open_beside_the_one_without_a_name(make: Callable[..., Flask], log: StringIO) -> None:
    client = make(make_named("one", "value-of-one"), make_named("two", "value-of-two")).test_client()
    for value in ("value-of-one", "value-of-two", TOKEN):
        assert client.get("/v1/relay", headers=bear(value)).status_code == 200
    wrong = client.post("/v1/chat/completions", headers=bear("value-of-three"), data=b"{broken")
    assert read_code(wrong) == (401, "relay_token_wrong", "relay")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["token"] for line in lines if line["event"] == "request"] == ["one", "two", "", ""]
    assert "value-of" not in log.getvalue()


def test_a_hash_is_no_token(make: Callable[..., Flask]) -> None:
    client = make(make_named()).test_client()
    digest = hash_token(VALUE).hex()
    for shown in (digest, f"sha256:{digest}"):
        assert read_code(client.get("/v1/relay", headers=bear(shown)))[1] == "relay_token_wrong"


def test_the_whole_hash_is_compared(make: Callable[..., Flask]) -> None:
    digest = hash_token(VALUE)
    others = [digest[:-1] + bytes([digest[-1] ^ 1]), bytes([digest[0] ^ 1]) + digest[1:]]
    tokens = [Token(f"near-{number}", (Secret(other),)) for number, other in enumerate(others)]
    answer = make(*tokens).test_client().get("/v1/relay", headers=bear())
    assert read_code(answer)[1] == "relay_token_wrong"


def test_limits_of_a_token_go_before_the_usual(make: Callable[..., Flask], path: Path) -> None:
    token = make_named(limits={"requests_per_minute": 1})
    client = make(token).test_client()
    assert load_tokens(path, KNOWN) == (token,)
    assert [client.get("/v1/relay", headers=bear()).status_code for _ in range(2)] == [200, 429]
    assert client.get("/v1/relay", headers=bear(TOKEN)).status_code == 200


def test_a_token_is_told_what_it_may_have_and_until_when(make: Callable[..., Flask]) -> None:
    client = make(make_named(limits={"streams": 3}, expires=NOON + timedelta(days=1))).test_client()
    own, full = (client.get("/v1/relay", headers=bear(row)).get_json() for row in (VALUE, TOKEN))
    assert own["token"] == {"name": "team", "expires": (NOON + timedelta(days=1)).isoformat()}
    assert (own["limits"]["streams"], full["limits"]["streams"]) == (3, 64)
    assert own["limits"]["requests_per_minute"] == full["limits"]["requests_per_minute"] == 600
    assert full["token"] == {"name": "", "expires": None}


def test_a_token_ends_on_the_second(make: Callable[..., Flask], clock: Clock) -> None:
    client = make(make_named(expires=NOON + timedelta(seconds=10))).test_client()
    clock.now += 9
    assert client.get("/v1/relay", headers=bear()).status_code == 200
    clock.now += 1
    answer = client.post("/v1/chat/completions", headers=bear(), data=b"{broken")
    assert read_code(answer) == (401, "relay_token_expired", "relay")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_after_a_rotation_both_values_open_until_the_grace_is_over(
    make: Callable[..., Flask], path: Path, clock: Clock
) -> None:
    client = make(make_named()).test_client()
    rotated = rotate_token(load_tokens(path, KNOWN), "team", "new-value", grace=timedelta(seconds=60), now=NOON)
    save_tokens(path, rotated, KNOWN)
    clock.now += 59
    assert [client.get("/v1/relay", headers=bear(row)).status_code for row in (VALUE, "new-value")] == [200, 200]
    clock.now += 1
    assert read_code(client.get("/v1/relay", headers=bear()))[1] == "relay_token_expired"
    assert client.get("/v1/relay", headers=bear("new-value")).status_code == 200


def test_a_rotation_forgets_what_has_ended() -> None:
    tokens: tuple[Token, ...] = (make_named(),)
    for number, moment in enumerate((NOON, NOON + timedelta(seconds=30), NOON + timedelta(seconds=100))):
        tokens = rotate_token(tokens, "team", f"value-{number}", grace=timedelta(seconds=60), now=moment)
    assert [row.digest for row in tokens[0].secrets] == [hash_token("value-2"), hash_token("value-1")]


# what somebody may do


def ask(app: Flask, model: str, **headers: str) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    return app.test_client().post("/v1/chat/completions", headers=bear(**headers), json=body)


@pytest.mark.parametrize(
    ("model", "base_url"),
    [
        ("openai/gpt-x", None),
        ("anthropic/claude-x", None),
        ("openai/gpt-x", "http://127.0.0.1:9/v1"),
        # The model's name begins as it should, and the address is somebody else's.
        ("zai/glm-4.6", "http://127.0.0.1:9/v1"),
        ("zai/glm-4.6", "https://api.z.ai.evil.example/api/paas/v4"),
    ],
)
def test_a_token_calls_the_providers_it_names_and_no_other(
    make: Callable[..., Flask], model: str, base_url: str | None
) -> None:
    app = make(make_named(providers=frozenset({"zai"})))
    headers = {"X-Provider-Base": base_url} if base_url else {}
    # Without a key: were it let through, the missing key would be named.
    assert read_code(ask(app, model, **headers)) == (403, "provider_not_allowed", "relay")
    listed = app.test_client().get(f"/v1/models?provider={model.partition('/')[0]}", headers=bear(**headers))
    assert read_code(listed) == (403, "provider_not_allowed", "relay")


def test_what_it_may_not_call_is_not_listed_and_not_looked_at(make: Callable[..., Flask]) -> None:
    client = make(make_named(providers=frozenset({"zai"}))).test_client()
    about: Any = client.get("/v1/relay", headers=bear()).json
    assert (about["providers"], about["uses_own_keys"]) == (["zai"], False)
    models: Any = client.get("/v1/models", headers=bear()).json
    assert {row["owned_by"] for row in models["data"]} == {"zai"}
    for url in ("https://api.openai.com/v1/chat/completions", "http://127.0.0.1:9/v1/chat/completions"):
        look: dict[str, Any] = {"url": url, "method": "POST", "headers": [], "origin": "https://page.example"}
        assert read_code(client.post("/v1/probe", headers=bear(), json=look))[1] == "provider_not_allowed"


OWN = {"ZAI_API_KEY": "own-key-of-the-relay-0123", "OPENAI_API_KEY": "own-key-of-the-relay-4567"}


def test_the_relays_own_key_is_lent_to_those_who_may_have_it(make: Callable[..., Flask]) -> None:
    borrower = make_named(uses_own_keys=frozenset({"openai"}))
    app = make(borrower, environment=OWN, should_use_own_keys=True)
    refused = ask(app, "zai/glm-4.6")
    assert read_code(refused) == (403, "own_key_not_allowed", "relay")
    assert "own-key" not in refused.text
    about: Any = app.test_client().get("/v1/relay", headers=bear()).json
    assert about["uses_own_keys"] is True


def test_a_relay_that_lends_no_key_says_that(make: Callable[..., Flask]) -> None:
    app = make(make_named(uses_own_keys=frozenset({"*"})), environment=OWN)
    assert read_code(ask(app, "zai/glm-4.6")) == (400, "provider_key_missing", "relay")


# how they change


def test_the_file_is_looked_at_once_a_second(make: Callable[..., Flask], path: Path, clock: Clock) -> None:
    client = make().test_client()
    save_tokens(path, (make_named(),), KNOWN)
    clock.now += 0.9
    assert read_code(client.get("/v1/relay", headers=bear()))[1] == "relay_token_wrong"
    clock.now += 0.1
    assert client.get("/v1/relay", headers=bear()).status_code == 200
    clock.now -= 3600
    save_tokens(path, (), KNOWN)
    assert read_code(client.get("/v1/relay", headers=bear()))[1] == "relay_token_wrong"


def test_a_broken_file_changes_nothing_and_is_logged_once(
    make: Callable[..., Flask], path: Path, clock: Clock, log: StringIO
) -> None:
    client = make(make_named()).test_client()
    path.write_text('{"version": 1, "tokens": ["canary-in-the-file"')
    for _ in range(3):
        clock.now += 1
        assert client.get("/v1/relay", headers=bear()).status_code == 200
    assert [json.loads(line)["event"] for line in log.getvalue().splitlines()].count("tokens_broken") == 1
    assert "canary" not in log.getvalue()
    save_tokens(path, (), KNOWN)
    clock.now += 1
    assert client.get("/v1/relay", headers=bear()).status_code == 401


@ON_POSIX
def test_a_corrected_mode_is_noticed(make: Callable[..., Flask], path: Path, clock: Clock) -> None:
    client = make().test_client()
    save_tokens(path, (make_named(),), KNOWN)
    path.chmod(0o644)
    clock.now += 1
    assert client.get("/v1/relay", headers=bear()).status_code == 401
    path.chmod(0o600)
    clock.now += 1
    assert client.get("/v1/relay", headers=bear()).status_code == 200


def test_a_deleted_file_has_no_tokens(make: Callable[..., Flask], path: Path, clock: Clock) -> None:
    client = make(make_named()).test_client()
    path.unlink()
    clock.now += 1
    assert read_code(client.get("/v1/relay", headers=bear()))[1] == "relay_token_wrong"
    assert client.get("/v1/relay", headers=bear(TOKEN)).status_code == 200


# settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    return tmp_path


def test_a_file_of_tokens_that_is_not_there_or_broken_stops_the_start(home: Path) -> None:
    file = home / "named.json"
    with pytest.raises(SettingError, match=r"SIDESTEP_TOKENS: there is no file .*token add"):
        load_config({"SIDESTEP_TOKENS": str(file)})
    file.write_text("{")
    file.chmod(0o600)
    with pytest.raises(SettingError, match="SIDESTEP_TOKENS: "):
        load_config({"SIDESTEP_TOKENS": str(file)})
    with pytest.raises(SettingError, match="SIDESTEP_TOKENS: "):
        load_config({}, tokens=file)


def test_with_named_tokens_no_other_is_made(home: Path) -> None:
    save_tokens(home / "sidestep" / "relay-tokens.json", (make_named(),), KNOWN)
    config = load_config({})
    assert config.token == ""
    assert not list(home.rglob("relay-token"))
    assert load_config({"SIDESTEP_TOKEN": TOKEN}).token == TOKEN


def test_an_empty_token_opens_nothing(make: Callable[..., Flask]) -> None:
    client = make(make_named(), token="").test_client()
    for shown in ("Bearer ", "Bearer  ", "Bearer"):
        answer = client.get("/v1/relay", headers={"Authorization": shown})
        assert answer.status_code == 401
    assert client.get("/v1/relay", headers=bear()).status_code == 200


# the commands, and a relay that runs meanwhile


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sidestep_relay", "token", *arguments, "--tokens", str(tmp_path / "tokens.json")],
            env=make_environment(str(tmp_path), [], [], {}),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


def wait_for_status(url: str, headers: dict[str, str], status: int) -> httpx.Response:
    deadline = time.monotonic() + 10
    while (answer := httpx.get(url, headers=headers, trust_env=False)).status_code != status:
        assert time.monotonic() < deadline, answer.text
    return answer


@pytest.mark.parametrize("server", ["gunicorn", "waitress"])
def test_tokens_come_turn_and_go_while_the_relay_runs(
    server: str, command: Callable[..., subprocess.CompletedProcess[str]], path: Path
) -> None:
    added = command("add", "first", "--page", "https://page.example/", "--url", "https://relay.example/")
    first, link = added.stdout.splitlines()[1], added.stdout.splitlines()[3]
    pairing = json.loads(base64.urlsafe_b64decode(link.partition("#relay=")[2] + "=="))
    assert (pairing["url"], pairing["token"]) == ("https://relay.example", first)
    with run_relay(server=server, token="", arguments=["--tokens", str(path)]) as relay:
        about = f"{relay.url}/v1/relay"
        assert httpx.get(about, headers=bear(first), trust_env=False).status_code == 200
        second = command("add", "second", "--providers", "zai, openai").stdout.splitlines()[1]
        wait_for_status(about, bear(second), 200)
        turned = command("rotate", "first", "--grace", "0").stdout.splitlines()[1]
        wait_for_status(about, bear(first), 401)
        assert httpx.get(about, headers=bear(turned), trust_env=False).status_code == 200
        assert command("remove", "second").returncode == 0
        wait_for_status(about, bear(second), 401)
        written = "\n".join(relay.stdout + relay.stderr) + path.read_text() + command("list").stdout
    for value in (first, second, turned):
        assert value not in written
        assert hash_token(value).hex() not in command("list").stdout
    assert {"first", "second"} <= {line["token"] for line in relay.log_lines() if line["event"] == "request"}


def test_the_list_says_what_each_may_do(command: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    assert command("list").stdout == "There are no named tokens.\n"
    command("add", "old", "--providers", "zai", "--own-keys", "zai", "--expires", "2020-01-01T00:00:00Z")
    assert command("list").stdout == "old\tproviders zai\town keys zai\texpired 2020-01-01T00:00:00+00:00\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["add", "x", "--providers", "nobody"], "no provider 'nobody'"),
        (["add", "x", "--expires", "tomorrow"], "--expires: 'tomorrow'"),
        (["add", "a b"], "is no name"),
        (["remove", "x"], "no token 'x'"),
        (["rotate", "x"], "no token 'x'"),
        (["rotate", "x", "--grace", "-1"], "--grace"),
    ],
)
def test_a_wrong_command_makes_no_token(
    command: Callable[..., subprocess.CompletedProcess[str]], path: Path, arguments: list[str], reason: str
) -> None:
    ended = command(*arguments)
    assert ended.returncode in (1, 2)
    assert reason in ended.stderr
    assert ended.stdout == ""
    assert not path.exists()


def test_the_relays_token_and_the_providers_key_are_told_apart(open_provider: OpenProvider, path: Path) -> None:
    save_tokens(path, (make_named(providers=frozenset({"custom"})),), KNOWN)
    with run_relay(destinations=["127.0.0.1"], arguments=["--tokens", str(path)]) as relay:
        url = f"{relay.url}/v1/chat/completions"

        def post(**headers: str) -> httpx.Response:
            headers = make_headers(open_provider) | headers
            return httpx.post(url, headers=headers, json=make_body(open_provider), timeout=30, trust_env=False)

        assert post(**bear()).status_code == 200
        asked = len(open_provider.requests)
        assert read_code(post(**bear(open_provider.key))) == (401, "relay_token_wrong", "relay")
        assert len(open_provider.requests) == asked
        wrong_key = post(**bear(), **{"X-Provider-Key": VALUE})
        assert read_code(wrong_key) == (401, "provider_auth", "provider")
        assert VALUE not in wrong_key.text
        relay.wait_for_log(event="chat", token="team", status=200)
