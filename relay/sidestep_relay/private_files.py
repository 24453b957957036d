"""Files that hold secrets: nobody but their user may ever open them."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["PrivateFileError", "make_private", "read_private", "replace_private"]

_OTHERS = 0o077  # what a file's mode says of everyone but its user


class PrivateFileError(Exception):
    """A file cannot be used. The message is one sentence, names it and holds nothing of it."""


def read_private(path: Path) -> str:
    """Return the text in *path*.

    Raises:
        FileNotFoundError: there is no such file.
        PrivateFileError: others may open it, or it cannot be read as text.
    """
    try:
        with path.open(encoding="utf-8") as file:
            if sys.platform != "win32" and os.fstat(file.fileno()).st_mode & _OTHERS:
                raise PrivateFileError(f"{path} is open to others; `chmod 600` it.")
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PrivateFileError(f"{path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise PrivateFileError(f"{path} is no text.") from error


def make_private(path: Path, text: str) -> None:
    """Write *text* into the new file *path*, and make its folder where there is none.

    Raises:
        FileExistsError: it is there already.
        OSError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except FileExistsError as error:
        # A file stands where the folder should be: that is another matter than the file being there.
        raise NotADirectoryError(error.errno, "Not a directory", str(path.parent)) from error
    # O_EXCL with the mode: never is there a file that others may open.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def replace_private(path: Path, text: str) -> None:
    """Put *text* in the place of what *path* holds; a reader finds the old file or the new one, never half of one.

    Raises:
        OSError: it cannot be written.
    """
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        make_private(new, text)
        new.replace(path)
    finally:
        with suppress(FileNotFoundError):
            new.unlink()
