"""Providers of an operator's own: found by entry point, called like others, and skipped where they are broken."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes import OpenProvider
from tests.relay.calls import MESSAGES, chat, read_stream
from tests.relay.conftest import PAGE
from tests.relay.servers import RunningRelay, make_environment, run_relay

HERE = Path(__file__).parent / "plugins"
ROOT = Path(__file__).parents[2]
CANARY = "canary-of-the-plugin"
POINTS: Mapping[str, tuple[str, str]] = {
    "acme": ("sidestep_acme:Acme", "loaded"),
    "acme_locked": ("sidestep_acme:Locked", "loaded"),
    "zai": ("sidestep_acme:Acme", "name_taken"),
    "groq": ("sidestep_acme:Acme", "name_taken"),
    "Bad-Name": ("sidestep_acme:Acme", "name_invalid"),
    "gone": ("sidestep_gone:Gone", "import_failed"),
    "missing": ("sidestep_acme:Missing", "import_failed"),
    "plain": ("sidestep_acme:Plain", "wrong_type"),
    "function": ("sidestep_acme:act", "wrong_type"),
    "starts": ("sidestep_acme:Starts", "start_failed"),
    "declares": ("sidestep_acme:Declares", "declares_nonsense"),
}
"""What is installed, and what becomes of it."""


def install(folder: Path, points: Mapping[str, str], name: str = "sidestep-acme") -> None:
    """Write what `pip install` writes of a package: its metadata and its entry points."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    rows = "".join(f"{point} = {target}\n" for point, target in points.items())
    (info / "entry_points.txt").write_text(f"[sidestep_relay.providers]\n{rows}", encoding="utf-8")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    install(folder, {name: target for name, (target, _) in POINTS.items()})
    install(folder, {"twice": "sidestep_acme:Acme"}, "sidestep-one")
    install(folder, {"twice": "sidestep_acme:Acme"}, "sidestep-other")
    return folder


def make_path(packages: Path) -> str:
    return os.pathsep.join(str(row) for row in (ROOT / "pyclient", ROOT / "relay", packages, HERE))


