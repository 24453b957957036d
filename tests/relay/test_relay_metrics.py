"""What the relay counts: the right things, of all its processes, to those who may see it, by bounded labels."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient

from sidestep.catalogue import load_catalogue
from sidestep_relay.allowances import Allowance
from sidestep_relay.app import create_app
from sidestep_relay.config import RelayConfig
from sidestep_relay.destinations import Destinations, parse_destination
from sidestep_relay.metrics import Metrics
from sidestep_relay.telemetry import make_log
from sidestep_relay.tokens import Secret, Token, hash_token, save_tokens
from sidestep_relay.upstreams import Connections, Upstream
from tests.fakes import CUT, AnthropicProvider, Hold, OpenProvider, Reply, Stream, ZaiProvider
from tests.fakes.wires import DONE, write_chunk
from tests.relay.calls import Fake, chat, make_body, make_headers
from tests.relay.scrapes import Scrape, scrape
from tests.relay.servers import TOKEN, RunningRelay, make_environment, run_relay

PAIRED = {"Authorization": f"Bearer {TOKEN}"}
HERE = Destinations(named=(parse_destination("127.0.0.1"),))
NONE = Allowance(0, 0, 0)


@pytest.fixture(params=["open_provider", "anthropic_provider"])
def fake(request: pytest.FixtureRequest) -> Fake:
    """One provider for each lane."""
    chosen = request.getfixturevalue(request.param)
    assert isinstance(chosen, OpenProvider | AnthropicProvider)
    return chosen


@pytest.fixture(autouse=True)
def close_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes what an application of this process keeps open to providers."""
    kept: list[Connections] = []

    def keep(destinations: Destinations) -> Connections:
        kept.append(Connections(destinations))
        return kept[-1]

    monkeypatch.setattr("sidestep_relay.app.Connections", keep)
    yield
    for connections in kept:
        connections.close()


def name_lane(fake: Fake) -> str:
    return "translate" if isinstance(fake, AnthropicProvider) else "pipe"


def read(client: FlaskClient) -> Scrape:
    answer = client.get("/metrics", headers=PAIRED)
    assert answer.status_code == 200
    return Scrape(answer.text)


# who may see it


def test_it_is_behind_the_token_and_a_named_one_needs_a_grant(tmp_path: Path, log: StringIO) -> None:
    tokens = [
        Token(name, (Secret(hash_token(name * 8)),), sees_metrics=is_granted)
        for name, is_granted in (("plain", False), ("scraper", True))
    ]
    path = tmp_path / "tokens.json"
    save_tokens(path, tokens, load_catalogue().keys())
    config = RelayConfig(token=TOKEN, tokens_file=path)
    client = create_app(config, log=make_log(log), spawn=lambda _: None).test_client()
    answers = {
        shown: client.get("/metrics", headers={"Authorization": f"Bearer {shown}"} if shown else {})
        for shown in ("", "wrong", "plain" * 8, "scraper" * 8, TOKEN)
    }
    codes = {shown: (answer.json or {}).get("error", {}).get("code") for shown, answer in answers.items()}
    assert codes == {
        "": "relay_token_missing",
        "wrong": "relay_token_wrong",
        "plain" * 8: "metrics_not_allowed",
        "scraper" * 8: None,
        TOKEN: None,
    }
    assert [answer.status_code for answer in answers.values()] == [401, 401, 403, 200, 200]
    # Who scrapes is granted nothing else, and a scrape leaves no line in the log; a refusal does.
    assert client.get("/v1/models?provider=openai", headers={"Authorization": f"Bearer {'scraper' * 8}"}).status_code
    assert [line for line in log.getvalue().splitlines() if '"/metrics"' in line and '"status": 200' in line] == []
    assert log.getvalue().count('"route": "/metrics"') == 3


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", "application/openmetrics-text"),
    ],
)
def test_it_answers_in_the_format_that_is_asked_for(make_app: Callable[..., Flask], accept: str, expected: str) -> None:
    answer = make_app().test_client().get("/metrics", headers={**PAIRED, "Accept": accept})
    assert answer.headers["Content-Type"].startswith(expected)
    assert answer.headers["Cache-Control"] == "no-store"
    assert (b"# EOF" in answer.data) == expected.startswith("application/")
    assert b"_created" not in answer.data


