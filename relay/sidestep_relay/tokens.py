"""Named tokens: what each may do, and the file that keeps them.

The file holds hashes. SHA-256 once, without salt and without a slow function such as scrypt: those protect passwords,
which can be guessed. A token of 256 random bits cannot, and a relay that spent 100 ms on every wrong one could be kept
busy by anyone.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sidestep_relay.allowances import LIMIT_NAMES
from sidestep_relay.private_files import PrivateFileError, read_private, replace_private

__all__ = [
    "EVERYTHING",
    "Secret",
    "Token",
    "TokenFileError",
    "add_token",
    "hash_token",
    "load_tokens",
    "make_full_token",
    "make_token",
    "parse_moment",
    "read_tokens",
    "remove_token",
    "rotate_token",
    "save_tokens",
]

EVERYTHING = "*"
"""Stands for every provider."""

_VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_FIELDS = frozenset({"name", "hash", "providers", "uses_own_keys", "expires", "limits", "former", "sees_metrics"})


class TokenFileError(Exception):
    """The file of tokens cannot be used, or cannot be changed so. The message is one sentence and holds no secret."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A token's digest, and until when it opens; None has no end."""

    digest: bytes
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """Who somebody is to the relay, and what they may do.

    Attributes:
        name: what logs call it; empty for the one of `SIDESTEP_TOKEN`.
        secrets: the digest of its value first, then those it had before a rotation.
        providers: what it may call, by ids of the catalogue, or `*`.
        uses_own_keys: for which providers the relay lends it its own keys, if it lends any; ids, or `*`.
        expires: when it ends, or None.
        limits: what differs from the relay's usual `Allowance`, by the names of its fields.
        sees_metrics: whether it may read `/metrics`, which tell of everyone.
    """

    name: str
    secrets: tuple[Secret, ...]
    providers: frozenset[str] = frozenset({EVERYTHING})
    uses_own_keys: frozenset[str] = frozenset()
    expires: datetime | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    sees_metrics: bool = False

    def may_call(self, provider: str) -> bool:
        """Say whether it may call *provider*."""
        return not self.providers.isdisjoint((provider, EVERYTHING))

    def may_borrow(self, provider: str) -> bool:
        """Say whether it may use the relay's own key of *provider*."""
        return not self.uses_own_keys.isdisjoint((provider, EVERYTHING))


def make_token() -> str:
    """Return a new value of 256 bits."""
    return secrets.token_urlsafe(32)


def hash_token(value: str) -> bytes:
    """Return what is kept of a token's value."""
    return hashlib.sha256(value.encode()).digest()


def make_full_token(value: str) -> Token:
    """Return the token without a name, which may do everything."""
    return Token("", (Secret(hash_token(value)),), uses_own_keys=frozenset({EVERYTHING}), sees_metrics=True)


def add_token(tokens: Sequence[Token], token: Token) -> tuple[Token, ...]:
    """Return *tokens* and *token*, whose name must be new."""
    if not _NAME.fullmatch(token.name):
        raise TokenFileError(f"{token.name[:60]!r} is no name: up to 40 letters, digits, dots, hyphens, underscores.")
    if any(row.name == token.name for row in tokens):
        raise TokenFileError(f"there is a token {token.name} already; `token rotate` gives it a new value.")
    return (*tokens, token)


def remove_token(tokens: Sequence[Token], name: str) -> tuple[Token, ...]:
    """Return *tokens* without *name*."""
    _find(tokens, name)
    return tuple(row for row in tokens if row.name != name)


def rotate_token(
    tokens: Sequence[Token], name: str, value: str, *, grace: timedelta, now: datetime
) -> tuple[Token, ...]:
    """Return *tokens* where *name* has a new *value*; its last one opens for *grace* longer."""
    token = _find(tokens, name)
    last = replace(token.secrets[0], until=now + grace)
    former = [row for row in (last, *token.secrets[1:]) if row.until and row.until > now]
    changed = replace(token, secrets=(Secret(hash_token(value)), *former))
    return tuple(changed if row is token else row for row in tokens)


def parse_moment(text: str) -> datetime:
    """Return the moment that ISO 8601 *text* names; without a zone it is UTC's.

    Raises:
        ValueError: it names none.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def load_tokens(path: Path, known: Collection[str]) -> tuple[Token, ...]:
    """Return the tokens that the file *path* keeps, none if it is not there; *known* are the providers' ids.

    Raises:
        TokenFileError: it cannot be used.
    """
    try:
        text = read_private(path)
    except FileNotFoundError:
        return ()
    except PrivateFileError as error:
        raise TokenFileError(str(error)) from error
    return read_tokens(text, known)


def read_tokens(text: str, known: Collection[str]) -> tuple[Token, ...]:
    """Return the tokens that a file's *text* keeps.

    Raises:
        TokenFileError: it is not what `save_tokens` writes.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        # The parser's own words could quote the file.
        raise TokenFileError("the file of tokens is not JSON.") from None
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise TokenFileError(f"the file of tokens must be an object with version {_VERSION}.")
    rows = document.get("tokens")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TokenFileError("the file of tokens must have a list of objects, tokens.")
    tokens: tuple[Token, ...] = ()
    for row in rows:
        tokens = add_token(tokens, _read_token(row, known))
    digests = [secret.digest for token in tokens for secret in token.secrets]
    if len(set(digests)) < len(digests):
        raise TokenFileError("two tokens have the same hash, so whose it is could not be told.")
    return tokens


