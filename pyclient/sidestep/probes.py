"""Makes the observations that a diagnosis needs, the cheapest first, and no more than it needs.

Nothing here is ever billed, and no key goes anywhere that it may not go: whether anything answers is asked without a
key; the provider's own key goes to the provider, with a body that nobody bills; a relay sees it only with consent.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Literal

from sidestep.addresses import find_address_space, is_crossing, is_mixed_content
from sidestep.calls import Call, make_unbillable
from sidestep.config import Config, Provider, Relay
from sidestep.diagnosis import Observations, ServerView, Sighting, Verdict, diagnose, sight
from sidestep.dialects.failures import FailureReader, parse_json_object
from sidestep.errors import ResponseError, SidestepError, TransportTimeout
from sidestep.transports import Surroundings, Transport
from sidestep.transports.surroundings import Reach
from sidestep.types import HttpRequest

__all__ = ["PATIENCE", "Examination", "Layer", "Probed"]

PATIENCE = 8.0
"""Seconds that each look may take."""

Layer = Literal["browser", "permission", "address", "request", "server", "relay"]

_OK = range(200, 300)
# Of a relay that is asked to look: it would refuse a chat too, or it is no relay.
_TELLING = frozenset({200, 401, 403})
_LARGEST = 64 * 1024  # bytes of an answer that are read
# Given to a relay in the place of a chat: no model, no content and nothing to generate, so nobody has what to bill.
_UNBILLABLE_MODEL = "sidestep-diagnosis"
_SILENT = frozenset({"rejected", "unreachable", "timeout"})


@dataclass(frozen=True, slots=True)
class Probed:
    """What one look found; shown while the examination goes on.

    Attributes:
        is_good: whether that layer is in order; None if it says nothing either way.
        text: a sentence for a person.
    """

    layer: Layer
    is_good: bool | None
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as the page's protocol writes it (docs/protocol.md, *Probed*)."""
        return {"layer": self.layer, "is_good": self.is_good, "text": self.text}


