"""What a failed request looked like by each way, from the error it ended with. No IO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidestep.diagnosis import KINDS, Sighting, SightingKind, choose_kind, sight
from sidestep.errors import SidestepError

__all__ = ["Sightings", "read_sightings", "take_sightings"]

# Written down, an error is known by its name alone, and a relay that kept silent by that.
_KINDS: Mapping[str, SightingKind] = {
    **{error_class.__name__: kind for error_class, kind in KINDS},
    "RelayUnreachable": "rejected",
}
_UNTOLD = frozenset({"Cancelled", "ConfigurationError", "NoRoute", "RoutesFailed", "UnknownModel"})
"""Errors that stand for no single request."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """What came of one request, directly and through one relay; None where it did not go that way."""

    direct: Sighting | None = None
    relayed: Sighting | None = None
    relay_id: str = ""


def take_sightings(error: SidestepError) -> Sightings:
    """Return what *error* and the attempts before it say."""
    pairs = [*error.attempts, (error.route or {}, error)]
    return _sort((route, sight(failure)) for route, failure in pairs)


def read_sightings(document: Mapping[str, Any]) -> Sightings:
    """Return what an error says that was written down (docs/protocol.md, *Error*); what is damaged is left out."""
    attempts = document.get("attempts")
    rows = [row for row in attempts if isinstance(row, Mapping)] if isinstance(attempts, list) else []
    pairs = [*((row.get("route"), row.get("error")) for row in rows), (document.get("route"), document)]
    return _sort((route if isinstance(route, Mapping) else {}, _load(error)) for route, error in pairs)


def _sort(pairs: Any) -> Sightings:
    """Return the last sighting of each way; of several relays the last one."""
    direct: Sighting | None = None
    relayed: Sighting | None = None
    relay_id = ""
    for route, sighting in pairs:
        if sighting is None:
            continue
        if route.get("kind") == "direct":
            direct = sighting
        elif route.get("kind") == "relay":
            relayed, relay_id = sighting, str(route.get("relay") or "")
    return Sightings(direct, relayed, relay_id)


def _load(error: Any) -> Sighting | None:
    if not isinstance(error, Mapping) or not isinstance(error.get("type"), str) or error["type"] in _UNTOLD:
        return None
    name, status, code, message = error["type"], error.get("status"), error.get("code"), error.get("message")
    code = code if isinstance(code, str) else ""
    return Sighting(
        choose_kind(_KINDS.get(name, "answered"), code),
        status if isinstance(status, int) else 0,
        name,
        code,
        "relay" if error.get("origin") == "relay" else "provider",
        message if isinstance(message, str) else "",
    )
