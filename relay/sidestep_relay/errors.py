"""Every error the relay answers with, and the one envelope they all wear.

`origin` tells who said no, so a wrong relay token and a wrong provider key can never be confused: both are HTTP 401,
but the first is `origin: relay`, code `relay_token_wrong`, the second `origin: provider`, code `provider_auth`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from sidestep.errors import redact

__all__ = ["KINDS", "Kind", "RelayError", "make_provider_error", "make_stopping_error", "read_provider_error"]

_RETRY_AFTER = re.compile(r"\d{1,9}(?:\.\d{1,3})?|[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [0-9:]{8} GMT")
"""Seconds or a date (RFC 9110, 10.2.3), and nothing else that somebody may have put there."""

_LONGEST_MESSAGE = 2000  # characters of a provider's own text that are passed on


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of provider error becomes: our code, OpenAI's type, whether waiting helps, a status if none came."""

    code: str
    type: str
    is_retryable: bool
    status: int


KINDS: Mapping[str, Kind] = {
    # the catalogue's words (`CatalogueEntry.error_codes`)
    "authentication": Kind("provider_auth", "authentication_error", is_retryable=False, status=401),
    "permission": Kind("provider_permission", "permission_error", is_retryable=False, status=403),
    "quota": Kind("provider_quota", "insufficient_quota", is_retryable=False, status=429),
    "rate_limit": Kind("provider_rate_limit", "rate_limit_error", is_retryable=True, status=429),
    "model": Kind("provider_model", "invalid_request_error", is_retryable=False, status=404),
    "request": Kind("provider_request", "invalid_request_error", is_retryable=False, status=400),
    "content": Kind("provider_content", "invalid_request_error", is_retryable=False, status=400),
    "overloaded": Kind("provider_overloaded", "overloaded_error", is_retryable=True, status=503),
    "server": Kind("provider_server", "server_error", is_retryable=True, status=502),
    # what only the relay can see
    "unreachable": Kind("provider_unreachable", "server_error", is_retryable=True, status=502),
    "timeout": Kind("provider_timeout", "server_error", is_retryable=True, status=504),
    "answer": Kind("provider_answer", "server_error", is_retryable=False, status=502),
    "redirect": Kind("provider_redirect", "server_error", is_retryable=False, status=502),
    "incomplete": Kind("provider_incomplete", "server_error", is_retryable=True, status=502),
}

_AMAZONS_CODE = "x-amzn-errortype"
"""Names the error where the body does not. Source: Smithy, *AWS restJson1 protocol*, error serialization."""

_STATUS_KINDS = {
    HTTPStatus.UNAUTHORIZED: "authentication",
    HTTPStatus.PAYMENT_REQUIRED: "quota",
    HTTPStatus.FORBIDDEN: "permission",
    HTTPStatus.NOT_FOUND: "model",
    HTTPStatus.REQUEST_TIMEOUT: "timeout",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit",
    HTTPStatus.SERVICE_UNAVAILABLE: "overloaded",
    529: "overloaded",  # Anthropic's own
}


class RelayError(Exception):
    """An answer that is an error.

    Attributes:
        status: the HTTP status to answer with.
        code: ours, stable; programs branch on it.
        origin: who said no, the relay or the provider.
        param: the field of the request that is wrong, or None.
        provider_status, provider_code: what the provider said, as it came, or None.
        headers: sent along, such as `Retry-After`.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        type: str = "invalid_request_error",  # noqa: A002 - the wire's word
        origin: Literal["relay", "provider"] = "relay",
        param: str | None = None,
        is_retryable: bool = False,
        provider_status: int | None = None,
        provider_code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.type = type
        self.origin = origin
        self.param = param
        self.is_retryable = is_retryable
        self.provider_status = provider_status
        self.provider_code = provider_code
        self.headers = dict(headers or {})

    def to_dict(self, request_id: str) -> dict[str, Any]:
        """Return the envelope."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "code": self.code,
                "param": self.param,
                "origin": self.origin,
                "retryable": self.is_retryable,
                "provider_status": self.provider_status,
                "provider_code": self.provider_code,
                "request_id": request_id,
            }
        }


