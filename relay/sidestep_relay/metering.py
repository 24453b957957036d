"""What a token and an address may still have: `limits` counts it, and `metrics` is told what was refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sidestep_relay.allowances import Allowance
from sidestep_relay.errors import RelayError
from sidestep_relay.limits import Budget, Limiter, name_address
from sidestep_relay.metrics import Limit, Metrics
from sidestep_relay.tokens import Token

__all__ = ["Meter"]


class Meter:
    """Counts for tokens and addresses. One per process.

    Args:
        limiter: what counts.
        metrics: what is told of refusals.
        per_token: what a token may have that has no limits of its own.
        per_address: what an address may have, whatever its tokens are.
    """

    def __init__(self, limiter: Limiter, metrics: Metrics, *, per_token: Allowance, per_address: Allowance) -> None:
        self._limiter = limiter
        self._metrics = metrics
        self._per_token = per_token
        self._per_address = per_address

    def find_allowance(self, token: Token) -> Allowance:
        """Return what *token* may have."""
        return dataclasses.replace(self._per_token, **token.limits)

    def count_request(self, token: Token, address: str | None) -> None:
        """Count a request of *token* from *address*.

        Raises:
            RelayError: 429 `rate_limited`.
        """
        with self._tell("token_requests"):
            self._limiter.count_request("token", token.name, self.find_allowance(token).requests_per_minute)
        with self._tell("address_requests"):
            self._limiter.count_request("address", name_address(address), self._per_address.requests_per_minute)

    @contextmanager
    def hold_stream(self, token: Token, address: str | None) -> Iterator[None]:
        """Count an answer of *token* to *address* while the block lasts.

        Raises:
            RelayError: 429 `rate_limited`.
        """
        own = ("token", token.name, self.find_allowance(token).streams)
        shared = ("address", name_address(address), self._per_address.streams)
        with ExitStack() as stack:
            with self._tell("streams"):
                stack.enter_context(self._limiter.hold_stream(own, shared))
            yield

    def charge(self, token: Token, estimate: int) -> Budget:
        """Count an *estimate* of model tokens for *token*.

        Raises:
            RelayError: 429 `rate_limited`.
        """
        with self._tell("model_tokens"):
            return self._limiter.count_tokens(token.name, estimate, self.find_allowance(token).tokens_per_minute)

    @contextmanager
    def _tell(self, limit: Limit) -> Iterator[None]:
        try:
            yield
        except RelayError:
            self._metrics.count_refusal(limit)
            raise
