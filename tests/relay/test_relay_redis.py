"""Limits that several processes share through Redis, and what becomes of them while it is away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from sidestep_relay.errors import RelayError
from sidestep_relay.limits import Limiter
from sidestep_relay.redis_links import RedisLink
from sidestep_relay.shared_counts import SharedCounts
from sidestep_relay.telemetry import make_log
from tests.fakes import Hold, OpenProvider, Stream
from tests.fakes.wires import DONE, write_chunk
from tests.relay.calls import make_body, make_headers
from tests.relay.certificates import Authority
from tests.relay.redis_servers import RunningRedis
from tests.relay.servers import RunningRelay, run_relay
from tools.ports import find_free_port

STREAMS = "sidestep:streams:token:a"
TOKENS = "sidestep:tokens:tokens:a"
LIMITED = (429, "rate_limited", True, True)
AT_ONCE = 0.4
"""Seconds in which nobody waited for Redis, not even once, also on a busy computer."""


class Process:
    """What one process of a relay has: its own connections, counts and log."""

    def __init__(self, url: str, lease_seconds: float = 30.0) -> None:
        self._log = StringIO()
        self.link = RedisLink(url, make_log(self._log))
        self.counts = SharedCounts(self.link, lease_seconds)
        self.limiter = Limiter(self.counts)
        self._returned = threading.Event()
        self.link.call_on_return(self._returned.set)

    @property
    def events(self) -> list[str]:
        """What was logged."""
        return [json.loads(line)["event"] for line in self._log.getvalue().splitlines()]

    @property
    def log(self) -> str:
        return self._log.getvalue()

    def wait_returned(self) -> None:
        """Wait until it is seen that Redis is back."""
        deadline = time.monotonic() + 10
        while self.link.is_away:
            assert time.monotonic() < deadline, "Redis was not seen again"
            self._returned.wait(0.05)


@pytest.fixture
def make_process(redis_server: RunningRedis) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def make(lease_seconds: float = 30.0) -> Process:
        made.append(Process(redis_server.url, lease_seconds))
        return made[-1]

    yield make
    for process in made:
        process.counts.close()
        process.link.close()


def is_refused(act: Callable[[], Any]) -> bool:
    try:
        act()
    except RelayError as error:
        return (error.status, error.code, error.is_retryable, "Retry-After" in error.headers) == LIMITED
    return False


def has_room(process: Process, most: int = 1) -> bool:
    """Say whether another answer fits; it ends at once."""

    def hold() -> None:
        with process.limiter.hold_stream(("token", "a", most)):
            pass

    return not is_refused(hold)


# counted together


def test_requests_of_two_processes_are_counted_together(
    make_process: Callable[..., Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    one, two = make_process(), make_process()
    one.limiter.count_request("token", "a", 2)
    two.limiter.count_request("token", "a", 2)
    for process in (one, two):
        with pytest.raises(RelayError) as caught:
            process.limiter.count_request("token", "a", 2)
        assert caught.value.headers["Retry-After"] == "61"
    one.limiter.count_request("token", "b", 2)
    one.limiter.count_request("address", "a", 2)
    now += 61
    two.limiter.count_request("token", "a", 2)


def test_model_tokens_of_two_processes_are_counted_together_and_put_right(
    make_process: Callable[..., Process],
) -> None:
    one, two = make_process(), make_process()
    budget = one.limiter.count_tokens("a", 60, 100)
    assert is_refused(lambda: two.limiter.count_tokens("a", 60, 100))
    budget.settle(10)
    more = two.limiter.count_tokens("a", 60, 100)
    assert is_refused(lambda: one.limiter.count_tokens("a", 31, 100))
    more.settle(90)
    assert is_refused(lambda: one.limiter.count_tokens("a", 1, 100))
    one.limiter.count_tokens("b", 1000, 100)


def test_what_is_put_right_after_the_minute_gives_nothing_away(
    make_process: Callable[..., Process], redis_server: RunningRedis
) -> None:
    process = make_process()
    less, more = process.limiter.count_tokens("a", 50, 100), process.limiter.count_tokens("a", 10, 100)
    with redis_server.client as client:
        assert 0 < client.pttl(TOKENS) <= 60_000
        client.delete(TOKENS)
        less.settle(1)
        assert not client.exists(TOKENS)
        more.settle(40)
        assert client.hget(TOKENS, "used") == "30"
        assert 0 < client.pttl(TOKENS) <= 60_000


def test_answers_of_two_processes_are_counted_together(make_process: Callable[..., Process]) -> None:
    one, two = make_process(), make_process()
    with one.limiter.hold_stream(("token", "a", 2), ("address", "x", 0)):
        assert has_room(two, 2)
        with two.limiter.hold_stream(("token", "a", 2), ("address", "x", 1)):
            assert not has_room(one, 2)
            # Nothing of a refused one stays.
            assert not has_room(two, 2)
        assert has_room(one, 2)
    assert has_room(two)


def test_two_processes_cannot_both_take_the_last_place(make_process: Callable[..., Process]) -> None:
    processes = [make_process(), make_process()]
    start = threading.Barrier(16)

    held = ExitStack()

    def take(number: int) -> bool:
        start.wait(10)
        with suppress(RelayError):
            held.enter_context(processes[number % 2].limiter.hold_stream(("token", "a", 5)))
            return True
        return False

    with held, ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(take, range(16))) == 5


# leases


def test_what_a_killed_process_held_ends_by_itself(
    make_process: Callable[..., Process], redis_server: RunningRedis
) -> None:
    one, two = make_process(), make_process()
    with one.limiter.hold_stream(("token", "a", 1)), redis_server.client as client:
        assert not has_room(two)
        assert 0 < client.pttl(STREAMS) <= 30_000
        let_leases_end(client)
        assert has_room(two)
        one.counts.renew()
        assert not has_room(two)
    assert has_room(two)


def let_leases_end(client: Any) -> None:
    """Do what half a minute does to those who renew nothing."""
    for lease in client.zrange(STREAMS, 0, -1):
        client.zadd(STREAMS, {lease: 1})


def test_a_living_process_renews_what_it_holds(
    make_process: Callable[..., Process], redis_server: RunningRedis
) -> None:
    process = make_process(0.6)
    with redis_server.client as client, client.pubsub() as news:
        client.config_set("notify-keyspace-events", "Kz")
        news.subscribe(f"__keyspace@0__:{STREAMS}")
        with process.limiter.hold_stream(("token", "a", 1)):
            seen: list[str] = []
            # Taken, and renewed three times: longer than a lease.
            while seen.count("zadd") < 4:
                message = news.get_message(timeout=5)
                assert message, "the lease was not renewed"
                seen.append(str(message["data"]))
            assert not has_room(make_process())


# Redis away


def test_limits_stand_while_redis_is_away(make_process: Callable[..., Process], redis_server: RunningRedis) -> None:
    process = make_process()
    limiter = process.limiter
    limiter.count_request("token", "a", 2)
    budget = limiter.count_tokens("a", 60, 100)
    with limiter.hold_stream(("token", "a", 1)):
        redis_server.stop()
        # What this process has counted before still counts.
        assert not has_room(process)
        limiter.count_request("token", "a", 2)
        assert is_refused(lambda: limiter.count_request("token", "a", 2))
        assert is_refused(lambda: limiter.count_tokens("a", 60, 100))
        budget.settle(10)
        limiter.count_tokens("a", 60, 100).settle(90)
        assert is_refused(lambda: limiter.count_tokens("a", 1, 100))
    assert has_room(process)
    assert process.events == ["redis_away"]
    assert json.loads(process.log)["exception"] == "ConnectionError"


def test_redis_counts_again_when_it_is_back(make_process: Callable[..., Process], redis_server: RunningRedis) -> None:
    one, two = make_process(), make_process()
    with one.limiter.hold_stream(("token", "a", 2)):
        redis_server.stop()
        with one.limiter.hold_stream(("token", "a", 2)):
            assert has_room(two)
            redis_server.start()
            one.wait_returned()
            two.wait_returned()
            # Both that are under way are known to the new, empty Redis, whenever they began.
            assert not has_room(two, 2)
        assert has_room(two, 2)
        assert not has_room(two, 1)
    for process in (one, two):
        assert process.events == ["redis_away", "redis_back"]


@pytest.mark.alone
def test_nobody_waits_twice_for_a_redis_that_hangs(
    make_process: Callable[..., Process], redis_server: RunningRedis
) -> None:
    process = make_process()
    process.limiter.count_request("token", "a", 100)
    redis_server.hang()
    began = time.monotonic()
    process.limiter.count_request("token", "a", 100)
    # One time of half a second, and what a busy computer adds.
    assert time.monotonic() - began < 2.0
    began = time.monotonic()
    for _ in range(20):
        process.limiter.count_request("token", "a", 100)
    assert time.monotonic() - began < AT_ONCE
    redis_server.go_on()
    process.wait_returned()
    process.limiter.count_request("token", "a", 100)
    assert process.events == ["redis_away", "redis_back"]


def test_a_restart_between_two_requests_is_not_noticed(
    make_process: Callable[..., Process], redis_server: RunningRedis
) -> None:
    process = make_process()
    process.limiter.count_request("token", "a", 2)
    redis_server.stop()
    redis_server.start()
    process.limiter.count_request("token", "a", 2)
    with redis_server.client as client:
        assert client.keys("sidestep:*")
    assert process.events == []


# ways to Redis


def test_a_socket_leads_to_redis(redis_server: RunningRedis, tmp_path: Path) -> None:
    place = tmp_path / "redis.sock"
    redis_server.stop()
    redis_server.start("--unixsocket", str(place))
    check_counting(redis_server, f"unix://{place}?db=0")


def test_tls_leads_to_redis_and_is_verified(redis_server: RunningRedis, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    (tmp_path / "strangers").mkdir()
    stranger = Authority(tmp_path / "strangers")
    pair, port = authority.issue("redis"), find_free_port()
    redis_server.stop()
    files = ("--tls-cert-file", str(pair), "--tls-key-file", str(pair), "--tls-ca-cert-file", str(authority.file))
    redis_server.start("--tls-port", str(port), "--tls-auth-clients", "no", *files)
    check_counting(redis_server, f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={authority.file}")
    process = Process(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={stranger.file}")
    process.limiter.count_request("token", "a", 2)
    assert process.events == ["redis_away"]


def check_counting(redis_server: RunningRedis, url: str) -> None:
    process = Process(url)
    process.limiter.count_request("token", "a", 2)
    process.link.close()
    assert process.events == []
    with redis_server.client as client:
        assert client.keys("sidestep:*")


# relays


def ask(relay: RunningRelay) -> int:
    return httpx.get(f"{relay.url}/v1/relay", headers=relay.headers, timeout=10, trust_env=False).status_code


def open_stream(relay: RunningRelay, fake: OpenProvider) -> Any:
    headers, body = make_headers(fake) | relay.headers, make_body(fake, stream=True)
    url = f"{relay.url}/v1/chat/completions"
    return httpx.stream("POST", url, headers=headers, json=body, timeout=20, trust_env=False)


def hold_answer(fake: OpenProvider) -> Hold:
    """Let the next answer of *fake* stop in the middle."""
    hold = Hold()
    fake.answers.append(Stream([write_chunk({"content": "a"}), hold, write_chunk(finish_reason="stop"), DONE]))
    return hold


def wait_for_workers(relay: RunningRelay, count: int) -> list[int]:
    """Wait until so many processes serve, and return them."""
    deadline = time.monotonic() + 10
    workers: list[int] = []
    while len(workers) < count:
        assert time.monotonic() < deadline, f"there are {len(workers)} workers"
        rows = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [row.split() for row in rows.splitlines()]
        workers = [int(pid) for pid, parent in pairs if int(parent) == relay.process.pid]
    return workers


@pytest.fixture
def settings(redis_server: RunningRedis) -> dict[str, str]:
    return {"SIDESTEP_REDIS_URL": redis_server.url, "SIDESTEP_STREAMS": "1", "SIDESTEP_REQUESTS_PER_MINUTE": "6"}


def test_two_relays_share_limits_and_lose_redis_and_find_it(
    settings: dict[str, str], redis_server: RunningRedis, open_provider: OpenProvider
) -> None:
    with ExitStack() as running:
        one, two = (
            running.enter_context(run_relay(server=server, destinations=["127.0.0.1"], settings=settings))
            for server in ("gunicorn", "waitress")
        )
        hold = hold_answer(open_provider)
        with open_stream(one, open_provider) as first:
            hold.wait_reached()
            with open_stream(two, open_provider) as refused:
                assert refused.status_code == 429
            redis_server.stop()
            # Alone, each still has its own limit, and no chat fails.
            with open_stream(two, open_provider) as other:
                assert other.status_code == 200
                other.read()
            with open_stream(one, open_provider) as refused:
                assert refused.status_code == 429
            for relay in (one, two):
                assert relay.wait_for_log(event="redis_away")["exception"] == "ConnectionError"
                ready = httpx.get(f"{relay.url}/readyz", timeout=5, trust_env=False)
                assert ready.json()["redis"] == "away"
            redis_server.start()
            for relay in (one, two):
                wait_for_redis(relay)
            with open_stream(two, open_provider) as refused:
                assert refused.status_code == 429
            hold.release()
            first.read()
        one.wait_for_log(event="chat", status=200)
        with open_stream(two, open_provider) as second:
            assert second.status_code == 200
            second.read()
        # The new Redis has seen two requests of `two`.
        assert [ask(one) for _ in range(5)] == [200, 200, 200, 200, 429]


def wait_for_redis(relay: RunningRelay) -> None:
    """Wait until *relay* sees Redis again; to ask is what makes it look."""
    deadline = time.monotonic() + 10
    while httpx.get(f"{relay.url}/readyz", timeout=5, trust_env=False).json()["redis"] == "away":
        assert time.monotonic() < deadline
    relay.wait_for_log(event="redis_back")


def look_until(relay: RunningRelay, **fields: str) -> None:
    """Let *relay* look for Redis until it logs *fields*."""
    deadline = time.monotonic() + 10
    while not any(fields.items() <= line.items() for line in relay.log_lines()):
        assert time.monotonic() < deadline, relay.log_lines()
        httpx.get(f"{relay.url}/readyz", timeout=5, trust_env=False)


def test_two_workers_share_limits_and_a_killed_one_s_answers_end(
    settings: dict[str, str], redis_server: RunningRedis, open_provider: OpenProvider
) -> None:
    workers = ("--workers", "2")
    with run_relay(server="gunicorn", destinations=["127.0.0.1"], settings=settings, arguments=workers) as relay:
        one, two = wait_for_workers(relay, 2)
        # One of them sleeps at a time, so it is known who answers.
        answers = []
        for asleep in (one, two):
            os.kill(asleep, signal.SIGSTOP)
            answers += [ask(relay) for _ in range(3)]
            os.kill(asleep, signal.SIGCONT)
        assert answers == [200] * 6
        assert ask(relay) == 429
        with redis_server.client as client:
            client.delete(*client.keys("sidestep:LIMITER*"), *client.keys("sidestep:LIMITS*"), "-")
            os.kill(two, signal.SIGSTOP)
            hold = hold_answer(open_provider)
            with open_stream(relay, open_provider) as first, suppress(httpx.RemoteProtocolError):
                hold.wait_reached()
                os.kill(one, signal.SIGKILL)
                os.kill(two, signal.SIGCONT)
                first.read()
            with open_stream(relay, open_provider) as second:
                assert second.status_code == 429
            (key,) = client.keys("sidestep:streams:token:*")
            client.zadd(key, {client.zrange(key, 0, 0)[0]: 1})
            with open_stream(relay, open_provider) as third:
                assert third.status_code == 200


def test_a_relay_starts_without_its_redis_and_keeps_its_password_to_itself(redis_server: RunningRedis) -> None:
    redis_server.stop()
    url = redis_server.url.replace("redis://", "redis://:hunter2@")
    settings = {"SIDESTEP_REDIS_URL": url, "SIDESTEP_REQUESTS_PER_MINUTE": "100"}
    with run_relay(settings=settings) as relay:
        assert httpx.get(f"{relay.url}/healthz", timeout=5, trust_env=False).status_code == 200
        relay.wait_for_log(event="redis_away")
        assert ask(relay) == 200
        redis_server.start("--requirepass", "hunter2")
        wait_for_redis(relay)
        assert ask(relay) == 200
        redis_server.hang()
        with ThreadPoolExecutor(8) as pool:
            # One worker of gevent: who waits for Redis keeps nobody else from being served.
            asked = [pool.submit(ask, relay) for _ in range(8)]
            assert httpx.get(f"{relay.url}/healthz", timeout=5, trust_env=False).status_code == 200
            assert [answer.result(10) for answer in asked] == [200] * 8
        relay.wait_for_log(event="redis_away", exception="TimeoutError")
        redis_server.stop()
        redis_server.start("--requirepass", "hunter3")
        # Told although it was away before: the reason is another.
        look_until(relay, exception="AuthenticationError")
        assert ask(relay) == 200
        said = "".join(relay.stdout + relay.stderr)
    assert "hunter" not in said
    assert str(redis_server.port) not in said
