"""Errors by LiteLLM's names, so that `except` clauses written for it go on working.

What is raised is of both trees: `RateLimitError` as LiteLLM calls it and `sidestep.QuotaExceeded` as we do. It keeps
everything that our error holds, and our error itself as its `__cause__`.

Source of the names and status codes: LiteLLM 1.106.2, `litellm.exceptions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sidestep import errors
from sidestep.errors import ResponseError, SidestepError

__all__ = [
    "NAMES",
    "APIConnectionError",
    "APIError",
    "AuthenticationError",
    "BadRequestError",
    "CompletionError",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "InternalServerError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServiceUnavailableError",
    "Timeout",
    "UnsupportedParamsError",
    "translate_error",
]


class CompletionError(SidestepError):
    """The root of what `acompletion` raises.

    Attributes:
        status_code: the HTTP status that LiteLLM gives this kind of error.
        llm_provider: the provider, as it stands before the slash of a LiteLLM model id; empty if none was found.
        model: the model, as the caller named it.
    """

    status_code: int = 500

    def __init__(self, message: str, *, llm_provider: str = "", model: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.llm_provider = llm_provider
        self.model = model


class APIError(CompletionError):
    """Anything that has no name of its own; `status_code` is the answer's own, or 500."""


class APIConnectionError(CompletionError):
    """No connection, a lost one, a call that the browser refused, or no way that may be taken."""


class Timeout(CompletionError):
    """The other side was silent for too long."""

    status_code = 408


class AuthenticationError(CompletionError):
    """The key, or the relay's token, was refused or is missing."""

    status_code = 401


class PermissionDeniedError(CompletionError):
    """The key is good but may not do this."""

    status_code = 403


class NotFoundError(CompletionError):
    """There is no such model."""

    status_code = 404


class RateLimitError(CompletionError):
    """Too many requests, or the balance or plan is used up; `sidestep.QuotaExceeded` tells the second."""

    status_code = 429


class BadRequestError(CompletionError):
    """The request cannot work, or the provider refused it."""

    status_code = 400


class UnsupportedParamsError(BadRequestError):
    """A parameter that this model's provider, or Sidestep, does not take."""


class ContextWindowExceededError(BadRequestError):
    """The conversation is longer than the model can read."""


class ContentPolicyViolationError(BadRequestError):
    """The provider will not answer this content."""


class ServiceUnavailableError(CompletionError):
    """The provider cannot serve now."""

    status_code = 503


class InternalServerError(CompletionError):
    """The other side failed."""


NAMES: Mapping[type[SidestepError], type[CompletionError]] = MappingProxyType(
    {
        errors.SidestepError: APIError,
        errors.ConfigurationError: BadRequestError,
        errors.UnknownModel: BadRequestError,
        errors.TransportError: APIConnectionError,
        errors.FetchRejected: APIConnectionError,
        errors.ConnectionFailed: APIConnectionError,
        errors.RelayUnreachable: APIConnectionError,
        errors.TransportTimeout: Timeout,
        errors.ConnectionLost: APIConnectionError,
        errors.ResponseError: APIError,
        errors.AuthenticationError: AuthenticationError,
        errors.PermissionDenied: PermissionDeniedError,
        errors.QuotaExceeded: RateLimitError,
        errors.RateLimited: RateLimitError,
        errors.ModelNotFound: NotFoundError,
        errors.BadRequest: BadRequestError,
        errors.ContentRefused: ContentPolicyViolationError,
        errors.Overloaded: ServiceUnavailableError,
        errors.ServerError: InternalServerError,
        errors.UnexpectedResponse: APIError,
        errors.RelayRefused: APIError,
        errors.RelayAuthenticationError: AuthenticationError,
        errors.SealBroken: APIConnectionError,
        errors.StreamIncomplete: APIConnectionError,
        errors.NoRoute: APIConnectionError,
        errors.RoutesFailed: APIConnectionError,
        errors.Cancelled: APIError,
    }
)
"""LiteLLM's name for each of our errors."""

_CODES: Mapping[str, type[CompletionError]] = MappingProxyType(
    {
        # OpenAI API reference, *Error codes*; the providers that speak its wire send the same.
        "context_length_exceeded": ContextWindowExceededError,
        "content_policy_violation": ContentPolicyViolationError,
    }
)
"""Where the provider's own code says more than the kind of the error."""

_FIRST_FAILURE = 400


def translate_error(error: SidestepError, *, llm_provider: str, model: str) -> CompletionError:
    """Return *error* under LiteLLM's name, with all that it holds; raise it `from` the error itself."""
    named = _CODES.get(getattr(error, "code", None) or "") or NAMES[_find_known(type(error))]
    translated = _combine(named, type(error))(error.message)
    vars(translated).update(vars(error))
    translated.llm_provider, translated.model = llm_provider, model
    if isinstance(error, ResponseError) and named is APIError and error.status >= _FIRST_FAILURE:
        translated.status_code = error.status
    return translated


def _find_known(kind: type[SidestepError]) -> type[SidestepError]:
    """Return the nearest ancestor that the table names, so that an error added later is translated too."""
    return next(ancestor for ancestor in kind.__mro__ if ancestor in NAMES)


def _combine(named: type[CompletionError], kind: type[SidestepError]) -> type[CompletionError]:
    """Return the class that is of both trees, under LiteLLM's name."""
    return type(named.__name__, (named, kind), {"__module__": named.__module__, "__doc__": named.__doc__})
