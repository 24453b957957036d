"""What may be sent again by the next route after one failed. Pure.

The table of docs/routing.md (*What may be sent twice*): what counts is whether the provider may have had the request,
for then it may have been billed. That is certain where a connection never came about, and where the provider
answered; in between it cannot be known. Such a request is sent again once and no more, and never after a silence,
which is what a long answer looks like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sidestep.config import Provider
from sidestep.errors import (
    ConnectionFailed,
    FetchRejected,
    RelayRefused,
    RelayUnreachable,
    ResponseError,
    SidestepError,
    UnexpectedResponse,
)

__all__ = ["Caution", "Receipt", "find_receipt", "is_browser_refusal"]

_GATEWAY_TIMEOUT = 504

Receipt = Literal["unsent", "ambiguous", "answered", "pending"]
"""Whether the provider had the request: certainly not; perhaps; it answered; perhaps, and it may still be at work."""


def find_receipt(error: SidestepError, provider: Provider) -> Receipt:
    """Return what *error* proves about whether the provider had the request."""
    if isinstance(error, RelayUnreachable):
        return "unsent" if error.is_unsent else "ambiguous"
    if isinstance(error, RelayRefused):
        return "pending" if error.status == _GATEWAY_TIMEOUT else "unsent"
    if isinstance(error, UnexpectedResponse) and error.origin == "relay":
        return "pending" if error.status == _GATEWAY_TIMEOUT else "ambiguous"
    if isinstance(error, ResponseError):
        # The one answer that another route can change; nothing was generated for it.
        return "unsent" if is_browser_refusal(error, provider) else "answered"
    if isinstance(error, ConnectionFailed):
        return "unsent"
    return "ambiguous" if isinstance(error, FetchRejected) else "pending"


def is_browser_refusal(error: SidestepError, provider: Provider) -> bool:
    """Say whether *provider* refused browsers as such, in words that the catalogue knows."""
    words = provider.entry.browser_refusals
    return isinstance(error, ResponseError) and any(row in error.message for row in words)


@dataclass
class Caution:
    """What one request has risked so far.

    Attributes:
        provider: whom it is for.
        repetitions: how often it was sent again although it may have arrived.
    """

    provider: Provider
    repetitions: int = 0

    def may_try_next(self, error: SidestepError) -> bool:
        """Say whether the next route may be tried after *error*; counts it as tried if so."""
        receipt = find_receipt(error, self.provider)
        if receipt == "ambiguous" and self.repetitions == 0:
            self.repetitions += 1
            return True
        return receipt == "unsent"
