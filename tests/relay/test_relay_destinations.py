"""Where the relay may connect, against every way of spelling another place that is known to fool such checks."""

from __future__ import annotations

import pytest

from sidestep_relay.destinations import Destinations, is_public_address, parse_destination
from sidestep_relay.errors import RelayError

KNOWN = frozenset({"api.known.example"})
PUBLIC = "93.184.215.14"


def name(*rows: str, allows_any_public: bool = False) -> Destinations:
    return Destinations(KNOWN, tuple(parse_destination(row) for row in rows), allows_any_public)


def refuse(rules: Destinations, url: str) -> RelayError:
    with pytest.raises(RelayError) as caught:
        rules.check_url(url)
    return caught.value


@pytest.mark.parametrize(
    "url", ["https://api.known.example/v1", "https://API.known.example./v1/", "https://api.known.example:8443"]
)
def test_the_catalogues_hosts_are_reached(url: str) -> None:
    assert name().check_url(url).host == "api.known.example"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example",
        "https://api.known.example.evil.example",
        "https://evilapi.known.example",
        "http://api.known.example",
        "http://169.254.169.254/latest/meta-data",
        "https://127.0.0.1",
        "https://[::1]",
        "https://metadata.google.internal",
        "https://localhost",
    ],
)
def test_other_places_are_refused_with_the_line_that_would_allow_them(url: str) -> None:
    error = refuse(name(), url)
    assert (error.status, error.code, error.origin) == (403, "destination_refused", "relay")
    assert "SIDESTEP_DESTINATIONS=" in error.message


def test_the_named_line_is_exact() -> None:
    assert refuse(name(), "http://10.0.0.5:11434/v1").message.endswith("SIDESTEP_DESTINATIONS=10.0.0.5:11434")
    assert refuse(name(), "https://evil.example/v1").message.endswith("SIDESTEP_DESTINATIONS=evil.example")
    line = refuse(name(), "http://[fd00::1]:8080/v1").message.rpartition("=")[2]
    assert name(line).check_url("http://[fd00::1]:8080/v1").host == "fd00::1"


@pytest.mark.parametrize(
    "url",
    [
        "https://user:pass@api.known.example",
        "https://api.known.example@evil.example",
        "https://evil.example#@api.known.example",
        "https://evil.example\\@api.known.example",
        "https://api.known.example?x=1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.1",
        "https://0177.0.0.1",
        "https://127.1",
        "https://api.known.example:0",
        "https://api.known.example:99999",
        "https://api.known.example:x",
        "https://①②⑦.0.0.1",
        "https://[::1",
        "https://api.known.example/../../admin",
        "https://api.known.example/%2e%2e/admin",
        "file:///etc/passwd",
        "ftp://api.known.example",
        "//api.known.example",
        "api.known.example",
        "https://",
        "https://api.known.example\r\nHost: evil",
        "https://api.known.example /v1",
    ],
)
def test_what_is_no_plain_base_url_is_refused(url: str) -> None:
    with pytest.raises(RelayError) as caught:
        name(allows_any_public=True).check_url(url)
    assert (caught.value.status, caught.value.code) == (400, "destination_invalid")


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:0:127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "fe80::1%eth0",
        "ff02::1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public_address(address)


def test_a_known_name_that_leads_inside_is_refused() -> None:
    for addresses in (["127.0.0.1"], [PUBLIC, "10.0.0.1"]):
        with pytest.raises(RelayError) as caught:
            name().resolve("api.known.example", 443, lambda _host, _port, found=addresses: found)  # type: ignore[misc]
        assert caught.value.code == "destination_refused"


def test_any_public_address_is_not_any_address() -> None:
    rules = name(allows_any_public=True)
    assert rules.check_url("https://anything.example/v1").host == "anything.example"
    assert refuse(rules, "https://10.0.0.1").code == "destination_refused"
    assert refuse(rules, "http://anything.example").code == "destination_refused"
    with pytest.raises(RelayError):
        rules.resolve("anything.example", 443, lambda _host, _port: ["192.168.1.1"])


def test_a_named_host_may_be_private_and_plain_and_nothing_else_is() -> None:
    rules = name("ollama.lan:11434")
    place = rules.check_url("http://ollama.lan:11434/v1")
    assert rules.resolve(place.host, place.port, lambda _host, _port: ["192.168.1.7"]) == ["192.168.1.7"]
    refuse(rules, "http://ollama.lan:22")
    with pytest.raises(RelayError):
        rules.resolve("ollama.lan", 22, lambda _host, _port: ["192.168.1.7"])


@pytest.mark.parametrize("host", ["evil-llm.example", "a.llm.example", "llm.example.evil.example", "llm.exampl"])
def test_a_named_host_is_a_whole_name(host: str) -> None:
    refuse(name("llm.example"), f"https://{host}/v1")


def test_a_named_base_url_is_a_whole_prefix() -> None:
    rules = name("https://llm.corp.example/team/v1")
    assert rules.check_url("https://llm.corp.example/team/v1/more").path == "/team/v1/more"
    for url in (
        "https://llm.corp.example/team/v12",
        "https://llm.corp.example/team",
        "http://llm.corp.example/team/v1",
    ):
        refuse(rules, url)


@pytest.mark.parametrize("row", ["host/path", "user@host", "host:port", "ftp://host", "", "a b"])
def test_a_bad_row_is_refused(row: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_destination(row)