def test_other_methods_are_refused_in_the_envelope(make_app: Callable[..., Flask]) -> None:
    answer = make_app().test_client().post("/metrics", headers=PAIRED)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]["code"]) == (405, "http_405")


# what the labels hold


def test_no_label_takes_what_a_client_or_a_provider_chose(
    make_app: Callable[..., Flask], open_provider: OpenProvider
) -> None:
    client = make_app(destinations=HERE).test_client()
    secret = "canary-in-a-label"
    open_provider.models.append(secret)
    for path in (f"/{secret}", f"/v1/{secret}", f"/metrics?{secret}", f"/v1/models?provider={secret}"):
        client.get(path, headers=PAIRED)
    client.open("/healthz", method=secret.upper())
    client.get("/v1/relay", headers={"Authorization": f"Bearer {secret}", "Origin": f"https://{secret}"})
    odd = open_provider.error(477, "no", code=secret)
    for answer in (None, odd, open_provider.error(500, secret, code=secret)):
        open_provider.answers.extend([answer] if answer else [])
        body = make_body(open_provider, model=f"openai/{secret}", user=secret)
        client.post("/v1/chat/completions", headers={**PAIRED, **make_headers(open_provider)}, json=body)
    found = read(client)
    shown = str(found.values)
    assert "canary" not in shown.lower()
    rules = {rule.rule for rule in client.application.url_map.iter_rules()}
    assert found.list_labels("route") <= rules | {"unknown"}
    assert found.list_labels("provider") <= load_catalogue().keys()
    assert found.list_labels("method") <= {"GET", "POST", "unknown"}
    assert found.sum("upstream_responses_total", status="4xx") == 1
    assert found.sum("upstream_responses_total", status="500") == 1
    assert found.sum("requests_total", status="405", method="unknown") == 1
    assert found.sum("chats_total", code="provider_server") == 1


def test_at_a_foreign_address_a_provider_is_custom(
    make_app: Callable[..., Flask], zai_provider: ZaiProvider, open_provider: OpenProvider
) -> None:
    client = make_app(destinations=HERE).test_client()
    headers = {**PAIRED, **make_headers(zai_provider)}
    assert client.post("/v1/chat/completions", headers=headers, json=make_body(zai_provider)).status_code == 200
    headers = {**PAIRED, **make_headers(open_provider)}
    assert client.get("/v1/models?provider=openai", headers=headers).status_code == 200
    found = read(client)
    assert found.list_labels("provider") == {"custom"}
    assert found.sum("upstream_responses_total", status="200") == 2


# the limits and the cache


@pytest.mark.parametrize(
    ("limit", "settings"),
    [
        ("token_requests", {"per_token": Allowance(1, 0, 0)}),
        ("address_requests", {"per_address": Allowance(1, 0, 0)}),
    ],
)
def test_a_request_limit_is_named(make_app: Callable[..., Flask], limit: str, settings: dict[str, Any]) -> None:
    metrics = Metrics()
    client = make_app(metrics=metrics, **{"per_token": NONE, "per_address": NONE, **settings}).test_client()
    assert [client.get("/v1/relay", headers=PAIRED).status_code for _ in range(2)] == [200, 429]
    found = Scrape(metrics.render("")[0].decode())
    assert found.sum("limits_refused_total", limit=limit) == found.sum("limits_refused_total") == 1
    assert found.sum("requests_total", status="429", code="rate_limited", route="/v1/relay") == 1


