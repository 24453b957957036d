"""Who may use the relay: one token, compared in constant time before anything else is looked at."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import sys
from pathlib import Path

from sidestep_relay.errors import RelayError

__all__ = ["TokenCheck", "find_token_file", "is_strong_token", "keep_token", "make_token"]

_HEX = re.compile(r"[0-9a-fA-F]+")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_HEX_LENGTH = 32  # 128 bits at 4 bits a character
_BASE64_LENGTH = 22  # 128 bits at 6 bits a character
_FEWEST_CHARACTERS = 8  # a token of fewer different characters was typed, not drawn


class TokenCheck:
    """Compares a request's `Authorization` header with the relay's token."""

    def __init__(self, token: str) -> None:
        # Comparing digests under a key that lives only in this process hides the length as well as the content.
        self._key = secrets.token_bytes(32)
        self._expected = self._digest(token)

    def check(self, authorization: str | None) -> None:
        """Return if *authorization* holds the token.

        Raises:
            RelayError: 401, `relay_token_missing` or `relay_token_wrong`.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _refuse("relay_token_missing", "This relay asks for its token: Authorization: Bearer <relay token>.")
        if not hmac.compare_digest(self._digest(token.strip()), self._expected):
            raise _refuse(
                "relay_token_wrong",
                "The relay's token is wrong. Pair the page again with the link that the relay prints when it starts.",
            )

    def _digest(self, token: str) -> bytes:
        return hmac.digest(self._key, token.encode(), "sha256")


def _refuse(code: str, message: str) -> RelayError:
    # RFC 9110, 11.6.1: a 401 names the scheme it wants.
    return RelayError(
        code, message, status=401, type="authentication_error", headers={"WWW-Authenticate": 'Bearer realm="relay"'}
    )


def make_token() -> str:
    """Return a new token of 256 bits."""
    return secrets.token_urlsafe(32)


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


def keep_token(path: Path) -> str:
    """Return the token kept in *path*; on the first run make one there that only this user can read.

    Raises:
        OSError: the file can be neither read nor made.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        # O_EXCL with the mode: the token never exists in a file that others may open.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write((token := make_token()) + "\n")
    return token
