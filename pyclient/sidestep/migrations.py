"""From each version of the document to the next: forward only, one function a version (docs/decisions/0037)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sidestep.errors import ConfigurationError

__all__ = ["VERSION", "migrate"]

VERSION = 2
"""The document's version that is written."""


def migrate(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return *document* as one of the present version; itself is not changed. Without a version it is of the first.

    Raises:
        ConfigurationError: it is no document, or of a later version.
    """
    if not isinstance(document, Mapping):
        raise ConfigurationError("The configuration is not a JSON object.")
    version = document.get("version", 1)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ConfigurationError("The configuration does not say which version it is: “version” is a whole number.")
    if version > VERSION:
        raise ConfigurationError(
            f"The configuration is of version {version}; this Sidestep knows {VERSION}.",
            remedy="Open it with a newer Sidestep.",
        )
    migrated = dict(document)
    for step in range(version, VERSION):
        migrated = _STEPS[step](migrated)
    return migrated


def _add_extras(document: dict[str, Any]) -> dict[str, Any]:
    """Version 2 keeps what other clients' documents said and has no place here; before, there was none."""
    return {**document, "version": 2, "extras": {}}


_STEPS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = MappingProxyType({1: _add_extras})