def test_a_chat_limit_is_named(make_app: Callable[..., Flask], open_provider: OpenProvider) -> None:
    client = make_app(destinations=HERE, per_token=Allowance(0, 1, 100), per_address=NONE).test_client()
    headers = {**PAIRED, **make_headers(open_provider)}
    body = make_body(open_provider, stream=True, max_tokens=90)
    before = client.post("/v1/chat/completions", headers=headers, json=body, buffered=False)
    assert before.status_code == 200
    assert client.post("/v1/chat/completions", headers=headers, json=body).status_code == 429
    assert read(client).sum("limits_refused_total", limit="streams") == 1
    before.close()
    assert client.post("/v1/chat/completions", headers=headers, json=body).status_code == 429
    found = read(client)
    assert found.sum("limits_refused_total", limit="model_tokens") == 1
    assert found.sum("limits_refused_total") == 2


def test_what_the_cache_does_is_counted() -> None:
    metrics = Metrics()
    for outcome, times in (("hit", 3), ("miss", 2), ("joined", 1)):
        for _ in range(times):
            metrics.count_cache(outcome)  # type: ignore[arg-type]
    found = Scrape(metrics.render("")[0].decode())
    assert [found.sum("cache_requests_total", outcome=word) for word in ("hit", "miss", "joined", "off")] == [
        3,
        2,
        1,
        0,
    ]


# chats, on both servers and by both lanes


def test_a_stream_is_counted_once_it_ended(client: httpx.Client, fake: Fake) -> None:
    lane = name_lane(fake)
    before = scrape(client)
    answer = chat(client, fake, stream=True)
    after = scrape(client)

    def grew(name: str, **labels: str) -> float:
        return after.sum(name, **labels) - before.sum(name, **labels)

    ours = {"provider": "custom", "lane": lane}
    assert grew("chats_total", **ours, stream="true", code="") == 1
    assert grew("chats_total") == 1
    assert grew("chat_bytes_total", **ours) == len(answer.content)
    assert grew("chat_chunks_total", **ours) >= 3
    for histogram in ("chat_seconds", "chat_first_byte_seconds"):
        assert grew(f"{histogram}_count", **ours, stream="true") == 1
    assert grew("chat_overhead_seconds_count", lane=lane) == 1
    assert grew("upstream_responses_total", provider="custom", status="200") == 1
    assert grew("requests_total", route="/v1/chat/completions", method="POST", status="200", code="") == 1
    # What is scraped is what is declared.
    declared = {family.name: set(family.labels) for family in Metrics().families}
    for series, labels in after.label_names().items():
        name = re.sub("_(bucket|count|sum)$", "", series)
        assert labels - {"le"} == declared.get(name, declared.get(series)), series
    # A chat has times of its own.
    assert grew("request_seconds_count", route="/v1/chat/completions") == 0
    assert grew("request_seconds_count", route="/metrics") == 1
    assert after.sum("streams_in_progress") == 0
    assert after.sum("build_info") == 1
    assert after.sum("litellm_load_seconds") > 0


def test_a_whole_answer_is_counted_too(client: httpx.Client, fake: Fake) -> None:
    before, answer, after = scrape(client), chat(client, fake), scrape(client)
    ours = {"provider": "custom", "lane": name_lane(fake)}
    assert after.sum("chats_total", **ours, stream="false") - before.sum("chats_total", **ours, stream="false") == 1
    assert after.sum("chat_bytes_total", **ours) - before.sum("chat_bytes_total", **ours) == len(answer.content)
    assert after.sum("chat_chunks_total", **ours) == before.sum("chat_chunks_total", **ours)


