"""Secrets are planted wherever one can be, everything that can go wrong goes wrong, and no sink holds any of them.

The sinks are what the relay prints, every file it can write, what it tells others than the very client, its metrics and
its processes' command lines. To the client itself goes its own prompt, and never a key or a token, whoever quotes it.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from sidestep.catalogue import load_catalogue
from sidestep.envelopes import KEY_HEADER, encode
from sidestep.envelopes import PATH as SEALED_PATH
from sidestep_relay.sealing import make_sealing_key
from sidestep_relay.sealing_keys import read_keys
from sidestep_relay.tokens import Secret, Token, hash_token, save_tokens
from tests.fakes import CUT, AnthropicProvider, Hold, OpenProvider, Reply, Stream
from tests.fakes.wires import DONE, write_chunk, write_event
from tests.relay.calls import Fake
from tests.relay.envelopes import make_envelope, open_answer, read_public_key, send
from tests.relay.error_codes import list_provider_codes, list_relay_codes
from tests.relay.faulty_relay import FAULTS
from tests.relay.servers import RunningRelay, run_relay

MARK = "canary"
"""Stands in every secret, and nowhere else: whatever holds it has leaked."""

RIGHT = "canary-right-token-0123456789-AbCd"
WRONG = "canary-wrong-token-0123456789-AbCd"
KEY = "canary/clients.key+0123456789"
OWN = {"openai": "canary/own.openai+0123456789", "anthropic": "canary/own.anthropic+0123456789"}
SEALING = "canary" + "A" * 37
KEYS = (KEY, *OWN.values(), RIGHT, WRONG, SEALING)
PROMPT = "canary: a prompt, Grüße"
NAMED = {name: f"{name}-token-0123456789-abcdefghij" for name in ("poor", "limited", "expired", "others")}

DEBUGGING = {
    "LITELLM_LOG": "DEBUG",
    "OPENAI_LOG": "debug",
    "JSON_LOGS": "true",
    "DETAILED_DEBUG": "true",
    "FLASK_DEBUG": "1",
    "PYTHONWARNINGS": "always",
    "GUNICORN_CMD_ARGS": "--log-level debug --access-logfile - --capture-output",
}
NEVER_PROVOKED = {
    "deadline_exceeded": "takes as long as an answer may at least; quotes nothing",
    "joined_too_slow": "takes a client that reads slower than another; quotes nothing",
    "relay_misconfigured": "no catalogue that ships makes it; quotes nothing",
    "relay_stopping": "a relay that stops answers nothing else; quotes nothing",
    "request_truncated": "takes a client that ends in the middle; quotes nothing",
    "request_too_slow": "takes as long as a request may; quotes nothing",
    "sealed_busy": "takes half a million requests; quotes nothing",
    "sealed_unsafe": "no server of the relay's makes it; quotes nothing",
    "sealing_off": "takes a relay without a sealing key; quotes nothing",
}


@dataclass
class Scene:
    """A relay that knows secrets, and the providers that it lends its keys for."""

    relay: RunningRelay
    openai: OpenProvider
    anthropic: AnthropicProvider
    folder: Path

    def fake(self, provider: str) -> Fake:
        return self.openai if provider == "openai" else self.anthropic

    def open_client(self, token: str = RIGHT, **headers: str) -> httpx.Client:
        shown = {"Authorization": f"Bearer {token}", **headers}
        return httpx.Client(base_url=self.relay.url, headers=shown, timeout=30, trust_env=False)


@pytest.fixture(scope="module", params=["gunicorn", "waitress"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with run_scene(request.param, tmp_path_factory.mktemp("canary")) as running:
        yield running


class run_scene:  # noqa: N801 - used as a function
    """Runs a scene, of which the relay may be ended in the middle."""

    def __init__(self, server: str, folder: Path) -> None:
        self._server = server
        self._folder = folder

    def __enter__(self) -> Scene:
        self._openai, self._anthropic = OpenProvider(KEY).__enter__(), AnthropicProvider(KEY).__enter__()
        (self._folder / "tmp").mkdir()
        settings = {
            **DEBUGGING,
            "TMPDIR": str(self._folder / "tmp"),
            "SIDESTEP_TOKENS": str(write_tokens(self._folder)),
            "SIDESTEP_USE_OWN_KEYS": "true",
            "SIDESTEP_SEALING_KEY": SEALING,
            "OPENAI_API_KEY": OWN["openai"],
            "ANTHROPIC_API_KEY": OWN["anthropic"],
            "FAKE_OPENAI": self._openai.base_url,
            "FAKE_ANTHROPIC": self._anthropic.base_url,
        }
        self._relay = run_relay(
            server=self._server,
            origins=["https://page.example"],
            destinations=["127.0.0.1"],
            settings=settings,
            token=RIGHT,
            program="tests.relay.faulty_relay",
        )
        relay = self._relay.__enter__()
        relay.wait_for_log(event="loaded", timeout=60)
        return Scene(relay, self._openai, self._anthropic, self._folder)

    def __exit__(self, *_: object) -> None:
        self._relay.__exit__(None, None, None)
        self._openai.__exit__(None, None, None)
        self._anthropic.__exit__(None, None, None)


def write_tokens(folder: Path) -> Path:
    granted = {name: Token(name, (Secret(hash_token(value)),)) for name, value in NAMED.items()}
    granted["poor"] = replace(granted["poor"], providers=frozenset({"groq"}))
    granted["limited"] = replace(granted["limited"], limits={"requests_per_minute": 1})
    granted["expired"] = replace(granted["expired"], expires=datetime(2020, 1, 1, tzinfo=UTC))
    granted["others"] = replace(granted["others"], sees_metrics=True)
    save_tokens(folder / "tokens.json", tuple(granted.values()), load_catalogue().keys())
    return folder / "tokens.json"


# what is planted, and where it must not come out


def plant(model: str, **fields: Any) -> dict[str, Any]:
    """Return the body of a chat that holds a secret in every place that takes one."""
    call = {"id": "canary-call", "type": "function", "function": {"name": "f", "arguments": f'{{"a": "{PROMPT}"}}'}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,canary00"}}
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": PROMPT},
            {"role": "user", "content": [{"type": "text", "text": PROMPT}, image]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "canary-call", "content": PROMPT},
        ],
        "user": "canary-user",
        **fields,
    }


ODD_HEADERS = {
    "X-Request-Id": "sk-canary-0123456789abcdef",
    "Origin": f"https://{KEY}@page.example/?{KEY}",
    "User-Agent": f"canary {KEY}",
    "Cookie": f"session={KEY}",
    "Referer": f"https://page.example/{KEY}",
    "X-Canary": KEY,
}


def check_answer(answer: httpx.Response, body: bytes | None = None) -> None:
    """Assert that no key and no token is in what a client is told."""
    shown = str(answer.headers.multi_items()) + (answer.content if body is None else body).decode(errors="replace")
    for secret in KEYS:
        for spelling in (secret, secret.replace("/", "\\/"), quote(secret, safe="")):
            assert spelling not in shown, f"{spelling} in {shown}"


def check_sinks(scene: Scene) -> None:
    """Assert that nothing at all of a secret is where others can find it."""
    with scene.open_client(NAMED["others"]) as others:
        answers = [others.get(path) for path in ("/metrics", "/v1/relay", "/v1/models", "/healthz", "/v1/nothing")]
        answers.append(others.post("/v1/chat/completions", json={}))
    # The last one is logged, so everything before it is.
    scene.relay.wait_for_log(request_id=answers[-1].headers["X-Request-Id"])
    for answer in answers:
        assert MARK not in (str(answer.headers) + answer.text).lower()
    check_written(scene)
    for line in list_commands(scene.relay.process.pid):
        assert MARK not in line.lower()


def check_written(scene: Scene) -> None:
    relay = scene.relay
    check_written_lines(relay)
    for folder in (Path(relay.home), scene.folder):
        for file in folder.rglob("*"):
            if file.is_file():
                assert MARK.encode() not in file.read_bytes().lower(), file


def list_commands(process_id: int) -> list[str]:
    """Return the command lines and titles of a process and its children; none where the system does not tell."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children")
    if not children.exists():
        return []
    processes = [process_id, *map(int, children.read_text().split())]
    return [Path(f"/proc/{one}/{name}").read_text() for one in processes for name in ("cmdline", "comm")]