class Examination:
    """Finds out why calls of one provider fail. `observations` holds what was seen so far.

    Args:
        provider: whose calls.
        config: the relays and consents.
        transport: how bytes travel.
        surroundings: what the browser knows.
        page_origin: the page's own; what *surroundings* says if left out.
        call: the call that failed; one that nobody bills is made up if left out.
        direct: what came of it directly, if it was sent.
        relayed: what came of it through the relay *relay_id*, if it was sent.
        relay_id: the relay to compare with; the first that may see the key if left out.
        may_prompt: whether the browser may now ask the person for leave to call this computer or its network; true only
            right after a click.
        patience: seconds that each look may take.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        provider: Provider,
        config: Config,
        transport: Transport,
        surroundings: Surroundings,
        *,
        page_origin: str = "",
        call: Call | None = None,
        direct: Sighting | None = None,
        relayed: Sighting | None = None,
        relay_id: str = "",
        may_prompt: bool = False,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._provider = provider
        self._config = config
        self._transport = transport
        self._surroundings = surroundings
        self._call = call or make_unbillable(provider)
        self._may_prompt = may_prompt
        self._patience = patience
        self._clock = clock
        self._relay = _choose_relay(provider, config, relay_id)
        self.observations = self._begin(page_origin or surroundings.page_origin, direct, relayed)

    async def run(self) -> AsyncGenerator[Probed | Verdict]:
        """Yield what each look found, then the verdict. May be stopped at any time."""
        if not _is_answered(self.observations.direct):
            yield self._look_at_browser()
            if self._goes_directly and not self._is_settled():
                async with aclosing(self._look_directly()) as looks:
                    async for probed in looks:
                        yield probed
            if self._relay is not None and self._needs_relay():
                async with aclosing(self._look_through_relay(self._relay)) as looks:
                    async for probed in looks:
                        yield probed
        yield diagnose(self.observations, self._provider)

    @property
    def _goes_directly(self) -> bool:
        """Whether the direct way is one to look at: the call took it, or may."""
        direct = self.observations.direct
        if direct is not None:
            return direct.kind in _SILENT
        return self._provider.route != "relay" and not self._provider.entry.is_relay_only

    def _is_settled(self) -> bool:
        """Say whether the browser itself has told what is wrong, so that nothing more needs to be sent."""
        verdict = diagnose(self.observations, self._provider)
        own = {"offline", "mixed_content", "content_policy", "local_network_permission"}
        return verdict.certainty == "proven" and verdict.cause in own

    def _needs_relay(self) -> bool:
        seen = self.observations
        if self._is_settled():
            return False
        if seen.direct is None and _is_answered(seen.unbillable):
            return False
        return seen.relayed is None or seen.relayed.kind in _SILENT or seen.relayed.origin == "provider"

    def _begin(self, page_origin: str, direct: Sighting | None, relayed: Sighting | None) -> Observations:
        request, relay, around = self._call.direct, self._relay, self._surroundings
        relay_url = relay.url if relay else ""
        return Observations(
            page_origin=page_origin,
            url=request.url,
            method=request.method,
            headers=tuple(sorted(name.lower() for name in request.headers)),
            is_browser=around.is_browser,
            address_space=find_address_space(request.url),
            is_crossing=around.is_browser and is_crossing(page_origin, request.url),
            direct=direct,
            relayed=relayed,
            relay_name=relay.name if relay else "",
            relay_url=relay_url,
            relay_space=find_address_space(relay_url),
            is_relay_crossing=around.is_browser and bool(relay_url) and is_crossing(page_origin, relay_url),
            is_relay_mixed=is_mixed_content(page_origin, relay_url, can_target=around.can_target),
            help="allowed" if relay else "unconsented" if self._config.relays else "none",
        )

    def _note(self, **seen: Any) -> None:
        self.observations = replace(self.observations, **seen)

    async def _look_directly(self) -> AsyncGenerator[Probed]:
        if self.observations.is_crossing:
            yield await self._look_at_permission()
            if self._is_settled() or self._would_prompt():
                return
        if self.observations.is_browser:
            yield await self._look_at_address()
            if self._is_settled():
                return
        direct = self.observations.direct
        if direct is None or (direct.kind == "rejected" and self.observations.is_browser):
            yield await self._look_at_request()

    def _would_prompt(self) -> bool:
        """Say whether the browser would now ask the person, who was not told of it; it is noted if so."""
        self._note(is_unasked=self.observations.permission == "prompt" and not self._may_prompt)
        return self.observations.is_unasked

    def _look_at_browser(self) -> Probed:
        seen = self.observations
        can_target = self._surroundings.can_target
        is_mixed = self._goes_directly and is_mixed_content(seen.page_origin, seen.url, can_target=can_target)
        self._note(is_online=self._surroundings.is_online(), is_mixed_content=is_mixed)
        if is_mixed:
            return Probed("browser", is_good=False, text="The page is encrypted, and the address is not.")
        if self.observations.is_online is False:
            return Probed("browser", is_good=False, text="The browser says that it is offline.")
        return Probed("browser", is_good=True, text="Nothing on this side is known to be in the way.")

    async def _look_at_permission(self) -> Probed:
        state = await self._surroundings.permission(self.observations.address_space)
        self._note(permission=state)
        texts = {
            "granted": "The browser lets this page call this computer or its network.",
            "denied": "The browser does not let this page call this computer or its network.",
            "prompt": "The browser has yet to ask whether this page may call this computer or its network.",
            "unknown": "The browser does not say whether this page may call this computer or its network.",
        }
        return Probed("permission", {"granted": True, "denied": False}.get(state), texts[state])

    async def _look_at_address(self) -> Probed:
        began = self._clock()
        reach = await self._reach(self.observations.url)
        directive = ""
        if reach != "reachable":
            directive = await self._surroundings.csp_violation(self.observations.url, began)
        self._note(reach=reach, csp_directive=directive)
        if directive:
            return Probed("address", is_good=False, text=f"The page's own policy forbids it ({directive}).")
        if reach == "reachable":
            return Probed("address", is_good=True, text="Something answers there, asked without a key.")
        return Probed("address", is_good=None, text="Nothing seemed to answer there, asked without a key.")

    async def _look_at_request(self) -> Probed:
        request = self._call.direct
        if request.method == "POST":
            request = replace(request, body=b"{}")
        sighting = await self._try(request, self._failures())
        self._note(unbillable=sighting)
        if sighting.kind in _SILENT:
            text = "A call with the same headers, which nobody bills, got no answer."
            return Probed("request", is_good=False, text=text)
        text = f"A call with the same headers, which nobody bills, was answered (HTTP {sighting.status})."
        return Probed("request", is_good=True, text=text)

    async def _look_through_relay(self, relay: Relay) -> AsyncGenerator[Probed]:
        seen = self.observations

        if seen.is_relay_crossing:
            self._note(relay_permission=await self._surroundings.permission(seen.relay_space))
        if seen.relayed is None and (refusal := self._say_why_not(relay)):
            yield Probed("relay", is_good=None, text=refusal)
            return
        if seen.relayed is None or seen.relayed.kind not in _SILENT:
            yield await self._look_at_server(relay)
        if self.observations.relayed is None and self._is_worth_asking:
            yield await self._look_at_relayed(relay)
        relayed = self.observations.relayed
        if relayed and relayed.kind == "rejected" and self.observations.relay_permission != "denied":
            yield await self._look_at_relay(relay)

    def _say_why_not(self, relay: Relay) -> str:
        """Return why *relay* must not be asked now, or nothing."""
        seen = self.observations
        if seen.is_relay_mixed:
            return f"“{relay.name}” cannot be asked: the page is encrypted, and the relay's address is not."
        if seen.relay_permission == "denied":
            return f"“{relay.name}” cannot be asked: the browser does not let this page call where it runs."
        if seen.relay_permission == "prompt" and not self._may_prompt:
            return f"“{relay.name}” was not asked: the browser would first ask you whether this page may call there."
        return ""

    @property
    def _is_worth_asking(self) -> bool:
        """Whether an answer through the relay would tell more than its view of the address does."""
        view = self.observations.relay_probe or ServerView()
        return all(step is None or step.is_ok for step in (view.dns, view.tcp, view.tls))

    async def _look_at_server(self, relay: Relay) -> Probed:
        seen = self.observations
        question = {"url": seen.url, "method": seen.method, "headers": list(seen.headers), "origin": seen.page_origin}
        headers = {"Authorization": f"Bearer {relay.token}", "Content-Type": "application/json"}
        url, body = f"{relay.url}/v1/probe", json.dumps(question).encode()
        request = HttpRequest("POST", url, headers, body, relay.seal)
        failures = FailureReader(relay.name, secrets=self._config.secrets, relay=relay.name)
        answer = await self._ask(request, failures)
        if isinstance(answer, bytes):
            document = parse_json_object(answer)
            self._note(relay_probe=ServerView.load(document) if document else None)
            return Probed("server", is_good=True, text=f"“{relay.name}” looked at the address from where it stands.")
        if isinstance(answer, ResponseError) and answer.status not in _TELLING:
            # An older relay, or one that has trouble with looking and may still have none with asking.
            return Probed("server", is_good=None, text=f"“{relay.name}” could not look at the address.")
        if seen.relayed is None:
            self._note(relayed=sight(answer))
        return Probed("server", is_good=False, text=answer.message)

    async def _look_at_relayed(self, relay: Relay) -> Probed:
        request = self._call.encode_for_relay(relay)
        if request.method == "POST":
            body = {
                "model": f"{self._provider.entry.litellm_prefix}/{_UNBILLABLE_MODEL}",
                "messages": [{"role": "diagnosis"}],
                "max_tokens": 0,
            }
            request = replace(request, body=json.dumps(body).encode())
        sighting = await self._try(request, self._failures(relay))
        self._note(relayed=sighting, is_relayed_unbillable=request.method == "POST")
        if sighting.kind in _SILENT:
            return Probed("relay", is_good=False, text=f"“{relay.name}” gave no answer.")
        text = f"Through “{relay.name}”, a call that nobody bills was answered (HTTP {sighting.status})."
        return Probed("relay", is_good=sighting.origin == "provider", text=text)

    async def _look_at_relay(self, relay: Relay) -> Probed:
        reach = await self._reach(f"{relay.url}/healthz")
        self._note(relay_reach=reach)
        if reach == "reachable":
            answer = await self._ask(HttpRequest("GET", f"{relay.url}/healthz"), self._failures(relay))
            self._note(is_relay_readable=isinstance(answer, bytes))
            text = f"Something answers where “{relay.name}” should be, asked without a token."
            return Probed("relay", is_good=True, text=text)
        return Probed("relay", is_good=None, text=f"Nothing seemed to answer where “{relay.name}” should be.")

    async def _reach(self, url: str) -> Reach:
        try:
            async with asyncio.timeout(self._patience):
                return await self._surroundings.reach(url)
        except TimeoutError:
            return "silent"

    async def _try(self, request: HttpRequest, failures: FailureReader) -> Sighting:
        """Return what came of *request*."""
        began = time.perf_counter()
        answer = await self._ask(request, failures)
        elapsed = time.perf_counter() - began
        if isinstance(answer, bytes):
            return Sighting("answered", _OK.start, elapsed=elapsed)
        return sight(answer, elapsed) or Sighting("rejected", error=type(answer).__name__, elapsed=elapsed)

    async def _ask(self, request: HttpRequest, failures: FailureReader) -> bytes | SidestepError:
        """Return the body of a good answer, else the error that came of *request*."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._read(request, failures)
        except TimeoutError:
            return TransportTimeout(f"Nothing came for {self._patience:.0f} seconds.")
        except SidestepError as error:
            return error

    async def _read(self, request: HttpRequest, failures: FailureReader) -> bytes | SidestepError:
        response = await self._transport.send(request)
        try:
            body = bytearray()
            async for chunk in response.chunks():
                body += chunk
                if len(body) >= _LARGEST:
                    break
        finally:
            await response.aclose()
        if response.status not in _OK:
            return failures.read_response(response.status, response.headers, bytes(body))
        if "html" in response.headers.get("content-type", ""):
            return failures.unreadable("a web page", response.status)
        return bytes(body)

    def _failures(self, relay: Relay | None = None) -> FailureReader:
        codes, secrets = self._provider.entry.error_codes, self._config.secrets
        return FailureReader(self._provider.name, codes, secrets, relay.name if relay else "", self._clock())


def _choose_relay(provider: Provider, config: Config, relay_id: str) -> Relay | None:
    """Return the relay to compare with: one that may see the key, and no other."""
    allowed = [relay for relay in config.relays if config.has_consent(relay.id, provider.id)]
    return next((relay for relay in allowed if relay.id == relay_id), None) or next(iter(allowed), None)


def _is_answered(sighting: Sighting | None) -> bool:
    return sighting is not None and sighting.kind in {"answered", "cut"}
