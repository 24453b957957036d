"""What a diagnosis ends in: a cause, how sure it is, what it rests on, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Action", "Cause", "Certainty", "Lesson", "Remedy", "Verdict"]

Cause = Literal[
    "ok",
    "offline",
    "mixed_content",
    "content_policy",
    "local_network_permission",
    "unreachable",
    "tls",
    "timeout",
    "cors_blocked",
    "cors_hidden_errors",
    "browser_forbidden",
    "auth",
    "permission",
    "quota",
    "rate_limit",
    "overloaded",
    "bad_request",
    "model_unknown",
    "content_refused",
    "server_error",
    "incomplete",
    "relay_auth",
    "relay_refused",
    "relay_down",
    "wrong_address",
    "captive_portal",
    "blocked_here",
    "cannot_tell",
]
Lesson = Literal["blocked", "open", "hides_errors"]
Certainty = Literal["proven", "likely", "cannot_tell"]
Action = Literal[
    "",
    "allow_relay",
    "route_relay",
    "add_relay",
    "edit_key",
    "edit_address",
    "edit_relay",
    "pick_model",
    "wait",
    "retry",
    "open_permission",
]


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing to do.

    Attributes:
        text: a sentence for a person.
        paste: a line to paste as it is, with the page's own origin in it; empty if there is none.
        action: what the page can do with a click; empty if nothing.
    """

    text: str
    paste: str = ""
    action: Action = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a call, and why.

    Attributes:
        behind: of a cause that only hides another, the one behind it; empty if that is not known.
        message: one sentence for a person.
        basis: the observations it rests on, a sentence each.
        remedies: the best first.
        learns: what may be remembered of the direct way: `open`, `blocked`, `hides_errors`, or nothing.
    """

    cause: Cause
    certainty: Certainty
    message: str
    basis: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    behind: Cause | Literal[""] = ""
    learns: Lesson | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as the page's protocol writes it (docs/protocol.md, *Verdict*)."""
        return asdict(self) | {
            "basis": list(self.basis),
            "remedies": [asdict(remedy) for remedy in self.remedies],
        }
