"""Judges CORS headers as a browser does, for a request without credentials. Pure.

Source: WHATWG Fetch, 4.8 *CORS-preflight fetch* and 4.10 *CORS check*. Header names are compared in lower case; methods
and origins as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["TOKEN", "Preflight", "is_readable", "judge_preflight", "read_origin"]

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A method or the name of a header (RFC 9110, 5.6.2)."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "POST"})
_NOT_COVERED = frozenset({"authorization"})  # Fetch: "CORS non-wildcard request-header name"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SECONDS = re.compile(r"[0-9]{1,10}")
_LONGEST_VALUE = 300  # characters of a provider's header that are passed on
_MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a preflight's answer allows.

    Attributes:
        status: its HTTP status.
        allow_origin: `Access-Control-Allow-Origin` as it came, or None.
        allow_methods: `Access-Control-Allow-Methods`, one by one.
        allow_headers: `Access-Control-Allow-Headers`, in lower case; `*` stays.
        is_origin_missing: whether the origin is not allowed.
        is_method_missing: whether the method is not allowed.
        missing_headers: the names asked for that are not allowed, sorted.
        max_age: for how many seconds a browser may remember it, or None if it does not say.
        is_well_formed: whether both lists are lists of tokens; a browser refuses the whole answer if one is not.
    """

    status: int
    allow_origin: str | None
    allow_methods: tuple[str, ...]
    allow_headers: tuple[str, ...]
    is_origin_missing: bool
    is_method_missing: bool
    missing_headers: tuple[str, ...]
    max_age: int | None
    is_well_formed: bool = True

    @property
    def is_ok(self) -> bool:
        """Whether a browser would go on and send the request."""
        is_missing_some = self.is_origin_missing or self.is_method_missing or bool(self.missing_headers)
        is_ok_status = 200 <= self.status <= 299  # noqa: PLR2004 - Fetch: "ok status"
        return is_ok_status and self.is_well_formed and not is_missing_some

    def to_dict(self) -> dict[str, Any]:
        """Return it as a probe's answer shows it (docs/protocol.md, *The relay's probe*)."""
        return {
            "ok": self.is_ok,
            "status": self.status,
            "allow_origin": self.allow_origin,
            "allow_methods": list(self.allow_methods),
            "allow_headers": list(self.allow_headers),
            "missing": {
                "origin": self.is_origin_missing,
                "method": self.is_method_missing,
                "headers": list(self.missing_headers),
            },
            "max_age": self.max_age,
        }


def judge_preflight(
    answer: Mapping[str, str], *, status: int, origin: str, method: str, headers: Iterable[str]
) -> Preflight:
    """Judge the *answer* to a preflight.

    Args:
        answer: its headers, by name in lower case; several of one name are joined by a comma.
        status: its HTTP status. A redirect is no answer to a preflight, so it is not ok.
        origin: the page's.
        method: what the page wants to send.
        headers: the names that the page's script sets, in lower case.
    """
    methods = _read_list(answer.get("access-control-allow-methods"))
    allowed = _read_list(answer.get("access-control-allow-headers"))
    names = tuple(name.lower() for name in allowed or ())
    is_method_ok = methods is not None and (method in _SAFE_METHODS or method in methods or "*" in methods)
    covered = {name for name in headers if name in names or ("*" in names and name not in _NOT_COVERED)}
    return Preflight(
        status=status,
        allow_origin=read_origin(answer),
        allow_methods=(methods or ())[:_MOST_NAMES],
        allow_headers=names[:_MOST_NAMES],
        is_origin_missing=not _allows_origin(answer, origin),
        is_method_missing=not is_method_ok,
        missing_headers=tuple(sorted({*headers} - covered)),
        max_age=_read_seconds(answer.get("access-control-max-age", "")),
        is_well_formed=methods is not None and allowed is not None,
    )


def is_readable(answer: Mapping[str, str], *, status: int, origin: str) -> bool:
    """Say whether a page of *origin* may read this *answer*; a redirect itself never is read."""
    return status not in _REDIRECTS and _allows_origin(answer, origin)


def read_origin(answer: Mapping[str, str]) -> str | None:
    """Return `Access-Control-Allow-Origin` as it came, or None."""
    value = answer.get("access-control-allow-origin")
    return None if value is None else value[:_LONGEST_VALUE]


def _allows_origin(answer: Mapping[str, str], origin: str) -> bool:
    return answer.get("access-control-allow-origin") in ("*", origin)


def _read_list(value: str | None) -> tuple[str, ...] | None:
    """Return the tokens of a list, none if the header is absent, or None if it is no list of tokens."""
    names = [name for part in (value or "").split(",") if (name := part.strip(" \t"))]
    return tuple(names) if all(TOKEN.fullmatch(name) for name in names) else None


def _read_seconds(value: str) -> int | None:
    return int(value) if _SECONDS.fullmatch(value) else None
