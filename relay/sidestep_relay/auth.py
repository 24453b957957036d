"""Who may use the relay: a token, compared in constant time before anything else is looked at."""

from __future__ import annotations

import hmac
import os
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from sidestep_relay.errors import RelayError
from sidestep_relay.private_files import make_private
from sidestep_relay.tokens import Token, hash_token, make_token

__all__ = [
    "TokenCheck",
    "find_token_file",
    "find_tokens_file",
    "is_strong_token",
    "keep_token",
]

_HEX = re.compile(r"[0-9a-fA-F]+")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_HEX_LENGTH = 32  # 128 bits at 4 bits a character
_BASE64_LENGTH = 22  # 128 bits at 6 bits a character
_FEWEST_CHARACTERS = 8  # a token of fewer different characters was typed, not drawn


class TokenCheck:
    """Finds whose token a request's `Authorization` header shows; *list_tokens* returns those that there are."""

    def __init__(self, list_tokens: Callable[[], Iterable[Token]], clock: Callable[[], float]) -> None:
        self._list = list_tokens
        self._clock = clock

    def check(self, authorization: str | None) -> Token:
        """Return the token that *authorization* shows.

        Raises:
            RelayError: 401, `relay_token_missing`, `relay_token_wrong` or `relay_token_expired`.
        """
        scheme, _, shown = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not shown:
            raise _refuse("relay_token_missing", "This relay asks for its token: Authorization: Bearer <relay token>.")
        token, ends = self._find(hash_token(shown.strip()))
        if token is None:
            raise _refuse(
                "relay_token_wrong",
                "The relay's token is wrong. Pair the page again with the link that the relay prints when it starts.",
            )
        if any(end <= datetime.fromtimestamp(self._clock(), UTC) for end in ends):
            raise _refuse("relay_token_expired", "The relay's token has expired. Ask its operator for a new one.")
        return token

    def _find(self, digest: bytes) -> tuple[Token | None, list[datetime]]:
        """Return the token with *digest* and when it ends. All are compared, wherever the right one stands."""
        found: Token | None = None
        ends: list[datetime] = []
        for token in self._list():
            for secret in token.secrets:
                if hmac.compare_digest(digest, secret.digest):
                    found = token
                    ends = [end for end in (secret.until, token.expires) if end]
        return found, ends


def _refuse(code: str, message: str) -> RelayError:
    # RFC 9110, 11.6.1: a 401 names the scheme it wants.
    return RelayError(
        code, message, status=401, type="authentication_error", headers={"WWW-Authenticate": 'Bearer realm="relay"'}
    )


def is_strong_token(token: str) -> bool:
    """Say whether *token* can hold at least 128 bits: 32 hexadecimal or 22 other printable characters."""
    if not _PRINTABLE.fullmatch(token) or len(set(token)) < _FEWEST_CHARACTERS:
        return False
    return len(token) >= (_HEX_LENGTH if _HEX.fullmatch(token) else _BASE64_LENGTH)


def find_token_file() -> Path:
    """Return where the relay keeps the token it made: XDG's configuration folder, or %APPDATA% on Windows."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "sidestep" / "relay-token"


def find_tokens_file() -> Path:
    """Return where the named tokens are kept unless a setting says otherwise."""
    return find_token_file().with_name("relay-tokens.json")


def keep_token(path: Path) -> str:
    """Return the token kept in *path*; on the first run make one there that only this user can read.

    Raises:
        OSError: the file can be neither read nor made.
    """
    token = make_token()
    try:
        make_private(path, token + "\n")
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    return token
