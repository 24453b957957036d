"""`sidestep convert`, as a person types it."""

import json
import secrets
import subprocess
import sys
from pathlib import Path

from sidestep.importers import read_import
from sidestep_relay.config import load_config, read_settings
from tests.unit.fixtures import IMPORTS


def convert(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sidestep", "convert", *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)


def test_one_client_s_file_becomes_another_s(tmp_path: Path) -> None:
    target = tmp_path / "config.yaml"
    done = convert(IMPORTS / "opencode" / "full.json", target)
    assert done.returncode == 0, done.stderr
    assert "This is an opencode.json: 4 providers" in done.stderr
    assert "anthropic: Its key stands elsewhere, in “ANTHROPIC_API_KEY”: type it here." in done.stderr
    written = target.read_text(encoding="utf-8")
    assert "own-made-up-1" not in written
    assert [row["id"] for row in read_import(written).document["providers"]] == ["mine", "anthropic", "groq", "proxy"]


def test_it_reads_and_writes_streams() -> None:
    done = convert("-", "-", "--to", "opencode", text="OPENAI_API_KEY=sk-made-up\n")
    assert done.returncode == 0, done.stderr
    comment, _, body = done.stdout.partition("\n")
    assert comment.startswith("// sidestep: ")
    assert json.loads(body)["provider"]["openai"]["options"]["apiKey"] == "{env:OPENAI_API_KEY}"
    assert "sk-made-up" not in done.stdout + done.stderr


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    target = tmp_path / "sidestep.json"
    target.write_text("mine")
    source = IMPORTS / "env" / "plain.env"
    refused = convert(source, target)
    assert refused.returncode == 1
    assert "is there already. Add --force" in refused.stderr
    assert target.read_text() == "mine"
    assert convert(source, target, "--force").returncode == 0
    assert json.loads(target.read_text())["format"] == "sidestep-config"


def test_what_goes_wrong_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"provider": {')
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    for source, target, said in (
        (tmp_path / "bad.json", "-", "does not say which format"),
        (tmp_path / "bad.json", tmp_path / "x.yaml", "ends in the middle"),
        (tmp_path / "missing.json", tmp_path / "x.yaml", "cannot be read"),
        (tmp_path / "bytes.json", tmp_path / "x.yaml", "is not text"),
        (IMPORTS / "env" / "plain.env", tmp_path / "no" / "x.yaml", "cannot be written"),
    ):
        done = convert(source, target)
        assert done.returncode == 1
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "x.yaml").exists()


def test_a_relay_starts_with_the_settings_that_are_written_for_it(tmp_path: Path) -> None:
    target = tmp_path / "sidestep-relay.toml"
    done = convert(IMPORTS / "opencode" / "full.json", target, "--page", "https://page.example.org")
    assert done.returncode == 0, done.stderr
    settings = read_settings({}, target)
    assert settings["SIDESTEP_ORIGINS"] == ["https://page.example.org"]
    assert settings["SIDESTEP_DESTINATIONS"] == ["https://claude.example.org", "https://llm.example.org"]
    assert load_config({"SIDESTEP_TOKEN": secrets.token_urlsafe(32)}, file=target)
