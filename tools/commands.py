"""The commands of build.py."""

import argparse
from collections.abc import Callable, Mapping, Sequence

from tools.benches import run_benches
from tools.checks import run_checks, run_tests
from tools.environments import prepare_environment
from tools.failures import BuildError
from tools.locks import refresh_locks
from tools.mutexes import hold_build
from tools.packages import Node, prepare_packages
from tools.pictures import take_pictures
from tools.places import DIST, find_program
from tools.ports import LOOPBACK, check_port
from tools.relays import run_relay
from tools.sites import build_site, prepare_parts
from tools.steps import say

DEFAULT_PORT = 8787


def main(arguments: Sequence[str]) -> int:
    """Carry out the command line *arguments*; return the exit code."""
    options, rest = _make_parser().parse_known_args(arguments)
    if rest and options.command != "test":
        _make_parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return _carry_out(options, rest)
    except BuildError as error:
        say(f"\n{error}")
        return 1
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130


def prepare_site(*, for_tests: bool) -> Node:
    """Bring packages and page up to date, and what tests need where *for_tests*; return the Node.js used.

    Raises:
        BuildError: Something cannot be had or made.
    """
    with hold_build():
        prepare_environment(for_tests=for_tests)
        node = prepare_packages(for_tests=for_tests)
        build_site(prepare_parts(node), node)
    return node


def _prepare_checks() -> Node:
    """Bring the packages up to date, not the page: what is wrong with it is often what the checks tell."""
    with hold_build():
        prepare_environment(for_tests=True)
        return prepare_packages(for_tests=True)


def _carry_out(options: argparse.Namespace, rest: Sequence[str]) -> int:
    commands: Mapping[str, Callable[[], int]] = {
        "serve": lambda: _serve(options.port, should_open=not options.no_browser),
        "site": _build,
        "test": lambda: run_tests(prepare_site(for_tests=True), rest),
        "check": lambda: run_checks(_prepare_checks()),
        "bench": lambda: _with_site(lambda: run_benches(options.names)),
        "screenshots": lambda: _with_site(lambda: take_pictures(options.scenes)),
        "lock": lambda: _lock(should_upgrade=options.upgrade),
    }
    return commands[options.command]()


def _build() -> int:
    prepare_site(for_tests=False)
    return 0


def _with_site(work: Callable[[], int]) -> int:
    prepare_site(for_tests=True)
    return work()


def _lock(*, should_upgrade: bool) -> int:
    with hold_build():
        prepare_environment(for_tests=False)
        refresh_locks(should_upgrade=should_upgrade)
    return 0


def _serve(port: int, *, should_open: bool) -> int:
    # Looked at before the long set-up, so that nobody waits a minute to hear it.
    check_port(port)
    prepare_site(for_tests=False)
    command = [str(find_program("sidestep-relay")), "serve", "--host", LOOPBACK, "--port", str(port)]
    command += ["--site", str(DIST), *(["--open"] if should_open else [])]
    return run_relay(command)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py", description="Builds, serves and checks Sidestep.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="get everything, build the page, start page and relay")
    serve.add_argument("--port", type=_read_port, default=DEFAULT_PORT, help=f"default: {DEFAULT_PORT}")
    serve.add_argument("--no-browser", action="store_true", help="do not open the browser")
    commands.add_parser("site", help="build the page into dist/")
    commands.add_parser("test", help="every check and every test; further arguments go to pytest", add_help=False)
    commands.add_parser("check", help="lint and types only")
    bench = commands.add_parser("bench", help="run the benches, print their JSON")
    bench.add_argument("names", nargs="*", metavar="NAME", help="which ones, such as relay; all by default")
    pictures = commands.add_parser("screenshots", help="take pictures of every view, light and dark, wide and narrow")
    pictures.add_argument("scenes", nargs="*", metavar="SCENE", help="which ones, such as chat; all by default")
    lock = commands.add_parser("lock", help="refresh the lock files")
    lock.add_argument("--upgrade", action="store_true", help="move everything to the newest version that fits")
    return parser


def _read_port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:  # noqa: PLR2004 - the ports there are
        raise argparse.ArgumentTypeError(f"{text} is no port: give a number from 1 to 65535")
    return port
