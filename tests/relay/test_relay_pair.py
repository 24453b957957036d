"""`sidestep-relay pair` prints a link that works, alone, and says what would keep it from working."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from sidestep.envelopes import encode
from sidestep_relay.cli import main
from sidestep_relay.sealing import make_sealing_key
from sidestep_relay.sealing_keys import read_keys, read_keys_file
from tests.relay.servers import TOKEN, run_relay
from tests.relay.test_relay_start import read_pairing, run

PAGE = "https://page.example/app/"
URL = "https://relay.example"
SEALING = make_sealing_key()

Pair = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where tokens are kept; there are no settings but the page's origin."""
    for name in ("SIDESTEP_TOKEN", "SIDESTEP_TOKENS", "SIDESTEP_TOKEN_FILE", "SIDESTEP_NAME", "SIDESTEP_SEALING_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CONFIG_HOME", "APPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("SIDESTEP_ORIGINS", "https://page.example")
    return tmp_path


@pytest.fixture
def pair(home: Path, capsys: pytest.CaptureFixture[str]) -> Pair:
    """Runs the command; returns its status, and what it wrote to stdout and to stderr."""

    def run_pair(*options: str, page: str = PAGE, url: str = URL) -> tuple[int, str, str]:
        status = main(["pair", "--page", page, "--url", url, *options])
        written = capsys.readouterr()
        return status, written.out, written.err

    return run_pair


def test_the_link_is_alone_and_holds_the_token(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDESTEP_TOKEN", TOKEN)
    monkeypatch.setenv("SIDESTEP_NAME", "Office")
    monkeypatch.setenv("SIDESTEP_SEALING_KEY", SEALING)
    status, out, err = pair(url=f"{URL}/")
    assert (status, err, out.count("\n")) == (0, "", 1)
    page, pairing = read_pairing(out.strip())
    assert page == PAGE
    assert (pairing["url"], pairing["token"], pairing["name"]) == (URL, TOKEN, "Office")


def test_a_link_carries_the_key_of_its_relay_or_none(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    _, own = read_pairing(pair()[1].strip())
    assert own["key"] == encode(read_keys_file(home / "sidestep" / "relay-sealing-key").current.public)
    # The token of a relay elsewhere: this computer's key is not that relay's.
    monkeypatch.setenv("SIDESTEP_TOKEN", TOKEN)
    status, out, err = pair()
    assert status == 0
    assert "key" not in read_pairing(out.strip())[1]
    assert "SIDESTEP_SEALING_KEY" in err
    monkeypatch.setenv("SIDESTEP_SEALING_KEY", SEALING)
    status, out, err = pair()
    assert (status, err) == (0, "")
    assert read_pairing(out.strip())[1]["key"] == encode(read_keys(SEALING).current.public)
    monkeypatch.delenv("SIDESTEP_SEALING_KEY")
    assert main(["token", "add", "anna", "--page", PAGE]) == 0
    assert "key" not in read_pairing(capsys.readouterr().out.split()[-1])[1]


def test_before_the_first_run_the_token_is_made_and_kept(pair: Pair, home: Path) -> None:
    _, pairing = read_pairing(pair()[1].strip())
    kept = home / "sidestep" / "relay-token"
    assert kept.read_text().strip() == pairing["token"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_named_token_is_made_once_and_makes_no_other(pair: Pair, home: Path) -> None:
    _, pairing = read_pairing(pair("--token-name", "anna")[1].strip())
    kept = home / "sidestep" / "relay-tokens.json"
    assert "anna" in kept.read_text()
    assert pairing["token"] not in kept.read_text()
    assert not (home / "sidestep" / "relay-token").exists()
    assert pair("--token-name", "anna") == (
        1,
        "",
        "sidestep-relay: --token-name: there is a token anna already; `token rotate` gives it a new value.\n",
    )
    status, out, err = pair()
    assert (status, out) == (1, "")
    assert "`--token-name NAME` makes another" in err


def test_a_file_of_tokens_that_is_named_need_not_be_there(pair: Pair, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    assert pair("--token-name", "anna", "--tokens", str(file))[0] == 0
    assert "anna" in file.read_text()


def test_what_would_keep_the_link_from_working_is_told_beside_it(pair: Pair) -> None:
    status, out, err = pair(page="https://OTHER.example:443/", url="http://relay.example")
    assert status == 0
    assert "#relay=" in out
    assert "SIDESTEP_ORIGINS: https://other.example is not among them" in err
    assert "--url: http://relay.example is not https" in err
    # The page that a relay serves itself, and one on the same computer.
    assert pair(page=f"{URL}/")[2] == ""
    assert pair(url="http://localhost:8787")[2] == ""


@pytest.mark.parametrize(
    "page", ["page.example", "https://page.example/#x", "ftp://page.example/", "https://a@b.example/"]
)
def test_what_is_no_page_is_refused(pair: Pair, page: str) -> None:
    status, out, err = pair(page=page)
    assert (status, out) == (1, "")
    assert err.startswith("sidestep-relay: --page: ")


def test_serve_pairs_by_the_address_it_is_told() -> None:
    with run_relay(page=PAGE, arguments=["--url", f"{URL}/"]) as relay:
        _, pairing = read_pairing(relay.wait_pairing_link())
        assert pairing["url"] == URL
        # The link's token opens the relay, which listens where it listened.
        headers = {"Authorization": f"Bearer {pairing['token']}"}
        assert httpx.get(f"{relay.url}/v1/relay", headers=headers, timeout=20, trust_env=False).status_code == 200


def test_the_port_may_come_from_the_host(tmp_path: Path) -> None:
    ended = run(tmp_path, PORT="99999")
    assert (ended.returncode, ended.stderr) == (1, "sidestep-relay: PORT: '99999' is no port.\n")
