"""The ordered routes for one request, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sidestep.config import Config, Provider, Relay
from sidestep.routing.evidence import Finding
from sidestep.types import Route

__all__ = ["Candidate", "Plan", "make_plan"]

DIRECT = Route("direct")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way that was considered.

    Attributes:
        is_included: whether it will be tried.
        reason: why it is in, or why it is out; a sentence.
        needs_consent: whether only the user's consent is missing.
    """

    route: Route
    is_included: bool
    reason: str
    needs_consent: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as the page's protocol writes it (docs/protocol.md, *ExplainedRoute*)."""
        return {"route": self.route.to_dict(), "included": self.is_included, "reason": self.reason}


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


def make_plan(provider: Provider, config: Config, finding: Finding | None, now: float) -> Plan:
    """Return the ways to *provider*, best first.

    Args:
        provider: whom to reach.
        config: the relays there are, and what each may see.
        finding: what is known of the direct way for this very request, or None.
        now: Unix time in seconds.
    """
    relays = [_consider_relay(relay, provider, config, finding) for relay in config.relays]
    has_relay = any(candidate.is_included for candidate in relays)
    direct = _consider_direct(provider, finding, now, has_relay=has_relay)
    return Plan(tuple(sorted([direct, *relays], key=lambda candidate: not candidate.is_included)))


def _consider_direct(provider: Provider, finding: Finding | None, now: float, *, has_relay: bool) -> Candidate:
    if obstacle := _find_obstacle(provider):
        return Candidate(DIRECT, False, obstacle)
    host = provider.origin.partition("://")[2]
    if finding is None:
        return Candidate(DIRECT, True, f"{host} is asked directly first.")
    if finding.verdict == "open":
        return Candidate(DIRECT, True, f"{host} answers this page directly.")
    known = (
        f"{host} refused direct calls from this page {describe_time(now - finding.since)} ago; "
        f"the direct way is tried again in {describe_time(finding.until - now)}."
    )
    if has_relay and provider.route == "auto":
        return Candidate(DIRECT, False, known)
    return Candidate(DIRECT, True, f"{known} There is no other way, so it is tried all the same.")


def _find_obstacle(provider: Provider) -> str:
    """Return what rules the direct way out whatever was learned, or nothing."""
    if provider.entry.is_relay_only:
        return f"{provider.name} can be reached only through a relay."
    if provider.route == "relay":
        return f"You chose to reach {provider.name} only through a relay."
    if provider.entry.key_required and not provider.api_key:
        return f"There is no key for {provider.name} here."
    return ""


def _consider_relay(relay: Relay, provider: Provider, config: Config, finding: Finding | None) -> Candidate:
    route = Route("relay", relay.id, relay.name)
    host = provider.origin.partition("://")[2]
    if provider.route == "direct":
        return Candidate(route, False, f"You chose to reach {provider.name} only directly.")
    if not config.has_consent(relay.id, provider.id):
        return Candidate(route, False, f"{relay.name} may not see the key of {provider.name} yet.", needs_consent=True)
    if provider.route == "relay":
        return Candidate(route, True, f"You chose to reach {provider.name} through a relay.")
    if finding and finding.verdict == "blocked":
        return Candidate(route, True, f"{host} does not answer this page directly: {finding.basis}")
    return Candidate(route, True, f"The detour, taken if {host} does not answer this page directly.")


def describe_time(seconds: float) -> str:
    """Return a length of time in the largest unit that fits: `3 hours`."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return "a moment"
