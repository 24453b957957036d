"""The tests' redis-server: found where it should be, and installed without leaving a service."""

import subprocess
from pathlib import Path

import pytest

from tools import redis_servers
from tools.failures import BuildError
from tools.redis_servers import NO_REDIS, find_redis_server, forbid_service_starts, prepare_redis_server


def make_program(folder: Path, name: str = "redis-server", text: str = "") -> Path:
    program = folder / name
    program.write_text(text)
    program.chmod(0o755)
    return program


def test_the_named_server_comes_first(tmp_path: Path) -> None:
    mine = make_program(tmp_path, "my-redis")
    make_program(tmp_path)

    assert find_redis_server({"SIDESTEP_REDIS_SERVER": str(mine), "PATH": str(tmp_path)}) == mine


def test_a_named_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"SIDESTEP_REDIS_SERVER names .*lost, which is not there"):
        find_redis_server({"SIDESTEP_REDIS_SERVER": str(tmp_path / "lost")})


def test_a_server_on_the_path_is_found(tmp_path: Path) -> None:
    assert find_redis_server({"PATH": str(tmp_path)}) is None

    program = make_program(tmp_path)

    assert find_redis_server({"PATH": str(tmp_path)}) == program


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine whose PATH is one empty folder."""
    monkeypatch.delenv("SIDESTEP_REDIS_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_machine_that_cannot_install_one_is_told_and_goes_on(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare_redis_server() is None
    assert NO_REDIS in capsys.readouterr().out


def test_an_installation_that_fails_is_told_and_goes_on(
    bare: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_program(bare, "apt-get", "#!/bin/sh\necho 'E: Temporary failure in name resolution'\nexit 100\n")
    monkeypatch.setattr(redis_servers, "can_install", lambda: True)

    assert prepare_redis_server() is None

    said = capsys.readouterr().out
    assert "the package registry cannot be reached" in said
    assert NO_REDIS in said


def test_debians_is_installed_with_no_service_of_it(
    bare: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, journal = bare / "policy-rc.d", bare / "journal"
    make_program(
        bare,
        "apt-get",
        f'#!/bin/sh\necho "apt-get $1" >> {journal}\n'
        f"if [ $1 = install ]; then {policy} || echo forbidden >> {journal}\n"
        f": > {bare}/redis-server; /bin/chmod +x {bare}/redis-server; fi\n",
    )
    make_program(bare, "update-rc.d", f'#!/bin/sh\necho "update-rc.d $*" >> {journal}\n')
    monkeypatch.setattr(redis_servers, "can_install", lambda: True)
    monkeypatch.setattr(redis_servers, "forbid_service_starts", lambda: forbid_service_starts(policy))

    assert prepare_redis_server() == bare / "redis-server"

    assert journal.read_text().splitlines() == [
        "apt-get update",
        "apt-get install",
        "forbidden",
        "update-rc.d redis-server disable",
    ]
    assert not policy.exists()


def test_the_policy_of_the_machine_stays(tmp_path: Path) -> None:
    policy = make_program(tmp_path, "policy-rc.d", "#!/bin/sh\nexit 0\n")

    with forbid_service_starts(policy):
        assert subprocess.run([policy], check=False).returncode == 0

    assert policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_the_policy_goes_also_when_the_installation_fails(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"

    def install() -> None:
        with forbid_service_starts(policy):
            assert subprocess.run([policy], check=False).returncode == 101
            raise BuildError("no disk")

    with pytest.raises(BuildError, match="no disk"):
        install()

    assert not policy.exists()
