"""Everything that can go wrong, in one tree.

::

    SidestepError
    ├── ConfigurationError            what was entered cannot work; nothing was sent
    │   └── UnknownModel              no such provider, or a model id without its provider
    ├── TransportError                no usable HTTP answer came back
    │   ├── FetchRejected             the browser refused or lost the call and will not say why
    │   ├── ConnectionFailed          no connection: refused, unknown host, TLS
    │   ├── RelayUnreachable          a relay gave no answer
    │   ├── TransportTimeout          our own clock ran out
    │   └── ConnectionLost            the bytes stopped in the middle
    ├── ResponseError                 an HTTP answer that is not what was asked for
    │   ├── AuthenticationError       the key was refused
    │   ├── PermissionDenied          the key is good but may not do this
    │   ├── QuotaExceeded             no balance, no plan, or the plan is used up
    │   ├── RateLimited               too much at once; waiting helps
    │   ├── ModelNotFound             no such model for this key
    │   ├── BadRequest                the request itself was refused
    │   ├── ContentRefused            the provider will not answer this content
    │   ├── Overloaded                the provider cannot serve now; waiting helps
    │   ├── ServerError               the other side failed
    │   ├── UnexpectedResponse        not the format that was asked for (HTML, garbage, empty)
    │   └── RelayRefused              the relay itself said no
    │       └── RelayAuthenticationError   the relay's token was refused
    ├── SealBroken                    what came is not what the relay sealed
    ├── StreamIncomplete              the stream ended without saying that it was finished
    ├── NoRoute                       no way to the provider may be taken
    ├── RoutesFailed                  every way was tried and failed
    └── Cancelled                     the caller stopped it

`message` says what happened, `remedy` what to do about it. Neither ever holds a key: whoever builds an error from
foreign text passes it through `redact` first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

__all__ = [
    "AuthenticationError",
    "BadRequest",
    "Cancelled",
    "ConfigurationError",
    "ConnectionFailed",
    "ConnectionLost",
    "ContentRefused",
    "FetchRejected",
    "ModelNotFound",
    "NoRoute",
    "Origin",
    "Overloaded",
    "PermissionDenied",
    "QuotaExceeded",
    "RateLimited",
    "RelayAuthenticationError",
    "RelayRefused",
    "RelayUnreachable",
    "ResponseError",
    "RoutesFailed",
    "SealBroken",
    "ServerError",
    "SidestepError",
    "StreamIncomplete",
    "TransportError",
    "TransportTimeout",
    "UnexpectedResponse",
    "UnknownModel",
    "redact",
]

Origin = Literal["provider", "relay", "browser", "configuration", "client"]

_SHORTEST_SECRET = 6  # characters; a shorter "key" would blank out ordinary words
_KEY_SHAPES = re.compile(r"\b(?:sk|pk|gsk|xai|key|hf|AIza)[-_][A-Za-z0-9_\-.]{12,}|(?<=Bearer )\S{8,}")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* without any of *secrets* and without anything that looks like a key."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "[key]")
    return _KEY_SHAPES.sub("[key]", text)


class SidestepError(Exception):
    """The root of every error that Sidestep raises.

    Attributes:
        message: what happened, one sentence for a person.
        remedy: what to do about it, one or two sentences; may be empty.
        origin: who said no.
        is_retryable: whether the same request may succeed later, unchanged.
        route: the route it happened on, as the protocol writes it, or None.
        attempts: the routes that had failed before, in order, each with its error.
        consent_needed: ids of relays that were left out only because they may not see the provider's key.
        partial_text: what of the answer had arrived; nothing that was received is lost.
    """

    origin: Origin = "client"
    is_retryable: bool = False

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.route: dict[str, Any] | None = None
        self.attempts: tuple[tuple[dict[str, Any], SidestepError], ...] = ()
        self.consent_needed: tuple[str, ...] = ()
        self.partial_text = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the error as the page's protocol writes it (docs/protocol.md, *Error*)."""
        return {
            "type": type(self).__name__,
            "message": self.message,
            "remedy": self.remedy,
            "origin": self.origin,
            "status": None,
            "code": None,
            "param": None,
            "retryable": self.is_retryable,
            "route": self.route,
            "attempts": [{"route": route, "error": error.to_dict()} for route, error in self.attempts],
            "consent_needed": list(self.consent_needed),
            "request_id": None,
            "retry_after_seconds": None,
            "resets_at": None,
        }


