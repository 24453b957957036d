"""The command `sidestep`, or `python -m sidestep`.

`sidestep catalogue` prints what is known of each provider as a table, with `--json` as what the page shows.
`sidestep convert FROM TO` makes one client's configuration into another's.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from sidestep.catalogue import format_table, load_catalogue
from sidestep.conversions import add_convert_command


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out the command line *arguments*."""
    parser = argparse.ArgumentParser(prog="sidestep", description="Talk to any LLM provider.")
    commands = parser.add_subparsers(required=True, metavar="command")
    catalogue = commands.add_parser("catalogue", help="print what is known of each provider")
    catalogue.add_argument("--json", action="store_true", help="as what the page shows")
    catalogue.set_defaults(run=_print_catalogue)
    add_convert_command(commands)
    options = parser.parse_args(arguments)
    if status := options.run(options):
        sys.exit(status)


def _print_catalogue(options: argparse.Namespace) -> int:
    catalogue = load_catalogue()
    as_json = json.dumps([entry.to_dict() for entry in catalogue.values()], ensure_ascii=False) + "\n"
    sys.stdout.write(as_json if options.json else format_table(catalogue))
    return 0


if __name__ == "__main__":
    main()
