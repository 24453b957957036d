"""Whether, when and how often a request is sent again by the way it went before. Pure: no clock, no sleep, no dice.

Only what a provider answered before the first byte of an answer is looked at here. A call that got no answer is the
routes' business (`routing.fallbacks`), and once a byte has come nothing is ever sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sidestep.errors import Overloaded, RateLimited, ResponseError, ServerError, SidestepError

__all__ = ["Patience", "RetryPolicy", "choose_backoff", "is_worth_retrying"]

_FIRST_BACKOFF = 1.0  # seconds that the first wait may take at most; each next may take twice as long
_SERVER_ERRORS = range(500, 600)
# Nothing changes by waiting (501, 505, a network that wants a sign-in: 511), or the request may have been served and
# would be paid for twice (504).
_FINAL_STATUSES = frozenset({501, 504, 505, 511})
_MAYBE_SERVED = frozenset({"provider_incomplete", "provider_timeout"})  # a relay's words for the same


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient a client is with a provider that says "not now".

    Attributes:
        attempts: how often a request is sent again; 0 for never.
        longest_wait: seconds of one wait at most.
        total_wait: seconds of all waits of one request together at most.
    """

    attempts: int = 2
    longest_wait: float = 30.0
    total_wait: float = 60.0


def is_worth_retrying(error: SidestepError) -> bool:
    """Say whether the same request may succeed by the same way a little later."""
    if not isinstance(error, ResponseError) or not error.is_retryable or error.code in _MAYBE_SERVED:
        return False
    if isinstance(error, RateLimited | Overloaded):
        return True
    return isinstance(error, ServerError) and error.status in _SERVER_ERRORS and error.status not in _FINAL_STATUSES


def choose_backoff(attempt: int, longest: float, draw: Callable[[], float]) -> float:
    """Return seconds to wait where the provider names none: exponential, with full jitter.

    Args:
        attempt: 1 for the first repetition.
        longest: seconds at most.
        draw: returns a random number from 0 to 1.
    """
    return draw() * min(longest, _FIRST_BACKOFF * 2.0 ** min(attempt - 1, 32))


class Patience:
    """What is left of a policy while one request is tried.

    Attributes:
        attempt: how often the request was sent again, the one being waited for included.
    """

    def __init__(self, policy: RetryPolicy, draw: Callable[[], float]) -> None:
        self.attempt = 0
        self._policy = policy
        self._draw = draw
        self._left = policy.total_wait

    def find_wait(self, error: SidestepError) -> float | None:
        """Return the seconds to wait before the request is sent again, or None if it is not.

        Counts the wait as taken. What the provider asks for is honoured to the second or, where it is more than the
        policy allows, not waited for at all; the error then says so.
        """
        if self.attempt >= self._policy.attempts or not is_worth_retrying(error):
            return None
        longest = min(self._policy.longest_wait, self._left)
        asked = error.retry_after if isinstance(error, ResponseError) else None
        if asked is not None and asked > longest:
            error.remedy = f"It asks for a wait of {asked:.0f} s, longer than is waited here by itself; retry then."
            return None
        self.attempt += 1
        wait = choose_backoff(self.attempt, longest, self._draw) if asked is None else asked
        self._left -= wait
        return wait
