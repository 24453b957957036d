"""The one verb: ask a model. Plans the routes, tries them, streams, learns, falls back.

What may be sent twice: a request moves on to the next route only while nothing of an answer has arrived, and only if
the route itself failed (the browser refused the call, no connection, the relay refused). What a provider answered,
an error included, is no reason to ask by another route; if it was "not now", the same request goes the same way again
after a wait (`routing.retries`). After the first byte nothing is ever sent again by itself.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sidestep.answers import LARGEST_DOCUMENT, AnswerReader
from sidestep.calls import (
    Call,
    Messages,
    choose_dialect,
    make_chat_call,
    make_chat_request,
    make_models_call,
)
from sidestep.collectors import AnswerCollector
from sidestep.config import EVERY_PROVIDER, Config, Consent, Provider, Relay
from sidestep.dialects import Dialect
from sidestep.dialects.failures import FailureReader, parse_json, parse_json_object
from sidestep.discovery import Discovery, ModelList
from sidestep.errors import (
    ConnectionFailed,
    ConnectionLost,
    FetchRejected,
    RoutesFailed,
    SidestepError,
    TransportTimeout,
    UnknownModel,
)
from sidestep.explanations import (
    Attempts,
    describe_choice,
    describe_no_route,
    describe_unreachable_relay,
    summarise_attempts,
)
from sidestep.routing.evidence import Evidence, EvidenceKey, key_for
from sidestep.routing.fallbacks import may_try_next
from sidestep.routing.plan import Candidate, Plan, make_plan
from sidestep.routing.retries import Patience, RetryPolicy
from sidestep.transports import Response, Transport, choose_transport
from sidestep.types import (
    ChatRequest,
    Event,
    HttpRequest,
    Message,
    Model,
    ReasoningPart,
    Retrying,
    RouteFailed,
    RouteTaken,
    ToolCall,
    Usage,
    WireRules,
)

__all__ = ["Client", "RelayStatus", "Reply"]

_OK = range(200, 300)
_LARGEST_ERROR = 256 * 1024  # bytes of a failing answer that are read


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
    """

    version: str
    providers: tuple[str, ...]
    latency: float


@dataclass(frozen=True, slots=True)
class _Opened:
    """A route that answered: its response is open and its status good."""

    route: RouteTaken
    dialect: Dialect
    rules: WireRules
    response: Response
    failures: FailureReader
    attempts: tuple[tuple[dict[str, Any], SidestepError], ...]


