"""Where the relay's sealing keys are kept: one private key a line, the current one first.

A former key ends with a moment: `KEY until 2027-01-31T12:00:00+00:00`. A setting writes the same with commas.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sidestep.envelopes import EnvelopeError
from sidestep_relay.private_files import PrivateFileError, make_private, read_private, replace_private
from sidestep_relay.sealing import SealingKey, SealingKeys, make_sealing_key
from sidestep_relay.tokens import parse_moment

__all__ = ["SealingKeyError", "keep_keys", "read_keys", "read_keys_file", "rotate_keys"]

_UNTIL = " until "


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
    key = make_sealing_key()
    try:
        make_private(path, key + "\n")
    except FileExistsError:
        return read_keys_file(path)
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
    replace_private(path, text)
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
        return read_private(path)
    except PrivateFileError as error:
        raise SealingKeyError(str(error)) from error
