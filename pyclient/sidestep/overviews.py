"""What is known of every provider's ways and every relay, in one document. No IO."""

from __future__ import annotations

from typing import Any

from sidestep.config import Config, Provider
from sidestep.knowledge import Knowledge
from sidestep.metrics import OK
from sidestep.routing.health import DIRECT, EVERYTHING, HealthKey

__all__ = ["summarise_routes"]


def summarise_routes(config: Config, knowledge: Knowledge, page_origin: str, now: float) -> dict[str, Any]:
    """Return what is known, as the page's protocol writes it (docs/protocol.md, *Overview*).

    Args:
        config: the providers and relays.
        knowledge: what was learned.
        page_origin: the origin of the page, or empty.
        now: Unix time in seconds.
    """
    return {
        "providers": {row.id: _summarise(row, config, knowledge, page_origin, now) for row in config.providers},
        "relays": {
            relay.id: knowledge.health.find_status(HealthKey(EVERYTHING, relay.id), now).to_dict()
            for relay in config.relays
        },
    }


def _summarise(
    provider: Provider, config: Config, knowledge: Knowledge, page_origin: str, now: float
) -> dict[str, Any]:
    outage = knowledge.health.find_outage(provider.id, now)
    routes = [DIRECT, *(relay.id for relay in config.relays)]
    attempts = [attempt for attempt in knowledge.metrics.attempts if attempt.provider == provider.id]
    successes = [attempt.at for attempt in attempts if attempt.outcome == OK]
    return {
        "classification": knowledge.evidence.classify(page_origin, provider.origin, now).to_dict(),
        "health": {
            route: knowledge.health.find_status(HealthKey(provider.id, route), now).to_dict() for route in routes
        },
        "outage": {"since": outage.since, "until": outage.until, "reason": outage.reason} if outage else None,
        "last_success": max(successes, default=None),
    }
