"""The one verb: ask a model. Finds what to ask, sends it on its way, reads what comes, and remembers how it went.

What may be sent twice is decided in `routing.fallbacks` and `routing.retries`; after the first byte nothing is ever
sent again by itself.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sidestep._version import __version__
from sidestep.answers import LARGEST_DOCUMENT
from sidestep.asking import Asker
from sidestep.bundles import make_bundle
from sidestep.calls import Messages, make_chat_request, make_models_call, make_unbillable
from sidestep.collectors import AnswerCollector
from sidestep.config import EVERY_PROVIDER, Config, Consent, Provider, Relay
from sidestep.diagnosis import Verdict
from sidestep.dialects.failures import FailureReader, parse_json, parse_json_object
from sidestep.discovery import Discovery, ModelList
from sidestep.errors import (
    ConnectionFailed,
    FetchRejected,
    RoutesFailed,
    SealBroken,
    SidestepError,
    TransportError,
)
from sidestep.exchanges import OK, Exchange
from sidestep.explanations import Explanation, describe_unreachable_relay
from sidestep.journeys import Journey, JourneyContext, OpenedRoute
from sidestep.knowledge import Knowledge
from sidestep.metrics import find_cost
from sidestep.offers import Offer, list_offers
from sidestep.overviews import summarise_routes
from sidestep.policies import Rule
from sidestep.probes import Examination, Probed
from sidestep.routing.evidence import Evidence, key_for
from sidestep.routing.fallbacks import is_browser_refusal
from sidestep.routing.health import DIRECT, HealthKey
from sidestep.routing.retries import RetryPolicy
from sidestep.routing.rules import LocalTime, RuleOutcome
from sidestep.sightings import Sightings, take_sightings
from sidestep.targets import TargetFinder, may_move_on
from sidestep.transports import Response, Surroundings, Transport, choose_surroundings, choose_transport
from sidestep.transports.sealed import Sealer, SealingTransport
from sidestep.trials import Step, Trial, TrialOutcome, list_ways
from sidestep.types import (
    Event,
    HttpRequest,
    Message,
    Model,
    ModelTaken,
    ReasoningDelta,
    ReasoningPart,
    RouteTaken,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)

__all__ = ["Client", "RelayStatus", "Reply"]

_LARGEST_STATUS = 256 * 1024  # bytes of what a relay says of itself


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer.

    Attributes:
        message: the turn, ready to be put into the conversation: text, reasoning with its signatures, tool calls.
        route: how it came, and why.
        finish_reason: as in `Finished`.
    """

    message: Message
    usage: Usage
    route: RouteTaken
    finish_reason: str

    @property
    def text(self) -> str:
        """The answer's text."""
        return self.message.text

    @property
    def reasoning(self) -> str:
        """What the model thought, as far as the provider shows it."""
        return "".join(part.text for part in self.message.parts if isinstance(part, ReasoningPart))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools that the model asks for."""
        return self.message.tool_calls


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """What a relay says of itself.

    Attributes:
        latency: seconds that its answer took.
        is_key_new: whether it now shows another sealing key than the one that is pinned, which it still has.
        limits: what its token may ask for, by the relay's own names; only those that are set.
    """

    version: str
    providers: tuple[str, ...]
    latency: float
    is_key_new: bool = False
    limits: Mapping[str, int] = field(default_factory=dict)


class Client:
    """Talks to the providers it is given, directly or through the relays it is given.

    `config` and `page_origin` may be replaced at any time; an answer that is under way keeps those it began with.
    `knowledge` is what it learned so far; it can be given to another client.

    Args:
        providers: whom it may ask.
        relays: where it may take a detour. Given here, each may see the key of each provider.
        config: instead of both, a whole configuration with its consents.
        transport: how bytes travel; chosen for the platform if left out.
        knowledge: what earlier clients learned.
        page_origin: the origin of the page it runs in; empty outside a browser, where no CORS policy applies.
        surroundings: what the browser knows of itself; found out when it is needed, if left out.
        sealer: who seals what goes to relays; chosen for the platform if left out.
        silence: seconds without a byte after which an attempt is given up.
        knock: seconds that a relay has to say that it is there, and a provider to a quiet look.
        retries: how patient to be with a provider that says "not now".
        clock: Unix time in seconds.
        sleep: waits for so many seconds.
        draw: returns a random number from 0 to 1.

    Raises:
        ConfigurationError: no transport for this platform is installed.
    """

    def __init__(
        self,
        providers: Iterable[Provider] = (),
        relays: Iterable[Relay] = (),
        *,
        config: Config | None = None,
        transport: Transport | None = None,
        knowledge: Knowledge | None = None,
        page_origin: str = "",
        surroundings: Surroundings | None = None,
        sealer: Sealer | None = None,
        silence: float = 180.0,
        knock: float = 5.0,
        retries: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        relays = tuple(relays)
        self.knowledge = knowledge or Knowledge()
        self._transport: Transport = SealingTransport(transport or choose_transport(), sealer, clock=clock)
        self._page_origin = page_origin
        self._surroundings = surroundings
        self._knocking = Exchange(self._transport, knock)
        self._exchange = Exchange(self._transport, silence)
        self._retries = retries
        self._clock = clock
        self._sleep = sleep
        self._draw = draw
        self._discovery = Discovery(self._fetch_models, clock)
        self._asker = Asker(self._transport, silence, self._discovery.recall)
        self.config = config or Config(
            tuple(providers), relays, frozenset(Consent(relay.id, EVERY_PROVIDER) for relay in relays)
        )

    @property
    def config(self) -> Config:
        """The user's providers, relays and rules; a new one counts from the next request on."""
        return self._config

    @config.setter
    def config(self, config: Config) -> None:
        self._config = config
        self._targets = self._make_target_finder()

    @property
    def page_origin(self) -> str:
        """The origin of the page this runs in; empty outside a browser."""
        return self._page_origin

    @page_origin.setter
    def page_origin(self, page_origin: str) -> None:
        self._page_origin = page_origin
        self._targets = self._make_target_finder()

    @property
    def evidence(self) -> Evidence:
        """What is known of the direct ways."""
        return self.knowledge.evidence

    @evidence.setter
    def evidence(self, evidence: Evidence) -> None:
        self.knowledge.evidence = evidence

    async def complete(self, model: str, messages: Messages, **parameters: Any) -> Reply:
        """Return the whole answer. Arguments and errors as in `stream`.

        Raises:
            SidestepError: as in `stream`; what had arrived is in its `partial_text`.
        """
        collector = AnswerCollector()
        try:
            async with aclosing(self.stream(model, messages, **parameters)) as events:
                async for event in events:
                    collector.add(event)
        except SidestepError as error:
            error.partial_text = collector.message.text
            raise
        if collector.route is None:
            raise RoutesFailed("The answer ended before it began.")
        return Reply(collector.message, collector.usage, collector.route, collector.finish_reason)

    async def stream(
        self,
        model: str,
        messages: Messages,
        *,
        tags: Iterable[str] = (),
        conversation: str = "",
        is_fresh: bool = False,
        **parameters: Any,
    ) -> AsyncGenerator[Event]:
        """Yield the answer as it comes: `RouteTaken` before the first of it, `Finished` as its last.

        Args:
            model: `provider-id/model-id`, or `group/NAME` for one of the user's model groups.
            messages: a question, or a conversation of `Message`s or `{"role", "content"}`.
            tags: what rules may match, beside the request itself.
            conversation: names what the request belongs to, so that it keeps its relay.
            is_fresh: whether a new answer is wanted, though the same request is in flight or its answer was kept.
            parameters: `temperature`, `tools`, `reasoning_effort`, `extra` and the others of `ChatRequest`.

        Raises:
            ConfigurationError: the model's name or a message cannot work; nothing was sent.
            NoRoute: no way may be taken; nothing was sent.
            RoutesFailed: every way was tried and none answered.
            ResponseError: the provider or the relay said no.
            StreamIncomplete, ConnectionLost, TransportTimeout: the answer broke off; what came was yielded.
        """
        request = make_chat_request("", messages, parameters)
        targets = self._targets.find(model, request, tags=tags, conversation=conversation)
        config, context, reason = self.config, self._make_context(), ""
        for position, target in enumerate(targets):
            if reason or target.reason:
                yield ModelTaken(target.model, reason or target.reason)
            has_begun = False
            try:
                async with aclosing(self._asker.ask(target, config, context, is_fresh=is_fresh)) as events:
                    async for event in events:
                        has_begun = has_begun or isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta)
                        yield event
            except SidestepError as error:
                if has_begun or position + 1 == len(targets) or not may_move_on(error):
                    raise
                reason = f"{target.model} could not answer: {error.message}"
            else:
                return

    async def models(self, provider_id: str, *, refresh: bool = False) -> ModelList:
        """Return the provider's models: its own list, asked for once an hour, else the catalogue's.

        An old list is returned at once while a new one is fetched; with *refresh* the new one is waited for. Never
        raises for a list that cannot be had: the error is in the result.

        Raises:
            ConfigurationError: there is no such provider.
        """
        return await self._discovery.find(self._find_provider(provider_id), refresh=refresh)

    def keep_models(self, provider_id: str, models: Iterable[Model], fetched_at: float) -> None:
        """Take a provider's list of models that was fetched earlier, at a Unix time, unless there is one already.

        Raises:
            ConfigurationError: there is no such provider.
        """
        self._discovery.keep(self._find_provider(provider_id), tuple(models), fetched_at)

    def describe_model(self, name: str, parameters: Mapping[str, Any] | None = None) -> tuple[Model, list[Offer]]:
        """Return what is known of the model *name* (`provider/model`), and the parameters that it takes.

        Args:
            name: a provider's id and the model's own, with a slash between.
            parameters: those that are chosen; some models take less while they think.

        Raises:
            ConfigurationError: there is no such provider.
        """
        provider_id, _, model_id = name.partition("/")
        provider = self._find_provider(provider_id)
        model = self._discovery.recall(provider, model_id) or Model(model_id, model_id)
        return model, list_offers(provider, model_id, model.max_output, parameters or {})

    def find_cost(self, name: str, usage: Usage) -> float | None:
        """Return what *usage* of the model *name* (`provider/model`) cost in US dollars, or None if that is not known.

        It is not known of a provider that was removed while it answered either.
        """
        provider_id, _, model_id = name.partition("/")
        provider = self.config.find_provider(provider_id)
        return find_cost(usage, self._discovery.recall(provider, model_id)) if provider else None

    async def check_relay(self, relay: Relay) -> RelayStatus:
        """Ask a relay what it is.

        Raises:
            RelayAuthenticationError: it refused the token.
            RelayUnreachable: it does not answer, or its CORS list lacks this page.
            UnexpectedResponse: something answers there that is not a relay.
            SealBroken: it, or whoever answers for it, has another sealing key than the one that is pinned.
        """
        failures = FailureReader(relay.name, secrets=(relay.token,), relay=relay.name)
        headers = {"Authorization": f"Bearer {relay.token}"}
        request = HttpRequest("GET", f"{relay.url}/v1/relay", headers, seal=relay.seal)
        began = time.perf_counter()
        try:
            response = await self._exchange.send(request)
        except (FetchRejected, ConnectionFailed) as error:
            raise describe_unreachable_relay(relay, self.page_origin, is_unsent=True) from error
        if response.status not in OK:
            raise await self._exchange.read_failure(response, failures)
        try:
            document = parse_json_object(await self._exchange.read_body(response, _LARGEST_STATUS))
        finally:
            await response.aclose()
        if document is None or "version" not in document:
            raise failures.unreadable("something that is no relay's answer", response.status)
        latency, providers = time.perf_counter() - began, document.get("providers")
        return RelayStatus(
            str(document["version"]),
            tuple(str(row) for row in providers) if isinstance(providers, list) else (),
            latency,
            _check_key(relay, document.get("sealing")),
            _read_limits(document.get("limits")),
        )

    async def try_provider(self, provider: Provider) -> AsyncGenerator[Step | TrialOutcome]:
        """Yield what each layer of each way to *provider* says, which need not be one of the configuration's.

        Each way ends in a `TrialOutcome`. It is asked by the same requests as a chat, the last of them for a few
        tokens: the only look that a provider may bill. A key goes to no relay without consent.
        """
        for route, config in list_ways(provider, self.config):
            if config is None:
                yield Step(route, "relay", None, f"“{route.relay_name}” may not see this provider's key yet.")
                continue
            # A client of its own, so that nothing but this way can be taken; what it learns is everybody's.
            alone = Client(
                config=config,
                transport=self._transport,
                knowledge=self.knowledge,
                page_origin=self.page_origin,
                surroundings=self._surroundings,
                retries=RetryPolicy(attempts=0),
                clock=self._clock,
                sleep=self._sleep,
                draw=self._draw,
            )
            async with aclosing(Trial(alone, config.providers[0], route).run()) as steps:
                async for step in steps:
                    yield step

    def explain(
        self,
        model: str,
        messages: Messages = "",
        *,
        tags: Iterable[str] = (),
        conversation: str = "",
        **parameters: Any,
    ) -> Explanation:
        """Return how a request would go now, and why. Sends nothing.

        Arguments are those of `stream`; of a model group it is the first model's way.

        Raises:
            ConfigurationError: the model's name does not lead to a provider.
        """
        request = make_chat_request("", messages, parameters)
        target = self._targets.find(model, request, tags=tags, conversation=conversation)[0]
        provider, now = target.provider, self._clock()
        plan = self._asker.make_journey(target, self.config, self._make_context()).plan()
        routes = [candidate.route.relay_id or DIRECT for candidate in plan.candidates]
        return Explanation(
            target.model,
            target.reason,
            plan,
            target.decision,
            self.evidence.classify(self.page_origin, provider.origin, now),
            {route: self.knowledge.health.find_status(HealthKey(provider.id, route), now) for route in routes},
            self.knowledge.health.find_outage(provider.id, now),
        )

    def try_rules(
        self,
        rules: Iterable[Rule],
        model: str,
        messages: Messages = "",
        *,
        tags: Iterable[str] = (),
        local_time: LocalTime | None = None,
        **parameters: Any,
    ) -> tuple[RuleOutcome, ...]:
        """Return what each of *rules* says to a request, without setting them up or sending anything.

        Args:
            rules: those to try, in order.
            model: `provider-id/model-id`.
            messages: as in `stream`.
            tags: as in `stream`.
            local_time: the time of day to try them at; now, if left out.
            **parameters: as in `stream`.

        Raises:
            ConfigurationError: the model's name does not lead to a provider, or a message is not one.
        """
        request = make_chat_request("", messages, parameters)
        return self._targets.try_rules(tuple(rules), model, request, tags=tags, local_time=local_time)

    def summarise_routes(self) -> dict[str, Any]:
        """Return what is known of each provider's ways and each relay (docs/protocol.md, *Overview*)."""
        return summarise_routes(self.config, self.knowledge, self.page_origin, self._clock())

    async def diagnose(self, model: str, error: SidestepError | None = None) -> Verdict:
        """Return why calls of a provider fail, how sure that is, and what to do.

        Arguments and errors as in `examine`.
        """
        sightings = take_sightings(error) if error else Sightings()
        async with aclosing(self.examine(model, sightings)) as steps:
            async for step in steps:
                if isinstance(step, Verdict):
                    return step
        raise RoutesFailed("The diagnosis ended without a verdict.")

    async def examine(
        self,
        model: str,
        sightings: Sightings = Sightings(),  # noqa: B008 - frozen
        *,
        may_prompt: bool = False,
    ) -> AsyncGenerator[Probed | Verdict]:
        """Yield what each look at a provider found, then the verdict; remember what it proves.

        Nothing is sent that anybody bills, and a key goes nowhere that it may not go.

        Args:
            model: a provider's id, or a model of it.
            sightings: what came of the request that failed; without, one that nobody bills is tried.
            may_prompt: whether the browser may now ask for leave to call this computer or its network.

        Raises:
            ConfigurationError: there is no such provider.
        """
        provider = self._find_provider(model.partition("/")[0])
        call = make_unbillable(provider)
        self._surroundings = self._surroundings or choose_surroundings()
        examination = Examination(
            provider,
            self.config,
            _Watched(self._transport, lambda request: self._note_key(provider, request)),
            self._surroundings,
            page_origin=self.page_origin,
            call=call,
            direct=sightings.direct,
            relayed=sightings.relayed,
            relay_id=sightings.relay_id or self.evidence.find_helper(provider.origin, self._clock()),
            may_prompt=may_prompt,
            clock=self._clock,
        )
        async with aclosing(examination.run()) as steps:
            async for step in steps:
                if isinstance(step, Verdict):
                    self.knowledge.note_verdict(key_for(self.page_origin, call.direct, "chat"), step, self._clock())
                yield step

    def make_bundle(self, user_agent: str = "") -> dict[str, Any]:
        """Return a document for a bug report, as JSON can hold it: no key, no prompt, no answer (`sidestep.bundles`).

        Args:
            user_agent: the browser's name for itself.
        """
        now, knowledge = self._clock(), self.knowledge
        return make_bundle(
            config=self.config,
            now=now,
            version=__version__,
            page_origin=self.page_origin,
            user_agent=user_agent,
            evidence=knowledge.evidence.to_list(now),
            health=self.summarise_routes(),
            metrics=[row.to_dict() for row in knowledge.metrics.summarise(now)],
            ledger=knowledge.ledger.to_list(),
            verdicts=[{"at": at, **verdict.to_dict()} for at, verdict in knowledge.verdicts],
            explanations=[self.explain(f"{provider.id}/any").to_dict() for provider in self.config.providers],
        )

    async def reprobe(self) -> tuple[str, ...]:
        """Look again, quietly, at direct ways that were blocked; return the ids of providers whose way opened.

        Each look is a request that no provider bills, and they become rarer the longer a way stays blocked. To be
        called when there is nothing else to do.
        """
        opened = []
        for finding in self.evidence.list_due_probes(self.page_origin, self._clock()):
            provider = self._find_probed(finding.key.provider_origin)
            if provider is None:
                continue
            call = make_models_call(provider) if finding.key.path_class == "models" else make_unbillable(provider)
            self._note_key(provider, call.direct)
            status = await self._look_again(provider, call.direct)
            if not status:
                self.evidence = self.evidence.note_probe(finding.key, self._clock())
                continue
            host = urlsplit(provider.base_url).netloc
            basis = f"{host} answered this page when it was looked at again (status {status})."
            self.evidence = self.evidence.learn(finding.key, "open", basis, self._clock())
            opened.append(provider.id)
        return tuple(dict.fromkeys(opened))

    async def _look_again(self, provider: Provider, request: HttpRequest) -> int:
        """Return the status of what *provider* answers this page, or 0 if it still does not, or refuses browsers."""
        failures = FailureReader(provider.name, provider.entry.error_codes, self.config.secrets)
        try:
            response = await self._knocking.send(request)
            if response.status in OK:
                await response.aclose()
                return response.status
            refusal = await self._knocking.read_failure(response, failures)
        except TransportError:
            return 0
        return 0 if is_browser_refusal(refusal, provider) else response.status

    def forget_evidence(self, provider_id: str) -> None:
        """Forget what is known of the direct way to a provider, so that it is tried again.

        Raises:
            ConfigurationError: there is no such provider.
        """
        self.knowledge.forget(self._find_provider(provider_id), self._clock())

    def _find_provider(self, provider_id: str) -> Provider:
        return self._targets.find_provider(provider_id)

    def _note_key(self, provider: Provider, request: HttpRequest) -> None:
        self.knowledge.note_key(provider, self.config.relays, request, self._clock())

    def _find_probed(self, origin: str) -> Provider | None:
        """Return the provider whose blocked direct way is worth a look, if there is one."""
        now = self._clock()
        return next(
            (
                provider
                for provider in self.config.providers
                if provider.origin == origin
                and provider.route == "auto"
                and not provider.entry.is_relay_only
                and not self.knowledge.health.find_outage(provider.id, now)
            ),
            None,
        )

    def _make_target_finder(self) -> TargetFinder:
        return TargetFinder(self._config, self.knowledge, self._page_origin, self._clock, self._draw)

    def _make_context(self) -> JourneyContext:
        return JourneyContext(
            self.knowledge,
            self._knocking,
            self.page_origin,
            self._retries,
            self._clock,
            self._sleep,
            self._draw,
        )

    async def _fetch_models(self, provider: Provider) -> tuple[Model, ...]:
        call = make_models_call(provider)
        journey = Journey(call, self.config, self._make_context(), self._exchange)
        async with aclosing(journey.open()) as steps:
            async for step in steps:
                if not isinstance(step, OpenedRoute):
                    continue
                document = parse_json(await self._exchange.read_body(step.response, LARGEST_DOCUMENT))
                if isinstance(document, list):
                    # Together sends the bare list.
                    document = {"data": document}
                if not isinstance(document, dict):
                    raise step.failures.unreadable("something that is no list of models", step.response.status)
                models = step.dialect.decode_models(document)
                step.confirm()
                return models
        return ()


def _read_limits(limits: Any) -> dict[str, int]:
    rows = limits.items() if isinstance(limits, dict) else ()
    return {str(name): value for name, value in rows if isinstance(value, int) and not isinstance(value, bool)}


def _check_key(relay: Relay, sealing: Any) -> bool:
    """Return whether a relay shows a new key, in words that it sealed with the pinned one.

    Raises:
        SealBroken: they were not sealed, so anybody could have said so.
    """
    shown = sealing.get("public_key") if isinstance(sealing, dict) else None
    if not relay.public_key or shown == relay.public_key:
        return False
    if relay.sealing == "exchange":
        return isinstance(shown, str)
    raise SealBroken(
        f"“{relay.name}” shows another sealing key than the one it was paired with ({relay.fingerprint}).",
        remedy=(
            "Compare that fingerprint with what the relay says when it starts. If its operator changed the key, pair "
            "again by the new link; if not, somebody answers in its place."
        ),
    )


class _Watched:
    """A transport that tells of each request before it sends it."""

    def __init__(self, transport: Transport, tell: Callable[[HttpRequest], None]) -> None:
        self._transport = transport
        self._tell = tell

    async def send(self, request: HttpRequest) -> Response:
        self._tell(request)
        return await self._transport.send(request)
