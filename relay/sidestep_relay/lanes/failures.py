"""What went wrong between the relay and a provider, read from the wire: the same for every lane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from sidestep_relay.chats import ChatCall
from sidestep_relay.errors import RelayError, make_provider_error, read_provider_error
from sidestep_relay.upstreams import Upstream

__all__ = ["describe_failure", "describe_nonsense", "describe_page", "describe_unfinished", "read_error"]


def describe_failure(error: Exception, call: ChatCall, upstream: Upstream) -> RelayError:
    """Return the relay's error for *error*, whatever it is. The wire is believed before the exception."""
    name = call.entry.name
    if upstream.refusal:
        return upstream.refusal
    if upstream.status is None:
        return _describe_no_answer(error, upstream, name)
    if upstream.status >= httpx.codes.BAD_REQUEST:
        return read_error(upstream.error_body, call, status=upstream.status, headers=upstream.headers)
    if upstream.status >= httpx.codes.MULTIPLE_CHOICES:
        message = f"{name} answered {upstream.status}, a redirect, which is not followed: check the base URL."
        return make_provider_error("redirect", message, status=upstream.status)
    return _describe_bad_answer(call, upstream)


def describe_page(call: ChatCall) -> RelayError:
    """Return the error for a web page under a status that says that all is well."""
    return make_provider_error(
        "answer", f"{call.entry.name} answered with a web page instead of data: check the base URL."
    )


def describe_nonsense(call: ChatCall) -> RelayError:
    """Return the error for an answer that is none."""
    return make_provider_error("answer", f"{call.entry.name} answered something that is no chat completion.")


def describe_unfinished(call: ChatCall) -> RelayError:
    """Return the error for an answer that ends as if it were whole, and is not."""
    return make_provider_error("incomplete", f"{call.entry.name} ended the answer without saying that it was finished.")


def read_error(
    body: bytes | Mapping[str, Any],
    call: ChatCall,
    *,
    status: int | None,
    headers: Mapping[str, str] | None = None,
) -> RelayError:
    """Return the error that the provider's own *body* means; *status* is None for an error inside a stream."""
    return read_provider_error(
        body,
        name=call.entry.name,
        status=status,
        error_codes=call.entry.error_codes,
        secrets=(call.key,),
        headers=headers,
    )


def _describe_bad_answer(call: ChatCall, upstream: Upstream) -> RelayError:
    name = call.entry.name
    if upstream.observer and upstream.observer.seen.error:
        return read_error(upstream.observer.seen.error, call, status=None)
    if upstream.is_html:
        return describe_page(call)
    if isinstance(upstream.failure, httpx.TimeoutException):
        return make_provider_error("timeout", f"{name} fell silent in the middle of its answer.")
    if upstream.failure:
        return make_provider_error("incomplete", f"The connection to {name} broke in the middle of its answer.")
    return describe_nonsense(call)


def _describe_no_answer(error: Exception, upstream: Upstream, name: str) -> RelayError:
    failure, timeout = upstream.failure, upstream.timeout
    if isinstance(failure, httpx.ConnectTimeout):
        return make_provider_error("unreachable", f"{name} did not accept a connection in {timeout.connect:g} s.")
    if isinstance(failure, httpx.TimeoutException):
        return make_provider_error("timeout", f"{name} did not answer in {timeout.read:g} s.")
    if failure:
        return make_provider_error("unreachable", f"{name} cannot be reached: {type(failure).__name__}.")
    # Nothing was sent: the request could not be made. The exception's words can hold the prompt, so only its kind is
    # told.
    return RelayError(
        "request_invalid",
        f"The request could not be turned into one for {name} ({type(error).__name__}).",
        status=400,
    )
