"""JSON in, JSON out: what the page's worker talks to (docs/protocol.md).

The worker calls `create_bridge(post)` once and `Bridge.handle(text)` for every command. Only strings cross between
JavaScript and Python, so nothing has to be freed on either side.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict, fields
from typing import Any

import sidestep
from sidestep.addresses import find_address_space, is_crossing, name_neighbours
from sidestep.client import Client
from sidestep.collectors import AnswerCollector
from sidestep.config import Config, Problem, load_provider, load_relay
from sidestep.consoles import Console
from sidestep.diagnosis import Verdict
from sidestep.discovery import load_models
from sidestep.errors import Cancelled, ConfigurationError, SidestepError, redact
from sidestep.exporters import write_export
from sidestep.importers import Imported, read_import, read_storage
from sidestep.knowledge import load_knowledge
from sidestep.merging import Change, Side, compare_documents, merge_documents
from sidestep.messages import Messages, write_message
from sidestep.metrics import KEPT_FOR
from sidestep.policies import load_policies
from sidestep.routing.python_rules import PythonRules
from sidestep.routing.rules import LocalTime
from sidestep.sightings import Sightings, read_sightings
from sidestep.transports import Surroundings, Transport, choose_transport, wrap_sealer
from sidestep.transports.sealed import Sealer
from sidestep.trials import TrialOutcome
from sidestep.types import (
    Event,
    Finished,
    ModelTaken,
    ReasoningDelta,
    ReasoningSignature,
    Retrying,
    RouteFailed,
    RouteTaken,
    TextDelta,
    ToolCallDelta,
    Usage,
)

__all__ = ["Bridge", "create_bridge", "encode_event"]

Payload = Mapping[str, Any]

_FRAME_TIME = 0.016  # seconds; a page draws no more often, so more frames would only cost

_EVENT_NAMES: Mapping[type, str] = {
    ModelTaken: "model_taken",
    RouteTaken: "route_taken",
    RouteFailed: "route_failed",
    Retrying: "retrying",
    TextDelta: "text_delta",
    ReasoningDelta: "reasoning_delta",
    ReasoningSignature: "reasoning_signature",
    ToolCallDelta: "tool_call_delta",
    Usage: "usage",
    Finished: "finished",
}


def create_bridge(post: Callable[[str], object], js_sealer: Any = None) -> Bridge:
    """Return a bridge that sends its frames, as JSON text, to *post* and seals by *js_sealer* (web/js/sealer.js)."""
    return Bridge(post, choose_transport(), sealer=wrap_sealer(js_sealer))


def encode_event(event: Event) -> dict[str, Any]:
    """Return *event* as the page's protocol writes it."""
    # Field by field: every token comes by here, and `asdict` would copy each value deeply for nothing.
    encoded: dict[str, Any] = {"type": _EVENT_NAMES[type(event)]}
    encoded |= {field.name: getattr(event, field.name) for field in fields(event)}
    if isinstance(event, Retrying):
        encoded["wait_ms"] = round(encoded.pop("wait") * 1000)
    if isinstance(event, RouteTaken | RouteFailed):
        encoded["route"] = event.route.to_dict()
    if isinstance(event, RouteTaken):
        encoded["rule"] = asdict(event.rule) if event.rule else None
    return encoded


