"""Whose word about a client's address counts: that of named proxies, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import httpx
import pytest
from flask import Flask

from sidestep_relay.config import SettingError, load_config
from sidestep_relay.proxies import TrustedProxies, parse_proxies
from tests.relay.servers import TOKEN, RunningRelay, run_relay

CLIENT, OTHER, LIE = "203.0.113.1", "203.0.113.2", "198.51.100.9"
PAIRED = {"Authorization": f"Bearer {TOKEN}"}


# reading the header


@pytest.mark.parametrize(
    ("rows", "peer", "forwarded", "client"),
    [
        ([], "10.0.0.1", CLIENT, "10.0.0.1"),
        (["10.0.0.1"], "10.0.0.1", CLIENT, CLIENT),
        (["10.0.0.0/8"], "10.9.9.9", CLIENT, CLIENT),
        (["10.0.0.1"], "10.0.0.2", CLIENT, "10.0.0.2"),
        (["10.0.0.1"], "10.0.0.1", "", "10.0.0.1"),
        # What a client wrote itself stands on the left.
        (["10.0.0.1"], "10.0.0.1", f"{LIE}, {CLIENT}", CLIENT),
        (["10.0.0.1"], "10.0.0.1", f"10.0.0.1, {CLIENT}", CLIENT),
        (["10.0.0.1"], "10.0.0.1", f"{LIE},{LIE}, {CLIENT}", CLIENT),
        # Two proxies of one's own, and one that is not.
        (["10.0.0.0/8"], "10.0.0.1", f"{LIE}, {CLIENT}, 10.0.0.2", CLIENT),
        (["10.0.0.1"], "10.0.0.1", f"{CLIENT}, 10.0.0.2", "10.0.0.2"),
        # Where an address should be there is none: nobody is believed.
        (["10.0.0.1"], "10.0.0.1", f"{CLIENT}, unknown", "10.0.0.1"),
        (["10.0.0.1"], "10.0.0.1", f"{CLIENT}, _hidden, 10.0.0.1", "10.0.0.1"),
        (["10.0.0.1"], "10.0.0.1", ",,,", "10.0.0.1"),
        (["10.0.0.1"], "10.0.0.1", "0x7f.1", "10.0.0.1"),
        # A client inside the trusted network.
        (["private"], "127.0.0.1", "192.168.1.7", "192.168.1.7"),
        # Other spellings of an address.
        (["10.0.0.1"], "10.0.0.1", f"{CLIENT}:4711", CLIENT),
        (["10.0.0.1"], "10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        (["10.0.0.1"], "10.0.0.1", "2001:db8::7", "2001:db8::7"),
        (["10.0.0.1"], "::ffff:10.0.0.1", CLIENT, CLIENT),
        (["fd00::/8"], "fd00::1", CLIENT, CLIENT),
        (["private"], "fe80::1%eth0", CLIENT, CLIENT),
        # A Unix socket has no address.
        (["private"], "", CLIENT, CLIENT),
        (["10.0.0.1"], "", CLIENT, ""),
        (["private"], "garbage", CLIENT, "garbage"),
    ],
)
def test_the_client_is_the_last_one_nobody_vouches_for(rows: list[str], peer: str, forwarded: str, client: str) -> None:
    assert parse_proxies(rows).find_client(peer, forwarded) == client


def test_an_endless_header_is_not_read_to_its_end() -> None:
    proxies = parse_proxies(["10.0.0.0/8"])
    assert proxies.find_client("10.0.0.1", CLIENT + ", 10.0.0.2" * 10_000) == "10.0.0.2"


@pytest.mark.parametrize("row", ["proxy.example", "10.0.0.1/8", "*", "0.0.0.0/0", "::/0", "10.0.0"])
def test_who_cannot_be_meant_is_refused_by_name(row: str) -> None:
    with pytest.raises(SettingError, match=r"^SIDESTEP_TRUSTED_PROXIES: .*\.$"):
        load_config({"SIDESTEP_TOKEN": TOKEN, "SIDESTEP_TRUSTED_PROXIES": f"127.0.0.1, {row}"})


def test_nobody_is_trusted_unless_named() -> None:
    assert load_config({"SIDESTEP_TOKEN": TOKEN}).trusted_proxies == TrustedProxies()


@pytest.mark.parametrize(
    ("peer", "scheme", "is_told"),
    [
        ("10.0.0.1", "https", False),
        ("10.0.0.1", "http, https", False),
        ("10.0.0.1", "ftp", True),
        ("9.9.9.9", "https", True),
    ],
)
def test_the_scheme_is_the_proxys(
    make_app: Callable[..., Flask], log: StringIO, peer: str, scheme: str, is_told: bool
) -> None:
    """A page of the relay's own origin is no stranger; which origin that is depends on the scheme."""
    client = make_app(trusted_proxies=parse_proxies(["10.0.0.1"])).test_client()
    headers = {"Origin": "https://relay.example", "Host": "relay.example", "X-Forwarded-For": CLIENT}
    client.get("/healthz", headers=headers | {"X-Forwarded-Proto": scheme}, environ_overrides={"REMOTE_ADDR": peer})
    assert ("origin_refused" in log.getvalue()) is is_told


