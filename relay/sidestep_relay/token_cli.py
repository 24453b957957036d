"""The commands `sidestep-relay token …`: add, list, remove and rotate named tokens."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sidestep_relay.allowances import LIMIT_NAMES
from sidestep_relay.config import SettingError, find_pairing_key, find_tokens, read_name, read_settings
from sidestep_relay.pairing import make_pairing_link
from sidestep_relay.plugins import list_provider_ids
from sidestep_relay.tokens import (
    EVERYTHING,
    Secret,
    Token,
    TokenFileError,
    add_token,
    hash_token,
    load_tokens,
    make_token,
    parse_moment,
    remove_token,
    rotate_token,
    save_tokens,
)

__all__ = ["add_token_commands", "give_token", "run_token"]

_DAY_SECONDS = 24 * 3600


def add_token_commands(commands: Any) -> None:
    """Add the command `token` to argparse's *commands*."""
    command = commands.add_parser("token", help="give people tokens of their own")
    actions = command.add_subparsers(required=True, metavar="action", dest="action")
    adding = _add(actions, "add", "make a token and print it, once")
    adding.add_argument("name", help="what logs and lists call it")
    adding.add_argument("--providers", help="what it may call, comma-separated (default: *, all; with --metrics none)")
    adding.add_argument("--metrics", action="store_true", help="let it read /metrics, which tell of everyone")
    adding.add_argument(
        "--own-keys", default="", help="providers for which the relay lends its own key (default: none)"
    )
    adding.add_argument("--expires", metavar="TIME", help="when it ends, such as 2027-01-31T12:00:00Z")
    for limit in LIMIT_NAMES:
        adding.add_argument(f"--{limit.replace('_', '-')}", type=int, metavar="N", help="if not the usual; 0: no limit")
    _add(actions, "list", "list them, without their values")
    _add(actions, "remove", "end one at once").add_argument("name")
    rotating = _add(actions, "rotate", "give one a new value and print it, once")
    rotating.add_argument("name")
    rotating.add_argument(
        "--grace", type=_read_grace, default=_DAY_SECONDS, metavar="SECONDS", help="how long the old value still opens"
    )
    for making in (adding, rotating):
        making.add_argument("--page", metavar="URL", help="also print a link that pairs this page")
        making.add_argument("--url", default="http://127.0.0.1:8787", help="the relay's address, for that link")


def run_token(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Do what *options* say.

    Raises:
        SettingError: the file, a setting or an option cannot work.
    """
    settings = read_settings(environment, options.config)
    path, known = options.tokens or find_tokens(settings), list_provider_ids()
    try:
        tokens = load_tokens(path, known)
        changed = _ACTIONS[options.action](options, tokens)
        if changed is not tokens:
            save_tokens(path, changed, known)
    except TokenFileError as error:
        raise SettingError(f"token: {error}") from error
    if options.action in ("add", "rotate"):
        # Only now: a value that was not kept opens nothing.
        _print_value(options, read_name(settings), find_pairing_key(settings))


def give_token(name: str, environment: Mapping[str, str], *, tokens: Path | None, config: Path | None) -> str:
    """Make a token *name* that may call every provider with keys of its own; return its value.

    Raises:
        SettingError: the file cannot be used, or there is such a token.
    """
    path, known, value = (
        tokens or find_tokens(read_settings(environment, config)),
        list_provider_ids(),
        make_token(),
    )
    try:
        token = Token(name, (Secret(hash_token(value)),), providers=_split(EVERYTHING), uses_own_keys=frozenset())
        save_tokens(path, add_token(load_tokens(path, known), token), known)
    except TokenFileError as error:
        raise SettingError(f"--token-name: {error}") from error
    return value


def _add_one(options: argparse.Namespace, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    options.value = make_token()
    usual = "" if options.metrics else EVERYTHING
    token = Token(
        options.name,
        (Secret(hash_token(options.value)),),
        providers=_split(usual if options.providers is None else options.providers),
        uses_own_keys=_split(options.own_keys),
        expires=_read_expires(options.expires),
        limits={name: most for name in LIMIT_NAMES if (most := getattr(options, name)) is not None},
        sees_metrics=options.metrics,
    )
    return add_token(tokens, token)


def _list_all(_: argparse.Namespace, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    now = datetime.now(UTC)
    for token in tokens:
        ending = (
            f"{'expired' if token.expires <= now else 'expires'} {token.expires.isoformat()}" if token.expires else ""
        )
        parts = [token.name, f"providers {_join(token.providers)}", f"own keys {_join(token.uses_own_keys)}", ending]
        parts += ["metrics"] if token.sees_metrics else []
        parts += [f"{name} {most}" for name, most in token.limits.items()]
        sys.stdout.write("\t".join(part for part in parts if part) + "\n")
    if not tokens:
        sys.stdout.write("There are no named tokens.\n")
    return tokens


def _remove_one(options: argparse.Namespace, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    return remove_token(tokens, options.name)


def _rotate_one(options: argparse.Namespace, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    options.value = make_token()
    grace = timedelta(seconds=options.grace)
    return rotate_token(tokens, options.name, options.value, grace=grace, now=datetime.now(UTC))


_ACTIONS: Mapping[str, Callable[[argparse.Namespace, tuple[Token, ...]], tuple[Token, ...]]] = {
    "add": _add_one,
    "list": _list_all,
    "remove": _remove_one,
    "rotate": _rotate_one,
}


def _add(actions: Any, name: str, described: str) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(name, help=described)
    action.add_argument("--tokens", type=Path, metavar="FILE", help="the file that keeps them (SIDESTEP_TOKENS)")
    action.add_argument("--config", type=Path, metavar="FILE", help="TOML file with SIDESTEP_… settings")
    return action


def _print_value(options: argparse.Namespace, relay_name: str, sealing_key: bytes) -> None:
    sys.stdout.write(f"The token of {options.name}; it is shown this once:\n{options.value}\n")
    if options.page:
        url = options.url.rstrip("/")
        link = make_pairing_link(options.page, url, options.value, relay_name, sealing_key=sealing_key)
        sys.stdout.write(f"Open this link to pair the page with this relay (it holds the token):\n{link}\n")


def _split(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _join(providers: frozenset[str]) -> str:
    return ",".join(sorted(providers)) or "none"


def _read_expires(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError as error:
        raise SettingError(f"--expires: {text[:60]!r} is no moment such as 2027-01-31T12:00:00Z.") from error


def _read_grace(text: str) -> int:
    seconds = int(text)
    if not 0 <= seconds <= 365 * _DAY_SECONDS:
        raise ValueError
    return seconds
