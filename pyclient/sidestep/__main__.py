"""The command `python -m sidestep`.

`python -m sidestep catalogue` prints what is known of each provider as a table, with `--json` as what the page shows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from sidestep.catalogue import format_table, load_catalogue


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out the command line *arguments*."""
    parser = argparse.ArgumentParser(prog="sidestep", description="Talk to any LLM provider.")
    commands = parser.add_subparsers(required=True, metavar="command")
    catalogue = commands.add_parser("catalogue", help="print what is known of each provider")
    catalogue.add_argument("--json", action="store_true", help="as what the page shows")
    options = parser.parse_args(arguments)
    sys.stdout.write(_print_catalogue(as_json=options.json))


def _print_catalogue(*, as_json: bool) -> str:
    catalogue = load_catalogue()
    if not as_json:
        return format_table(catalogue)
    return json.dumps([entry.to_dict() for entry in catalogue.values()], ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