class Client:
    """Talks to the providers it is given, directly or through the relays it is given.

    `config` and `page_origin` may be replaced at any time; an answer that is under way keeps those it began with.

    Args:
        providers: whom it may ask.
        relays: where it may take a detour. Given here, each may see the key of each provider.
        config: instead of both, a whole configuration with its consents.
        transport: how bytes travel; chosen for the platform if left out.
        evidence: what earlier clients learned of the direct ways.
        page_origin: the origin of the page it runs in; empty outside a browser, where no CORS policy applies.
        silence: seconds without a byte after which an attempt is given up.
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
        evidence: Evidence | None = None,
        page_origin: str = "",
        silence: float = 180.0,
        retries: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        relays = tuple(relays)
        self.config = config or Config(
            tuple(providers), relays, frozenset(Consent(relay.id, EVERY_PROVIDER) for relay in relays)
        )
        self.evidence = evidence or Evidence()
        self._transport = transport or choose_transport()
        self.page_origin = page_origin
        self._silence = silence
        self._retries = retries
        self._clock = clock
        self._sleep = sleep
        self._draw = draw
        self._discovery = Discovery(self._fetch_models, clock)

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

    async def stream(self, model: str, messages: Messages, **parameters: Any) -> AsyncGenerator[Event]:
        """Yield the answer as it comes: `RouteTaken` before the first of it, `Finished` as its last.

        Args:
            model: `provider-id/model-id`.
            messages: a question, or a conversation of `Message`s or `{"role", "content"}`.
            parameters: `temperature`, `tools`, `reasoning_effort`, `extra` and the others of `ChatRequest`.

        Raises:
            ConfigurationError: the model's name or a message cannot work; nothing was sent.
            NoRoute: no way may be taken; nothing was sent.
            RoutesFailed: every way was tried and none answered.
            ResponseError: the provider or the relay said no.
            StreamIncomplete, ConnectionLost, TransportTimeout: the answer broke off; what came was yielded.
        """
        provider, model_id = self._find_model(model)
        request = make_chat_request(model_id, messages, parameters)
        async with aclosing(self._open(make_chat_call(provider, request))) as steps:
            async for step in steps:
                if not isinstance(step, _Opened):
                    yield step
                    continue
                yield step.route
                async with aclosing(self._read_answer(step)) as events:
                    async for event in events:
                        yield event

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

    async def check_relay(self, relay: Relay) -> RelayStatus:
        """Ask a relay what it is.

        Raises:
            RelayAuthenticationError: it refused the token.
            RoutesFailed: it does not answer, or its CORS list lacks this page.
            UnexpectedResponse: something answers there that is not a relay.
        """
        failures = FailureReader(relay.name, secrets=(relay.token,), relay=relay.name)
        request = HttpRequest("GET", f"{relay.url}/v1/relay", {"Authorization": f"Bearer {relay.token}"})
        began = time.perf_counter()
        try:
            response = await self._send(request)
        except (FetchRejected, ConnectionFailed) as error:
            raise describe_unreachable_relay(relay, self.page_origin) from error
        if response.status not in _OK:
            raise await self._read_failure(response, failures)
        try:
            document = parse_json_object(await self._read_body(response, _LARGEST_ERROR))
        finally:
            await response.aclose()
        if document is None or "version" not in document:
            raise failures.unreadable("something that is no relay's answer", response.status)
        providers = document.get("providers")
        return RelayStatus(
            str(document["version"]),
            tuple(str(row) for row in providers) if isinstance(providers, list) else (),
            time.perf_counter() - began,
        )

    def explain(self, model: str) -> Plan:
        """Return the plan for *model* and its reasons. Sends nothing.

        Raises:
            ConfigurationError: the model's name does not lead to a provider.
        """
        provider, model_id = self._find_model(model)
        return self._plan(make_chat_call(provider, ChatRequest(model_id, ())))[0]

    def forget_evidence(self, provider_id: str) -> None:
        """Forget what is known of the direct way to a provider, so that it is tried again.

        Raises:
            ConfigurationError: there is no such provider.
        """
        self.evidence = self.evidence.forget(self._find_provider(provider_id).origin)

    def _find_provider(self, provider_id: str) -> Provider:
        provider = self.config.find_provider(provider_id)
        if provider is None:
            known = ", ".join(known.id for known in self.config.providers) or "none yet"
            raise UnknownModel(
                f"There is no provider “{provider_id}”; there is {known}.",
                remedy="Add the provider, or name the model as provider/model.",
            )
        return provider

    def _find_model(self, model: str) -> tuple[Provider, str]:
        provider_id, _, model_id = model.strip().partition("/")
        provider = self._find_provider(provider_id)
        if not model_id.strip():
            raise UnknownModel(
                f"“{model}” names a provider but no model.",
                remedy=f"Write {provider_id}/ and the model's id.",
            )
        return provider, model_id.strip()

    def _plan(self, call: Call) -> tuple[Plan, EvidenceKey]:
        key = key_for(self.page_origin, call.direct, call.path_class)
        now = self._clock()
        finding = self.evidence.find(key, now) if self.page_origin else None
        return make_plan(call.provider, self.config, finding, now), key

    async def _open(self, call: Call) -> AsyncGenerator[RouteFailed | Retrying | _Opened]:
        """Yield each route that failed and each wait, then the route that answered.

        Its response is closed when the caller is done.
        """
        config = self.config
        plan, key = self._plan(call)
        if not plan.included:
            raise describe_no_route(call.provider, plan, config)
        patience = Patience(self._retries, self._draw)
        attempts: list[tuple[dict[str, Any], SidestepError]] = []
        for candidate in plan.included:
            outcome = await self._try(call, candidate, attempts, config)
            while isinstance(outcome, SidestepError) and (wait := patience.find_wait(outcome)) is not None:
                yield Retrying(wait, outcome.to_dict(), patience.attempt)
                await self._sleep(wait)
                outcome = await self._try(call, candidate, attempts, config)
            if isinstance(outcome, SidestepError):
                if not may_try_next(outcome, call.provider):
                    outcome.attempts = tuple(attempts)
                    raise outcome
                attempts.append((candidate.route.to_dict(), outcome))
                if len(attempts) < len(plan.included):
                    yield RouteFailed(candidate.route, outcome.to_dict())
                continue
            self._learn(key, call, outcome)
            try:
                yield outcome
            finally:
                await outcome.response.aclose()
            return
        raise summarise_attempts(call.provider, plan, attempts, config)

    async def _try(
        self, call: Call, candidate: Candidate, attempts: Attempts, config: Config
    ) -> _Opened | SidestepError:
        """Return the opened route, or the error that says why it did not open."""
        try:
            return await self._attempt(call, candidate, attempts, config)
        except SidestepError as error:
            error.route = candidate.route.to_dict()
            return error

    async def _attempt(self, call: Call, candidate: Candidate, attempts: Attempts, config: Config) -> _Opened:
        relay = config.find_relay(candidate.route.relay_id)
        relay_name = relay.name if relay else ""
        try:
            response = await self._send(call.encode_for_relay(relay) if relay else call.direct)
        except (FetchRejected, ConnectionFailed) as error:
            if relay:
                raise describe_unreachable_relay(relay, self.page_origin) from error
            raise
        error_codes = call.provider.entry.error_codes
        failures = FailureReader(call.provider.name, error_codes, config.secrets, relay_name, self._clock())
        if response.status not in _OK:
            raise await self._read_failure(response, failures)
        reason = describe_choice(call.provider, candidate, attempts)
        dialect = choose_dialect(candidate.route, call.provider)
        rules = call.provider.entry.relay_rules if relay else call.provider.entry.rules
        return _Opened(RouteTaken(candidate.route, reason), dialect, rules, response, failures, tuple(attempts))

    async def _read_answer(self, opened: _Opened) -> AsyncGenerator[Event]:
        """Yield what the answer says, whether it is the stream that was asked for or one JSON document."""
        answer = AnswerReader(opened.dialect, opened.failures, opened.rules)
        try:
            async with aclosing(self._chunks(opened.response)) as chunks:
                async for chunk in chunks:
                    for event in answer.feed(chunk):
                        yield event
                    if answer.is_done:
                        break
        except SidestepError as error:
            # What broke after the finish took nothing with it.
            if not (isinstance(error, ConnectionLost) and answer.has_finish):
                _place(error, opened)
                raise
        try:
            for event in answer.finish():
                yield event
        except SidestepError as error:
            _place(error, opened)
            raise

    async def _fetch_models(self, provider: Provider) -> tuple[Model, ...]:
        async with aclosing(self._open(make_models_call(provider))) as steps:
            async for step in steps:
                if not isinstance(step, _Opened):
                    continue
                document = parse_json(await self._read_body(step.response, LARGEST_DOCUMENT))
                if isinstance(document, list):
                    # Together sends the bare list.
                    document = {"data": document}
                if not isinstance(document, dict):
                    raise step.failures.unreadable("something that is no list of models", step.response.status)
                return step.dialect.decode_models(document)
        return ()

    async def _send(self, request: HttpRequest) -> Response:
        try:
            async with asyncio.timeout(self._silence):
                return await self._transport.send(request)
        except TimeoutError:
            raise self._describe_silence(urlsplit(request.url).netloc) from None

    async def _chunks(self, response: Response) -> AsyncGenerator[bytes]:
        """Yield the body as it arrives, giving up after too long a silence."""
        chunks = response.chunks()
        while True:
            try:
                async with asyncio.timeout(self._silence):
                    chunk = await anext(chunks, None)
            except TimeoutError:
                raise self._describe_silence("The other side") from None
            if chunk is None:
                return
            yield chunk

    async def _read_body(self, response: Response, largest: int) -> bytes:
        """Return the body, up to *largest* bytes of it."""
        body = bytearray()
        async with aclosing(self._chunks(response)) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) >= largest:
                    break
        return bytes(body[:largest])

    async def _read_failure(self, response: Response, failures: FailureReader) -> SidestepError:
        try:
            body = await self._read_body(response, _LARGEST_ERROR)
        finally:
            await response.aclose()
        return failures.read_response(response.status, response.headers, body)

    def _learn(self, key: EvidenceKey, call: Call, opened: _Opened) -> None:
        """Remember what this success proves of the direct way.

        A refusal alone proves nothing: a wrong key at OpenAI looks the same. Only when the same request then gets a
        good answer through a relay was it the browser that was refused.
        """
        if not self.page_origin:
            return
        host = urlsplit(call.direct.url).netloc
        route = opened.route.route
        now = self._clock()
        if route.kind == "direct":
            self.evidence = self.evidence.learn(key, "open", f"{host} answered a direct call.", now)
        elif any(tried["kind"] == "direct" for tried, _ in opened.attempts):
            basis = f"the browser was refused, and {route.relay_name} got an answer to the same request."
            self.evidence = self.evidence.learn(key, "blocked", basis, now)

    def _describe_silence(self, who: str) -> TransportTimeout:
        return TransportTimeout(
            f"{who} said nothing for {self._silence:.0f} seconds, so the call was given up.",
            remedy="Retry, or use another model.",
        )


def _place(error: SidestepError, opened: _Opened) -> None:
    """Write into *error* the route it happened on."""
    error.route, error.attempts = opened.route.route.to_dict(), opened.attempts
