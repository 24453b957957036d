"""The ordered routes for one request, each with its reason. Pure: evidence, health, clock and dice are passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sidestep.config import Config, Provider, Relay, RoutePolicy
from sidestep.routing.balance import RankedRelay, Strategy, rank_relays
from sidestep.routing.evidence import Finding
from sidestep.routing.health import DIRECT, Health, HealthKey
from sidestep.types import Route

__all__ = ["Candidate", "Plan", "Wishes", "describe_time", "make_plan"]

_DIRECT_ROUTE = Route("direct")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way that was considered.

    Attributes:
        is_included: whether it will be tried.
        reason: why it is in, or why it is out; a sentence.
        needs_consent: whether only the user's consent is missing.
        is_resting: whether it failed lately, so that it is tried only if nothing else is left.
    """

    route: Route
    is_included: bool
    reason: str
    needs_consent: bool = False
    is_resting: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as the page's protocol writes it (docs/protocol.md, *ExplainedRoute*)."""
        return {
            "route": self.route.to_dict(),
            "included": self.is_included,
            "reason": self.reason,
            "resting": self.is_resting,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """Every way that was considered, those to be tried first, in order."""

    candidates: tuple[Candidate, ...]

    @property
    def included(self) -> tuple[Candidate, ...]:
        """The ways to try, in order."""
        return tuple(candidate for candidate in self.candidates if candidate.is_included)

    @property
    def consent_needed(self) -> tuple[str, ...]:
        """Ids of relays that only lack the user's consent."""
        return tuple(
            candidate.route.relay_id
            for candidate in self.candidates
            if candidate.needs_consent and candidate.route.relay_id
        )


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user wants of one request's routes, beyond what the provider is set to.

    Attributes:
        policy: overrides the provider's own, if given.
        relays: only these, in this order; empty for all.
        strategy: how relays are ordered.
        because: who says so, for the reasons: `the rule “Night”`.
        conversation: see `balance.rank_relays`.
    """

    policy: RoutePolicy | None = None
    relays: tuple[str, ...] = ()
    strategy: Strategy = "balanced"
    because: str = ""
    conversation: str = ""


@dataclass(frozen=True, slots=True)
class _Situation:
    """All that one plan is made from."""

    provider: Provider
    config: Config
    finding: Finding | None
    health: Health
    now: float
    wishes: Wishes
    policy: RoutePolicy = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "policy", self.wishes.policy or self.provider.route)

    @property
    def host(self) -> str:
        return self.provider.origin.partition("://")[2]

    @property
    def chooser(self) -> str:
        """Who decided on the policy, as the beginning of a sentence."""
        because = self.wishes.because if self.wishes.policy else ""
        return f"{because[:1].upper()}{because[1:]} wants" if because else "You chose"


def make_plan(
    provider: Provider,
    config: Config,
    finding: Finding | None,
    now: float,
    *,
    health: Health | None = None,
    wishes: Wishes | None = None,
    draw: Callable[[], float] = lambda: 0.0,
) -> Plan:
    """Return the ways to *provider*, best first.

    Args:
        provider: whom to reach.
        config: the relays there are, and what each may see.
        finding: what is known of the direct way for this very request, or None.
        now: Unix time in seconds.
        health: how the routes have done lately.
        wishes: what a rule wants of this request.
        draw: returns a random number from 0 to 1.
    """
    situation = _Situation(provider, config, finding, health or Health(), now, wishes or Wishes())
    relays = [_consider_relay(ranked, situation) for ranked in _rank(situation, draw)]
    direct = _consider_direct(situation, [candidate for candidate in relays if candidate.is_included])
    return Plan(tuple(sorted([direct, *relays], key=_find_place)))


def _find_place(candidate: Candidate) -> tuple[bool, bool]:
    return not candidate.is_included, candidate.is_resting


def _rank(situation: _Situation, draw: Callable[[], float]) -> list[RankedRelay]:
    wishes, relays = situation.wishes, situation.config.relays
    if wishes.relays:
        by_id = {relay.id: relay for relay in relays}
        relays = tuple(by_id[relay_id] for relay_id in wishes.relays if relay_id in by_id)
    return [
        *rank_relays(
            relays,
            situation.health,
            situation.now,
            draw,
            strategy=wishes.strategy,
            conversation=wishes.conversation,
        ),
        *(RankedRelay(relay, False, "") for relay in situation.config.relays if relay not in relays),
    ]


def _consider_direct(situation: _Situation, relays: list[Candidate]) -> Candidate:
    if obstacle := _find_obstacle(situation):
        return Candidate(_DIRECT_ROUTE, False, obstacle)
    host, finding, now = situation.host, situation.finding, situation.now
    if finding and finding.is_blocked:
        known = (
            f"{host} refused direct calls from this page {describe_time(now - finding.since)} ago; "
            f"the direct way is tried again in {describe_time(finding.until - now)}."
        )
        if relays and situation.policy == "auto":
            return Candidate(_DIRECT_ROUTE, False, known)
        return Candidate(_DIRECT_ROUTE, True, f"{known} There is no other way, so it is tried all the same.")
    status = situation.health.find_status(HealthKey(situation.provider.id, DIRECT), now)
    if status.level == "failing" and any(not candidate.is_resting for candidate in relays):
        reason = f"The direct way failed {status.failures} times in a row lately, so it comes after the relays."
        return Candidate(_DIRECT_ROUTE, True, reason, is_resting=True)
    return Candidate(_DIRECT_ROUTE, True, _say_why_direct(host, finding, now))


def _say_why_direct(host: str, finding: Finding | None, now: float) -> str:
    if finding is None:
        return f"{host} is asked directly first."
    if finding.was_blocked:
        return f"The direct way to {host} works again: it opened {describe_time(now - finding.since)} ago."
    if finding.verdict == "hides_errors":
        return f"{host} answers this page directly, but hides its refusals (a wrong key, say) from browsers."
    return f"{host} answers this page directly."


def _find_obstacle(situation: _Situation) -> str:
    """Return what rules the direct way out whatever was learned, or nothing."""
    provider = situation.provider
    if provider.entry.is_relay_only:
        return f"{provider.name} can be reached only through a relay."
    if situation.policy == "relay":
        return f"{situation.chooser} to reach {provider.name} only through a relay."
    if provider.entry.key_required and not provider.api_key:
        return f"There is no key for {provider.name} here."
    return ""


def _consider_relay(ranked: RankedRelay, situation: _Situation) -> Candidate:
    relay, provider, wishes = ranked.relay, situation.provider, situation.wishes
    route = Route("relay", relay.id, relay.name)
    if situation.policy == "direct":
        return Candidate(route, False, f"{situation.chooser} to reach {provider.name} only directly.")
    if wishes.relays and relay.id not in wishes.relays:
        return Candidate(route, False, f"{relay.name} is not among the relays that {wishes.because or 'you'} named.")
    if not situation.config.has_consent(relay.id, provider.id):
        return Candidate(route, False, f"{relay.name} may not see the key of {provider.name} yet.", needs_consent=True)
    reason = " ".join(part for part in (_say_why_relayed(relay, situation), ranked.reason) if part)
    return Candidate(route, True, reason, is_resting=ranked.is_resting)


def _say_why_relayed(relay: Relay, situation: _Situation) -> str:
    host, finding = situation.host, situation.finding
    if situation.policy == "relay":
        return f"{situation.chooser} to reach {situation.provider.name} through a relay."
    if situation.provider.entry.is_relay_only:
        return f"{situation.provider.name} can be reached only through a relay."
    if finding and finding.is_blocked:
        return f"{host} does not answer this page directly: {finding.basis}"
    return f"The detour, taken if {host} does not answer this page directly."


def describe_time(seconds: float) -> str:
    """Return a length of time in the largest unit that fits: `3 hours`."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return "a moment"