# every error code


def provoke_relay(scene: Scene) -> Iterator[httpx.Response]:
    """Yield an answer with each code of the relay's own."""
    chats, key = "/v1/chat/completions", {"X-Provider-Key": KEY}
    body = plant("openai/fake-small")
    for token in (WRONG, NAMED["expired"]):
        with scene.open_client(token, **ODD_HEADERS) as client:
            yield client.post(f"{chats}?key={KEY}", json=body, headers=key)
    yield httpx.post(scene.relay.url + chats, json=body, headers={**ODD_HEADERS, **key}, trust_env=False)
    with scene.open_client(NAMED["poor"], **ODD_HEADERS) as client:
        yield client.get(f"/metrics?{KEY}")
        yield client.post(chats, json=body, headers=key)
    with scene.open_client(NAMED["limited"], **ODD_HEADERS) as client:
        for _ in range(2):
            yield client.post(chats, json=body, headers=key)
    with scene.open_client(NAMED["others"], **ODD_HEADERS) as client:
        yield client.post(chats, json=body)
    with scene.open_client(**ODD_HEADERS) as client:
        yield client.post(f"{SEALED_PATH}?{KEY}", content=KEY)
        for sealed in (KEY, base64.urlsafe_b64encode(b"\x01" + KEY.encode() * 9).decode().rstrip("=")):
            yield client.post(chats, json=body, headers={KEY_HEADER: sealed})
        yield client.get(f"/v1/{KEY}")
        yield client.put(f"/v1/relay?{KEY}", content=KEY)
        yield client.get("/v1/relay", headers={f"X-Canary-{number}": KEY * 100 for number in range(15)})
        for text in (PROMPT, "[" * 100 + PROMPT, json.dumps({"messages": [{"role": PROMPT}] * 10_001})):
            yield client.post(chats, content=text.encode())
        as_json = {"Content-Type": "application/json"}
        yield client.post(chats, content=json.dumps(body), headers={"Content-Type": f"text/{KEY}"})
        yield client.post(chats, content=json.dumps(body), headers={**as_json, "Content-Encoding": KEY})
        for odd in (b"\xff", f'{{"{KEY}": 1, "{KEY}": 2}}'.encode(), b'{"canary": NaN}', b'{"canary": "\\ud800"}'):
            yield client.post(chats, content=odd, headers={**as_json, **key})
        yield client.post(chats, content=b'{"messages": [' + b'"canary",' * 1_000_001 + b"1]}")
        yield client.post(chats, json=plant("openai/fake-small", api_base=KEY), headers=key)
        yield client.post(chats, json=plant("anthropic/claude-fake", **{f"canary_{KEY}": KEY}), headers=key)
        yield client.post(chats, json=plant("openai/fake-small", stream=KEY), headers=key)
        yield client.post(chats, json=plant(f"canary/{KEY}"), headers=key)
        yield client.post(chats, json=body, headers={"X-Provider-Key": f"{KEY} {KEY}"})
        yield client.post(chats, json=plant("zai/some-model"))
        yield client.post(chats, json=plant(f"{find_prefix_without_address()}/some-model"), headers=key)
        yield client.get("/v1/models?provider=zai", headers=key)
        for address in (f"https://canary:{KEY}@api.openai.com/v1", f"http://10.0.0.1/{KEY}", KEY, f"ftp://{KEY}/"):
            yield client.post(chats, json=body, headers={**key, "X-Provider-Base": address})
            yield client.post("/v1/probe", json={"url": address, "method": "POST", "origin": KEY, "headers": [KEY]})


