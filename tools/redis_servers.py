"""A redis-server for the tests: the machine's own, or Debian's; without one, the tests that need it are skipped."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.failures import BuildError
from tools.processes import run
from tools.steps import say, step

VARIABLE = "SIDESTEP_REDIS_SERVER"

NO_REDIS = (
    "There is no redis-server, so what several relays share is not tested: install Redis, or name its server with "
    f"the variable {VARIABLE}."
)

_NAME = "redis-server"
_START_POLICY = Path("/usr/sbin/policy-rc.d")
_START_NOTHING = "#!/bin/sh\nexit 101\n"


def find_redis_server(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return this machine's redis-server, first the one that SIDESTEP_REDIS_SERVER names; None without any.

    Raises:
        BuildError: SIDESTEP_REDIS_SERVER names a file that is not there.
    """
    variables = os.environ if environment is None else environment
    named = variables.get(VARIABLE)
    if named:
        if not Path(named).is_file():
            raise BuildError(f"{VARIABLE} names {named}, which is not there: correct it, or unset it to search.")
        return Path(named)
    found = shutil.which(_NAME, path=variables.get("PATH", ""))
    return Path(found) if found else None


def prepare_redis_server() -> Path | None:
    """Return a redis-server for the tests, installing one where that can be done; None, told, where it cannot.

    Raises:
        BuildError: SIDESTEP_REDIS_SERVER names a file that is not there.
    """
    if found := find_redis_server():
        return found
    if can_install():
        try:
            with step("Debian's redis-server"):
                install_debians()
        except BuildError as error:
            say(f"  {error}")
    found = find_redis_server()
    if found is None:
        say(f"  {NO_REDIS}")
    return found


def can_install() -> bool:
    """Say whether this is Debian or Ubuntu, and its root asks."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return is_root and sys.platform == "linux" and shutil.which("apt-get") is not None


def install_debians() -> None:
    """Install Debian's package, and leave no service of it: neither running now nor started with the machine.

    Raises:
        BuildError: It cannot be installed.
    """
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "--quiet"], purpose="read Debian's package lists", environment=quiet)
    with forbid_service_starts():
        packages = ("--yes", "--quiet", "--no-install-recommends", _NAME)
        run(["apt-get", "install", *packages], purpose="install Debian's redis-server", environment=quiet)
    run(["update-rc.d", _NAME, "disable"], purpose="keep redis-server from starting with this machine")


@contextmanager
def forbid_service_starts(policy: Path = _START_POLICY) -> Iterator[None]:
    """Let no package start its service while the block lasts; a *policy* that the machine has stays as it is.

    Source: Debian's policy, invoke-rc.d, the policy layer: 101 is "action forbidden".
    """
    if policy.exists():
        yield
        return
    policy.write_text(_START_NOTHING)
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)
