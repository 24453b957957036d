"""What a provider or a relay says when it says no, turned into our errors.

The provider's own code goes before the HTTP status, since one status can mean many things: Z.ai answers 429 to an
empty balance, an ended plan and a real rate limit alike (docs.z.ai, *Error Codes*). Then come the statuses that mean
one thing only, the words that many providers share, and the other statuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sidestep.dialects._error_bodies import ErrorBody, parse_json, parse_json_object, read_error_body
from sidestep.dialects._reset_times import read_body_wait, read_header_wait, read_reset_stamp
from sidestep.errors import (
    AuthenticationError,
    BadRequest,
    ContentRefused,
    ModelNotFound,
    Origin,
    Overloaded,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
    RelayAuthenticationError,
    RelayRefused,
    ResponseError,
    ServerError,
    UnexpectedResponse,
    redact,
)

__all__ = ["KINDS", "FailureReader", "parse_json", "parse_json_object"]

_LONGEST_MESSAGE = 600  # characters of the provider's own words that are worth showing
_LONGEST_NAME = 100  # of a code, a field's name or a request id

KINDS: Mapping[str, tuple[type[ResponseError], str, str]] = {
    "authentication": (
        AuthenticationError,
        "{who} refused the key",
        "Check that the key is whole, not revoked, and made for this address.",
    ),
    "permission": (
        PermissionDenied,
        "{who} does not allow this key to do that",
        "Check what the key and its plan may use.",
    ),
    "quota": (
        QuotaExceeded,
        "{who} says the balance or the plan is used up",
        "Look at the plan and the balance in the provider's console; some plans need their own base URL.",
    ),
    "rate_limit": (
        RateLimited,
        "{who} is getting too many requests from this key",
        "Wait a moment, then retry.",
    ),
    "model": (
        ModelNotFound,
        "{who} does not know this model",
        "Pick a model from the list, or check the spelling of its id.",
    ),
    "request": (
        BadRequest,
        "{who} refused the request",
        "What it says above names the part it did not take.",
    ),
    "content": (
        ContentRefused,
        "{who} will not answer this content",
        "Change the message and send it again.",
    ),
    "overloaded": (Overloaded, "{who} is overloaded", "Wait a moment, then retry, or use another model."),
    "server": (
        ServerError,
        "{who} failed",
        "Retry; if it keeps failing, look at the provider's status page.",
    ),
}

_KIND_BY_STATUS: Mapping[int, str] = {
    400: "request",
    401: "authentication",
    402: "quota",
    403: "permission",
    404: "model",
    408: "server",
    410: "model",
    413: "request",
    429: "rate_limit",
    503: "overloaded",
    529: "overloaded",
}
_DECISIVE_STATUSES = frozenset({401, 402, 413})
_TOO_MANY = 429
_FIRST_ERROR, _FIRST_SERVER_ERROR, _AFTER_LAST = 400, 500, 600
_STATUS_DIGITS = 3
_REQUEST_IDS = ("x-request-id", "request-id", "mistral-correlation-id")

# Words that mean the same wherever they come from; a provider's own meaning of one stands in the catalogue.
_KIND_BY_NAME: Mapping[str, str] = {
    "API_KEY_INVALID": "authentication",
    "authentication_error": "authentication",
    "invalid_api_key": "authentication",
    "invalid_authentication_error": "authentication",
    "permission_error": "permission",
    "billing_error": "quota",
    "billing_hard_limit_reached": "quota",
    "billing_not_active": "quota",
    "exceeded_current_quota_error": "quota",
    "insufficient_quota": "quota",
    "quota_per_day": "quota",
    "RESOURCE_EXHAUSTED": "rate_limit",
    "rate_limit_error": "rate_limit",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_reached_error": "rate_limit",
    "engine_overloaded_error": "overloaded",
    "overloaded_error": "overloaded",
    "UNAVAILABLE": "overloaded",
    "model_not_found": "model",
    "resource_not_found_error": "model",
    "context_length_exceeded": "request",
    "tool_use_failed": "request",
    "content_filter": "content",
    "content_policy_violation": "content",
    "flagged_input": "content",
    # the relay's own, for what it read from the provider
    "provider_auth": "authentication",
    "provider_permission": "permission",
    "provider_quota": "quota",
    "provider_rate_limit": "rate_limit",
    "provider_model": "model",
    "provider_request": "request",
    "provider_content": "content",
    "provider_overloaded": "overloaded",
}
_VAGUE_NAMES: Mapping[str, str] = {"invalid_request_error": "request", "INVALID_ARGUMENT": "request"}

_PAIR_AGAIN = (
    "If its operator changed the key, pair again by the new link; take none that comes from elsewhere. If not, "
    "somebody else answers there."
)
_SEALING_REMEDIES: Mapping[str, str] = {
    "sealed_key_unknown": _PAIR_AGAIN,
    "sealing_off": _PAIR_AGAIN,
    "sealed_invalid": "Retry. If it stays, something between here and the relay changes requests.",
    "sealed_replayed": "Retry; the new request is sealed anew.",
    "sealed_expired": "Set this computer's clock, or the relay's.",
    "sealed_busy": "Wait a minute, then retry.",
    "sealed_unsafe": "Whoever runs the relay can mend it.",
}

_RELAY_TOKEN_CODES = frozenset({"relay_token_missing", "relay_token_wrong", "relay_token_expired"})


@dataclass(frozen=True, slots=True)
class FailureReader:
    """Reads one provider's failures, whichever route they came by.

    Attributes:
        who: the provider's name, as the user knows it.
        error_codes: the provider's own codes, and the kind each stands for (`catalogue.toml`).
        secrets: what must be blanked out of the provider's words.
        relay: the relay's name if the answer came through one; its own refusals are then told apart.
        now: Unix time in seconds at which the answer came; without it, moments that it names are left unread.
    """

    who: str
    error_codes: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    relay: str = ""
    now: float | None = None

    def read_response(self, status: int, headers: Mapping[str, str], body: bytes) -> ResponseError:
        """Return the error that an answer with a failing status stands for; *headers* have lower-case names."""
        can_wait = status == _TOO_MANY or status >= _FIRST_SERVER_ERROR
        retry_after = read_header_wait(headers, self.now) if can_wait else None
        document = _find_object(parse_json(body))
        if document is None:
            return self._read_foreign(status, headers, body, retry_after)
        return self.read_document(
            document, status=status, retry_after=retry_after, request_id=_read_request_id(headers)
        )

    def read_document(
        self,
        document: Mapping[str, Any],
        *,
        status: int = 200,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> ResponseError:
        """Return the error that a JSON document stands for, in any provider's shape or in the relay's envelope."""
        said = read_error_body(document)
        if retry_after is None:
            retry_after = read_body_wait(said.fields, self.now)
        if self.relay and said.fields.get("origin") == "relay":
            return self._read_refusal(said, status, retry_after)
        if status < _FIRST_ERROR and not said.words and not said.names and not document.get("error"):
            return self.unreadable("something that is neither an answer nor an error", status)
        status = _read_int(said.fields.get("provider_status")) or status
        resets_at = read_reset_stamp(said.words)
        error = self.build(
            self._choose_kind(said.names, status, has_stamp=resets_at is not None),
            said.words,
            status=status,
            code=self._clean_name(said.code),
            param=self._clean_name(said.param),
            retry_after=retry_after,
            resets_at=self._choose_reset(resets_at, retry_after),
            request_id=self._clean_name(said.request_id or request_id),
        )
        if said.fields.get("retryable") is False:
            # A relay that saw the answer knows more of it than its status tells.
            error.is_retryable = False
        return error

    def build(self, kind: str, words: str, **details: Any) -> ResponseError:
        """Return an error of *kind* with the provider's own *words* in it."""
        error_class, message, remedy = KINDS[kind]
        message = message.format(who=self.who)
        words = self._clean(words)
        if kind == "request" and details.get("param"):
            remedy = f"It did not take “{details['param']}”: change it, or leave it out."
        if not words:
            return error_class(f"{message}.", remedy=remedy, **details)
        # A relay's words are a sentence that quotes the provider already.
        return error_class(f"{message}. {words}" if self.relay else f"{message}: “{words}”", remedy=remedy, **details)

    def unreadable(self, what: str, status: int = 200) -> UnexpectedResponse:
        """Return the error for an answer in no known format; *what* describes it."""
        who, origin = self._speaker
        return UnexpectedResponse(
            f"{who} answered with {what} instead of a chat answer.",
            remedy=(
                "Check the relay's address; it may lead to another program."
                if self.relay
                else "Check the base URL. A sign-in page of the network one is in looks like this too."
            ),
            status=status,
            origin=origin,
        )

    @property
    def _speaker(self) -> tuple[str, Origin]:
        return (f"The relay “{self.relay}”", "relay") if self.relay else (self.who, "provider")

    def _read_refusal(self, said: ErrorBody, status: int, retry_after: float | None) -> RelayRefused:
        details = {
            "status": status,
            "code": self._clean_name(said.code),
            "param": self._clean_name(said.param),
            "retry_after": retry_after,
            "resets_at": self._choose_reset(None, retry_after),
            "request_id": self._clean_name(said.request_id),
        }
        if said.code in _RELAY_TOKEN_CODES:
            return RelayAuthenticationError(
                f"The relay “{self.relay}” refused its token; {self.who} was not asked and saw no key.",
                remedy="Open the relay's pairing link again, or copy its token anew.",
                **details,
            )
        words = self._clean(said.words or "it gave no reason")
        remedy = _SEALING_REMEDIES.get(said.code or "", "")
        return RelayRefused(f"The relay “{self.relay}” refused: {words}", remedy=remedy, **details)

    def _read_foreign(
        self, status: int, headers: Mapping[str, str], body: bytes, retry_after: float | None
    ) -> ResponseError:
        is_html = "html" in headers.get("content-type", "") or body.lstrip()[:1] == b"<"
        if self.relay or (is_html and status < _FIRST_SERVER_ERROR):
            return self.unreadable(f"{'a web page' if is_html else 'something unreadable'} (HTTP {status})", status)
        words = "" if is_html else body.decode("utf-8", "replace")
        return self.build(
            _choose_by_status(status),
            words or f"HTTP {status}",
            status=status,
            retry_after=retry_after,
            resets_at=self._choose_reset(None, retry_after),
            request_id=self._clean_name(_read_request_id(headers)),
        )

    def _choose_kind(self, names: Iterable[str], status: int, *, has_stamp: bool) -> str:
        own = next((self.error_codes[name] for name in names if name in self.error_codes), "")
        if has_stamp and own in {"", "rate_limit"}:
            # A limit that resets at a named moment is a plan's, and no burst's.
            return "quota"
        if own or status in _DECISIVE_STATUSES:
            return own or _choose_by_status(status)
        for name in names:
            if name in _KIND_BY_NAME:
                return _KIND_BY_NAME[name]
        if status >= _FIRST_ERROR:
            return _choose_by_status(status)
        return _choose_inside_stream(names)

    def _choose_reset(self, stamp: float | None, retry_after: float | None) -> float | None:
        if stamp is not None or retry_after is None or self.now is None:
            return stamp
        return self.now + retry_after

    def _clean(self, words: str) -> str:
        words = re.sub(r"\s+", " ", redact(words, self.secrets)).strip()
        return words if len(words) <= _LONGEST_MESSAGE else f"{words[:_LONGEST_MESSAGE]}…"

    def _clean_name(self, name: str | None) -> str | None:
        return self._clean(name)[:_LONGEST_NAME] if name else None


def _choose_by_status(status: int) -> str:
    if status >= _FIRST_SERVER_ERROR or status < _FIRST_ERROR:
        return _KIND_BY_STATUS.get(status, "server")
    return _KIND_BY_STATUS.get(status, "request")


def _choose_inside_stream(names: Iterable[str]) -> str:
    """Return the kind of an error that came under HTTP 200: some providers put the status it deserved into it."""
    for name in names:
        if name in _VAGUE_NAMES:
            return _VAGUE_NAMES[name]
        if len(name) == _STATUS_DIGITS and name.isascii() and name.isdigit():
            status = int(name)
            if _FIRST_ERROR <= status < _AFTER_LAST:
                return _choose_by_status(status)
    return "server"


def _find_object(document: Any) -> Mapping[str, Any] | None:
    """Return the object that *document* is, or its first: Google wraps some of its errors into a list."""
    if isinstance(document, list) and document:
        document = document[0]
    return document if isinstance(document, dict) else None


def _read_int(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _read_request_id(headers: Mapping[str, str]) -> str | None:
    return next((headers[name] for name in _REQUEST_IDS if headers.get(name)), None)
