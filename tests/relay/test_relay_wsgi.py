"""The relay under WSGI servers that are not its own: what works everywhere, and who notices that a client left."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from sidestep_relay.loading import choose_spawn, spawn_thread
from sidestep_relay.telemetry import make_log
from sidestep_relay.wsgi import LazyApplication
from tests.fakes import Hold, OpenProvider, Reply, Stream
from tests.fakes.wires import DONE, write_chunk
from tests.relay.calls import chat, make_body, make_headers, read_stream
from tests.relay.servers import TOKEN, make_environment, stop

NAME = "sidestep_relay.wsgi:application"
GUNICORN = [sys.executable, "-m", "gunicorn", "--bind", "fd://{fd}", "--no-control-socket"]
TAKE = "import socket; from sidestep_relay.wsgi import application; taken = socket.socket(fileno={fd}); "
HOSTS = {
    "gunicorn-gevent": [*GUNICORN, "--worker-class", "gevent", NAME],
    # Imported before the fork: the application must not have begun then.
    "gunicorn-gthread": [*GUNICORN, "--worker-class", "gthread", "--threads", "8", "--preload", NAME],
    "gunicorn-sync": [*GUNICORN, "--timeout", "0", NAME],
    "waitress": [sys.executable, "-c", TAKE + "import waitress; waitress.serve(application, sockets=[taken])"],
    "wsgiref": [
        sys.executable,
        "-c",
        TAKE + "from wsgiref.simple_server import WSGIRequestHandler, WSGIServer\n"
        "server = WSGIServer(('127.0.0.1', 0), WSGIRequestHandler)\n"
        "server.socket.close()\nserver.socket = taken\nserver.set_app(application)\nserver.serve_forever()",
    ],
}
NOTICING = ["gunicorn-gevent", "gunicorn-gthread", "gunicorn-sync"]
"""Hosts whose servers let the application see that a client left; waitress does only if it is told to read ahead."""

PATIENCE = 0.5
PAIRED = {"Authorization": f"Bearer {TOKEN}"}


class Host:
    """A server that runs the application; its requests wait in *url*'s backlog until it is up."""

    def __init__(self, name: str, home: str) -> None:
        self.name = name
        settings = {"SIDESTEP_TOKEN": TOKEN, "SIDESTEP_PING_SECONDS": "1"}
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            self.port = listener.getsockname()[1]
            self.process = subprocess.Popen(
                [part.replace("{fd}", str(listener.fileno())) for part in HOSTS[name]],
                env=make_environment(home, [], ["127.0.0.1"], settings),
                cwd=home,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                text=True,
                pass_fds=[listener.fileno()],
            )

    def open_client(self) -> httpx.Client:
        url = f"http://127.0.0.1:{self.port}"
        return httpx.Client(base_url=url, headers=PAIRED, timeout=30, trust_env=False)


@pytest.fixture(scope="module", params=list(HOSTS))
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with tempfile.TemporaryDirectory() as home:
        running = Host(request.param, home)
        try:
            yield running
        finally:
            stop(running.process)


@pytest.fixture
def client(host: Host) -> Iterator[httpx.Client]:
    with host.open_client() as opened:
        yield opened


def test_it_answers_while_litellm_is_loading_beside_it(host: Host, client: httpx.Client) -> None:
    # The first request of a process begins the loading.
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "starting"}


def test_a_stream_passes_as_it_comes(client: httpx.Client, open_provider: OpenProvider) -> None:
    hold = Hold()
    rest = [write_chunk({"content": "lo"}), write_chunk(finish_reason="stop"), DONE]
    open_provider.answers.append(Stream([write_chunk({"content": "Hel"}), hold, *rest]))
    body = make_body(open_provider, stream=True)
    with client.stream("POST", "/v1/chat/completions", headers=make_headers(open_provider), json=body) as answer:
        received = answer.iter_bytes()
        first = next(received)
        assert b"Hel" in first
        hold.wait_reached()
        hold.release()
        assert read_stream(first + b"".join(received)).text == "Hello"


def test_nobody_else_is_answered(client: httpx.Client, open_provider: OpenProvider) -> None:
    client.headers["Authorization"] = "Bearer wrong"
    answer = chat(client, open_provider)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "relay_token_wrong")
    assert open_provider.chats == []


