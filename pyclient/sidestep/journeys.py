"""One request on its way: route after route, until one answers or none may be tried any more.

What may be sent twice is decided in `routing.fallbacks` and `routing.retries`. After the first byte of an answer
nothing is ever sent again by itself.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from sidestep.calls import Call, choose_dialect
from sidestep.config import Config, Relay
from sidestep.dialects import Dialect
from sidestep.dialects.failures import FailureReader
from sidestep.errors import ConnectionFailed, FetchRejected, RelayUnreachable, SidestepError, TransportError
from sidestep.exchanges import OK, Exchange
from sidestep.explanations import (
    describe_choice,
    describe_no_route,
    describe_unreachable_relay,
    summarise_attempts,
)
from sidestep.knowledge import Knowledge
from sidestep.metrics import Meter
from sidestep.routing.evidence import EvidenceKey, key_for
from sidestep.routing.fallbacks import Caution
from sidestep.routing.health import EVERYTHING, HealthKey
from sidestep.routing.plan import Candidate, Plan, Wishes, make_plan
from sidestep.routing.retries import Patience, RetryPolicy
from sidestep.transports import Response
from sidestep.types import Retrying, Route, RouteFailed, RouteTaken, WireRules

__all__ = ["Journey", "JourneyContext", "OpenedRoute"]

_UNREADY = frozenset({502, 504})

FailedAttempt = tuple[dict[str, Any], SidestepError]


@dataclass(frozen=True, slots=True)
class OpenedRoute:
    """A route that answered: its response is open and its status good.

    Attributes:
        attempts: the routes that failed before it.
        latency: seconds until the answer's head.
        meter: what measures the attempt.
        confirm: to be called once what came has proved to be an answer, so that it is learned from.
    """

    route: RouteTaken
    dialect: Dialect
    rules: WireRules
    response: Response
    failures: FailureReader
    attempts: tuple[FailedAttempt, ...]
    latency: float
    meter: Meter
    confirm: Callable[[], None]


@dataclass(frozen=True, slots=True)
class JourneyContext:
    """What every journey of a client shares.

    Attributes:
        knocking: how to ask a relay whether it is there.
        page_origin: the origin of the page it runs in, or empty.
        clock: Unix time in seconds.
        sleep: waits for so many seconds.
        draw: returns a random number from 0 to 1.
    """

    knowledge: Knowledge
    knocking: Exchange
    page_origin: str
    retries: RetryPolicy
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    draw: Callable[[], float]


class Journey:
    """One request's way through the routes. Made for one use.

    Args:
        call: what to ask.
        config: the configuration it began with.
        context: what it shares with the others.
        exchange: how to send.
        wishes: what a rule wants of its routes.
    """

    def __init__(
        self,
        call: Call,
        config: Config,
        context: JourneyContext,
        exchange: Exchange,
        wishes: Wishes | None = None,
    ) -> None:
        self._call = call
        self._config = config
        self._shared = context
        self._exchange = exchange
        self._wishes = wishes or Wishes()
        self._attempts: list[FailedAttempt] = []

    @property
    def evidence_key(self) -> EvidenceKey:
        """What the direct way of this request is remembered by."""
        return key_for(self._shared.page_origin, self._call.direct, self._call.path_class)

    def plan(self) -> Plan:
        """Return the routes that would be taken now. Sends nothing."""
        shared, now = self._shared, self._shared.clock()
        finding = shared.knowledge.evidence.find(self.evidence_key, now) if shared.page_origin else None
        return make_plan(
            self._call.provider,
            self._config,
            finding,
            now,
            health=shared.knowledge.health,
            wishes=self._wishes,
            draw=shared.draw,
        )

    async def open(self) -> AsyncGenerator[RouteFailed | Retrying | OpenedRoute]:
        """Yield each route that failed and each wait, then the route that answered.

        Its response is closed when the caller is done.

        Raises:
            NoRoute: no way may be taken; nothing was sent.
            SidestepError: none answered.
        """
        plan = self.plan()
        if not plan.included:
            raise describe_no_route(self._call.provider, plan, self._config)
        caution = Caution(self._call.provider)
        patience = Patience(self._choose_retries(), self._shared.draw)
        for position, candidate in enumerate(plan.included):
            has_next = position + 1 < len(plan.included)
            outcome = await self._try(candidate, has_next=has_next)
            while isinstance(outcome, SidestepError) and (wait := patience.find_wait(outcome)) is not None:
                yield Retrying(wait, outcome.to_dict(), patience.attempt)
                await self._shared.sleep(wait)
                outcome = await self._try(candidate, has_next=has_next)
            if isinstance(outcome, OpenedRoute):
                try:
                    yield outcome
                finally:
                    await outcome.response.aclose()
                return
            earlier = tuple(self._attempts)
            self._attempts.append((candidate.route.to_dict(), outcome))
            if not caution.may_try_next(outcome):
                self._note_end(None)
                raise self._finish(plan, outcome, earlier)
            if has_next:
                yield RouteFailed(candidate.route, outcome.to_dict())
        self._note_end(None)
        raise summarise_attempts(self._call.provider, plan, self._attempts, self._config)

    def _finish(self, plan: Plan, error: SidestepError, earlier: tuple[FailedAttempt, ...]) -> SidestepError:
        """Return the error for a request that goes no further although routes may be left."""
        if isinstance(error, FetchRejected | ConnectionFailed | RelayUnreachable):
            return summarise_attempts(self._call.provider, plan, self._attempts, self._config)
        error.attempts = earlier
        return error

    def _choose_retries(self) -> RetryPolicy:
        """Return how patient to be: not at all with a provider that is down whatever one does."""
        outage = self._shared.knowledge.health.find_outage(self._call.provider.id, self._shared.clock())
        return replace(self._shared.retries, attempts=0) if outage else self._shared.retries

    async def _try(self, candidate: Candidate, *, has_next: bool) -> OpenedRoute | SidestepError:
        """Return the opened route, or the error that says why it did not open."""
        knowledge, clock, call = self._shared.knowledge, self._shared.clock, self._call
        meter = Meter(call.provider.id, call.model, candidate.route, clock(), time.perf_counter())
        try:
            opened = await self._attempt(candidate, meter, has_next=has_next)
        except SidestepError as error:
            error.route = candidate.route.to_dict()
            knowledge.note_failure(call.provider, candidate.route, error, clock())
            if call.model:
                knowledge.note_attempt(meter.finish(type(error).__name__, time.perf_counter()))
            return error
        knowledge.note_head(call.provider, candidate.route, opened.latency, clock())
        return opened

    async def _attempt(self, candidate: Candidate, meter: Meter, *, has_next: bool) -> OpenedRoute:
        call, shared = self._call, self._shared
        relay = self._config.find_relay(candidate.route.relay_id)
        if relay and has_next:
            await self._check_presence(relay)
        shared.knowledge.note_sending(call, relay, shared.clock())
        response, latency = await self._send(relay)
        relay_name = relay.name if relay else ""
        error_codes = call.provider.entry.error_codes
        failures = FailureReader(call.provider.name, error_codes, self._config.secrets, relay_name, shared.clock())
        if response.status not in OK:
            raise await self._exchange.read_failure(response, failures)
        return OpenedRoute(
            RouteTaken(candidate.route, describe_choice(call.provider, candidate, self._attempts)),
            choose_dialect(candidate.route, call.provider),
            call.relay_rules if relay else call.rules,
            response,
            failures,
            tuple(self._attempts),
            latency,
            meter,
            lambda: self._note_end(candidate.route),
        )

    async def _send(self, relay: Relay | None) -> tuple[Response, float]:
        """Return the answer's head and the seconds it took."""
        call, began = self._call, time.perf_counter()
        try:
            response = await self._exchange.send(call.encode_for_relay(relay) if relay else call.direct)
        except (FetchRejected, ConnectionFailed) as error:
            if not relay:
                raise
            is_unsent = isinstance(error, ConnectionFailed)
            raise describe_unreachable_relay(relay, self._shared.page_origin, is_unsent=is_unsent) from error
        return response, time.perf_counter() - began

    async def _check_presence(self, relay: Relay) -> None:
        """Ask a relay that was not heard from lately whether it is there, before a request is entrusted to it.

        Raises:
            RelayUnreachable: it is not; and nothing of the request was sent.
        """
        knowledge, now = self._shared.knowledge, self._shared.clock()
        if knowledge.health.find_status(HealthKey(EVERYTHING, relay.id), now).level == "healthy":
            return
        try:
            status, latency = await self._shared.knocking.knock(f"{relay.url}/readyz")
        except TransportError as error:
            raise describe_unreachable_relay(relay, self._shared.page_origin, is_unsent=True) from error
        if status in _UNREADY:
            raise describe_unreachable_relay(relay, self._shared.page_origin, is_unsent=True)
        knowledge.note_relay(relay, self._shared.clock(), latency=latency)

    def _note_end(self, route: Route | None) -> None:
        self._shared.knowledge.note_end(self.evidence_key, self._call, route, self._attempts, self._shared.clock())
