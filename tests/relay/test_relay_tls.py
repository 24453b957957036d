"""The relay's own TLS: what it speaks, what it refuses, renewed certificates, and clients that leave."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization

from sidestep_relay.certificates import CertificateError, CertificateFiles
from tests.fakes import Hold, OpenProvider, Reply, Stream
from tests.fakes.wires import DONE, write_chunk
from tests.relay.calls import make_body, make_headers, name_model, read_stream
from tests.relay.certificates import Authority
from tests.relay.conftest import PAGE
from tests.relay.servers import TOKEN, RunningRelay, make_environment, run_relay

PATIENCE = 0.5
"""Seconds within which a provider must be let go after the client left."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def served(authority: Authority) -> Path:
    """The file of certificate and key that the relay serves."""
    return authority.issue("served")


@pytest.fixture(scope="module")
def relay(served: Path) -> Iterator[RunningRelay]:
    arguments = ["--certfile", str(served)]
    settings = {"SIDESTEP_REQUEST_SECONDS": "2"}
    with run_relay(
        server="gunicorn", origins=[PAGE], destinations=["127.0.0.1"], settings=settings, arguments=arguments
    ) as running:
        running.wait_for_log(event="loaded", timeout=30)
        yield running


def trust(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.file)


def read_serial(relay: RunningRelay, authority: Authority) -> str:
    """Return the serial number of the certificate that a new connection gets."""
    with (
        socket.create_connection(("127.0.0.1", relay.port), timeout=10) as plain,
        trust(authority).wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        return str((connection.getpeercert() or {})["serialNumber"])


def test_it_answers_by_https(relay: RunningRelay, authority: Authority, open_provider: OpenProvider) -> None:
    assert relay.url.startswith("https://127.0.0.1:")
    open_provider.answers.append(Stream([write_chunk({"content": "hi"}), write_chunk(finish_reason="stop"), DONE]))
    headers = make_headers(open_provider) | relay.headers
    with httpx.Client(base_url=relay.url, verify=trust(authority), trust_env=False, timeout=20) as client:
        answer = client.post("/v1/chat/completions", headers=headers, json=make_body(open_provider, stream=True))
    assert read_stream(answer.content).text == "hi"


@pytest.mark.parametrize(("version", "is_spoken"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_it_speaks_tls_from_1_2_on(relay: RunningRelay, authority: Authority, version: str, is_spoken: bool) -> None:
    context = trust(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as plain:
        if not is_spoken:
            with pytest.raises(ssl.SSLError, match=r"(?i)alert protocol version"):
                context.wrap_socket(plain, server_hostname="127.0.0.1")
            return
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            assert connection.version() == version.replace("_", ".")


def test_plain_http_gets_no_answer_at_that_port(relay: RunningRelay, authority: Authority) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{relay.port}/healthz", trust_env=False, timeout=10)
    headers = {"X-Request-Id": "after-plain-http"}
    httpx.get(f"{relay.url}/v1/relay", headers=headers, verify=trust(authority), trust_env=False, timeout=10)
    relay.wait_for_log(request_id="after-plain-http")
    # Each scanner of the internet tries this; the log is not for them.
    assert [line for line in relay.stderr if not line.startswith("{")] == []


def test_who_does_not_shake_hands_is_dropped(relay: RunningRelay) -> None:
    with socket.create_connection(("127.0.0.1", relay.port), timeout=8) as silent:
        assert silent.recv(1) == b""


def leave_at(
    relay: RunningRelay,
    authority: Authority,
    fake: OpenProvider,
    hold: Hold,
    *,
    is_stream: bool,
    wants_first: bool = False,
) -> float:
    """Send a chat, leave as browsers do once the provider stands at *hold* and, if wanted, an event came; say when."""
    headers = make_headers(fake) | relay.headers
    url, body = f"{relay.url}/v1/chat/completions", make_body(fake, stream=is_stream)
    request = httpx.Request("POST", url, headers=headers, json=body)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    plain = socket.create_connection(("127.0.0.1", relay.port), timeout=20)
    with trust(authority).wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        connection.sendall(f"POST {request.url.path} HTTP/1.1\r\n{head}\r\n".encode() + request.read())
        hold.wait_reached()
        received = b""
        while wants_first and b"data:" not in received:
            received += connection.recv(4096)
        left = time.monotonic()
        # The parting alert lies unread in front of the connection's end: a look ahead would see a client that stays.
        connection.setblocking(False)
        with pytest.raises(ssl.SSLWantReadError):
            connection.unwrap()
    return left


@pytest.mark.alone
@pytest.mark.parametrize("is_stream", [True, False])
def test_a_client_that_leaves_before_the_answer_frees_the_provider(
    relay: RunningRelay, authority: Authority, open_provider: OpenProvider, is_stream: bool
) -> None:
    hold = Hold()
    open_provider.answers.append(Reply(200, {}, hold=hold))
    left = leave_at(relay, authority, open_provider, hold, is_stream=is_stream)
    assert open_provider.chats[0].wait_closed()
    assert time.monotonic() - left < PATIENCE
    relay.wait_for_log(event="chat", code="client_left", model=name_model(open_provider), stream=is_stream)


@pytest.mark.alone
def test_a_client_that_leaves_during_silence_frees_the_provider(
    relay: RunningRelay, authority: Authority, open_provider: OpenProvider
) -> None:
    hold = Hold()
    open_provider.answers.append(Stream([write_chunk({"content": "a"}), hold]))
    left = leave_at(relay, authority, open_provider, hold, is_stream=True, wants_first=True)
    assert open_provider.chats[0].wait_closed()
    assert time.monotonic() - left < PATIENCE


def test_a_client_that_stays_is_not_taken_for_gone(
    relay: RunningRelay, authority: Authority, open_provider: OpenProvider
) -> None:
    hold = Hold()
    open_provider.answers.append(Stream([write_chunk({"content": "a"}), hold, write_chunk(finish_reason="stop"), DONE]))
    headers = make_headers(open_provider) | relay.headers
    body = make_body(open_provider, stream=True)
    with (
        httpx.Client(base_url=relay.url, verify=trust(authority), trust_env=False, timeout=20) as client,
        client.stream("POST", "/v1/chat/completions", headers=headers, json=body) as answer,
    ):
        received = answer.iter_bytes()
        first = next(received)
        hold.wait_reached()
        # Longer than the relay takes to look up: it must have looked, and gone on.
        assert not open_provider.chats[0].wait_closed(0.6)
        hold.release()
        assert read_stream(first + b"".join(received)).finish_reasons == ["stop"]


def test_a_renewed_certificate_is_taken_up_and_a_broken_one_is_not(
    relay: RunningRelay, authority: Authority, served: Path, tmp_path: Path
) -> None:
    before = read_serial(relay, authority)
    with httpx.Client(base_url=relay.url, verify=trust(authority), trust_env=False, timeout=20) as client:

        def ask_until(event: str) -> None:
            # A look at the files at most each second, between two requests.
            deadline = time.monotonic() + 20
            while not [line for line in relay.log_lines() if line["event"] == event]:
                assert time.monotonic() < deadline, f"no {event}"
                assert client.get("/healthz").status_code == 200

        broken = tmp_path / "broken.pem"
        broken.write_text("nothing")
        os.replace(broken, served)  # noqa: PTH105 - as renewals do it
        ask_until("certificate_broken")
        assert read_serial(relay, authority) == before
        renewed = shutil.copy(authority.issue("renewed"), tmp_path / "renewed.pem")
        os.replace(renewed, served)  # noqa: PTH105
        ask_until("certificate_renewed")
        assert read_serial(relay, authority) != before


# settings that stop it


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sidestep_relay", "serve", "--port", "0", *arguments]
    environment = make_environment(str(home), [], [], {"SIDESTEP_TOKEN": TOKEN})
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_waitress_says_that_it_has_no_tls(tmp_path: Path, authority: Authority) -> None:
    ended = run(tmp_path, "--server", "waitress", "--certfile", str(authority.issue("for-waitress")))
    assert ended.returncode == 1
    assert ended.stderr.startswith("sidestep-relay: --certfile: waitress has no TLS;")
    assert ended.stderr.count("\n") == 1


def test_a_key_without_a_certificate_is_refused(tmp_path: Path) -> None:
    ended = run(tmp_path, "--keyfile", "key.pem")
    assert (ended.returncode, ended.stderr) == (1, "sidestep-relay: --keyfile: there is no --certfile for this key.\n")


def test_files_that_hold_no_certificate_are_named(tmp_path: Path) -> None:
    ended = run(tmp_path, "--certfile", str(tmp_path / "none.pem"))
    assert ended.returncode == 1
    assert ended.stderr == (
        f"sidestep-relay: --certfile: {tmp_path / 'none.pem'} cannot be read (No such file or directory).\n"
    )


def test_a_key_that_does_not_fit_or_is_encrypted_is_refused(tmp_path: Path, authority: Authority) -> None:
    certificate, other = authority.issue("one"), authority.issue("other")
    CertificateFiles(certificate, certificate).check()
    with pytest.raises(CertificateError, match=r"are no PEM certificate with its unencrypted key\.$"):
        CertificateFiles(certificate, other).check()
    key = serialization.load_pem_private_key(other.read_bytes(), None)
    encrypted = tmp_path / "encrypted.pem"
    locked = serialization.BestAvailableEncryption(b"secret")
    encrypted.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    with pytest.raises(CertificateError, match=r"unencrypted key\.$"):
        CertificateFiles(other, encrypted).check()


def test_a_half_written_renewal_leaves_the_last_certificate(tmp_path: Path, authority: Authority) -> None:
    first, second = authority.issue("first"), authority.issue("second")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(first, certificate)
    shutil.copy(first, key)
    now = [0.0]
    files = CertificateFiles(certificate, key, clock=lambda: now[0])
    context = files.open()
    served = shake_hands(context, authority)
    shutil.copy(second, certificate)
    now[0] += 2
    with pytest.raises(CertificateError):
        files.renew()
    assert shake_hands(context, authority) == served
    now[0] += 2
    assert files.renew() is False
    shutil.copy(second, key)
    now[0] += 2
    assert files.renew() is True
    assert shake_hands(context, authority) != served


def shake_hands(context: ssl.SSLContext, authority: Authority) -> str:
    """Return the serial number of the certificate that a client of *context* sees; both ends are in memory."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust(authority).wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for end in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return str((client.getpeercert() or {})["serialNumber"])
