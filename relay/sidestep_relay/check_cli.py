"""The command `sidestep-relay check`: says whether a relay's public address is safe and can be reached by a page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from sidestep_relay.config import SettingError
from sidestep_relay.pair_cli import read_origin, read_url

__all__ = ["add_check_command", "run_check"]

_USUAL_SILENCE = 100  # seconds; where the most common proxies have long given up
_LONGEST_SILENCE = 300
_CANNOT = 2


def add_check_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `check` to argparse's *commands*."""
    checking = commands.add_parser(
        "check",
        # Half an option must not take a token for the name of a file.
        allow_abbrev=False,
        help="say whether a relay's public address is safe and reachable",
        description="Looks at a relay from outside; asks no provider and costs nothing. The exit status is 0 if all is "
        "well, 1 if something should be seen to, 2 if something does not work or is not safe.",
    )
    checking.add_argument("url", type=read_url, help="the relay's address, such as https://relay.example")
    checking.add_argument("--page", metavar="URL", help="the page that is to use it")
    checking.add_argument(
        "--token-file",
        metavar="FILE",
        help="a file that holds a token of the relay, - for standard input (default: SIDESTEP_TOKEN). There is no "
        "option for the token itself: every user of a computer can read command lines",
    )
    checking.add_argument("--token", help=argparse.SUPPRESS)
    checking.add_argument("--ca-file", type=Path, metavar="FILE", help="trust the authorities in this file alone (PEM)")
    checking.add_argument(
        "--patient",
        type=_read_silence,
        nargs="?",
        const=_USUAL_SILENCE,
        default=0,
        metavar="SECONDS",
        help=f"also see whether an answer may be silent for so long (at most {_LONGEST_SILENCE}; default: "
        f"{_USUAL_SILENCE})",
    )
    checking.add_argument("--json", action="store_true", help="print one JSON document")


def run_check(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Look, tell, and return the exit status."""
    # Here and not above: it brings httpx, which must not be in the process that starts the servers.
    from sidestep_relay.checks.addresses import make_context, parse_place  # noqa: PLC0415
    from sidestep_relay.checks.findings import STATUSES, find_worst, write_finding, write_report  # noqa: PLC0415
    from sidestep_relay.checks.runs import run_checks  # noqa: PLC0415

    try:
        if options.token:
            raise SettingError("--token: every user can read command lines; use --token-file or SIDESTEP_TOKEN.")
        origin = read_origin(options.page, "--page") if options.page else ""
        token = _read_token(options.token_file, environment)
        place = parse_place(options.url)
        context = make_context(options.ca_file)
    except (SettingError, ValueError, OSError) as error:
        sys.stderr.write(f"sidestep-relay: {_explain(error, options)}\n")
        return _CANNOT
    findings = []
    for finding in run_checks(place, context, token=token, origin=origin, silence_s=options.patient):
        findings.append(finding)
        if not options.json:
            write_finding(finding, sys.stdout)
    if options.json:
        write_report(options.url, findings, sys.stdout)
    return STATUSES[find_worst(findings)]


def _read_token(file: str | None, environment: Mapping[str, str]) -> str:
    if file is None and not environment.get("SIDESTEP_TOKEN"):
        file = environment.get("SIDESTEP_TOKEN_FILE")
    if file is None:
        token = environment.get("SIDESTEP_TOKEN", "").strip()
    elif file == "-":
        token = sys.stdin.readline().strip()
    else:
        try:
            token = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            # Not its name: it may be the token.
            reason = f" ({error.strerror})" if isinstance(error, OSError) else ""
            raise SettingError(f"--token-file: this file cannot be read{reason}.") from error
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingError("--token-file: it must hold one token and nothing else.")
    return token


def _explain(error: Exception, options: argparse.Namespace) -> str:
    if isinstance(error, SettingError):
        return str(error)
    if isinstance(error, OSError):
        return f"--ca-file: {options.ca_file} holds no certificates (PEM)."
    return f"{options.url} is no address such as https://relay.example."


def _read_silence(text: str) -> int:
    seconds = int(text)
    if not 1 <= seconds <= _LONGEST_SILENCE:
        raise ValueError
    return seconds
