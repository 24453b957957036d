"""What is in `deploy/`, the Dockerfile and docs/hosting.md: safe as it stands, and true of the relay as it is."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]

from sidestep_relay.cli import main
from sidestep_relay.config import load_config
from tests.relay.servers import START_SECONDS, TOKEN, run_relay
from tools.places import ROOT

DEPLOY = ROOT / "deploy"
SETTING = re.compile(r"\bSIDESTEP_[A-Z_]+")


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions: name and text, in order."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


def pick(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [rest for found, rest in instructions if found == name]


def last_stage(instructions: list[tuple[str, str]]) -> list[tuple[str, str]]:
    start = max(index for index, (name, _) in enumerate(instructions) if name == "FROM")
    return instructions[start:]


# the image


def test_the_images_base_has_a_version(instructions: list[tuple[str, str]]) -> None:
    bases = [base.split()[0] for base in pick(instructions, "FROM")]
    assert len(bases) == 2
    assert len(set(bases)) == 1, "both stages need the same Python"
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", bases[0])


def test_everything_in_the_image_is_locked(instructions: list[tuple[str, str]]) -> None:
    installs = [part for run in pick(instructions, "RUN") for part in run.split("&&") if "pip install" in part]
    assert len(installs) == 2
    locked, own = installs
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(locked.split())
    assert {"--no-build-isolation", "--no-deps", "."} <= set(own.split())
    lock = (ROOT / "requirements" / "relay.txt").read_text(encoding="utf-8")
    assert re.search(r"^hatchling==", lock, re.MULTILINE), "the build takes it from the lock"


def test_the_image_runs_as_nobody_in_particular(instructions: list[tuple[str, str]]) -> None:
    final = last_stage(instructions)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", pick(final, "USER")[-1])
    assert not pick(instructions, "ADD")
    assert not [text for name, text in instructions if name in ("ENV", "ARG") and re.search("TOKEN|KEY|SECRET", text)]
    assert [text for text in pick(final, "COPY") if not text.startswith("--from=build")] == []


def test_signals_reach_the_relay(instructions: list[tuple[str, str]]) -> None:
    final = last_stage(instructions)
    # A shell in between would keep SIGTERM to itself.
    for name in ("ENTRYPOINT", "CMD"):
        assert yaml.safe_load(pick(final, name)[0]), "the exec form is a JSON list"
        assert pick(final, name)[0].startswith("[")
    assert pick(final, "STOPSIGNAL") == ["SIGTERM"]


def test_the_context_holds_what_is_copied_and_nothing_else(instructions: list[tuple[str, str]]) -> None:
    rows = [row for row in (ROOT / ".dockerignore").read_text().splitlines() if row and not row.startswith("#")]
    assert rows[0] == "*"
    allowed = {row[1:] for row in rows if row.startswith("!")}
    copied = {part for text in pick(instructions, "COPY") if "--from" not in text for part in text.split()[:-1]}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in allowed)


def test_the_health_check_tells_a_healthy_relay_from_none(
    instructions: list[tuple[str, str]], gunicorn_port: int
) -> None:
    command = yaml.safe_load(pick(instructions, "HEALTHCHECK")[0].partition("CMD")[2])
    assert command[0] == "python"
    for port, is_healthy in ((gunicorn_port, True), (9, False)):
        environment = {**os.environ, "PORT": str(port)}
        ended = subprocess.run(
            [sys.executable, *command[1:]], env=environment, capture_output=True, timeout=20, check=False
        )
        assert (ended.returncode == 0) is is_healthy


@pytest.fixture(scope="module")
def gunicorn_port() -> Iterator[int]:
    with run_relay() as relay:
        yield relay.port


@pytest.fixture(scope="module")
def jail() -> list[str]:
    """A command line that runs what follows it as nobody, without capabilities, where nothing can be written."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"):
        pytest.skip("needs Linux, root, unshare and setpriv to take rights away")
    # A folder that everybody may enter; what is mounted there is seen by the jail alone.
    place = "/mnt"
    base = Path(sys.base_prefix)
    mounts = {"python": base, "packages": Path(sysconfig.get_path("purelib")), "source": ROOT}
    steps = ["set -e", f"mount -t tmpfs -o mode=755 tmpfs {place}"]
    for name, source in mounts.items():
        steps += [f"mkdir {place}/{name}", f"mount --bind {shlex.quote(str(source))} {place}/{name}"]
    steps += [f"mount -o remount,ro {place}", "mount -o remount,bind,ro /", "cd /"]
    path = ":".join(f"{place}/{part}" for part in ("packages", "source/pyclient", "source/relay"))
    # The library: a Python that was built to find its own where it was installed does not find it here.
    settings = f"PATH=/usr/bin:/bin HOME=/nonexistent PYTHONPATH={path} LD_LIBRARY_PATH={place}/python/lib"
    drop = "setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --no-new-privs"
    python = f"{place}/python/bin/{Path(os.path.realpath(sys.executable)).name}"
    steps.append(f'exec {drop} env -i {settings} "$@"')
    script = "; ".join(steps).replace("set -e; ", "set -e\n")
    prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "jail"]
    probe = subprocess.run(
        [*prefix, python, "-c", "open('/tmp/written', 'w')"], capture_output=True, text=True, timeout=60, check=False
    )
    if "Read-only file system" not in probe.stderr:
        pytest.skip(f"no mount namespace can be made here: {probe.stderr.strip()[-200:]}")
    return [*prefix, "PYTHON", python]


