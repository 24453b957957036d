"""The sentences that say why a route was taken, and what to do when none was left. No IO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sidestep.config import Config, Provider, Relay
from sidestep.errors import (
    FetchRejected,
    NoRoute,
    RelayUnreachable,
    ResponseError,
    RoutesFailed,
    SidestepError,
)
from sidestep.routing.evidence import Classification
from sidestep.routing.health import HealthStatus, Outage
from sidestep.routing.plan import Candidate, Plan
from sidestep.routing.rules import Decision

__all__ = [
    "Attempts",
    "Explanation",
    "describe_choice",
    "describe_no_route",
    "describe_unreachable_relay",
    "summarise_attempts",
]

Attempts = Sequence[tuple[dict[str, Any], SidestepError]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a request would go, and why.

    Attributes:
        model: what would be asked, `provider/model`.
        reason: why this model, where it is not the one that was asked for; else empty.
        plan: every way that was considered.
        decision: what the rules lay down, and which rule failed.
        classification: what is known of the ways to the provider.
        health: how each way did lately, by `direct` or a relay's id.
        outage: what is known of an outage of the provider, or None.
    """

    model: str
    reason: str
    plan: Plan
    decision: Decision
    classification: Classification
    health: Mapping[str, HealthStatus]
    outage: Outage | None

    @property
    def included(self) -> tuple[Candidate, ...]:
        """The ways that would be tried, in order."""
        return self.plan.included

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as the page's protocol writes it (docs/protocol.md, *Explanation*)."""
        outage = self.outage
        return {
            "model": self.model,
            "reason": self.reason,
            "routes": [candidate.to_dict() for candidate in self.plan.candidates],
            "decision": self.decision.to_dict(),
            "classification": self.classification.to_dict(),
            "health": {route: status.to_dict() for route, status in self.health.items()},
            "outage": {"since": outage.since, "until": outage.until, "reason": outage.reason} if outage else None,
        }

    def __str__(self) -> str:
        lines = [f"{self.model}: {self.reason}" if self.reason else self.model]
        places = {id(candidate): place for place, candidate in enumerate(self.plan.included, 1)}
        for candidate in self.plan.candidates:
            place = places.get(id(candidate))
            lines.append(f"  {f'{place}.' if place else 'out'} {candidate.route.label}: {candidate.reason}")
        return "\n".join(lines)


def describe_choice(provider: Provider, candidate: Candidate, attempts: Attempts) -> str:
    """Return why the answer comes by *candidate*, given what failed before it."""
    if not attempts:
        return candidate.reason if candidate.route.kind == "relay" else "Nothing stood in between."
    route, error = attempts[-1]
    if route["kind"] == "relay":
        return f"{route['label'].removeprefix('relay ')} did not answer, so this relay was asked."
    host = urlsplit(provider.base_url).netloc
    if isinstance(error, FetchRejected):
        return f"{host} refused the browser's direct call, so the same request went through the relay."
    return f"The direct call failed ({error.message.rstrip('.')}), so the same request went through the relay."


def describe_no_route(provider: Provider, plan: Plan, config: Config) -> NoRoute:
    """Return the error for a plan in which nothing may be tried."""
    error = NoRoute(_say_why_none(provider, plan), remedy=_say_what_helps(provider, plan, config))
    error.consent_needed = plan.consent_needed
    return error


def describe_unreachable_relay(relay: Relay, page_origin: str, *, is_unsent: bool = False) -> RelayUnreachable:
    """Return the error for a relay that gives the page no answer.

    Args:
        relay: which.
        page_origin: the page that asked, or empty outside a browser.
        is_unsent: whether it is certain that nothing went on to a provider.
    """
    allow = f" If it runs, its SIDESTEP_ORIGINS must hold {page_origin}." if page_origin else ""
    return RelayUnreachable(
        f"The relay “{relay.name}” does not answer at {relay.url}.",
        remedy=f"Start it, and check its address under Relays.{allow}",
        is_unsent=is_unsent,
    )


def summarise_attempts(provider: Provider, plan: Plan, attempts: Attempts, config: Config) -> SidestepError:
    """Return the one error that stands for every failed attempt of a request."""
    error = _choose_summary(provider, plan, attempts, config)
    error.route = attempts[-1][0]
    error.attempts = tuple(attempt for attempt in attempts if attempt[1] is not error)
    error.consent_needed = plan.consent_needed
    return error


def _choose_summary(provider: Provider, plan: Plan, attempts: Attempts, config: Config) -> SidestepError:
    last = attempts[-1][1]
    if isinstance(last, ResponseError) and last.origin == "relay":
        # What a relay answered says more than that the others were silent.
        return last
    host = urlsplit(provider.base_url).netloc
    if len(attempts) == 1 and attempts[0][0]["kind"] == "direct":
        return RoutesFailed(last.message, remedy=_say_what_helps(provider, plan, config))
    messages = " ".join(error.message for _, error in attempts)
    untried = [row for row in plan.included if row.route.to_dict() not in [route for route, _ in attempts]]
    if untried:
        names = " and ".join(row.route.label for row in untried)
        stopped = f"It may have arrived twice already, so it was not sent again by {names}."
        return RoutesFailed(f"{host} gave no answer that arrived here. {messages} {stopped}", remedy=last.remedy)
    return RoutesFailed(f"{host} could not be reached by any route. {messages}", remedy=last.remedy)


def _say_why_none(provider: Provider, plan: Plan) -> str:
    reasons = " ".join(candidate.reason for candidate in plan.candidates)
    if provider.route == "relay" and not any(row.route.kind == "relay" for row in plan.candidates):
        return f"{provider.name} is set to go only through a relay, and there is none."
    return f"No way leads to {provider.name}. {reasons}"


def _say_what_helps(provider: Provider, plan: Plan, config: Config) -> str:
    if plan.consent_needed:
        names = " or ".join(relay.name for relay in config.relays if relay.id in plan.consent_needed)
        return f"Allow {names} to see the key of {provider.name}, and it is asked through it."
    if provider.entry.key_required and not provider.api_key:
        return f"Add the key of {provider.name} under Providers."
    if provider.route == "direct":
        return "Check the key and the network, or set its route to Auto, so that a relay can help."
    if not config.relays:
        return (
            "Check the key and the network. If the provider does not answer browsers, a relay is the way round: "
            "add one under Relays."
        )
    return "Check the key, the address and the network."
