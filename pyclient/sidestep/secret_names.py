"""Names that say of what they name that it is secret."""

from __future__ import annotations

import re

__all__ = ["is_secret_name"]

_SECRET = re.compile(
    r"key|token|secret|passw|credential|cookie|auth|bearer|access.?code|signature|session", re.IGNORECASE
)
_HARMLESS = frozenset({"authtype", "auth_type", "authscheme", "max_tokens", "maxtokens", "maxoutputtokens"})


def is_secret_name(name: str) -> bool:
    """Return whether a field or header called *name* may hold a secret; in doubt it may."""
    return name.lower() not in _HARMLESS and bool(_SECRET.search(name))
