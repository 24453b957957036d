"""A document for a bug report: how things are set up, what was learned and measured, and no secret of it.

It is meant to be read before it is sent, so it is plain JSON. Three nets hold what must not be in it: fields that are
known to hold secrets or content are blanked; every text, names of fields included, goes through patterns for keys and
addresses; and each key and token of the configuration is looked for in every text, in several spellings.

Nothing of a conversation is in it, and so not a word of a provider's either: some quote the request in their errors. An
error is there with its type, status and code.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from sidestep.config import Config
from sidestep.errors import redact

__all__ = ["BUNDLE_VERSION", "make_bundle"]

BUNDLE_VERSION = 1

_KEY, _VALUE, _ADDRESS, _CONTENT = "[key]", "[value]", "[address]", "[left out]"
_NOTE = "Keys, tokens, header values, what was said and what providers answered are left out."
_DEEPEST = 40  # levels; ours have less than ten
_SHORTEST_SECRET = 6  # characters, as in `errors.redact`

_SECRET_FIELDS = frozenset(
    {
        "auth",
        "authorization",
        "bearer",
        "cookie",
        "credentials",
        "key",
        "password",
        "secret",
        "secrets",
        "token",
    }
)
_CONTENT_FIELDS = frozenset(
    {
        "arguments",
        "body",
        "content",
        "conversation",
        "events",
        "messages",
        "partial_text",
        "parts",
        "prompt",
        "reasoning",
        "reasoning_parts",
        "system",
        "text",
        "tool_calls",
    }
)
# One sentence of ours, or several rows of somebody's: a diagnosis ends its basis with what the provider answered.
_SENTENCE_FIELDS = frozenset({"basis", "message"})
# Below these fields `reason` is what a provider or relay answered.
_QUOTING_FIELDS = frozenset({"health", "outage"})

# Every repetition that can fail at each place is bounded, or a long text from elsewhere would take for ever.
_ANY_ADDRESS = re.compile(
    # WHATWG URL: a browser reads any number of slashes, or none, after http: and its kin, and backslashes as slashes.
    r"(?P<scheme>\b(?:https?|wss?|ftp):[/\\]*|\b[a-z][a-z0-9+.-]{0,30}:[/\\]{2,}|(?<![:\w])[/\\]{2,})(?P<rest>[^\s\"'`<>]*)",
    re.IGNORECASE,
)
_ORIGIN = re.compile(r"https?://[\w.-]+(?::\d+)?")
_HOST = re.compile(r"(?:(?:\[key\]|[\w.~%-])+|\[[0-9A-Fa-f:.]+\])(?::\d*)?")
_LOGIN = re.compile(r"[^\s/@:\"']{1,256}:[^\s/@\"']{1,256}@[^\s/?#\"']*")
_SHAPES = (
    (re.compile(r"\b(Basic)\s+[\w+/=-]{8,}"), r"\1 [key]"),
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*)*"), _KEY),  # RFC 7519, JSON Web Token
    (
        re.compile(
            r"\b(authorization|[\w-]{0,40}api[_-]?key|token|password|secret)\b([\"']?\s*[:=]\s*[\"']?)(?:bearer\s+)?"
            r"[^\s\"',;]{6,}",
            re.IGNORECASE,
        ),
        r"\1\2[key]",
    ),
    # Letters and digits in one long run are no word: a key of a provider that has been removed, perhaps.
    (re.compile(r"\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{24,}\b"), _KEY),
)


def make_bundle(
    *,
    config: Config,
    now: float,
    version: str,
    page_origin: str = "",
    user_agent: str = "",
    evidence: Any = (),
    health: Any = None,
    metrics: Any = (),
    ledger: Any = (),
    verdicts: Any = (),
    explanations: Any = (),
    secrets: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the document for a bug report, as JSON can hold it.

    Args:
        config: with its keys, so that they can be looked for. Its consents, groups and rules (Python ones too) are in
            the document; its keys, tokens and values of headers are not.
        now: Unix time in seconds.
        version: Sidestep's.
        page_origin: where the page is from; a path, query or fragment is cut off.
        user_agent: the browser's name for itself.
        evidence: what `Evidence.to_list` returns.
        health: the health of providers and relays, without the reasons, which quote.
        metrics: summaries; never single attempts with their times of day.
        ledger: what `Ledger.to_list` returns.
        verdicts: the last diagnoses.
        explanations: the last plans with their reasons.
        secrets: more to look for, such as keys that were just removed.
    """
    net = _Net([*config.secrets, *secrets], config, page_origin)
    parts = {
        "config": config.to_dict(),
        "evidence": evidence,
        "health": health,
        "metrics": metrics,
        "ledger": ledger,
        "verdicts": verdicts,
        "explanations": explanations,
    }
    return {
        "bundle": BUNDLE_VERSION,
        "note": _NOTE,
        "sidestep": net.clean_text(version),
        "made_at": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        "page_origin": _cut_origin(net.clean_text(page_origin)),
        "user_agent": net.clean_text(user_agent),
        **{name: net.clean(value, quotes=name in _QUOTING_FIELDS) for name, value in parts.items()},
    }


