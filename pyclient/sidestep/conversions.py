"""`sidestep convert`: one configuration file made into another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sidestep.config import Config
from sidestep.errors import ConfigurationError
from sidestep.exporters import EXPORTS, write_export
from sidestep.importers import Imported, read_import

__all__ = ["add_convert_command", "convert"]

_BY_NAME = {
    "opencode.json": "opencode",
    "opencode.jsonc": "opencode",
    "config.yaml": "litellm",
    "config.yml": "litellm",
    "open-webui.json": "open-webui",
    ".env": "env",
    "sidestep-relay.toml": "relay",
}
_BY_ENDING = {".yaml": "litellm", ".yml": "litellm", ".env": "env", ".json": "sidestep"}


def add_convert_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to *commands*."""
    parser = commands.add_parser(
        "convert",
        help="make one client's configuration into another's",
        description="Reads any configuration that Sidestep knows and writes another, without keys. What has no place "
        "in it, and what is still to be done, goes to standard error.",
    )
    parser.add_argument("source", metavar="FROM", help="the file to read; - for standard input")
    parser.add_argument(
        "target", metavar="TO", help="the file to write, whose name says the format; - for standard output"
    )
    parser.add_argument("--to", choices=tuple(EXPORTS), help="the format, where the name does not say it")
    parser.add_argument("--page", default="", metavar="ORIGIN", help="the page that a relay is to answer (--to relay)")
    parser.add_argument("--force", action="store_true", help="overwrite TO where it is there")
    parser.set_defaults(run=_run)


def convert(text: str, format_id: str, *, page_origin: str = "") -> tuple[str, Imported, list[str]]:
    """Return *text* in another format, what was read, and what to know of what was written.

    Raises:
        ImportProblem: *text* cannot be read.
        ConfigurationError: the format is not known.
    """
    imported = read_import(text)
    if imported.sealed is not None:
        raise ConfigurationError("It is under a passphrase: import it in the page, and export it there without keys.")
    config, _ = Config.load(imported.document, imported.secrets)
    exported = write_export(config, format_id, page_origin=page_origin)
    return exported.text, imported, list(exported.notes)


def _run(options: argparse.Namespace) -> int:
    try:
        text = _read(options.source)
        format_id = options.to or _guess_format(options.target)
        written, imported, notes = convert(text, format_id, page_origin=options.page)
        _write(options.target, written, is_forced=options.force)
    except ConfigurationError as error:
        remedy = f" {error.remedy}" if error.remedy else ""
        sys.stderr.write(f"sidestep: {error.message}{remedy}\n")
        return 1
    counts = f"{len(imported.document['providers'])} providers, {len(imported.document['relays'])} relays"
    sys.stderr.write(f"This is {imported.title}: {counts}.\n")
    for finding in imported.findings:
        sys.stderr.write(f"  {finding.item + ': ' if finding.item else ''}{finding.message}\n")
    for note in notes:
        sys.stderr.write(f"  {note}\n")
    return 0


def _read(source: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{source} is not text.") from None
    except OSError as error:
        raise ConfigurationError(f"{source} cannot be read: {error.strerror}.") from None


def _guess_format(target: str) -> str:
    path = Path(target)
    found = _BY_NAME.get(path.name) or _BY_ENDING.get(path.suffix)
    if target == "-" or found is None:
        raise ConfigurationError("The name does not say which format is wanted.", remedy="Add --to FORMAT.")
    return found


def _write(target: str, text: str, *, is_forced: bool) -> None:
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        with Path(target).open("w" if is_forced else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(f"{target} is there already.", remedy="Add --force to overwrite it.") from None
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}.") from None
