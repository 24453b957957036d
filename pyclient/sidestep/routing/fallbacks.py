"""Whether the next route may be tried after one failed."""

from __future__ import annotations

from sidestep.config import Provider
from sidestep.errors import (
    ConnectionFailed,
    FetchRejected,
    RelayRefused,
    ResponseError,
    RoutesFailed,
    SidestepError,
    UnexpectedResponse,
)

__all__ = ["may_try_next"]

_GATEWAY_TIMEOUT = 504


def may_try_next(error: SidestepError, provider: Provider) -> bool:
    """Say whether *error* is the route's own failure, so that another route may do better.

    What a provider answered is final whichever way it came, but for its refusal of browsers as such. So is silence:
    the request may have arrived, and sending it again could be paid for twice.
    """
    if isinstance(error, RelayRefused) or (isinstance(error, UnexpectedResponse) and error.origin == "relay"):
        return error.status != _GATEWAY_TIMEOUT
    if isinstance(error, ResponseError):
        return any(words in error.message for words in provider.entry.browser_refusals)
    return isinstance(error, FetchRejected | ConnectionFailed | RoutesFailed)