def test_how_a_chat_failed_is_counted(client: httpx.Client, fake: Fake) -> None:
    before = scrape(client)
    fake.answers.append(Reply(429, {"error": {"message": "slow", "type": "rate_limit_error"}}))
    assert chat(client, fake, stream=True).status_code == 429
    fake.answers.append(Stream([write_chunk({"content": "a"}), CUT]))
    assert chat(client, fake, stream=True).status_code in {200, 502}
    body = make_body(fake)
    nowhere = {"X-Provider-Key": "sk-none", "X-Provider-Base": f"http://127.0.0.1:{find_closed_port()}/v1"}
    assert client.post("/v1/chat/completions", headers=nowhere, json=body).status_code == 502
    after = scrape(client)

    def grew(name: str, **labels: str) -> float:
        return after.sum(name, **labels) - before.sum(name, **labels)

    assert grew("chats_total", code="provider_rate_limit") == 1
    assert grew("chats_total", code="provider_incomplete") == 1
    assert grew("chats_total", code="provider_unreachable") == 1
    assert grew("upstream_responses_total", status="429") == 1
    assert grew("upstream_responses_total", status="200") == 1
    assert grew("upstream_responses_total", status="none") == 1
    assert grew("requests_total", status="429", code="provider_rate_limit") == 1


def find_closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def test_a_client_that_leaves_is_counted_and_its_stream_is_no_longer_under_way(
    relay: RunningRelay, client: httpx.Client, open_provider: OpenProvider
) -> None:
    before = scrape(client)
    hold = Hold()
    open_provider.answers.append(Stream([write_chunk({"content": "a"}), hold, DONE]))
    body = make_body(open_provider, stream=True)
    url = f"{relay.url}/v1/chat/completions"
    headers = {**relay.headers, **make_headers(open_provider)}
    with httpx.stream("POST", url, headers=headers, json=body, trust_env=False) as answer:
        pieces = answer.iter_bytes()
        assert next(pieces)
        assert scrape(client).sum("streams_in_progress", lane="pipe") == 1
        request_id = answer.headers["X-Request-Id"]
    relay.wait_for_log(event="chat", request_id=request_id, status=499)
    after = scrape(client)
    assert after.sum("streams_in_progress") == 0
    left = {"moment": "in_answer"}
    assert after.sum("client_disconnects_total", **left) - before.sum("client_disconnects_total", **left) == 1


# how long it took, and whose time it was


def test_the_providers_silence_is_not_the_relays_time(
    make_app: Callable[..., Flask], open_provider: OpenProvider
) -> None:
    client = make_app(destinations=HERE, ping_seconds=0.3).test_client()
    hold = Hold()
    answered = write_chunk({"content": "a"}, finish_reason="stop") + DONE
    open_provider.answers.append(Reply(200, answered, hold=hold))
    headers, body = {**PAIRED, **make_headers(open_provider)}, make_body(open_provider, stream=True)
    # It begins with a comment, after a time that nobody but the provider took.
    answer = client.post("/v1/chat/completions", headers=headers, json=body, buffered=False)
    timing = read_timing(answer.headers["Server-Timing"])
    pieces = iter(answer.iter_encoded())
    assert next(pieces) == b": ping\n\n"
    assert timing["upstream"] >= 250
    assert timing["relay"] < timing["upstream"]
    assert read(client).sum("chat_first_byte_seconds_count") == 0
    hold.release()
    assert b"[DONE]" in b"".join(pieces)
    answer.close()
    found = read(client)
    assert found.sum("chat_first_byte_seconds_count") == 1
    assert found.sum("chat_first_byte_seconds_sum") > found.sum("chat_overhead_seconds_sum")
    assert found.sum("chat_overhead_seconds_sum") == pytest.approx(timing["relay"] / 1000, abs=0.001)


class SlowProvider(httpx.BaseTransport):
    """Answers after 5 s of a clock that it moves itself, and takes 2 s for each piece and for the end."""

    def __init__(self) -> None:
        self.now = 100.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.now += 5
        return httpx.Response(200, stream=SlowStream(self), headers={"content-type": "text/event-stream"})


class SlowStream(httpx.SyncByteStream):
    """The body of `SlowProvider`'s answer."""

    def __init__(self, provider: SlowProvider) -> None:
        self._provider = provider

    def __iter__(self) -> Iterator[bytes]:
        for piece in (b": a\n\n", b": b\n\n"):
            self._provider.now += 2
            yield piece
        self._provider.now += 2


