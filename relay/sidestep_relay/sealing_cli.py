"""The commands `sidestep-relay sealing …`: make, show and rotate the key that pages seal to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sidestep_relay.config import SettingError, find_sealing_file, load_sealing_keys, read_settings
from sidestep_relay.sealing import make_sealing_key
from sidestep_relay.sealing_keys import SealingKeyError, rotate_keys

__all__ = ["add_sealing_commands", "run_sealing"]

_MONTH_SECONDS = 30 * 24 * 3600


def add_sealing_commands(commands: Any) -> None:
    """Add the command `sealing` to argparse's *commands*."""
    command = commands.add_parser("sealing", help="the key that pages seal their requests to")
    actions = command.add_subparsers(required=True, metavar="action", dest="action")
    actions.add_parser("new", help="print a new private key, for SIDESTEP_SEALING_KEY")
    showing = actions.add_parser("show", help="print the fingerprint of the key there is")
    rotating = actions.add_parser("rotate", help="put a new key in the place of the one that is kept")
    rotating.add_argument(
        "--grace", type=int, default=_MONTH_SECONDS, metavar="SECONDS", help="how long the old key still opens"
    )
    for action in (showing, rotating):
        action.add_argument("--config", type=Path, metavar="FILE", help="TOML file with SIDESTEP_… settings")


def run_sealing(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Do what *options* say.

    Raises:
        SettingError: the key cannot be had, or cannot be changed from here.
    """
    if options.action == "new":
        sys.stdout.write(f"{make_sealing_key()}\n")
        return
    settings = read_settings(environment, options.config)
    keys = load_sealing_keys(settings)
    if options.action == "rotate":
        try:
            keys = rotate_keys(
                find_sealing_file(settings), grace=timedelta(seconds=options.grace), now=datetime.now(UTC)
            )
        except (SealingKeyError, OSError) as error:
            raise SettingError(f"sealing: {error}") from error
        sys.stdout.write("Start the relay again, then pair your pages again by the link that it prints.\n")
    if keys is None:
        raise SettingError("SIDESTEP_SEALING_KEY: no key is set, and none can be kept.")
    sys.stdout.write(f"Fingerprint: {keys.current.fingerprint}\n")