class ConfigurationError(SidestepError):
    """What was entered cannot work. Nothing was sent.

    Attributes:
        field: the field that is wrong (`base_url`, `api_key`, …), or empty.
    """

    origin: Origin = "configuration"

    def __init__(self, message: str, *, field: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.field = field


class UnknownModel(ConfigurationError):
    """The model's name does not lead to a provider."""


class TransportError(SidestepError):
    """No usable HTTP answer came back."""

    origin: Origin = "browser"
    is_retryable = True


class FetchRejected(TransportError):
    """The browser refused or lost the call; by design it does not say which.

    CORS, DNS, TLS, a refused connection, an extension and an error answer without CORS headers all look the same to
    a page (WHATWG Fetch, *network error*).
    """


class ConnectionFailed(TransportError):
    """No connection could be made: refused, unknown host, or TLS failed.

    Attributes:
        reason: `dns`, `refused` or `tls` where the platform says which, or empty.
    """

    origin: Origin = "client"
    reason: str = ""


class RelayUnreachable(TransportError):
    """A relay gave no answer.

    Attributes:
        is_unsent: whether it is certain that nothing of the request left for the provider.
    """

    def __init__(self, message: str, *, remedy: str = "", is_unsent: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.is_unsent = is_unsent


class TransportTimeout(TransportError):
    """Our own clock ran out before the answer came."""

    origin: Origin = "client"


class ConnectionLost(TransportError):
    """The connection broke in the middle of the answer; what came before it was kept."""


class ResponseError(SidestepError):
    """An HTTP answer arrived, and it is not what was asked for.

    Attributes:
        status: HTTP status code; 200 for an error inside a stream.
        code: the provider's or relay's own code, as it came, or None.
        param: the offending field of the request, as the provider names it, or None.
        request_id: what to quote to the provider's or relay's operator, or None.
        retry_after: seconds the other side asks to wait, or None.
        resets_at: Unix time in seconds at which the limit that was hit resets, or None.
    """

    origin: Origin = "provider"

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        status: int = 0,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        resets_at: float | None = None,
        origin: Origin = "provider",
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.code = code
        self.param = param
        self.request_id = request_id
        self.retry_after = retry_after
        self.resets_at = resets_at
        self.origin = origin

    def to_dict(self) -> dict[str, Any]:
        """Return the error with its status, code, field, request id and times."""
        return super().to_dict() | {
            "status": self.status or None,
            "code": self.code,
            "param": self.param,
            "request_id": self.request_id,
            "retry_after_seconds": self.retry_after,
            "resets_at": _write_moment(self.resets_at),
        }


class AuthenticationError(ResponseError):
    """The key was refused."""


class PermissionDenied(ResponseError):
    """The key is good but may not do this."""


class QuotaExceeded(ResponseError):
    """No balance, no plan, or the plan is used up. Waiting a moment does not help."""


class RateLimited(ResponseError):
    """Too many requests at once."""

    is_retryable = True


class ModelNotFound(ResponseError):
    """There is no such model for this key at this address."""


class BadRequest(ResponseError):
    """The request itself was refused."""


class ContentRefused(ResponseError):
    """The provider will not answer this content."""


class Overloaded(ResponseError):
    """The provider cannot serve the request now."""

    is_retryable = True


class ServerError(ResponseError):
    """The other side failed."""

    is_retryable = True


class UnexpectedResponse(ResponseError):
    """The answer is not in the format that was asked for: HTML, garbage, or nothing."""


class RelayRefused(ResponseError):
    """The relay itself said no, before any provider was asked."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message, **(details | {"origin": "relay"}))


class RelayAuthenticationError(RelayRefused):
    """The relay's token was refused. The provider's key was not looked at."""


class SealBroken(SidestepError):
    """What came for a sealed request was not sealed by the relay, or was changed on the way."""

    origin: Origin = "relay"


class StreamIncomplete(SidestepError):
    """The stream ended without saying that it was finished; what came before it was kept."""

    origin: Origin = "provider"
    is_retryable = True


class NoRoute(SidestepError):
    """No way to the provider may be taken. Nothing was sent."""

    origin: Origin = "configuration"


class RoutesFailed(SidestepError):
    """Every way that may be taken was tried, and none gave an answer."""

    origin: Origin = "browser"
    is_retryable = True


class Cancelled(SidestepError):
    """The caller stopped the request; what had come was kept."""


def _write_moment(moment: float | None) -> str | None:
    """Return a Unix time as ISO 8601 in whole seconds, never earlier than it is."""
    if moment is None:
        return None
    try:
        return datetime.fromtimestamp(math.ceil(moment), UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None
