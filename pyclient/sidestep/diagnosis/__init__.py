"""Why a call failed: observations in, a verdict out. Pure.

A browser does not say why it refused a call (WHATWG Fetch, *network error*), so the reason is found by comparing: what
the browser knows of itself, whether anything answers there at all, what the provider answers to a request that costs
nothing, what it answers to a relay, and what the relay sees of its CORS policy. What none of that decides is called
`cannot_tell`. Neither the words of an error nor the time that it took decide anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sidestep.config import Provider
from sidestep.diagnosis import answers, comparisons, relays, silences
from sidestep.diagnosis.cases import Case
from sidestep.diagnosis.observations import (
    KINDS,
    Observations,
    Preflight,
    ServerAnswer,
    ServerStep,
    ServerView,
    Sighting,
    SightingKind,
    choose_kind,
    sight,
)
from sidestep.diagnosis.verdicts import Action, Cause, Certainty, Lesson, Remedy, Verdict

__all__ = [
    "KINDS",
    "RULES",
    "Action",
    "Cause",
    "Certainty",
    "Lesson",
    "Observations",
    "Preflight",
    "Remedy",
    "ServerAnswer",
    "ServerStep",
    "ServerView",
    "Sighting",
    "SightingKind",
    "Verdict",
    "choose_kind",
    "diagnose",
    "sight",
]

RULES: tuple[Callable[[Case], Verdict | None], ...] = (
    # somebody answered from here, and said what is wrong
    answers.answered_well,
    answers.answered_here,
    # what the browser knows for certain, before anything is compared
    silences.offline,
    silences.mixed_content,
    silences.content_policy,
    silences.local_network_denied,
    silences.local_network_ahead,
    # the provider's own word, by way of the relay
    answers.answered_through_relay,
    comparisons.hidden_error,
    comparisons.answered_but_not_now,
    # what the relay sees of the provider's address
    comparisons.server_knows_no_host,
    comparisons.server_cannot_connect,
    comparisons.server_distrusts,
    comparisons.cors_blocked_as_seen,
    comparisons.local_network_unasked,
    comparisons.blocked_here,
    comparisons.hidden_error_as_seen,
    # only that the relay got through
    comparisons.cors_blocked_as_compared,
    comparisons.blocked_or_here,
    # what went wrong here is known without the relay
    relays.relay_got_no_answer,
    silences.timed_out,
    silences.no_connection,
    # the relay could not help
    relays.relay_token,
    relays.relay_refused,
    relays.relay_unencrypted,
    relays.relay_locked,
    relays.relay_lost_it,
    relays.relay_page_unknown,
    relays.relay_unasked,
    relays.relay_or_network_down,
    relays.relay_down,
    # nothing to compare with
    silences.local_server_silent,
    silences.cors_probably_blocked,
)
"""In order: the first that applies decides."""


def diagnose(observations: Observations, provider: Provider) -> Verdict:
    """Return what became of a request to *provider*, as far as *observations* decide it.

    Raises nothing: where they do not, the verdict is `cannot_tell`.
    """
    case = Case(observations, provider)
    verdicts = (rule(case) for rule in RULES)
    verdict = next((verdict for verdict in verdicts if verdict), None) or silences.cannot_tell(case)
    # Two rules of telling may tell the same, and not every error has words.
    return replace(verdict, basis=tuple(dict.fromkeys(sentence for sentence in verdict.basis if sentence)))
