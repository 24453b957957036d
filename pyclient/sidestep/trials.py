"""Trying every way to a provider, layer by layer, by the very requests that a chat sends.

The last layer asks the model for a few tokens: the only look at a provider that costs anything.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sidestep.config import Config, Consent, Provider, load_provider
from sidestep.diagnosis import Verdict
from sidestep.discovery import ModelList
from sidestep.errors import (
    AuthenticationError,
    ConfigurationError,
    PermissionDenied,
    RelayRefused,
    RelayUnreachable,
    ResponseError,
    SidestepError,
)
from sidestep.types import Event, Finished, ReasoningDelta, Route, TextDelta, ToolCallDelta

__all__ = ["Asked", "Step", "Trial", "TrialOutcome", "list_ways"]

Layer = Literal["address", "relay", "reach", "cors", "key", "models", "chat"]

_FEW = 16  # tokens; some models refuse to answer in fewer
_UNREACHED = frozenset({"offline", "unreachable", "tls", "timeout", "mixed_content", "local_network_permission"})


class Asked(Protocol):
    """Who asks the provider by one way alone: a client that knows no other."""

    async def models(self, provider_id: str, *, refresh: bool = False) -> ModelList:
        """Return the provider's models."""

    def stream(self, model: str, messages: str, **parameters: Any) -> AsyncGenerator[Event]:
        """Yield an answer."""

    async def diagnose(self, model: str, error: SidestepError | None = None) -> Verdict:
        """Return why calls fail."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was found at one layer of one way.

    Attributes:
        route: the way; None where it is the same for all.
        is_good: None where it says nothing either way.
        text: a sentence for a person.
        seconds: how long it took, where that was measured.
    """

    route: Route | None
    layer: Layer
    is_good: bool | None
    text: str
    seconds: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the step as the page's protocol writes it (docs/protocol.md, *Tested*)."""
        return {
            "route": self.route.to_dict() if self.route else None,
            "layer": self.layer,
            "is_good": self.is_good,
            "text": self.text,
            "ms": None if self.seconds is None else round(self.seconds * 1000),
        }


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What became of one way.

    Attributes:
        works: whether the model answered.
        error: what it ended with otherwise.
    """

    route: Route
    works: bool
    error: SidestepError | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as the page's protocol writes it."""
        error = self.error.to_dict() if self.error else None
        return {"route": self.route.to_dict(), "works": self.works, "error": error}