def provoke_sealing(scene: Scene) -> Iterator[str]:
    """Yield each code of what is sealed, once it is known that nothing of the request is in the answer."""
    public_key = read_public_key(scene.relay)
    other = encode(read_keys(make_sealing_key()).current.public)
    body = json.dumps(plant("openai/fake-small")).encode()
    planted: dict[str, Any] = {"token": RIGHT, "body": body, "headers": {"x-provider-key": KEY, "x-request-id": KEY}}
    twice = make_envelope(public_key, **planted, identifier=b"canary-canary-id")
    cases = [
        make_envelope(other, **planted),
        make_envelope(public_key, **planted, moment=time.time() - 3600),
        make_envelope(public_key, **planted, path=f"/v1/{KEY}\n"),
        make_envelope(public_key, **{**planted, "token": WRONG}),
        twice,
        twice,
    ]
    with scene.open_client(**ODD_HEADERS) as client:
        for envelope in cases:
            answer = send(client, envelope.data)
            check_answer(answer)
            status, inside = answer.status_code, answer.content
            if status == 200:
                head, inside = open_answer(answer.content, envelope.sealed)
                status = head.status
            check_answer(answer, inside)
            if status >= 400:
                yield json.loads(inside)["error"]["code"]
        spoilt = {KEY_HEADER: KEY, "X-Provider-Base": f"https://{KEY}/"}
        answer = client.post("/v1/chat/completions", json=plant("openai/fake-small"), headers=spoilt)
        check_answer(answer)
        yield answer.json()["error"]["code"]