@pytest.fixture(scope="module", params=["gunicorn", "waitress"])
def plugged(request: pytest.FixtureRequest, packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A relay with all of `POINTS`, and with a token that may call one of them."""
    file = tmp_path_factory.mktemp("tokens") / "tokens.json"
    settings = {"PYTHONPATH": make_path(packages), "SIDESTEP_TOKENS": str(file)}
    environment = make_environment(str(file.parent), [], [], settings)
    made = [sys.executable, "-m", "sidestep_relay", "token", "add", "anna", "--providers", "acme"]
    done = subprocess.run(made, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    with run_relay(server=request.param, origins=[PAGE], destinations=["127.0.0.1"], settings=settings) as relay:
        relay.wait_for_log(event="loaded", timeout=60)
        yield relay, done.stdout.splitlines()[1]


@pytest.fixture
def relay(plugged: tuple[RunningRelay, str]) -> RunningRelay:
    return plugged[0]


@pytest.fixture
def client(relay: RunningRelay) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=relay.url, headers=relay.headers, timeout=20, trust_env=False) as opened:
        yield opened


def ask(client: httpx.Client, model: str, *, headers: Mapping[str, str] | None = None, **fields: Any) -> httpx.Response:
    body = {"model": model, "messages": MESSAGES, **fields}
    return client.post("/v1/chat/completions", json=body, headers=headers)


def read_error(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    assert CANARY not in answer.text
    return answer.status_code, error["code"], error["origin"]


def test_what_became_of_each_is_told_to_who_runs_the_relay(client: httpx.Client, relay: RunningRelay) -> None:
    states = {name: state for name, (_, state) in POINTS.items()} | {"twice": "name_twice"}
    about = client.get("/v1/relay").json()
    assert about["plugins"] == states
    assert {"acme", "acme_locked", "openai"} <= set(about["providers"])
    assert {"gone", "declares", "twice"}.isdisjoint(about["providers"])
    for name, state in states.items():
        event = "plugin_loaded" if state == "loaded" else "plugin_broken"
        line = relay.wait_for_log(event=event, provider=name)
        assert line.get("code", "loaded") == state
    assert relay.wait_for_log(event="plugin_broken", provider="gone")["exception"] == "ModuleNotFoundError"
    said = "\n".join(relay.stderr)
    assert CANARY not in said
    assert "Traceback" not in said


def test_a_plugin_answers_whole(client: httpx.Client, relay: RunningRelay) -> None:
    answer = ask(client, "acme/echo", temperature=0.5, headers={"X-Provider-Key": "sk-mine"})
    assert answer.status_code == 200
    told = answer.json()
    assert told["choices"][0]["message"]["content"] == "Say hello 0.5 sk-mine"
    assert told["choices"][0]["finish_reason"] == "stop"
    assert told["usage"]["total_tokens"] == 7
    assert relay.wait_for_log(event="chat", provider="acme")["lane"] == "plugin"


@pytest.mark.parametrize("wants_usage", [True, False])
def test_a_plugin_answers_in_pieces(client: httpx.Client, wants_usage: bool) -> None:
    answer = ask(client, "acme/echo", stream=True, stream_options={"include_usage": wants_usage})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    read = read_stream(answer.content)
    assert (read.text, read.finish_reasons, read.is_done, read.error) == ("Sayhello", ["length"], True, None)
    assert (read.usage is not None) is wants_usage
    assert answer.content.count(b"data: ") == 3 + wants_usage + 1


def test_its_models_are_listed(client: httpx.Client) -> None:
    listed = {row["id"] for row in client.get("/v1/models").json()["data"]}
    assert {"acme/echo", "acme/shout"} <= listed
    own = client.get("/v1/models", params={"provider": "acme"}).json()["data"]
    assert [(row["id"], row["owned_by"]) for row in own] == [("acme/echo", "acme"), ("acme/shout", "acme")]


def test_it_may_ask_for_a_key(client: httpx.Client) -> None:
    assert read_error(ask(client, "acme_locked/echo")) == (400, "provider_key_missing", "relay")
    assert ask(client, "acme_locked/echo", headers={"X-Provider-Key": "sk-mine"}).status_code == 200


def test_a_token_may_name_it(plugged: tuple[RunningRelay, str]) -> None:
    relay, value = plugged
    headers = {"Authorization": f"Bearer {value}"}
    with httpx.Client(base_url=relay.url, headers=headers, timeout=20, trust_env=False) as anna:
        assert ask(anna, "acme/echo").status_code == 200
        assert read_error(ask(anna, "acme_locked/echo", headers={"X-Provider-Key": "k"}))[1] == "provider_not_allowed"
        about = anna.get("/v1/relay").json()
        assert about["providers"] == ["acme"]
        assert "plugins" not in about


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("model", "refusal"),
    [("raises", (502, "provider_server")), ("exits", (502, "provider_server")), ("forbids", (401, "provider_auth"))],
)
def test_what_it_raises_is_told_without_its_words(
    client: httpx.Client, relay: RunningRelay, model: str, refusal: tuple[int, str], is_stream: bool
) -> None:
    answer = ask(client, f"acme/{model}", stream=is_stream)
    assert read_error(answer) == (*refusal, "provider")
    assert ask(client, "acme/echo").status_code == 200
    assert CANARY not in "\n".join(relay.stderr)


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("breaks-off", "provider_incomplete"),
        ("raises-late", "provider_server"),
        ("garbage-late", "provider_answer"),
    ],
)
def test_what_goes_wrong_in_the_middle_ends_the_stream(
    client: httpx.Client, relay: RunningRelay, model: str, code: str
) -> None:
    read = read_stream(ask(client, f"acme/{model}", stream=True).content)
    assert (read.text, read.is_done) == ("Sayhello", False)
    assert read.error is not None
    assert (read.error["code"], read.error["origin"]) == (code, "provider")
    assert CANARY not in json.dumps(read.error) + "\n".join(relay.stderr)


def test_it_is_closed_when_the_client_leaves(client: httpx.Client, relay: RunningRelay) -> None:
    body = {"model": "acme/endless", "messages": MESSAGES, "stream": True}
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        next(answer.iter_bytes())
    relay.wait_for_log(event="chat", model="acme/endless", code="client_left")
    relay.wait_for_log(event="acme_told")
    relay.wait_for_log(event="acme_closed", model="endless")


def test_a_request_leads_it_nowhere(client: httpx.Client) -> None:
    with OpenProvider() as fake:
        answer = ask(client, "acme/echo", headers={"X-Provider-Base": fake.base_url})
        assert read_error(answer) == (403, "destination_refused", "relay")
        assert fake.requests == []


@pytest.mark.parametrize("name", ["api_base", "unheard_of", "custom_llm_provider", "mock_response"])
def test_only_openais_fields_reach_it(client: httpx.Client, name: str) -> None:
    fields: dict[str, Any] = {name: "x"}
    assert read_error(ask(client, "acme/echo", **fields)) == (400, "request_invalid", "relay")


def test_others_are_served_beside_it(client: httpx.Client, open_provider: OpenProvider) -> None:
    assert chat(client, open_provider).status_code == 200
    assert read_error(ask(client, "twice/echo")) == (400, "provider_unknown", "relay")


def test_the_guides_example_works(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    project, code = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("toml", "python"))
    assert project
    assert code
    (tmp_path / "sidestep_acme.py").write_text(code[1], encoding="utf-8")
    install(tmp_path, tomllib.loads(project[1])["project"]["entry-points"]["sidestep_relay.providers"])
    path = os.pathsep.join(str(row) for row in (ROOT / "pyclient", ROOT / "relay", tmp_path))
    with run_relay(settings={"PYTHONPATH": path}) as relay:
        relay.wait_for_log(event="loaded", timeout=60)
        with httpx.Client(base_url=relay.url, headers=relay.headers, timeout=20, trust_env=False) as client:
            assert ask(client, "acme/echo").json()["choices"][0]["message"]["content"] == "Say hello"
            read = read_stream(ask(client, "acme/echo", stream=True).content)
    assert (read.text, read.finish_reasons, read.is_done) == ("Say hello ", ["stop"], True)


def test_the_guide_has_every_state() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    for state in {state for _, state in POINTS.values()} | {"name_twice"}:
        assert f"`{state}`" in text