class Trial:
    """Tries one way to one provider.

    Args:
        asked: asks by this way alone.
        provider: whom.
        route: the way.
        tick: seconds of a clock that is never set.
    """

    def __init__(
        self, asked: Asked, provider: Provider, route: Route, tick: Callable[[], float] = time.perf_counter
    ) -> None:
        self._asked = asked
        self._provider = provider
        self._route = route
        self._tick = tick
        self._is_reached = False

    async def run(self) -> AsyncGenerator[Step | TrialOutcome]:
        """Yield what each layer says, then the outcome. Never raises what the provider or a relay does."""
        model = next(iter(self._provider.models), "")
        if self._provider.entry.models_path:
            began = self._tick()
            listed = await self._asked.models(self._provider.id, refresh=True)
            took = self._tick() - began
            model = model or next((row.id for row in listed.models), "")
            if listed.error is None:
                for step in self._passed(took):
                    yield step
                yield self._step("models", True, f"It lists {len(listed.models)} models.")
            elif _is_final(_root(listed.error)):
                for said in await self._fail(listed.error, took):
                    yield said
                return
            else:
                yield self._step("models", None, f"Its list of models cannot be read: {_root(listed.error).message}")
        async with aclosing(self._chat(model or next(iter(self._provider.entry.models), ""))) as chat:
            async for told in chat:
                yield told

    async def _chat(self, model: str) -> AsyncGenerator[Step | TrialOutcome]:
        if not model:
            yield self._step("chat", None, "No model is known to ask: add one by its id.")
            yield TrialOutcome(self._route, works=self._is_reached)
            return
        began = self._tick()
        try:
            await self._read_first(f"{self._provider.id}/{model}")
        except SidestepError as error:
            for said in await self._fail(error, self._tick() - began, model):
                yield said
            return
        took = self._tick() - began
        for step in self._passed(took):
            yield step
        yield self._step("chat", True, f"{model} answered.", took)
        yield TrialOutcome(self._route, works=True)

    async def _read_first(self, model: str) -> None:
        """Wait for the first piece of an answer, then leave: what comes after it would only be paid for."""
        async with aclosing(self._asked.stream(model, "Hi", max_tokens=_FEW, is_fresh=True)) as events:
            async for event in events:
                if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta | Finished):
                    return

    def _passed(self, took: float) -> list[Step]:
        """Return the layers that an answer proves good, once."""
        if self._is_reached:
            return []
        self._is_reached = True
        return [*self._reached(took), self._step("key", True, self._describe_key())]

    def _describe_key(self) -> str:
        return "The key is accepted." if self._provider.api_key else "No key is needed, or the relay has its own."

    def _reached(self, took: float) -> list[Step]:
        if self._route.kind == "relay":
            return [self._step("relay", True, f"{self._route.relay_name} passes it on.", took)]
        return [
            self._step("reach", True, "It answers.", took),
            self._step("cors", True, "It lets this page read its answers."),
        ]

    async def _fail(self, error: SidestepError, took: float, model: str = "") -> list[Step | TrialOutcome]:
        """Return which layer an error belongs to, those below it that it proves good, and the outcome."""
        root = _root(error)
        return [*await self._place(root, took, model), TrialOutcome(self._route, works=False, error=root)]

    async def _place(self, root: SidestepError, took: float, model: str) -> list[Step]:
        is_of_relay = isinstance(root, RelayUnreachable | RelayRefused)
        if isinstance(root, ResponseError) and not is_of_relay:
            return self._refused(root, took, model)
        if isinstance(root, ConfigurationError):
            return [self._step("address", False, root.message)]
        if is_of_relay or self._route.kind == "relay":
            return [self._step("relay", False, root.message, took)]
        return self._explain(await self._asked.diagnose(self._provider.id, root), took)

    def _refused(self, root: ResponseError, took: float, model: str) -> list[Step]:
        if isinstance(root, AuthenticationError | PermissionDenied):
            below = [] if self._is_reached else self._reached(took)
            return [*below, self._step("key", False, root.message, took)]
        return [*self._passed(took), self._step("chat" if model else "models", False, root.message, took)]

    def _explain(self, verdict: Verdict, took: float) -> list[Step]:
        """Return what a verdict says of the layers below the answer that nobody could read."""
        if verdict.cause in _UNREACHED:
            return [self._step("reach", False, verdict.message, took)]
        reached = self._step(
            "reach", None if verdict.cause == "cannot_tell" else True, "Something answers there.", took
        )
        return [reached, self._step("cors", False, verdict.message)]

    def _step(self, layer: Layer, is_good: bool | None, text: str, seconds: float | None = None) -> Step:
        return Step(self._route, layer, is_good, text, seconds)


def list_ways(provider: Provider, config: Config) -> list[tuple[Route, Config | None]]:
    """Return every way that *provider*'s own policy lets a request take, each with a configuration of that way alone.

    A relay that may not see the key has None in place of one.
    """
    ways: list[tuple[Route, Config | None]] = []
    if provider.route != "relay" and not provider.entry.is_relay_only:
        ways.append((Route("direct"), Config((_only(provider, "direct"),))))
    for relay in config.relays if provider.route != "direct" else ():
        consent = frozenset({Consent(relay.id, provider.id)})
        alone = Config((_only(provider, "relay"),), (relay,), consent)
        route = Route("relay", relay.id, relay.name)
        ways.append((route, alone if config.has_consent(relay.id, provider.id) else None))
    return ways


def _only(provider: Provider, route: str) -> Provider:
    return load_provider({**provider.to_dict(), "route": route}, provider.api_key)


def _root(error: SidestepError) -> SidestepError:
    """Return the error of the one way that was tried, where *error* only sums up."""
    attempts: tuple[tuple[Mapping[str, Any], SidestepError], ...] = error.attempts
    return attempts[-1][1] if attempts else error


def _is_final(error: SidestepError) -> bool:
    """Say whether a chat could not go better than the list of models did."""
    is_answer = isinstance(error, ResponseError) and not isinstance(error, RelayRefused)
    return not is_answer or isinstance(error, AuthenticationError)
