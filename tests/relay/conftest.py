"""One relay of each server for all tests of this folder: importing litellm takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import httpx
import pytest
from flask import Flask

from sidestep_relay.app import create_app
from sidestep_relay.config import RelayConfig
from sidestep_relay.metrics import Metrics
from sidestep_relay.telemetry import make_log
from tests.fakes.fixtures import (  # noqa: F401 - fixtures are used by name
    anthropic_provider,
    bedrock_provider,
    hides_errors_provider,
    open_provider,
    zai_provider,
)
from tests.relay.redis_servers import RunningRedis, run_redis
from tests.relay.servers import TOKEN, RunningRelay, run_relay

PAGE = "https://page.example"


def start_loaded(server: str, **settings: str) -> Iterator[RunningRelay]:
    with run_relay(server=server, origins=[PAGE], destinations=["127.0.0.1"], settings=settings) as relay:
        relay.wait_for_log(event="loaded", timeout=30)
        yield relay


@pytest.fixture(scope="session")
def gunicorn_relay() -> Iterator[RunningRelay]:
    yield from start_loaded("gunicorn")


@pytest.fixture(scope="session")
def waitress_relay() -> Iterator[RunningRelay]:
    yield from start_loaded("waitress")


def start_reusing(server: str) -> Iterator[RunningRelay]:
    settings = {"SIDESTEP_JOIN": "true", "SIDESTEP_CACHE_SECONDS": "600", "SIDESTEP_STREAMS": "4"}
    yield from start_loaded(server, **settings)


@pytest.fixture(scope="session")
def gunicorn_reusing() -> Iterator[RunningRelay]:
    yield from start_reusing("gunicorn")


@pytest.fixture(scope="session")
def waitress_reusing() -> Iterator[RunningRelay]:
    yield from start_reusing("waitress")


@pytest.fixture(params=["gunicorn", "waitress"])
def reusing(request: pytest.FixtureRequest) -> RunningRelay:
    """A relay that keeps answers, and lets identical requests share a call; four answers at a time."""
    running = request.getfixturevalue(f"{request.param}_reusing")
    assert isinstance(running, RunningRelay)
    return running


@pytest.fixture(scope="session")
def session_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRedis]:
    with run_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def redis_server(session_redis: RunningRedis) -> Iterator[RunningRedis]:
    """A redis-server that is empty and answers; the test may stop it."""
    yield session_redis
    session_redis.restore()


@pytest.fixture(params=["gunicorn", "waitress"])
def relay(request: pytest.FixtureRequest) -> RunningRelay:
    """A relay that may reach any fake; the test runs once with each server."""
    running = request.getfixturevalue(f"{request.param}_relay")
    assert isinstance(running, RunningRelay)
    return running


@pytest.fixture
def client(relay: RunningRelay) -> Iterator[httpx.Client]:
    """An HTTP client of *relay* that shows its token and comes from the page."""
    headers = {**relay.headers, "Origin": PAGE}
    with httpx.Client(base_url=relay.url, headers=headers, timeout=20, trust_env=False) as opened:
        yield opened


@pytest.fixture
def log() -> StringIO:
    """What the application of `make_app` logs."""
    return StringIO()


@pytest.fixture
def make_app(log: StringIO) -> Callable[..., Flask]:
    """Makes the application without a server and without litellm; takes `RelayConfig`'s fields."""

    def make(*, environment: dict[str, str] | None = None, metrics: Metrics | None = None, **fields: Any) -> Flask:
        config = RelayConfig(**{"token": TOKEN, "origins": (PAGE,), **fields})
        return create_app(config, environment=environment, log=make_log(log), spawn=lambda _: None, metrics=metrics)

    return make
