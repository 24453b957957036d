"""What an error's JSON says, in whichever of the providers' shapes it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ErrorBody", "parse_json", "parse_json_object", "read_error_body"]

_DEEPEST = 4  # levels of nesting that a sentence is looked for in
_SENTENCES = ("message", "detail", "Message", "msg", "error_msg", "title")
# "messages.0.content: Field required": how Anthropic names the field (docs.claude.com, *Errors*).
_ANTHROPIC_FIELD = re.compile(r"([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*): \S")
# Z.ai's Anthropic path puts its own code, message and time into one text.
_WRAPPED_CODE = re.compile(r"\[(\d{3,5})\]\[")
_PER_DAY = "quota_per_day"


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """One error, as its provider wrote it.

    Attributes:
        fields: the object that describes it.
        words: the sentence for a person; empty if there is none.
        code: the provider's own code, or None.
        names: everything that names the kind of error, most telling first, *code* among it.
        param: the offending field, as the provider names it; empty if it does not.
        request_id: what to quote to the provider, or None.
    """

    fields: Mapping[str, Any] = field(repr=False)
    words: str
    code: str | None
    names: tuple[str, ...]
    param: str
    request_id: str | None


def parse_json(body: bytes | str) -> Any:
    """Return the JSON value that *body* is, or None if it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def parse_json_object(body: bytes | str) -> dict[str, Any] | None:
    """Return the JSON object that *body* is, or None if it is anything else."""
    document = parse_json(body)
    return document if isinstance(document, dict) else None


def read_error_body(document: Mapping[str, Any]) -> ErrorBody:
    """Return the error that *document* describes.

    Known shapes: `{"error": {…}}` of OpenAI and its kin, Gemini, Anthropic, OpenRouter and the relay;
    `{"error": "…"}` of Ollama, Hugging Face and xAI; `{"message": …}` of Cohere and Cerebras; `{"object": "error"}`
    and `{"detail": [{"loc", "msg"}]}` of Mistral; `{"detail": "…"}` of NVIDIA and FastAPI.
    """
    error = document.get("error") or document
    if not isinstance(error, Mapping):
        error = {**document, "error": None, "message": error}
    words = _add_upstream(_read_words(error), error)
    details = _rows(error.get("details"))
    code = _read_code(error, words)
    names = [*_read_reasons(error, details), code, error.get("code"), error.get("status"), error.get("type")]
    return ErrorBody(
        error,
        words,
        code,
        tuple(dict.fromkeys(str(name) for name in names if _is_name(name))),
        _read_param(document, error, details, words),
        _read_text(error, "request_id") or _read_text(document, "request_id") or None,
    )


def _read_words(error: Mapping[str, Any]) -> str:
    sentences = (_say(error.get(name), _DEEPEST) for name in _SENTENCES)
    return next((words for words in sentences if words), "")


def _say(value: Any, depth: int) -> str:
    """Return the sentence that *value* is or holds."""
    if isinstance(value, str) or depth == 0:
        return value.strip() if isinstance(value, str) else ""
    if isinstance(value, Mapping):
        sentences = (_say(value.get(name), depth - 1) for name in (*_SENTENCES, "error"))
        return next((words for words in sentences if words), "")
    if isinstance(value, list):
        return "; ".join(words for row in value if (words := _say(row, depth - 1)))
    return ""


def _add_upstream(words: str, error: Mapping[str, Any]) -> str:
    """Return *words* with what the provider behind OpenRouter said, which its own words do not tell."""
    metadata = _mapping(error.get("metadata"))
    raw = metadata.get("raw")
    if isinstance(raw, str):
        raw = parse_json_object(raw) or raw
    said = _say(raw, _DEEPEST)
    if not said or said in words:
        return words
    who = _read_text(metadata, "provider_name") or "the provider behind it"
    return f"{words} ({who}: {said})"


def _read_code(error: Mapping[str, Any], words: str) -> str | None:
    code = error.get("provider_code") or error.get("code")
    if wrapped := _WRAPPED_CODE.match(words):
        return wrapped[1]
    if isinstance(code, int) and isinstance(error.get("status"), str):
        # Google repeats the HTTP status as its code; the word beside it says more.
        code = error["status"]
    return str(code) if _is_name(code) else None


def _read_reasons(error: Mapping[str, Any], details: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Yield what the finer print says: Google's `details`, OpenRouter's moderation."""
    for detail in details:
        yield _read_text(detail, "reason")
        if any("PerDay" in _read_text(row, "quotaId") for row in _rows(detail.get("violations"))):
            yield _PER_DAY
    if "flagged_input" in _mapping(error.get("metadata")):
        yield "flagged_input"


def _read_param(
    document: Mapping[str, Any], error: Mapping[str, Any], details: Iterable[Mapping[str, Any]], words: str
) -> str:
    if named := _read_text(error, "param"):
        return named
    for row in (*_rows(error.get("detail")), *_rows(_mapping(error.get("message")).get("detail"))):
        if isinstance(place := row.get("loc"), list):
            return ".".join(str(part) for part in place if part != "body")
    for detail in details:
        for violation in _rows(detail.get("fieldViolations")):
            if named := _read_text(violation, "field"):
                return named
    is_anthropic = document.get("type") == "error" and error.get("type") == "invalid_request_error"
    found = _ANTHROPIC_FIELD.match(words) if is_anthropic else None
    return found[1] if found else ""


def _is_name(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _read_text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