class Bridge:
    """Runs the page's commands, each in a task of its own.

    Args:
        post: takes one frame as JSON text; called on the event loop's thread.
        transport: how bytes travel.
        clock: Unix time in seconds.
        surroundings: what the browser knows of itself; found out when it is needed, if left out.
        sealer: who seals what goes to relays.
    """

    def __init__(
        self,
        post: Callable[[str], object],
        transport: Transport,
        clock: Callable[[], float] = time.time,
        *,
        surroundings: Surroundings | None = None,
        sealer: Sealer | None = None,
    ) -> None:
        self._post_text = post
        self._clock = clock
        self._client = Client(transport=transport, clock=clock, surroundings=surroundings, sealer=sealer)
        self._console = Console({"client": self._client, "sidestep": sidestep})
        self._is_configured = False
        self._running: dict[int, asyncio.Task[None]] = {}
        self._commands: Mapping[str, Callable[[Payload], Awaitable[dict[str, Any]]]] = {
            "configure": self._configure,
            "check_provider": self._check_provider,
            "check_relay": self._check_relay,
            "test_relay": self._test_relay,
            "models": self._models,
            "describe_model": self._describe_model,
            "explain": self._explain,
            "stop": self._stop,
            "forget_evidence": self._forget_evidence,
            "check_policies": self._check_policies,
            "read_import": self._read_import,
            "merge_import": self._merge_import,
            "write_export": self._write_export,
            "try_rules": self._try_rules,
            "overview": self._overview,
            "metrics": self._metrics,
            "ledger": self._ledger,
            "reprobe": self._reprobe,
            "learn": self._learn,
            "bundle": self._bundle,
            "run_python": self._run_python,
        }
        self._streams: Mapping[str, Callable[[int, Payload], Awaitable[dict[str, Any]]]] = {
            "chat": self._chat,
            "diagnose": self._diagnose,
            "test_provider": self._test_provider,
        }

    def handle(self, text: str) -> None:
        """Start the command that *text* holds; its frames go to `post`. Returns at once.

        Must be called on a running event loop, as Pyodide's always is.
        """
        command = json.loads(text)
        command_id, name, payload = command["id"], command["command"], command.get("payload") or {}
        task = asyncio.ensure_future(self._run(command_id, name, payload))
        self._running[command_id] = task
        task.add_done_callback(lambda _: self._running.pop(command_id, None))

    async def _run(self, command_id: int, name: str, payload: Payload) -> None:
        try:
            if name in self._streams:
                value = await self._streams[name](command_id, payload)
            elif name in self._commands:
                value = await self._commands[name](payload)
            else:
                raise ConfigurationError(f"The page sent a command that is not known here: {name}.")
        except SidestepError as error:
            frame = {"kind": "error", "error": error.to_dict()}
        except asyncio.CancelledError:
            frame = {"kind": "error", "error": Cancelled("Stopped. What came is kept.").to_dict()}
        else:
            frame = {"kind": "result", "value": value}
        if learned := self._client.knowledge.list_news(self._clock()):
            self._post({"kind": "learned", "knowledge": learned})
        self._post({**frame, "id": command_id})

    async def _configure(self, payload: Payload) -> dict[str, Any]:
        config, problems = Config.load(payload.get("config") or {}, payload.get("secrets"))
        self._client.config = config
        self._client.page_origin = str(payload.get("page_origin") or "")
        if not self._is_configured:
            # The first configuration is the stored one; later, what is known here is newer than what the page stored.
            self._is_configured = True
            stored = load_knowledge(_read_object(payload, "knowledge"), self._clock())
            self._client.knowledge.merge(stored, self._clock())
            self._keep_models(_read_object(payload, "models"))
        uncompiled = [Problem("", row.pointer, row.message) for row in PythonRules(config.policies.rules).problems]
        return {"problems": [problem.to_dict() for problem in (*problems, *uncompiled)]}

    def _keep_models(self, lists: Mapping[str, Any]) -> None:
        for provider in self._client.config.providers:
            if loaded := load_models(lists.get(provider.id)):
                self._client.keep_models(provider.id, *loaded)

    async def _check_provider(self, payload: Payload) -> dict[str, Any]:
        row, api_key = _read_object(payload, "provider"), str(payload.get("api_key") or "")
        answer: dict[str, Any] = {"provider": row, "api_key": api_key, "problems": [], "notes": []}
        try:
            provider = load_provider(row, api_key)
        except ConfigurationError as error:
            problem = Problem(str(row.get("id", "")), error.field, redact(error.message, [api_key]))
            return answer | {"problems": [problem.to_dict()]}
        answer |= {"provider": provider.to_dict(), "api_key": provider.api_key}
        if provider.entry.key_required and not provider.api_key:
            if not self._client.config.relays:
                problem = Problem(
                    provider.id,
                    "api_key",
                    f"{provider.entry.name} needs a key; paste it here, the key alone.",
                )
                return answer | {"problems": [problem.to_dict()]}
            answer["notes"].append("Without a key, only a relay that holds one of its own can reach this provider.")
        if provider.base_url.startswith("http://") and self._client.page_origin.startswith("https://"):
            answer["notes"].append(
                "This page came over https, and most browsers let it call plain http only on this very computer."
            )
        return answer | {"notes": [*answer["notes"], *_announce_question(self._client.page_origin, provider.base_url)]}

    async def _check_relay(self, payload: Payload) -> dict[str, Any]:
        row, token = _read_object(payload, "relay"), str(payload.get("token") or "")
        answer: dict[str, Any] = {"relay": row, "token": token, "problems": [], "notes": []}
        try:
            relay = load_relay(row, token)
        except ConfigurationError as error:
            problem = Problem(str(row.get("id", "")), error.field, redact(error.message, [token]))
            return answer | {"problems": [problem.to_dict()]}
        answer |= {"relay": relay.to_dict(), "token": relay.token}
        if not relay.token:
            problem = Problem(relay.id, "token", "A relay asks for its token; it is part of its pairing link.")
            return answer | {"problems": [problem.to_dict()]}
        return answer | {"notes": _announce_question(self._client.page_origin, relay.url)}

    async def _test_relay(self, payload: Payload) -> dict[str, Any]:
        relay = load_relay(_read_object(payload, "relay"), str(payload.get("token") or ""))
        status = await self._client.check_relay(relay)
        return {
            "version": status.version,
            "latency_ms": round(status.latency * 1000),
            "providers": list(status.providers),
            "is_key_new": status.is_key_new,
            "limits": dict(status.limits),
        }

    async def _models(self, payload: Payload) -> dict[str, Any]:
        refresh = payload.get("refresh") is True
        listed = await self._client.models(str(payload.get("provider") or ""), refresh=refresh)
        return {
            "models": [asdict(model) for model in listed.models],
            "source": listed.source,
            "error": listed.error.to_dict() if listed.error else None,
            "fetched_at": listed.fetched_at,
            "is_stale": listed.is_stale,
        }

    async def _describe_model(self, payload: Payload) -> dict[str, Any]:
        model, offers = self._client.describe_model(
            str(payload.get("model") or ""), _read_object(payload, "parameters")
        )
        return {"model": asdict(model), "parameters": [offer.to_dict() for offer in offers]}

    async def _explain(self, payload: Payload) -> dict[str, Any]:
        return self._client.explain(
            str(payload.get("model") or ""),
            _read_messages(payload),
            tags=_read_texts(payload, "tags"),
            conversation=str(payload.get("conversation") or ""),
            **_read_object(payload, "parameters"),
        ).to_dict()

    async def _diagnose(self, command_id: int, payload: Payload) -> dict[str, Any]:
        error = payload.get("error")
        sightings = read_sightings(error) if isinstance(error, Mapping) else Sightings()
        model, may_prompt = str(payload.get("model") or ""), payload.get("may_prompt") is True
        async with aclosing(self._client.examine(model, sightings, may_prompt=may_prompt)) as steps:
            async for step in steps:
                if isinstance(step, Verdict):
                    return step.to_dict()
                probed = {"type": "probed", **step.to_dict()}
                self._post({"kind": "events", "id": command_id, "events": [probed]})
        return {}

    async def _test_provider(self, command_id: int, payload: Payload) -> dict[str, Any]:
        provider = load_provider(_read_object(payload, "provider"), str(payload.get("api_key") or ""))
        outcomes: list[dict[str, Any]] = []
        async with aclosing(self._client.try_provider(provider)) as steps:
            async for step in steps:
                if isinstance(step, TrialOutcome):
                    outcomes.append(step.to_dict())
                    continue
                tested = {"type": "tested", **step.to_dict()}
                self._post({"kind": "events", "id": command_id, "events": [tested]})
        return {"outcomes": outcomes}

    async def _bundle(self, payload: Payload) -> dict[str, Any]:
        return self._client.make_bundle(str(payload.get("user_agent") or ""))

    async def _check_policies(self, payload: Payload) -> dict[str, Any]:
        policies, problems = load_policies(payload)
        wrong = (*problems, *PythonRules(policies.rules).problems)
        return {"problems": [problem.to_dict() for problem in wrong]}

    async def _read_import(self, payload: Payload) -> dict[str, Any]:
        imported = _import(payload)
        if imported is None:
            return {"imported": None, "changes": []}
        read = imported.to_dict()
        # The page needs to know whose keys are in it; the keys themselves come when they are to be kept.
        read["secrets"] = {kind: list(held) for kind, held in read["secrets"].items()}
        changes = [] if imported.sealed is not None else self._compare(imported, payload)[2]
        return {"imported": read, "changes": [change.to_dict() for change in changes]}

    async def _merge_import(self, payload: Payload) -> dict[str, Any]:
        imported = _import(payload)
        if imported is None or imported.sealed is not None:
            raise ConfigurationError("There is nothing to import.")
        own, other, changes = self._compare(imported, payload)
        config, secrets = merge_documents(own, other, changes, _read_object(payload, "choices"))
        return {"config": config, "secrets": secrets}

    def _compare(self, imported: Imported, payload: Payload) -> tuple[Side, Side, list[Change]]:
        """Return what is the user's, what is imported, and what the second would do to the first."""
        own = Side(_read_object(payload, "config"), self._client.config.secrets_by_id)
        other = Side(imported.document, imported.secrets)
        cautious = {finding.item for finding in imported.findings if finding.kind in {"off", "code"}}
        return own, other, compare_documents(own, other, cautious)

    async def _write_export(self, payload: Payload) -> dict[str, Any]:
        with_keys = payload.get("with_keys") is True
        secrets = self._client.config.secrets_by_id if with_keys else None
        config, _ = Config.load(_read_object(payload, "config"), secrets)
        exported = write_export(
            config, str(payload.get("format") or ""), page_origin=self._client.page_origin, with_keys=with_keys
        )
        return exported.to_dict()

    async def _try_rules(self, payload: Payload) -> dict[str, Any]:
        policies, _ = load_policies({"rules": payload.get("rules") or []})
        outcomes = self._client.try_rules(
            policies.rules,
            str(payload.get("model") or ""),
            _read_messages(payload),
            tags=_read_texts(payload, "tags"),
            local_time=_read_local_time(payload),
            **_read_object(payload, "parameters"),
        )
        return {"outcomes": [outcome.to_dict() for outcome in outcomes]}

    async def _overview(self, _: Payload) -> dict[str, Any]:
        return self._client.summarise_routes()

    async def _metrics(self, payload: Payload) -> dict[str, Any]:
        window = payload.get("window_seconds")
        seconds = float(window) if isinstance(window, int | float) else KEPT_FOR
        rows = self._client.knowledge.metrics.summarise(self._clock(), seconds)
        return {"routes": [row.to_dict() for row in rows]}

    async def _ledger(self, _: Payload) -> dict[str, Any]:
        return {"entries": self._client.knowledge.ledger.to_list()}

    async def _run_python(self, payload: Payload) -> dict[str, Any]:
        outcome = await self._console.run(str(payload.get("code") or ""))
        return asdict(outcome)

    async def _reprobe(self, _: Payload) -> dict[str, Any]:
        return {"opened": list(await self._client.reprobe())}

    async def _learn(self, payload: Payload) -> dict[str, Any]:
        self._client.knowledge.merge(load_knowledge(_read_object(payload, "knowledge"), self._clock()), self._clock())
        return {}

    async def _stop(self, payload: Payload) -> dict[str, Any]:
        task = self._running.get(payload.get("target", -1))
        return {"stopped": task.cancel() if task else False}

    async def _forget_evidence(self, payload: Payload) -> dict[str, Any]:
        self._client.forget_evidence(str(payload.get("provider") or ""))
        return {}

    async def _chat(self, command_id: int, payload: Payload) -> dict[str, Any]:
        began = time.perf_counter()
        sender = _EventSender(lambda events: self._post({"kind": "events", "id": command_id, "events": events}))
        collector = AnswerCollector()
        first_token: float | None = None
        model = str(payload.get("model") or "")
        try:
            async with aclosing(self._stream(payload)) as events:
                async for event in events:
                    sender.add(encode_event(event))
                    if isinstance(event, TextDelta | ReasoningDelta) and first_token is None:
                        first_token = time.perf_counter() - began
                    if isinstance(event, ModelTaken):
                        model = event.model
                    collector.add(event)
        finally:
            sender.close()
        return {
            "finish_reason": collector.finish_reason,
            "usage": asdict(collector.usage),
            "cost": self._client.find_cost(model, collector.usage),
            "route": collector.route.route.to_dict() if collector.route else None,
            "message": write_message(collector.message),
            "timing": {
                "first_token_ms": None if first_token is None else round(first_token * 1000),
                "total_ms": round((time.perf_counter() - began) * 1000),
            },
        }

    def _stream(self, payload: Payload) -> AsyncGenerator[Event]:
        parameters = {str(name): value for name, value in _read_object(payload, "parameters").items()}
        messages = payload.get("messages")
        return self._client.stream(
            str(payload.get("model") or ""),
            messages if isinstance(messages, list) else [],
            tags=_read_texts(payload, "tags"),
            conversation=str(payload.get("conversation") or ""),
            is_fresh=payload.get("fresh") is True,
            **parameters,
        )

    def _post(self, frame: dict[str, Any]) -> None:
        self._post_text(json.dumps(frame, ensure_ascii=False))