def in_jail(jail: list[str], *arguments: str, **settings: str) -> list[str]:
    *prefix, _, python = jail
    given = [f"{name}={value}" for name, value in settings.items()]
    # Without the packages of the Python that the environment was made from.
    return [*prefix, *given, python, "-S", "-m", "sidestep_relay", *arguments]


def test_it_serves_where_nothing_can_be_written(jail: list[str]) -> None:
    command = in_jail(jail, "serve", "--host", "127.0.0.1", PORT="0", SIDESTEP_TOKEN=TOKEN)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Listening on "), line + (process.stderr.read() if process.stderr else "")
            answer = httpx.get(f"{line.split()[-1]}/healthz", timeout=START_SECONDS, trust_env=False)
            assert answer.json() == {"status": "ok"}
        finally:
            process.terminate()
        written = process.communicate(timeout=30)[1]
    assert [line for line in written.splitlines() if not line.startswith("{")] == []
    assert process.returncode == 0


def test_without_a_token_it_says_what_is_missing(jail: list[str]) -> None:
    ended = subprocess.run(in_jail(jail, "serve", PORT="0"), capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("sidestep-relay: SIDESTEP_TOKEN: no token is set, and none can be kept in ")
    assert ended.stderr.count("\n") == 1


# compose


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return read


def test_only_the_front_can_be_reached(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["front"]
    inner = {name for name, network in compose["networks"].items() if network.get("internal")}
    assert set(services["redis"]["networks"]) <= inner
    # Where both could meet by two networks, the relay would see the front under an address that it does not believe.
    assert set(services["front"]["networks"]) & set(services["relay"]["networks"]) == {"inside"}
    assert not set(services["front"]["networks"]) & set(services["redis"]["networks"])
    for service in services.values():
        assert service.get("network_mode") is None
        assert not service.get("privileged")


def test_no_service_can_write_or_gain_rights(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "front" else []), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name
        assert not [volume for volume in service.get("volumes", []) if "docker.sock" in volume], name


def test_every_service_has_a_health_check_and_waits_for_what_it_needs(
    compose: dict[str, Any], instructions: list[tuple[str, str]]
) -> None:
    services = compose["services"]
    assert [name for name, service in services.items() if "healthcheck" not in service] == ["relay"]
    assert pick(last_stage(instructions), "HEALTHCHECK"), "the relay's is the image's"
    waits = {name: list(service.get("depends_on", {})) for name, service in services.items()}
    assert waits == {"front": ["relay"], "relay": ["redis"], "redis": []}
    for service in services.values():
        assert all(row["condition"] == "service_healthy" for row in service.get("depends_on", {}).values())


def test_images_have_versions_and_secrets_are_files(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert "build" in service or re.fullmatch(r"[a-z]+:\d+[\w.-]*", service["image"]), name
    assert compose["secrets"] == {"relay_token": {"file": "./secrets/relay_token"}}
    relay = compose["services"]["relay"]
    assert relay["environment"]["SIDESTEP_TOKEN_FILE"] == "/run/secrets/relay_token"
    assert "SIDESTEP_TOKEN" not in relay["environment"]


def test_the_relay_believes_the_front_alone(compose: dict[str, Any]) -> None:
    front = compose["services"]["front"]["networks"]["inside"]["ipv4_address"]
    relay = compose["services"]["relay"]
    config = load_config(
        {"SIDESTEP_TOKEN": TOKEN, "SIDESTEP_TRUSTED_PROXIES": relay["environment"]["SIDESTEP_TRUSTED_PROXIES"]}
    )
    assert config.trusted_proxies.trusts(front)
    assert not config.trusted_proxies.trusts("172.30.87.3")
    assert relay["command"][0] == "serve"


# the front


def test_the_front_holds_no_stream_back_and_lets_none_run_on() -> None:
    lines = (DEPLOY / "Caddyfile").read_text(encoding="utf-8").splitlines()
    said = [line.strip() for line in lines if not line.lstrip().startswith("#")]
    assert "reverse_proxy relay:8787" in said
    assert not [line for line in said if line.startswith(("flush_interval", "encode", "response_buffers"))]
    size = next(line for line in said if line.startswith("max_size"))
    # The relay's own limit is the one that people are told.
    assert int(size.removeprefix("max_size ").removesuffix("MB")) * 1_000_000 >= 0.98 * 32 * 1024 * 1024
    assert any(line.startswith("header Strict-Transport-Security") for line in said)


# systemd


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_unit_is_understood_and_exposes_little(tmp_path: Path) -> None:
    unit = tmp_path / "sidestep-relay.service"
    text = (DEPLOY / unit.name).read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/sidestep/bin/sidestep-relay", shutil.which("true") or "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    judged = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert judged.returncode == 0, judged.stdout[-300:]


# what is said


def test_every_setting_that_is_named_exists() -> None:
    known = set(SETTING.findall((ROOT / "docs" / "relay.md").read_text(encoding="utf-8")))
    files = [*DEPLOY.iterdir(), ROOT / "Dockerfile", ROOT / "docs" / "hosting.md"]
    named = {name for file in files if file.is_file() for name in SETTING.findall(file.read_text(encoding="utf-8"))}
    assert named - known == set()


def test_the_file_for_fly_fits_the_image(instructions: list[tuple[str, str]]) -> None:
    fly = tomllib.loads((DEPLOY / "fly.toml").read_text(encoding="utf-8"))
    assert [str(fly["http_service"]["internal_port"])] == pick(instructions, "EXPOSE")
    assert fly["http_service"]["force_https"] is True
    assert fly["kill_signal"] == pick(instructions, "STOPSIGNAL")[0]
    load_config({"SIDESTEP_TOKEN": TOKEN, **fly["env"]})


def list_commands() -> list[str]:
    """Return the calls of `sidestep-relay` in the blocks of docs/hosting.md, without what follows a pipe."""
    blocks = re.findall(r"```\w*\n(.*?)```", (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8"), re.DOTALL)
    lines = re.sub(r"\\\n\s*", " ", "\n".join(blocks)).splitlines()
    found = [re.search(r"sidestep-relay (?:serve|pair|check|token)\b[^|&;<'\n]*", line) for line in lines]
    return [match[0] for match in found if match]


@pytest.mark.parametrize("command", list_commands())
def test_the_commands_of_the_guide_can_be_read(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They get past the parser: what they would do is replaced."""
    for name in ("serve", "run_pair", "run_check", "run_token"):
        monkeypatch.setattr(f"sidestep_relay.cli.{name}", lambda *_: 0)
    assert main(shlex.split(command)[1:]) == 0


def test_each_recipe_ends_with_a_check() -> None:
    text = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
    recipes = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    hosts = [recipe for recipe in recipes if "```" in recipe and not recipe.startswith(("Check", "Python hosts"))]
    assert len(hosts) >= 6
    for recipe in hosts:
        last = re.findall(r"```\w*\n(.*?)```", recipe, re.DOTALL)[-1].strip().splitlines()[-1]
        assert re.match(r"(\S+/)?sidestep-relay check ", last), recipe.splitlines()[0]