def test_only_waiting_for_the_provider_is_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = SlowProvider()
    monkeypatch.setattr("sidestep_relay.upstreams.time.monotonic", lambda: provider.now)
    place = parse_destination("https://provider.example/v1")
    upstream = Upstream(provider, place, dialect="openai_chat", has_key=False)
    assert (upstream.waited_ms, upstream.was_asked) == (None, False)
    response = upstream.handle_request(httpx.Request("POST", "https://provider.example/v1/chat/completions"))
    assert upstream.waited_ms == 5000
    seen = []
    for _ in response.stream:  # type: ignore[union-attr]
        provider.now += 50  # the relay's own time, or a slow client's
        seen.append(upstream.waited_ms)
    assert seen == [7000, 9000]
    assert upstream.waited_ms == 11000


def read_timing(header: str) -> dict[str, float]:
    return {
        name: float(value.partition("=")[2]) for name, _, value in (row.partition(";") for row in header.split(", "))
    }


# several processes


@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run on Windows")
def test_a_scrape_tells_of_all_workers_also_of_one_that_was_killed(tmp_path: Path, open_provider: OpenProvider) -> None:
    with run_relay(
        server="gunicorn", destinations=["127.0.0.1"], arguments=["--workers", "2"], settings={"TMPDIR": str(tmp_path)}
    ) as relay:
        asked = 0
        while len(find_workers(tmp_path)) < 2 or asked < 10:
            # A new connection each: whoever accepts it answers.
            with open_client(relay) as client:
                assert chat(client, open_provider, stream=True).status_code == 200
            asked += 1
            assert asked < 200, "only one worker counts into files"
        assert {read_chats(relay) for _ in range(12)} == {asked}

        hold = Hold()
        open_provider.answers.append(Stream([write_chunk({"content": "a"}), hold, DONE]))
        body, headers = make_body(open_provider, stream=True), make_headers(open_provider)
        with open_client(relay) as client:
            with client.stream("POST", "/v1/chat/completions", headers=headers, json=body) as answer:
                pieces = answer.iter_bytes()
                assert next(pieces)
                assert read_streams(relay) == 1
                for worker in find_workers(tmp_path):
                    os.kill(worker, signal.SIGKILL)
                with pytest.raises(httpx.HTTPError):
                    list(pieces)
            hold.release()
        deadline = time.monotonic() + 20
        while read_streams(relay) != 0:
            assert time.monotonic() < deadline, "the stream of a worker that is dead stays under way"
        assert read_chats(relay) == asked
    assert list(tmp_path.iterdir()) == []


FORKING = """
import os, sys
from sidestep_relay.multiprocess import share_folder

with share_folder() as folder:
    if not (child := os.fork()):
        sys.exit(0)
    os.waitpid(child, 0)
    print(folder.is_dir())
print(folder.exists())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")
def test_a_worker_that_exits_leaves_the_others_their_folder(tmp_path: Path) -> None:
    environment = make_environment(str(tmp_path), [], [], {"TMPDIR": str(tmp_path)})
    ran = subprocess.run(
        [sys.executable, "-c", FORKING], env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    assert ran.stdout.split() == ["True", "False"]


def open_client(relay: RunningRelay) -> httpx.Client:
    transport = httpx.HTTPTransport(retries=5)
    return httpx.Client(base_url=relay.url, headers=relay.headers, timeout=20, trust_env=False, transport=transport)


def find_workers(folder: Path) -> set[int]:
    """Return the processes that count in *folder*."""
    return {int(file.stem.rpartition("_")[2]) for file in folder.glob("*/histogram_*.db")}


def read_chats(relay: RunningRelay) -> float:
    with open_client(relay) as client:
        return scrape(client).sum("chats_total", code="")


def read_streams(relay: RunningRelay) -> float:
    with open_client(relay) as client:
        return scrape(client).sum("streams_in_progress")