def find_prefix_without_address() -> str:
    rows = load_catalogue().values()
    known = {row.litellm_prefix for row in rows if row.base_url}
    return next(row.litellm_prefix for row in rows if row.relay_dialect and row.litellm_prefix not in known)


def quote_secrets(key: str) -> str:
    return f"Bad key {key}, sent as Bearer {key}; you said {PROMPT}"


def list_provider_answers(said: str, key: str) -> list[Reply]:
    """Return an answer for each kind of refusal that there is before a stream begins."""
    told = {"x-canary": key, "set-cookie": f"k={key}", "retry-after": key}
    error = {"message": said, "type": key, "param": key}
    statuses = (400, 401, 402, 403, 404, 408, 418, 429, 477, 500, 503, 529)
    return [
        *(Reply(status, {"error": {**error, "code": f"code {key}"}}, told) for status in statuses),
        *(Reply(400, {"error": {**error, "code": code}}, told) for code in ("its_policy", "its_load")),
        Reply(500, f"<html>{said}</html>", told),
        Reply(307, "", {**told, "location": f"https://evil.example/{quote(key)}?k={key}"}),
        Reply(200, f"<html>{said}</html>", told),
        Reply(200, {"error": error}, told),
        Reply(200, {"choices": said}, told),
        Reply(200, json.dumps({"error": error}).replace("/", "\\/").encode(), told),
        Reply(400, gzip.compress(json.dumps({"error": error}).encode()), {**told, "content-encoding": "gzip"}),
    ]


PROVIDERS = {"openai": "openai/fake-small", "anthropic": "anthropic/claude-fake"}


def provoke_providers(scene: Scene) -> Iterator[httpx.Response]:
    """Yield an answer with each code of a provider's, by both lanes, with a lent key and with the client's own."""
    with scene.open_client(**ODD_HEADERS) as client:
        for provider, model in PROVIDERS.items():
            for key in (KEY, OWN[provider]):
                shown = {"X-Provider-Key": key} if key == KEY else {}
                for number, answer in enumerate(list_provider_answers(quote_secrets(key), key)):
                    scene.fake(provider).answers.append(answer)
                    body = plant(model, stream=bool(number % 2) == (key == KEY))
                    yield client.post("/v1/chat/completions", json=body, headers=shown)
                scene.fake(provider).behaviour = lambda _, key=key: Reply(401, {"error": {"message": f"Bad {key}"}})
                yield client.get(f"/v1/models?provider={provider}", headers=shown)
                scene.fake(provider).behaviour = None
        nowhere = {"X-Provider-Key": KEY, "X-Provider-Base": f"http://127.0.0.1:{find_closed_port()}/{KEY}"}
        yield client.post("/v1/chat/completions", json=plant(f"openai/{KEY}"), headers=nowhere)