def make_provider_error(
    kind: str,
    message: str,
    *,
    status: int | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> RelayError:
    """Return the error for *kind* (a key of `KINDS`); *status* and *code* are the provider's own, if it gave any.

    A refusal (4xx) keeps its status. A failure (5xx) becomes the gateway status of its kind (RFC 9110, 15.6.3).
    """
    row = KINDS[kind]
    is_refusal = status is not None and HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return RelayError(
        row.code,
        message,
        status=status if status is not None and is_refusal else row.status,
        type=row.type,
        origin="provider",
        is_retryable=row.is_retryable,
        provider_status=status,
        provider_code=code,
        headers=headers,
    )


def make_stopping_error() -> RelayError:
    """Return the error for what a relay that is told to stop does not begin, or does not finish."""
    return RelayError(
        "relay_stopping",
        "The relay is being stopped or restarted; ask again in a moment.",
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        type="server_error",
        is_retryable=True,
        headers={"Retry-After": "2"},
    )


def read_provider_error(
    body: bytes | Mapping[str, Any],
    *,
    name: str,
    status: int | None = None,
    error_codes: Mapping[str, str],
    secrets: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> RelayError:
    """Return the error that a provider's answer means.

    Args:
        body: the answer's body, or the parsed object that a stream carried.
        name: the provider's name, for the sentence.
        status: its HTTP status; None for an error inside a stream.
        error_codes: the catalogue's table for this provider; it goes before the status, because one status can mean
            opposite things (Z.ai answers 429 both for "slow down" and for "no balance").
        secrets: keys to take out of the provider's own words.
        headers: the answer's headers; `Retry-After` is passed on.
    """
    parsed = _parse(body) if isinstance(body, bytes) else body
    code, text = _read_code_and_text(parsed)
    code = code or (headers or {}).get(_AMAZONS_CODE, "").partition(":")[0] or None
    kind = error_codes.get(code or "") or _kind_of_status(status, has_reason=bool(text))
    said = redact(text, secrets)[:_LONGEST_MESSAGE]
    if status is None:
        message = f"{name} broke off: {said}" if said else f"{name} broke off without saying why."
    else:
        message = f"{name} answered {status}: {said}" if said else _describe_silence(name, status)
    retry_after = (headers or {}).get("retry-after", "")
    passed_on = {"Retry-After": retry_after} if _RETRY_AFTER.fullmatch(retry_after) else {}
    return make_provider_error(
        kind, message, status=status, code=redact(code, secrets)[:100] if code else None, headers=passed_on
    )


def _describe_silence(name: str, status: int) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return f"{name} answered 404 without saying why: check the base URL."
    return f"{name} answered {status} without saying why."


def _kind_of_status(status: int | None, *, has_reason: bool) -> str:
    if status is None:
        return "server"
    if status == HTTPStatus.NOT_FOUND and not has_reason:
        # A 404 page is about the address, not about a model.
        return "answer"
    fallback = "server" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "request"
    return _STATUS_KINDS.get(status, fallback)


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    if isinstance(parsed, list) and parsed:
        # Google wraps an error in a list where a stream was asked for.
        parsed = parsed[0]
    return parsed if isinstance(parsed, dict) else {}


def _read_code_and_text(parsed: Mapping[str, Any]) -> tuple[str | None, str]:
    """Find the code and the sentence in any of the shapes providers use."""
    error = parsed.get("error", parsed)
    if not isinstance(error, dict):
        return None, str(error)
    code = error.get("code") or error.get("type") or parsed.get("code")
    text = error.get("message") or error.get("detail") or parsed.get("message") or parsed.get("detail") or ""
    return (None if code in (None, "error") else str(code)), text if isinstance(text, str) else json.dumps(text)