def save_tokens(path: Path, tokens: Sequence[Token], known: Collection[str]) -> None:
    """Put *tokens* in the place of what *path* holds; a reader finds the old file or the new one, never half of one.

    Raises:
        TokenFileError: it cannot be written, or could not be read again.
    """
    document = {"version": _VERSION, "tokens": [_write_token(token) for token in tokens]}
    text = json.dumps(document, indent=2) + "\n"
    read_tokens(text, known)
    try:
        replace_private(path, text)
    except OSError as error:
        raise TokenFileError(f"{path} cannot be written ({error.strerror}).") from error


def _find(tokens: Sequence[Token], name: str) -> Token:
    for token in tokens:
        if token.name == name:
            return token
    raise TokenFileError(f"there is no token {name[:60]!r}.")


def _read_token(row: Mapping[str, Any], known: Collection[str]) -> Token:
    name = row.get("name")
    if not isinstance(name, str):
        raise TokenFileError("a token of the file has no name.")
    if unknown := sorted(row.keys() - _FIELDS):
        raise TokenFileError(f"token {name}: there is no field {unknown[0][:60]!r}.")
    former = row.get("former", [])
    if not isinstance(former, list) or not all(isinstance(old, dict) and "until" in old for old in former):
        raise TokenFileError(f"token {name}: former must be a list of objects with hash and until.")
    olds = (Secret(_read_hash(name, old), _read_moment(name, old, "until")) for old in former)
    return Token(
        name,
        (Secret(_read_hash(name, row)), *olds),
        # What is left out is not granted.
        providers=_read_providers(name, row, "providers", known),
        uses_own_keys=_read_providers(name, row, "uses_own_keys", known),
        expires=_read_moment(name, row, "expires") if row.get("expires") is not None else None,
        limits=_read_limits(name, row.get("limits", {})),
        sees_metrics=_read_truth(name, row, "sees_metrics"),
    )


def _read_hash(name: str, row: Mapping[str, Any]) -> bytes:
    value = row.get("hash")
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise TokenFileError(f"token {name}: hash must be sha256: and 64 hexadecimal digits.")
    return bytes.fromhex(value.partition(":")[2])


def _read_moment(name: str, row: Mapping[str, Any], field: str) -> datetime:
    try:
        return parse_moment(row[field])
    except (TypeError, ValueError):
        raise TokenFileError(f"token {name}: {field} must be a moment such as 2027-01-31T12:00:00Z.") from None


def _read_providers(name: str, row: Mapping[str, Any], field: str, known: Collection[str]) -> frozenset[str]:
    value = row.get(field, [])
    if not isinstance(value, list) or not all(isinstance(provider, str) for provider in value):
        raise TokenFileError(f"token {name}: {field} must be a list of providers.")
    for provider in value:
        if provider != EVERYTHING and provider not in known:
            raise TokenFileError(f"token {name}: there is no provider {provider[:60]!r} in the catalogue.")
    return frozenset(value)


def _read_truth(name: str, row: Mapping[str, Any], field: str) -> bool:
    value = row.get(field, False)
    if not isinstance(value, bool):
        raise TokenFileError(f"token {name}: {field} must be true or false.")
    return value


def _read_limits(name: str, limits: Any) -> dict[str, int]:
    if not isinstance(limits, dict):
        raise TokenFileError(f"token {name}: limits must be an object.")
    for limit, most in limits.items():
        if limit not in LIMIT_NAMES:
            raise TokenFileError(f"token {name}: limits are {', '.join(LIMIT_NAMES)}, not {limit[:60]!r}.")
        if type(most) is not int or most < 0:
            raise TokenFileError(f"token {name}: {limit} must be a whole number; 0 is no limit.")
    return limits


def _write_token(token: Token) -> dict[str, Any]:
    return {
        "name": token.name,
        "hash": _write_hash(token.secrets[0]),
        "providers": sorted(token.providers),
        "uses_own_keys": sorted(token.uses_own_keys),
        "expires": token.expires.isoformat() if token.expires else None,
        "limits": dict(token.limits),
        "sees_metrics": token.sees_metrics,
        "former": [
            {"hash": _write_hash(old), "until": old.until.isoformat()} for old in token.secrets[1:] if old.until
        ],
    }


def _write_hash(secret: Secret) -> str:
    return f"sha256:{secret.digest.hex()}"
