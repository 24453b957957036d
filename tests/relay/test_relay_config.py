"""Settings: a wrong one stops the relay with a sentence that names it."""

from __future__ import annotations

import os
import stat
import sys
from io import StringIO
from pathlib import Path

import pytest

from sidestep_relay.auth import keep_token
from sidestep_relay.config import SettingError, load_config
from sidestep_relay.deadlines import Deadlines
from sidestep_relay.redis_links import RedisLink
from sidestep_relay.telemetry import make_log
from tests.relay.servers import TOKEN

GOOD = {"SIDESTEP_TOKEN": TOKEN}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIDESTEP_TOKEN", "too-short"),
        ("SIDESTEP_TOKEN_FILE", "/nowhere/token"),
        ("SIDESTEP_ORIGINS", "*"),
        ("SIDESTEP_ORIGINS", "https://*.example"),
        ("SIDESTEP_ORIGINS", "page.example"),
        ("SIDESTEP_ORIGINS", "https://page.example/path"),
        ("SIDESTEP_DESTINATIONS", "ftp://x.example"),
        ("SIDESTEP_DESTINATIONS", "host/path"),
        ("SIDESTEP_USE_OWN_KEYS", "perhaps"),
        ("SIDESTEP_PING_SECONDS", "soon"),
        ("SIDESTEP_PING_SECONDS", "0"),
        ("SIDESTEP_IDLE_SECONDS", "0"),
        ("SIDESTEP_TOTAL_SECONDS", "86401"),
        ("SIDESTEP_READER_SECONDS", "inf"),
        ("SIDESTEP_REQUEST_SECONDS", "soon"),
        ("SIDESTEP_DRAIN_SECONDS", "nan"),
        ("SIDESTEP_NAME", "x" * 61),
        ("SIDESTEP_LANES", "openai"),
        ("SIDESTEP_LANES", "openai=direct"),
        ("SIDESTEP_LANES", "nobody=pipe"),
        ("SIDESTEP_LANES", "anthropic=pipe"),
        ("SIDESTEP_LANES", "openai=pipe, bedrock=pipe"),
        ("SIDESTEP_REDIS_URL", "http://:too-short@127.0.0.1:6379"),
        ("SIDESTEP_REDIS_URL", "127.0.0.1:6379"),
        ("SIDESTEP_REDIS_URL", "redis://"),
        ("SIDESTEP_REDIS_URL", "redis://:too-short@127.0.0.1:65536"),
        ("SIDESTEP_REDIS_URL", "redis://:too-short@127.0.0.1:port"),
        ("SIDESTEP_REDIS_URL", "redis://:too-short@[::1"),
        ("SIDESTEP_REDIS_URL", "redis://:too-short@127.0.0.1/first"),
        ("SIDESTEP_REDIS_URL", "redis://127.0.0.1?db=first&password=too-short"),
        ("SIDESTEP_REDIS_URL", "redis://127.0.0.1?password=too-short&max_connections=1"),
        ("SIDESTEP_REDIS_URL", "redis://127.0.0.1?ssl_cert_reqs=none"),
        ("SIDESTEP_REDIS_URL", "rediss://:too-short@127.0.0.1?ssl_cert_reqs=perhaps"),
        ("SIDESTEP_REDIS_URL", "unix://"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    environment = {name: value} if name == "SIDESTEP_TOKEN_FILE" else GOOD | {name: value}
    with pytest.raises(SettingError) as caught:
        load_config(environment)
    assert str(caught.value).startswith(f"{name}:")
    assert "too-short" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1",
        "redis://user:secret@redis.example:6380/2",
        "rediss://:secret@redis.example/0?ssl_ca_certs=/etc/redis.pem",
        "unix:///run/redis.sock?db=1&password=secret",
    ],
)
def test_where_a_redis_can_be(url: str) -> None:
    config = load_config(GOOD | {"SIDESTEP_REDIS_URL": url})
    assert config.redis_url == url
    assert "secret" not in repr(config)
    # What the settings accept, the library does too.
    assert RedisLink(url, make_log(StringIO())).is_away is False


def test_settings_are_read() -> None:
    settings = {
        "SIDESTEP_ORIGINS": "https://Page.example/, http://localhost:8000",
        "SIDESTEP_DESTINATIONS": "http://127.0.0.1:9/v1, *",
        "SIDESTEP_USE_OWN_KEYS": "true",
        "SIDESTEP_LANES": "openai=translate, zai = pipe",
    }
    config = load_config(GOOD | settings, own_origins=("http://127.0.0.1:8787",))
    assert config.origins == ("https://page.example", "http://localhost:8000", "http://127.0.0.1:8787")
    assert config.destinations.allows_any_public
    assert [row.path for row in config.destinations.named] == ["/v1"]
    assert config.should_use_own_keys
    assert config.lanes == {"openai": "translate", "zai": "pipe"}


def test_a_file_gives_the_same_settings_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text(
        f'SIDESTEP_TOKEN = "{TOKEN}"\nSIDESTEP_ORIGINS = ["https://a.example"]\nSIDESTEP_NAME = "From file"\n'
    )
    config = load_config({"SIDESTEP_NAME": "From environment"}, file=file)
    assert (config.token, config.origins, config.name) == (TOKEN, ("https://a.example",), "From environment")


@pytest.mark.parametrize("text", ["SIDESTEP_ORIGIN = 'https://a.example'", "SIDESTEP_ORIGINS = 3", "no toml"])
def test_a_wrong_file_is_explained(tmp_path: Path, text: str) -> None:
    file = tmp_path / "relay.toml"
    file.write_text(text)
    with pytest.raises(SettingError):
        load_config(GOOD, file=file)


def test_a_token_is_made_once_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "relay-token"
    token = keep_token(path)
    assert len(token) >= 43
    assert keep_token(path) == token
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_kept_token_that_was_cut_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    load_config({})
    kept = next(tmp_path.rglob("relay-token"))
    os.truncate(kept, 5)
    with pytest.raises(SettingError, match="SIDESTEP_TOKEN"):
        load_config({})


def test_a_site_needs_an_index(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="--site"):
        load_config(GOOD, site=tmp_path)


def test_deadlines_are_read() -> None:
    names = ("IDLE", "TOTAL", "READER", "REQUEST", "DRAIN")
    settings = {f"SIDESTEP_{name}_SECONDS": str(number + 0.5) for number, name in enumerate(names)}
    assert load_config(GOOD | settings).deadlines == Deadlines(idle=0.5, total=1.5, reader=2.5, request=3.5, drain=4.5)
    assert load_config(GOOD).deadlines == Deadlines()
