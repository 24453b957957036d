"""The relay's sealing keys and what it remembers of what it took."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from flask import Flask

from sidestep.envelopes import PATH, encode
from sidestep_relay.cli import main
from sidestep_relay.config import SettingError, load_sealing_keys
from sidestep_relay.errors import RelayError
from sidestep_relay.redis_links import RedisLink
from sidestep_relay.replays import FolderReplayGuard, MemoryReplayGuard, ReplayGuard, share_replay_guard
from sidestep_relay.sealing import make_sealing_key
from sidestep_relay.sealing_keys import SealingKeyError, keep_keys, read_keys, read_keys_file, rotate_keys
from sidestep_relay.shared_replays import SharedReplayGuard
from sidestep_relay.telemetry import make_log
from tests.relay.envelopes import make_envelope, open_answer
from tests.relay.redis_servers import RunningRedis
from tests.relay.servers import TOKEN


def test_a_key_is_made_once_and_only_its_user_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "sidestep" / "relay-sealing-key"
    made = keep_keys(path)
    assert keep_keys(path).current.public == made.current.public
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(SealingKeyError, match="chmod 600"):
        keep_keys(path)


def test_rotation_keeps_the_former_key_for_its_grace(tmp_path: Path) -> None:
    path = tmp_path / "key"
    first = keep_keys(path).current
    now = datetime.now(UTC)
    second = rotate_keys(path, grace=timedelta(hours=1), now=now).current
    assert second.public != first.public
    assert encode(first.public) != encode(second.public)
    third = rotate_keys(path, grace=timedelta(hours=1), now=now + timedelta(hours=2))
    assert third.current.public == read_keys_file(path).current.public
    assert len(path.read_text().splitlines()) == 2, "the first has ended, the second ends"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text", ["", "abc", "=" * 43, encode(bytes(32)), encode(b"\xff" * 32), f"{encode(b'k' * 32)} until never"]
)
def test_what_is_no_key_is_told_without_quoting_it(text: str) -> None:
    with pytest.raises(SealingKeyError) as caught:
        read_keys(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_an_id_is_taken_once_until_it_ends(kind: str, tmp_path: Path) -> None:
    now = [1000.0]
    made: dict[str, Callable[[], ReplayGuard]] = {
        "memory": lambda: MemoryReplayGuard(lambda: now[0]),
        "folder": lambda: FolderReplayGuard(tmp_path, now[0], lambda: now[0]),
    }
    guard = made[kind]()
    assert guard.take(b"a", 1300.0)
    assert not guard.take(b"a", 1300.0)
    assert guard.take(b"b", 1300.0)
    now[0] = 1299.0
    assert not guard.take(b"a", 1300.0)
    now[0] = 2000.0
    assert guard.take(b"c", 2300.0)
    assert len(list(tmp_path.iterdir())) <= 1, "what has ended is forgotten"


def test_more_ids_than_can_be_remembered_are_refused_and_none_forgotten() -> None:
    guard = MemoryReplayGuard(lambda: 0.0, most=2)
    assert guard.take(b"a", 1.0)
    assert guard.take(b"b", 1.0)
    with pytest.raises(RelayError) as caught:
        guard.take(b"c", 1.0)
    assert (caught.value.status, caught.value.code) == (503, "sealed_busy")
    assert not guard.take(b"a", 1.0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork, and gunicorn does not run there")
def test_processes_share_a_folder_that_outlives_each_of_them() -> None:
    until = time.time() + 300
    block = share_replay_guard(2)
    guard = block.__enter__()
    try:
        assert guard
        assert guard.is_shared
        assert guard.take(b"a", until)
        if not (child := os.fork()):
            # As a worker that ends: the block is left in the child, too.
            block.__exit__(None, None, None)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert guard.take(b"b", until)
        assert not guard.take(b"a", until)
    finally:
        block.__exit__(None, None, None)
    with share_replay_guard(1) as alone:
        assert alone is None


def test_where_nothing_can_be_written_several_share_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sidestep_relay.multiprocess.find_memory", lambda: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with share_replay_guard(2) as guard:
        assert guard is None


def test_relays_that_share_a_redis_take_an_id_once_together(redis_server: RunningRedis, log: StringIO) -> None:
    links = [RedisLink(redis_server.url, make_log(log)) for _ in range(2)]
    one, other = (SharedReplayGuard(link) for link in links)
    until = time.time() + 300
    try:
        assert one.take(b"a", until)
        assert not other.take(b"a", until)
        assert other.take(b"b", until)
    finally:
        for link in links:
            link.close()


def test_while_redis_is_away_nothing_sealed_is_taken(make_app: Callable[..., Flask]) -> None:
    keys = read_keys(make_sealing_key())
    app = make_app(sealing=keys, redis_url="redis://127.0.0.1:1/0")
    envelope = make_envelope(encode(keys.current.public), token=TOKEN, method="GET", path="/v1/relay")
    answer = app.test_client().post(PATH, data=envelope.data, environ_overrides={"wsgi.multiprocess": True})
    head, body = open_answer(answer.data, envelope.sealed)
    assert (head.status, json.loads(body)["error"]["code"]) == (503, "sealed_busy")


# Settings and commands


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without settings."""
    for name in [name for name in os.environ if name.startswith("SIDESTEP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    return tmp_path


def test_the_key_is_the_settings_then_a_named_file_s_then_the_kept_one(home: Path) -> None:
    file = home / "elsewhere"
    file.write_text(make_sealing_key())
    file.chmod(0o600)
    key = make_sealing_key()
    both = {"SIDESTEP_SEALING_KEY": key, "SIDESTEP_SEALING_KEY_FILE": str(file)}
    found = load_sealing_keys(both)
    named = load_sealing_keys({"SIDESTEP_SEALING_KEY_FILE": str(file)})
    kept = load_sealing_keys({})
    assert found
    assert named
    assert kept
    assert found.current.public == read_keys(key).current.public
    assert named.current.public == read_keys_file(file).current.public
    assert kept.current.public == read_keys_file(home / "sidestep" / "relay-sealing-key").current.public


@pytest.mark.parametrize(
    "settings",
    [{"SIDESTEP_SEALING_KEY": "secret-but-no-key"}, {"SIDESTEP_SEALING_KEY_FILE": "/nowhere/at-all"}],
)
def test_a_key_that_cannot_be_used_stops_the_relay(home: Path, settings: dict[str, str]) -> None:
    with pytest.raises(SettingError) as caught:
        load_sealing_keys(settings)
    assert str(caught.value).startswith(next(iter(settings)))
    assert "secret-but-no-key" not in str(caught.value)


def test_a_relay_that_can_keep_no_key_runs_without(home: Path) -> None:
    (home / "sidestep").write_text("a file where the folder should be")
    assert load_sealing_keys({}) is None


def test_the_commands_make_show_and_rotate(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["sealing", "new"]) == 0
    assert read_keys(capsys.readouterr().out)
    assert main(["sealing", "show"]) == 0
    path = home / "sidestep" / "relay-sealing-key"
    first = read_keys_file(path).current
    shown = capsys.readouterr().out
    assert first.fingerprint in shown
    assert path.read_text().strip() not in shown, "the private key is not shown"
    assert main(["sealing", "rotate", "--grace", "60"]) == 0
    assert read_keys_file(path).current.fingerprint in capsys.readouterr().out
    assert read_keys_file(path).current.public != first.public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    monkeypatch.setenv("SIDESTEP_SEALING_KEY", make_sealing_key())
    assert main(["sealing", "rotate"]) == 1
    assert "SIDESTEP_SEALING_KEY: the key is in the settings" in capsys.readouterr().err