@pytest.mark.alone
@pytest.mark.parametrize("is_silent", [True, False], ids=["before the answer", "during a stream"])
def test_a_client_that_leaves_frees_the_provider(host: Host, open_provider: OpenProvider, is_silent: bool) -> None:
    hold = Hold()
    first = write_chunk({"content": "a"})
    open_provider.answers.append(Reply(200, {}, hold=hold) if is_silent else Stream([first, hold]))
    headers = make_headers(open_provider) | PAIRED
    url, body = f"http://127.0.0.1:{host.port}/v1/chat/completions", make_body(open_provider, stream=True)
    request = httpx.Request("POST", url, headers=headers, json=body)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection(("127.0.0.1", host.port), timeout=20) as leaving:
        leaving.sendall(f"POST {request.url.path} HTTP/1.1\r\n{head}\r\n".encode() + request.read())
        hold.wait_reached()
    left = time.monotonic()
    assert open_provider.chats[0].wait_closed()
    if host.name in NOTICING:
        # The others notice when a ping cannot be written, and here those come every second.
        assert time.monotonic() - left < PATIENCE


def test_by_a_unix_socket_the_proxy_is_believed_if_it_is_named(tmp_path: Path) -> None:
    """As on hosts whose own proxy speaks to a command by a socket."""
    address, settings = tmp_path / "relay.sock", {"SIDESTEP_TOKEN": TOKEN, "SIDESTEP_TRUSTED_PROXIES": "private"}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen()
        process = subprocess.Popen(
            [part.replace("{fd}", str(listener.fileno())) for part in HOSTS["gunicorn-gevent"]],
            env=make_environment(str(tmp_path), [], [], settings),
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            pass_fds=[listener.fileno()],
        )
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(address)), headers=PAIRED, timeout=30) as client:
            headers = {"X-Forwarded-For": "203.0.113.1"}
            answer = client.post("http://relay/v1/relay/ticks?count=2&interval_ms=20", headers=headers)
            assert '"forwarded":"believed"' in answer.text
    finally:
        stop(process)


# the module itself


def test_importing_it_begins_nothing() -> None:
    program = (
        "import sys, threading; from sidestep_relay import wsgi; "
        "print([name for name in ('flask', 'httpx', 'litellm') if name in sys.modules], threading.active_count())"
    )
    with tempfile.TemporaryDirectory() as home:
        environment = make_environment(home, [], [], {"SIDESTEP_TOKEN": "weak"})
        ended = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=30, check=True
        )
        assert ended.stdout == "[] 1\n"
        assert list(Path(home).iterdir()) == []


def call(application: LazyApplication, path: str = "/healthz") -> tuple[str, dict[str, Any]]:
    """Return status and body of a request."""
    seen: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": None,
        "wsgi.errors": StringIO(),
    }

    def start(status: str, *_: Any) -> Callable[[bytes], object]:
        seen.append(status)
        return lambda _: None

    body = b"".join(application(environ, start))
    return seen[0], json.loads(body)


def test_a_wrong_setting_is_named_in_the_log_and_to_nobody_else() -> None:
    log = StringIO()
    environment = {"SIDESTEP_TOKEN": TOKEN, "SIDESTEP_ORIGINS": "https://page.example/with-a-path"}
    application = LazyApplication(environment, lambda: make_log(log))
    answers = [call(application) for _ in range(3)]
    for status, body in answers:
        assert status == "503 Service Unavailable"
        assert (body["error"]["code"], body["error"]["origin"]) == ("relay_misconfigured", "relay")
        assert "page.example" not in json.dumps(body)
    (line,) = log.getvalue().splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"]) == ("setting_broken", "error")
    assert told["detail"].startswith("SIDESTEP_ORIGINS: ")
    assert TOKEN not in line


def test_a_setting_that_was_put_right_counts(tmp_path: Path) -> None:
    file = tmp_path / "token"
    environment = {"SIDESTEP_TOKEN_FILE": str(file), "SIDESTEP_TOKENS": ""}
    application = LazyApplication(environment, lambda: make_log(StringIO()))
    assert call(application)[0].startswith("503")
    file.write_text(TOKEN)
    assert call(application) == ("200 OK", {"status": "ok"})


def test_settings_come_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(f'SIDESTEP_TOKEN = "{TOKEN}"\nSIDESTEP_PING_SECONDS = 1000\n')
    log = StringIO()
    application = LazyApplication({"SIDESTEP_CONFIG": str(tmp_path / "settings.toml")}, lambda: make_log(log))
    assert call(application)[0].startswith("503")
    assert "SIDESTEP_PING_SECONDS" in log.getvalue()


def test_a_process_that_was_forked_off_makes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    application = LazyApplication({"SIDESTEP_TOKEN": TOKEN}, lambda: make_log(StringIO()))
    first = application._find()
    assert application._find() is first
    parent = os.getpid()
    monkeypatch.setattr("os.getpid", lambda: parent + 1)
    assert application._find() is not first


def test_without_gevent_the_loading_is_a_thread() -> None:
    assert choose_spawn() is spawn_thread
