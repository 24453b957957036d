"""The command `sidestep-relay pair`: prints the link that adds this relay to a page."""

from __future__ import annotations

import argparse
import ipaddress
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from sidestep_relay.config import SettingError, find_pairing_key, load_config, read_settings
from sidestep_relay.pairing import make_pairing_link
from sidestep_relay.token_cli import give_token

__all__ = ["add_pair_command", "is_loopback", "read_origin", "read_url", "run_pair"]


def add_pair_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `pair` to argparse's *commands*."""
    pairing = commands.add_parser("pair", help="print the link that adds this relay to a page (it holds a token)")
    pairing.add_argument("--page", required=True, metavar="URL", help="the page")
    pairing.add_argument("--url", required=True, type=read_url, help="where the page reaches this relay")
    pairing.add_argument(
        "--token-name", metavar="NAME", help="make a token of this name for the page (default: the one for everything)"
    )
    pairing.add_argument("--tokens", type=Path, metavar="FILE", help="the file of named tokens (SIDESTEP_TOKENS)")
    pairing.add_argument("--config", type=Path, metavar="FILE", help="TOML file with SIDESTEP_… settings")


def run_pair(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Print the link alone on stdout, so that it can be piped, and on stderr what would keep it from working.

    Raises:
        SettingError: a setting or an option cannot work.
    """
    origin = read_origin(options.page, "--page")
    token = ""
    if options.token_name:
        token = give_token(options.token_name, environment, tokens=options.tokens, config=options.config)
    config = load_config(environment, file=options.config, tokens=options.tokens)
    if not token and not config.token:
        raise SettingError(
            "pair: this relay has named tokens alone, and their values are not kept; `--token-name NAME` makes another."
        )
    key = find_pairing_key(read_settings(environment, options.config))
    link = make_pairing_link(options.page, options.url, token or config.token, config.name, sealing_key=key)
    sys.stdout.write(f"{link}\n")
    if not key:
        sys.stderr.write(
            "sidestep-relay: pair: the link seals nothing; set SIDESTEP_SEALING_KEY here as it is set for the relay.\n"
        )
    for hint in _list_hints(options.url, origin, config.origins):
        sys.stderr.write(f"sidestep-relay: {hint}\n")
    return 0


def _list_hints(url: str, origin: str, origins: tuple[str, ...]) -> list[str]:
    parts = urlsplit(url)
    hints = []
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        hints.append(f"--url: {url} is not https; the token would cross the network readable, and browsers refuse it.")
    if origin not in origins and origin != f"{parts.scheme}://{parts.netloc}":
        hints.append(f"SIDESTEP_ORIGINS: {origin} is not among them; the relay will not answer this page until it is.")
    return hints


def read_url(text: str) -> str:
    """Return the address of a relay without a slash at its end.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "@" in text:
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is no address such as https://relay.example")
    return text.strip().rstrip("/")


def read_origin(page: str, option: str) -> str:
    """Return the origin of a page as browsers write it.

    Raises:
        SettingError: *page* is no address of one.
    """
    parts = urlsplit(page)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or parts.fragment or "@" in page:
        raise SettingError(f"{option}: {page[:80]!r} is no address of a page such as https://chat.example/.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_usual = port in (None, {"http": 80, "https": 443}[parts.scheme])
    return f"{parts.scheme}://{host}" if is_usual else f"{parts.scheme}://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Say whether *host* names this computer, as browsers see it (W3C Secure Contexts, 3.1)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
