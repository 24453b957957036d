"""The command: it starts quickly, says where it is, and stops when asked."""

from __future__ import annotations

import base64
import json
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from sidestep.envelopes import decode_public_key, make_fingerprint
from tests.relay.servers import TOKEN, make_environment, run_relay

SERVERS = pytest.mark.parametrize("server", ["gunicorn", "waitress"])


def read_pairing(link: str) -> tuple[str, dict[str, Any]]:
    page, _, encoded = link.partition("#relay=")
    return page, json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


def run(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command with settings that stop it."""
    command = [sys.executable, "-m", "sidestep_relay", "serve", *arguments]
    environment = make_environment(str(home), [], [], {"SIDESTEP_TOKEN": TOKEN, **settings})
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


@SERVERS
def test_it_is_healthy_before_litellm_is_loaded(server: str) -> None:
    with run_relay(server=server) as relay:
        answer = httpx.get(f"{relay.url}/healthz", timeout=5, trust_env=False)
        about = httpx.get(f"{relay.url}/v1/relay", headers=relay.headers, timeout=5, trust_env=False)
        loaded = [line for line in relay.log_lines() if line["event"] == "loaded"]
        assert answer.json() == {"status": "ok"}
        ready = httpx.get(f"{relay.url}/readyz", timeout=5, trust_env=False)
        assert (ready.status_code, ready.json(), ready.headers["retry-after"]) == (503, {"status": "starting"}, "1")
        # The order is the point: the answer came while the three seconds of import were still running.
        assert about.json()["is_ready"] is False
        assert not loaded
        relay.wait_for_log(event="loaded", timeout=30)
        about = httpx.get(f"{relay.url}/v1/relay", headers=relay.headers, timeout=5, trust_env=False)
        assert about.json()["is_ready"] is True
        ready = httpx.get(f"{relay.url}/readyz", timeout=5, trust_env=False)
        assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


@SERVERS
def test_it_pairs_the_page_it_serves_and_keeps_the_token_it_made(server: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>")
    with run_relay(server=server, site=tmp_path, token="") as relay:
        page, pairing = read_pairing(relay.wait_pairing_link())
        assert page == f"{relay.url}/"
        assert (pairing["url"], pairing["name"]) == (relay.url, "This computer")
        kept = next(Path(relay.home).rglob("relay-token"))
        assert kept.read_text().strip() == pairing["token"]
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        headers = {"Authorization": f"Bearer {pairing['token']}"}
        for origin in (relay.url, relay.url.replace("127.0.0.1", "localhost")):
            answer = httpx.get(f"{relay.url}/v1/relay", headers={**headers, "Origin": origin}, trust_env=False)
            assert answer.status_code == 200
            assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "<title>page</title>" in httpx.get(relay.url, trust_env=False).text
        assert pairing["token"] not in "\n".join(relay.stderr)


def test_it_pairs_a_page_elsewhere() -> None:
    with run_relay(page="https://page.example/app/") as relay:
        page, pairing = read_pairing(relay.wait_pairing_link())
    assert page == "https://page.example/app/"
    key = decode_public_key(pairing.pop("key"))
    assert pairing == {"url": relay.url, "token": TOKEN, "name": "This computer"}
    assert any(make_fingerprint(key) in line for line in relay.stdout), "what the page shows can be compared"


def test_without_a_page_no_token_is_printed() -> None:
    with run_relay() as relay:
        pass
    assert TOKEN not in "\n".join(relay.stdout + relay.stderr)


@SERVERS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_quietly(server: str, number: signal.Signals) -> None:
    with run_relay(server=server) as relay:
        relay.wait_for_log(event="loaded", timeout=30)
        relay.process.send_signal(number)
        assert relay.process.wait(20) == 0
    assert [line for line in relay.stderr if not line.startswith("{")] == []


@SERVERS
def test_a_taken_port_is_explained(server: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(tmp_path, "--port", str(port), "--server", server)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"sidestep-relay: --port: port {port} is taken by another program; try --port {port + 1}.\n"
    )


@pytest.mark.parametrize(
    ("name", "value"), [("SIDESTEP_TOKEN", "weak"), ("SIDESTEP_ORIGINS", "*"), ("SIDESTEP_DESTINATIONS", "a b")]
)
def test_a_wrong_setting_stops_it_with_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    ended = run(tmp_path, "--port", "0", **{name: value})
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"sidestep-relay: {name}:")
    assert ended.stderr.count("\n") == 1
    assert "weak" not in ended.stderr.replace("too weak", "")