# with real servers


@pytest.fixture(scope="module", params=["gunicorn", "waitress"])
def relay(request: pytest.FixtureRequest) -> Iterator[RunningRelay]:
    """A relay that believes 127.0.0.1 and lets an address ask twice a minute."""
    settings = {"SIDESTEP_TRUSTED_PROXIES": "127.0.0.1", "SIDESTEP_ADDRESS_REQUESTS_PER_MINUTE": "2"}
    with run_relay(server=request.param, settings=settings) as running:
        yield running


def ask(relay: RunningRelay, *forwarded: str, peer: str = "127.0.0.1", name: str = "X-Forwarded-For") -> int:
    """Ask from *peer* with one header for each of *forwarded*; return the status."""
    headers = [*PAIRED.items(), *((name, value) for value in forwarded)]
    with httpx.Client(transport=httpx.HTTPTransport(local_address=peer), timeout=20) as client:
        return client.get(f"{relay.url}/v1/relay", headers=headers).status_code


def test_each_client_behind_a_proxy_has_a_limit_of_its_own(relay: RunningRelay) -> None:
    assert [ask(relay, "203.0.113.11") for _ in range(3)] == [200, 200, 429]
    assert ask(relay, "203.0.113.12") == 200


def test_who_writes_the_header_himself_gains_nothing(relay: RunningRelay) -> None:
    assert [ask(relay, "203.0.113.21") for _ in range(2)] == [200, 200]
    assert ask(relay, f"{LIE}, 203.0.113.21") == 429
    assert ask(relay, "127.0.0.1, 203.0.113.21") == 429
    # A proxy that adds a line of its own instead of lengthening the client's.
    assert ask(relay, LIE, "203.0.113.21") == 429


def test_who_comes_past_the_proxy_is_not_believed(relay: RunningRelay) -> None:
    addresses = [f"203.0.113.{number}" for number in (31, 32, 33)]
    assert [ask(relay, address, peer="127.0.0.2") for address in addresses] == [200, 200, 429]


def test_a_header_that_only_looks_alike_counts_for_nothing(relay: RunningRelay) -> None:
    addresses = [f"203.0.113.{number}" for number in (41, 42, 43)]
    # From the proxy itself, whose own address all of them count for.
    assert [ask(relay, address, name="X_Forwarded_For") for address in addresses] == [200, 200, 429]


def read_first_tick(url: str, **headers: str) -> dict[str, Any]:
    answer = httpx.post(
        f"{url}/v1/relay/ticks?count=2&interval_ms=20", headers=PAIRED | headers, timeout=20, trust_env=False
    )
    tick: dict[str, Any] = httpx.Response(200, text=answer.text.partition("\n")[0].removeprefix("data: ")).json()
    return tick


@pytest.mark.parametrize("server", ["gunicorn", "waitress"])
def test_without_the_setting_nothing_is_believed_not_even_of_this_computer(server: str) -> None:
    with run_relay(server=server) as relay:
        tick = read_first_tick(relay.url, **{"X-Forwarded-For": CLIENT})
        assert (tick["forwarded"], tick["peer"]) == ("ignored", "127.0.0.1")
        assert read_first_tick(relay.url) == {"tick": 0, "at_ms": tick["at_ms"], "forwarded": "none"}
        own = relay.url.replace("http:", "https:")
        headers = {"Origin": own, "X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"}
        httpx.get(f"{relay.url}/healthz", headers=headers, timeout=20, trust_env=False)
        relay.wait_for_log(event="origin_refused", origin=own)


def test_ticks_say_when_a_proxy_was_believed(relay: RunningRelay) -> None:
    tick = read_first_tick(relay.url, **{"X-Forwarded-For": "203.0.113.51"})
    assert tick["forwarded"] == "believed"
    assert "peer" not in tick


@pytest.mark.parametrize("query", ["count=1", "count=21", "count=00000000099999999", "count=x", "silence_s=-1", "n=2"])
def test_a_plan_without_measure_is_refused(make_app: Callable[..., Flask], query: str) -> None:
    answer = make_app().test_client().post(f"/v1/relay/ticks?{query}", headers=PAIRED)
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (400, query.partition("=")[0])