class _Net:
    """Takes out of anything what must not be in a bug report."""

    def __init__(self, secrets: Iterable[str], config: Config, page_origin: str) -> None:
        # A key that is a catalogue's id ("ollama") is a stopgap that is known to all; blanking it would hide the setup.
        public = {provider.entry.id for provider in config.providers}
        values = {value for provider in config.providers for value in provider.headers.values()}
        if _ORIGIN.fullmatch(page_origin):
            # Some providers ask for the page's own address in a header.
            values.discard(page_origin)
        found = {secret for secret in (*secrets, *values) if len(secret) >= _SHORTEST_SECRET} - public
        # The longest first: of two keys that begin alike, the shorter would leave the other's end behind.
        self._secrets = sorted(found, key=len, reverse=True)
        spellings = [spelling for secret in self._secrets for spelling in _spell(secret)]
        self._pattern = re.compile("|".join(spellings), re.IGNORECASE) if spellings else None

    def clean(self, value: Any, *, depth: int = 0, quotes: bool = False) -> Any:
        """Return *value* as JSON can hold it; *quotes* says whether its reasons are somebody else's words."""
        if isinstance(value, str):
            return self.clean_text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._clean_number(value)
        if is_dataclass(value) and not isinstance(value, type):
            # What a record never prints is secret or content.
            value = {field.name: getattr(value, field.name) for field in fields(value) if field.repr}
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._clean_rows(value, depth, quotes)
        return value if value is None or isinstance(value, bool) else f"[{type(value).__name__}]"

    def clean_text(self, text: str) -> str:
        """Return *text* without secrets, and its addresses without what can hold one."""
        text = self._pattern.sub(_KEY, text) if self._pattern else text
        text = _LOGIN.sub(_ADDRESS, _ANY_ADDRESS.sub(_clean_address, text))
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return redact(text, self._secrets)

    def _clean_number(self, number: float) -> Any:
        if not math.isfinite(number):
            return None
        return _KEY if str(number) in self._secrets else number

    def _clean_rows(self, value: Mapping[Any, Any] | Collection[Any], depth: int, quotes: bool) -> Any:
        if depth > _DEEPEST:
            return _CONTENT
        if not isinstance(value, Mapping):
            return [self.clean(row, depth=depth + 1, quotes=quotes) for row in value]
        foreign = _list_foreign(value, quotes)
        cleaned: dict[str, Any] = {}
        for key, item in value.items():
            name = str(key)
            blank = _find_blank(name, item, foreign)
            if blank is None:
                below = self.clean(item, depth=depth + 1, quotes=quotes or name in _QUOTING_FIELDS)
            elif blank == _VALUE:
                below = dict.fromkeys((self.clean_text(str(header)) for header in item), _VALUE)
            else:
                below = blank
            cleaned[_make_unique(self.clean_text(name), cleaned)] = below
        return cleaned


def _list_foreign(row: Mapping[Any, Any], quotes: bool) -> frozenset[str]:
    """Return which fields of *row* hold what somebody else said."""
    foreign = _CONTENT_FIELDS
    if "origin" in row and "message" in row:
        foreign |= {"message"}
    if quotes:
        foreign |= {"reason"}
    # A remedy's text is ours.
    return foreign - {"text"} if "paste" in row else foreign


def _find_blank(name: str, value: Any, foreign: frozenset[str]) -> str | None:
    """Return what stands in the place of *value*, or None if it may stay."""
    if isinstance(value, bool) or not value:
        return None
    plain = re.sub(r"[-_]", "", name.lower())
    if plain == "headers" and isinstance(value, Mapping):
        return _VALUE
    # Evidence has records that are called keys.
    if (plain in _SECRET_FIELDS or plain.endswith("apikey")) and not (plain == "key" and isinstance(value, Mapping)):
        return _KEY
    is_several = name in _SENTENCE_FIELDS and not isinstance(value, str)
    has_words = not isinstance(value, int | float)
    return _CONTENT if has_words and (is_several or name.lower() in foreign) else None


def _spell(secret: str) -> list[str]:
    """Return patterns for the spellings of *secret*: plain, percent-encoded, escaped for JSON, and in Base64."""
    plain = "".join(rf"(?:\\?{re.escape(mark)}|%{ord(mark):02x})" for mark in secret)
    data = secret.encode()
    encoded = {base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()}
    return [plain, *(re.escape(text.rstrip("=")) for text in sorted(encoded))]


def _clean_address(found: re.Match[str]) -> str:
    """Return an address without user name, password, parameters, query and fragment."""
    scheme, rest = found["scheme"], found["rest"]
    path = re.split(r"[?#;]", rest, maxsplit=1)[0]
    authority, slash, below = re.split(r"([/\\])", path, maxsplit=1) if re.search(r"[/\\]", path) else (path, "", "")
    if not rest:
        return found[0]
    is_cut_in_login = not slash and "@" in rest[len(path) :]
    host = authority.rpartition("@")[2]
    if is_cut_in_login or not _HOST.fullmatch(host):
        return _ADDRESS
    return f"{scheme}{host}{slash}{below}"


def _cut_origin(address: str) -> str:
    """Return scheme, host and port of *address*, which holds no secret any more: a cut would hide half of one."""
    return re.sub(r"^(\w+://[^/\\?#]*).*", r"\1", address.strip(), flags=re.DOTALL)


def _make_unique(name: str, taken: Mapping[str, Any]) -> str:
    """Return *name*, numbered if two names have become one, so that no field is lost."""
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name} {number}"
    return unique