class _EventSender:
    """Sends the first event at once and the following ones together, one bundle a drawn frame."""

    def __init__(self, send: Callable[[list[dict[str, Any]]], None]) -> None:
        self._send = send
        self._waiting: list[dict[str, Any]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._last_sent = float("-inf")

    def add(self, event: dict[str, Any]) -> None:
        """Take one event; a piece of text is joined to the piece before it."""
        last = self._waiting[-1] if self._waiting else None
        if last and last["type"] == event["type"] and event["type"] in {"text_delta", "reasoning_delta"}:
            last["text"] += event["text"]
        else:
            self._waiting.append(event)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            delay = self._last_sent + _FRAME_TIME - loop.time()
            if delay <= 0:
                self._flush()
            else:
                self._timer = loop.call_later(delay, self._flush)

    def close(self) -> None:
        """Send what is left."""
        if self._timer is not None:
            self._timer.cancel()
        self._flush()

    def _flush(self) -> None:
        self._timer = None
        self._last_sent = asyncio.get_running_loop().time()
        if self._waiting:
            events, self._waiting = self._waiting, []
            self._send(events)


def _announce_question(page_origin: str, url: str) -> list[str]:
    """Return what the browser will ask before it lets the page call *url*, so that the question is no surprise."""
    if not page_origin or not is_crossing(page_origin, url):
        return []
    neighbours = name_neighbours(find_address_space(url))
    return [f"At the first call the browser may ask whether this page may reach {neighbours}: it needs your yes."]


def _import(payload: Payload) -> Imported | None:
    """Return what a text, or another app's storage, holds."""
    entries = payload.get("entries")
    if isinstance(entries, Mapping):
        return read_storage({str(name): str(text) for name, text in entries.items()})
    return read_import(str(payload.get("text") or ""))


def _read_messages(payload: Payload) -> Messages:
    messages = payload.get("messages")
    return messages if isinstance(messages, list) else ""


def _read_texts(payload: Payload, name: str) -> list[str]:
    values = payload.get(name)
    return [str(value) for value in values] if isinstance(values, list) else []


def _read_local_time(payload: Payload) -> LocalTime | None:
    """Return the time of day that a rule is to be tried at, or None for now."""
    row = payload.get("local_time")
    if not isinstance(row, Mapping):
        return None
    minute, weekday = row.get("minute"), row.get("weekday")
    if not isinstance(minute, int) or not isinstance(weekday, int):
        return None
    return LocalTime(minute % (24 * 60), weekday % 7)


def _read_object(payload: Payload, name: str) -> dict[str, Any]:
    value = payload.get(name)
    return value if isinstance(value, dict) else {}
