"""When a provider will take the next request, in each form that providers say it. No clock: the time is passed in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

__all__ = ["read_body_wait", "read_header_wait", "read_reset_stamp"]

_LONGEST = 366 * 24 * 3600.0  # seconds; whatever names a longer wait is no wait
_FIRST_EPOCH = 1e9  # a number from here on is a moment in Unix seconds, not a length
_FIRST_EPOCH_MS = 1e11
_NUMBER = re.compile(r"\d{1,16}(?:\.\d{1,16})?", re.ASCII)
_SPAN = re.compile(r"(?:\d{1,16}(?:\.\d{1,16})?(?:ms|[dhms]))+", re.ASCII)
_SPAN_PART = re.compile(r"([\d.]+)(ms|[dhms])")
_UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# `x-ratelimit-remaining-tokens` (OpenAI, Groq, Cerebras), `anthropic-ratelimit-tokens-remaining` (Anthropic).
_REMAINING = re.compile(r"(x-ratelimit-)remaining(-.+)|(anthropic-ratelimit-.+-)remaining")
_STAMP = re.compile(r"(?:\breset at |限额将在 ?|\]\[)(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
_BEIJING = timezone(timedelta(hours=8))


def read_header_wait(headers: Mapping[str, str], now: float | None) -> float | None:
    """Return the seconds that *headers* (lower-case names) ask to wait, or None.

    Args:
        headers: `Retry-After` (RFC 9110, 10.2.3) and `retry-after-ms` go first; then the limits that have run out, each
            with its reset: OpenAI's and Groq's lengths of time, Anthropic's moments, OpenRouter's Unix milliseconds.
        now: Unix time in seconds; without it, moments are left unread.
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(milliseconds):
        return _check(float(milliseconds) / 1000)
    said = headers.get("retry-after", "").strip()
    if (wait := _read_wait(said, now)) is not None:
        return wait
    if (wait := _read_date(said, now)) is not None:
        return wait
    waits = [_read_wait(headers.get(name, "").strip(), now) for name in _find_resets(headers)]
    return max((wait for wait in waits if wait is not None), default=None)


def read_body_wait(error: Mapping[str, Any], now: float | None) -> float | None:
    """Return the seconds that an error's own fields ask to wait, or None.

    Sources: Google's `RetryInfo` among `details` (google.rpc.error_details), OpenRouter's copy of the limit's headers
    under `metadata.headers`.
    """
    details = error.get("details")
    for detail in details if isinstance(details, list) else []:
        delay = detail.get("retryDelay") if isinstance(detail, Mapping) else None
        if isinstance(delay, str) and (wait := _read_wait(delay, now)) is not None:
            return wait
    metadata = error.get("metadata")
    headers = metadata.get("headers") if isinstance(metadata, Mapping) else None
    if not isinstance(headers, Mapping):
        return None
    return read_header_wait({str(name).lower(): str(value) for name, value in headers.items()}, now)


def read_reset_stamp(words: str) -> float | None:
    """Return the moment, in Unix seconds, at which a plan's limit resets, or None if *words* name none.

    Z.ai and BigModel write it into the message of their codes 1308 and 1310 without a time zone (docs.z.ai, *Error
    Codes*); it is Beijing's, as client authors found.
    """
    found = _STAMP.search(words)
    if not found:
        return None
    try:
        return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING).timestamp()
    except (ValueError, OverflowError):
        return None


def _find_resets(headers: Mapping[str, str]) -> Iterable[str]:
    """Yield the names of the reset headers whose limit has run out."""
    for name, value in headers.items():
        if (found := _REMAINING.fullmatch(name)) and _is_zero(value):
            yield f"{found[1]}reset{found[2]}" if found[1] else f"{found[3]}reset"
    if _is_zero(headers.get("x-ratelimit-remaining", "0")):
        yield "x-ratelimit-reset"


def _is_zero(value: str) -> bool:
    return bool(_NUMBER.fullmatch(value.strip())) and float(value) == 0


def _read_wait(value: str, now: float | None) -> float | None:
    """Return the seconds that *value* stands for: a number, a length such as `6m0s`, or a moment."""
    if _NUMBER.fullmatch(value):
        number = float(value)
        if number < _FIRST_EPOCH:
            return _check(number)
        return _until(number / 1000 if number >= _FIRST_EPOCH_MS else number, now)
    if _SPAN.fullmatch(value):
        return _check(sum(float(part[1]) * _UNITS[part[2]] for part in _SPAN_PART.finditer(value)))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return _until_moment(moment, now)


def _read_date(value: str, now: float | None) -> float | None:
    try:
        return _until_moment(parsedate_to_datetime(value), now)
    except (ValueError, OverflowError):
        return None


def _until_moment(moment: datetime, now: float | None) -> float | None:
    try:
        return _until((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), now)
    except OverflowError:
        return None


def _until(moment: float, now: float | None) -> float | None:
    return None if now is None else _check(max(moment - now, 0.0))


def _check(seconds: float) -> float | None:
    return seconds if seconds <= _LONGEST else None
