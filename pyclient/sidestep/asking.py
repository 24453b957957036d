"""One model is asked: by a call of its own, one that is shared, or from an answer that was kept."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from sidestep.answers import AnswerReader
from sidestep.calls import make_chat_call
from sidestep.config import Config, Provider
from sidestep.errors import Cancelled, ConnectionLost, RoutesFailed, SidestepError, TransportError
from sidestep.exchanges import Exchange
from sidestep.journeys import Journey, JourneyContext, OpenedRoute
from sidestep.metrics import OK
from sidestep.sharing import AnswerCache, SharedCalls, make_key
from sidestep.targets import Target
from sidestep.transports import Transport
from sidestep.types import Event, Model, RouteTaken

__all__ = ["Asker"]

_ALL_DOWN = "No route is open; this answer was kept from an earlier, identical request."


class Asker:
    """Asks, and remembers how it went.

    Args:
        transport: how bytes travel.
        silence: seconds without a byte after which an attempt is given up, unless a rule says otherwise.
        recall: returns what is known of a provider's model, for its prices.
    """

    def __init__(self, transport: Transport, silence: float, recall: Callable[[Provider, str], Model | None]) -> None:
        self._transport = transport
        self._silence = silence
        self._recall = recall
        self._shared = SharedCalls()
        self._kept = AnswerCache()
        self._salt = os.urandom(32)

    def make_journey(self, target: Target, config: Config, context: JourneyContext) -> Journey:
        """Return the way that a request to *target* would go."""
        call = make_chat_call(target.provider, target.request)
        return Journey(call, config, context, self._make_exchange(target), target.wishes)

    async def ask(
        self, target: Target, config: Config, context: JourneyContext, *, is_fresh: bool
    ) -> AsyncGenerator[Event]:
        """Yield the answer, as the user's options say.

        Args:
            target: what to ask.
            config: the configuration to go by.
            context: what the client's journeys share.
            is_fresh: whether neither a kept answer nor one that is in flight will do.

        Raises:
            SidestepError: there is none.
        """
        options = config.policies.options
        key = make_key(target.provider.id, make_chat_call(target.provider, target.request).direct, self._salt)
        if options.cache_lifetime != self._kept.lifetime:
            self._kept = AnswerCache(lifetime=options.cache_lifetime)
        kept = self._kept.get(key, context.clock()) if options.caches_answers and not is_fresh else None
        if kept:
            for event in kept:
                yield event
            return
        events = self._start(key, target, config, context, is_shared=options.shares_requests and not is_fresh)
        if options.caches_answers:
            events = self._keep(key, events, context.clock)
        async with aclosing(events):
            async for event in events:
                yield event

    def _start(
        self, key: str, target: Target, config: Config, context: JourneyContext, *, is_shared: bool
    ) -> AsyncGenerator[Event]:
        if not is_shared:
            return self._call(target, config, context)
        # Two rules can send the same words by different ways.
        name = f"{key} {target.wishes} {target.timeout}"
        return self._shared.stream(name, lambda: self._call(target, config, context))

    async def _keep(self, key: str, events: AsyncGenerator[Event], clock: Callable[[], float]) -> AsyncGenerator[Event]:
        """Yield *events* and keep them; where no route is open, yield what was kept before."""
        seen: list[Event] = []
        try:
            async with aclosing(events):
                async for event in events:
                    seen.append(event)
                    yield event
        except (TransportError, RoutesFailed):
            kept = self._kept.get(key, clock(), _ALL_DOWN)
            if not kept or any(isinstance(event, RouteTaken) for event in seen):
                raise
            for event in kept:
                yield event
        else:
            self._kept.put(key, seen, clock())

    async def _call(self, target: Target, config: Config, context: JourneyContext) -> AsyncGenerator[Event]:
        async with aclosing(self.make_journey(target, config, context).open()) as steps:
            async for step in steps:
                if not isinstance(step, OpenedRoute):
                    yield step
                    continue
                yield replace(step.route, rule=target.fired_rule)
                async with aclosing(self._read(step, target, context)) as events:
                    async for event in events:
                        yield event

    async def _read(self, opened: OpenedRoute, target: Target, context: JourneyContext) -> AsyncGenerator[Event]:
        """Yield what the answer says, and remember how it went once it is over, however it is."""
        answer = AnswerReader(opened.dialect, opened.failures, opened.rules)
        outcome, is_answer = Cancelled.__name__, False
        try:
            async with aclosing(self._feed(answer, opened, self._make_exchange(target))) as events:
                async for event in events:
                    if not is_answer:
                        is_answer = True
                        opened.confirm()
                    opened.meter.see(event, time.perf_counter())
                    yield event
            outcome = OK
        except SidestepError as error:
            error.route, error.attempts = opened.route.route.to_dict(), opened.attempts
            outcome = type(error).__name__
            context.knowledge.note_failure(target.provider, opened.route.route, error, context.clock())
            raise
        finally:
            model = self._recall(target.provider, target.request.model)
            timing = opened.response.headers.get("server-timing", "")
            ended = opened.meter.finish(outcome, time.perf_counter(), model=model, server_timing=timing)
            context.knowledge.note_attempt(ended)

    async def _feed(self, answer: AnswerReader, opened: OpenedRoute, exchange: Exchange) -> AsyncGenerator[Event]:
        """Yield the events of the bytes, whether they are the stream that was asked for or one JSON document."""
        try:
            async with aclosing(exchange.chunks(opened.response)) as chunks:
                async for chunk in chunks:
                    for event in answer.feed(chunk):
                        yield event
                    if answer.is_done:
                        break
        except ConnectionLost:
            # What broke after the finish took nothing with it.
            if not answer.has_finish:
                raise
        for event in answer.finish():
            yield event

    def _make_exchange(self, target: Target) -> Exchange:
        return Exchange(self._transport, target.timeout or self._silence)
