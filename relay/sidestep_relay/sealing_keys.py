"""Where the relay's sealing keys are kept: one private key a line, the current one first.

A former key ends with a moment: `KEY until 2027-01-31T12:00:00+00:00`. A setting writes the same with commas.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sidestep.envelopes import EnvelopeError
from sidestep_relay.sealing import SealingKey, SealingKeys, make_sealing_key
from sidestep_relay.tokens import parse_moment

__all__ = ["SealingKeyError", "keep_keys", "read_keys", "read_keys_file", "rotate_keys"]

_UNTIL = " until "
_OTHERS = 0o077  # what a file's mode says of everyone but its user


class SealingKeyError(Exception):
    """The keys cannot be used. The message is one sentence and holds no secret."""


def read_keys(text: str) -> SealingKeys:
    """Return the keys that *text* holds.

    Raises:
        SealingKeyError: it holds none, or something else.
    """
    keys = [_read_key(row) for row in _split(text)]
    if not keys or keys[0].until is not None:
        raise SealingKeyError("there is no current sealing key; `sidestep-relay sealing new` prints one.")
    return SealingKeys(keys)


def read_keys_file(path: Path) -> SealingKeys:
    """Return the keys that the file *path* holds.

    Raises:
        SealingKeyError: it cannot be used.
        FileNotFoundError: it is not there.
    """
    return read_keys(_read_file(path))


def keep_keys(path: Path) -> SealingKeys:
    """Return the keys kept in *path*; on the first run make one there that only this user can read.

    Raises:
        SealingKeyError: what is there cannot be used.
        OSError: nothing is there, and nothing can be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_keys_file(path)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write((key := make_sealing_key()) + "\n")
    return read_keys(key)


def rotate_keys(path: Path, *, grace: timedelta, now: datetime) -> SealingKeys:
    """Put a new key in front of those in *path*; the last one opens for *grace* longer. Return them.

    Raises:
        SealingKeyError: what is there cannot be used.
        OSError: it cannot be written.
    """
    rows = _split(_read_file(path))
    read_keys("\n".join(rows))
    ending = f"{rows[0]}{_UNTIL}{(now + grace).astimezone(UTC).isoformat(timespec='seconds')}"
    kept = [row for row in (ending, *rows[1:]) if (until := _read_key(row).until) and until > now]
    text = "\n".join([make_sealing_key(), *kept]) + "\n"
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
        new.replace(path)
    finally:
        with suppress(FileNotFoundError):
            new.unlink()
    return read_keys(text)


def _split(text: str) -> list[str]:
    return [row.strip() for row in re.split(r"[,\n]", text) if row.strip()]


def _read_key(row: str) -> SealingKey:
    text, _, moment = row.partition(_UNTIL)
    try:
        until = parse_moment(moment.strip()) if moment else None
        return SealingKey.load(text.strip(), until)
    except (ValueError, EnvelopeError):
        # The parser's own words could quote the key.
        raise SealingKeyError("a sealing key is not what `sidestep-relay sealing new` prints.") from None


def _read_file(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            if sys.platform != "win32" and os.fstat(file.fileno()).st_mode & _OTHERS:
                raise SealingKeyError(f"{path} is open to others; `chmod 600` it.")
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SealingKeyError(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise SealingKeyError(f"{path} is no text.") from error