def find_closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def test_every_error_there_is_keeps_its_secrets(scene: Scene) -> None:
    seen = set()
    for answer in (*provoke_relay(scene), *provoke_providers(scene)):
        check_answer(answer)
        if answer.status_code >= 400:
            seen.add(answer.json()["error"]["code"])
    seen.update(read_broken_streams(scene), provoke_sealing(scene))
    check_sinks(scene)
    known = list_relay_codes() | list_provider_codes()
    assert known - seen == NEVER_PROVOKED.keys()


# what a provider says in the middle of an answer


def read_broken_streams(scene: Scene) -> set[str]:
    """Let streams break off in each way, check what the client is told, and return the codes."""
    codes = set()
    with scene.open_client() as client:
        for provider, model in PROVIDERS.items():
            for key in (KEY, OWN[provider]):
                shown = {"X-Provider-Key": key} if key == KEY else {}
                for ending in list_endings(provider, key):
                    scene.fake(provider).answers.append(Stream([open_stream(scene, provider), *ending]))
                    body = plant(model, stream=True)
                    answer = client.post("/v1/chat/completions", json=body, headers=shown)
                    assert answer.status_code == 200
                    own = answer.content.rpartition(b"event: error\n")[2]
                    # The provider's own words pass untouched to whom the key belongs; the relay's own do not.
                    check_answer(answer, own if key == KEY else None)
                    codes.add(json.loads(own.removeprefix(b"data: "))["error"]["code"])
    return codes


def open_stream(scene: Scene, provider: str) -> bytes:
    if provider == "openai":
        return write_chunk({"content": "begun"})
    return scene.anthropic.open_message("claude-fake")


def list_endings(provider: str, key: str) -> list[list[Any]]:
    error = {"type": "error", "error": {"message": f"Bad key {key}", "code": key, "type": key}}
    event = write_event(error, "error" if provider == "anthropic" else None)
    middle = event.index(key.encode()) + len(key) // 2
    escaped = event.replace(b"/", b"\\/")
    return [
        [event],
        [event[:middle], event[middle:]],
        [*(event[n : n + 1] for n in range(len(event)))],
        [escaped],
        [CUT],
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_lent_key_that_a_provider_quotes_reaches_nobody(scene: Scene, provider: str, *, is_stream: bool) -> None:
    fake, key = scene.fake(provider), OWN[provider]
    usual, known = fake.text, fake.key
    fake.text, fake.key = f"Your key is {key}, and my words are my own.", key
    try:
        with scene.open_client() as client:
            body = plant(PROVIDERS[provider], stream=is_stream)
            del body["messages"][1:]
            body["messages"][0]["role"] = "user"
            lent = client.post("/v1/chat/completions", json=body)
            listed = client.get(f"/v1/models?provider={provider}")
            own = client.post("/v1/chat/completions", json=body, headers={"X-Provider-Key": key})
    finally:
        fake.text, fake.key = usual, known
    assert (lent.status_code, listed.status_code, own.status_code) == (200, 200, 200)
    if not is_stream:
        check_answer(lent)
        assert "Your key is [key], and my words are my own." in lent.text
        # What is the client's own passes untouched.
        assert key in own.text
    check_sinks(scene)


# bugs


@pytest.mark.parametrize("kind", [*FAULTS, "spawn"])
def test_a_bug_tells_its_kind_and_place_and_nothing_else(scene: Scene, kind: str) -> None:
    start = len(scene.relay.stderr)
    with scene.open_client(**ODD_HEADERS) as client:
        try:
            answer = client.post(f"/v1/faults/{kind}", content=PROMPT.encode())
        except httpx.RemoteProtocolError:
            assert kind == "iterate"
        else:
            assert kind == "iterate" or answer.status_code == (500 if kind == "raise" else 200)
            assert MARK not in answer.text.lower()
    for fields in TOLD.get(kind, [{"event": "bug", "exception": "FaultyError"}]):
        assert scene.relay.wait_for_log(since=start, **fields)["where"]
    check_sinks(scene)


TOLD: Mapping[str, list[dict[str, Any]]] = {
    "iterate": [{"event": "logged", "exception": "FaultyError"}],
    # Only gevent has a hub.
    "hub": [],
    "warn": [{"event": "warned", "exception": "UserWarning"}],
    "write": [{"event": "printed"}],
    "log": [
        {"event": "logged", "message": "a constant with %s", "logger": "waitress"},
        {"event": "logged", "message": "a constant before a traceback", "exception": "FaultyError"},
        {"event": "logged", "message": "", "logger": "gunicorn.error"},
    ],
}
"""What the log has of each fault; of the others that there was a bug."""


def test_what_gevents_hub_catches_is_told_as_any_bug(scene: Scene, request: pytest.FixtureRequest) -> None:
    if "waitress" in request.node.name:
        pytest.skip("waitress has no hub")
    start = len(scene.relay.stderr)
    with scene.open_client() as client:
        assert client.post("/v1/faults/hub", content=PROMPT.encode()).status_code == 200
    scene.relay.wait_for_log(since=start, event="bug", exception="FaultyError")
    check_sinks(scene)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("model", ["faulty-before", "faulty-after"])
@pytest.mark.parametrize("is_stream", [False, True])
def test_a_bug_in_a_lane_does_not_tell_the_key(scene: Scene, provider: str, model: str, *, is_stream: bool) -> None:
    fake = scene.fake(provider)
    fake.models.append(model)
    with scene.open_client() as client:
        body = plant(f"{provider}/{model}", stream=is_stream)
        try:
            answer = client.post("/v1/chat/completions", json=body, headers={"X-Provider-Key": KEY})
        except httpx.RemoteProtocolError:
            assert (is_stream, model) == (True, "faulty-after")
        else:
            check_answer(answer)
            assert MARK not in answer.text
    fake.models.remove(model)
    check_sinks(scene)


# the wire


@pytest.mark.parametrize(
    "head",
    [
        "GET /canary HTTP/1.1\r\nCanary Name: canary\r\n\r\n",
        "CANARY\x00canary\r\n\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: canary\r\nContent-Length: canary\r\n\r\n",
        "GET /v1/canary HTTP/9.9\r\nAuthorization: canary\r\n\r\n",
    ],
)
def test_a_request_that_is_none_is_not_quoted(scene: Scene, head: str) -> None:
    with socket.create_connection(("127.0.0.1", scene.relay.port), timeout=10) as connection:
        connection.sendall(head.encode())
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    check_sinks(scene)


# ends


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("server", "crashes"), [("gunicorn", (signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL)), ("waitress", ())]
)
def test_an_end_in_the_middle_of_a_stream_tells_nothing(
    tmp_path: Path, server: str, crashes: tuple[signal.Signals, ...]
) -> None:
    """First the worker dies of each of *crashes*, then the relay is asked to stop."""
    with run_scene(server, tmp_path) as scene:
        relay = scene.relay.process.pid
        for number in crashes:
            end_in_a_stream(scene, partial(kill_workers, relay, number))
            check_sinks(scene)
        end_in_a_stream(scene, scene.relay.process.terminate)
    check_written_lines(scene.relay)


def kill_workers(relay: int, number: signal.Signals) -> None:
    for worker in find_children(relay):
        os.kill(worker, number)


def end_in_a_stream(scene: Scene, end: Callable[[], object]) -> None:
    hold = Hold()
    scene.openai.answers.append(Stream([write_chunk({"content": PROMPT}), hold, DONE]))
    body, headers = plant("openai/fake-small", stream=True), {"X-Provider-Key": KEY}
    with (
        scene.open_client(**ODD_HEADERS) as client,
        client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer,
    ):
        pieces = answer.iter_bytes()
        assert PROMPT.encode() in next(pieces)
        end()
        hold.release()
        # Whole or broken off: what it ends with is another test's matter.
        with suppress(httpx.HTTPError):
            list(pieces)


def check_written_lines(relay: RunningRelay) -> None:
    for line in [*relay.stdout, *relay.stderr]:
        assert MARK not in line.lower()
    assert [line for line in relay.stderr if not line.startswith("{")] == []


def find_children(process_id: int) -> list[int]:
    children = Path(f"/proc/{process_id}/task/{process_id}/children")
    if not children.exists():
        pytest.skip("this system does not list a process's children")
    return [int(child) for child in children.read_text().split()]
