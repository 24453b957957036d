"""What one client has learned: the one place that all its requests write to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sidestep.calls import Call
from sidestep.config import Provider, Relay
from sidestep.diagnosis import Verdict
from sidestep.errors import FetchRejected, QuotaExceeded, RateLimited, RelayUnreachable, ResponseError, SidestepError
from sidestep.ledger import Ledger
from sidestep.metrics import Attempt, Metrics
from sidestep.routing.evidence import Evidence, EvidenceKey
from sidestep.routing.fallbacks import is_browser_refusal
from sidestep.routing.health import DIRECT, EVERYTHING, Health, HealthKey, Outcome, find_blame
from sidestep.types import HttpRequest, Route

__all__ = ["Attempts", "Knowledge", "load_knowledge"]

_UNABLE = frozenset({429, 500, 502, 503})  # a relay that cannot serve anybody now

_MOST_VERDICTS = 20
_TABLES = ("evidence", "ledger", "metrics")
_LIMIT_REST, _QUOTA_REST = 60.0, 15 * 60.0  # seconds, where the provider names no time
_LONGEST_REST = 6 * 3600.0

Attempts = Sequence[tuple[dict[str, Any], SidestepError]]


@dataclass
class Knowledge:
    """Evidence, health, measurements and the ledger of keys.

    Attributes:
        spent: Unix time in seconds until which a provider has nothing left to give, by its id.
        verdicts: the last diagnoses, each with its Unix time in seconds.
    """

    evidence: Evidence = field(default_factory=Evidence)
    health: Health = field(default_factory=Health)
    ledger: Ledger = field(default_factory=Ledger)
    metrics: Metrics = field(default_factory=Metrics)
    spent: dict[str, float] = field(default_factory=dict)
    verdicts: tuple[tuple[float, Verdict], ...] = ()
    _told: tuple[Evidence, Ledger, Metrics] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._told = (self.evidence, self.ledger, self.metrics)

    def note_sending(self, call: Call, relay: Relay | None, now: float) -> None:
        """Remember that a key goes out, and that a relay which rested is being tried."""
        if call.provider.api_key:
            destination = _find_origin(relay.url) if relay else call.provider.origin
            self.ledger = self.ledger.record(call.provider.id, destination, relay.id if relay else None, now)
        if relay:
            key = HealthKey(EVERYTHING, relay.id)
            if self.health.find_status(key, now).failures:
                self.health = self.health.begin_trial(key, now)

    def note_key(self, provider: Provider, relays: Iterable[Relay], request: HttpRequest, now: float) -> None:
        """Write down where *provider*'s key goes with *request*, if it goes anywhere."""
        if provider.api_key and any(provider.api_key in value for value in request.headers.values()):
            origin = _find_origin(request.url)
            relay = next((row for row in relays if _find_origin(row.url) == origin), None)
            self.ledger = self.ledger.record(provider.id, origin, relay.id if relay else None, now)

    def note_verdict(self, key: EvidenceKey, verdict: Verdict, now: float) -> None:
        """Remember what a diagnosis proved, and the diagnosis itself for a bug report."""
        if verdict.learns and verdict.certainty == "proven":
            self._learn(key, verdict.learns, verdict.message, now)
        self.verdicts = (*self.verdicts, (now, verdict))[-_MOST_VERDICTS:]

    def note_relay(self, relay: Relay, now: float, *, latency: float | None, reason: str = "") -> None:
        """Remember what a relay's own word about its health was worth; *reason* says what is wrong."""
        outcome = Outcome(now, "route" if reason else "nobody", reason, latency, is_probe=True)
        self.health = self.health.record(HealthKey(EVERYTHING, relay.id), outcome)

    def note_head(self, provider: Provider, route: Route, latency: float, now: float) -> None:
        """Remember a good answer's beginning, *latency* seconds after it was asked for."""
        self._record(provider, route, Outcome(now, "nobody", latency=latency))

    def note_failure(self, provider: Provider, route: Route, error: SidestepError, now: float) -> None:
        """Remember how an attempt failed, and whose failure it was.

        A browser that refused a direct call is not among them: what that means shows only when the request is over
        (`note_end`).
        """
        if route.kind == "direct" and isinstance(error, FetchRejected):
            return
        self.note_limit(provider.id, error, now)
        outcome = Outcome(now, find_blame(error), error.message)
        self._record(provider, route, outcome, is_relays_own=_is_relays_own(error))

    def is_spent(self, provider_id: str, now: float) -> bool:
        """Say whether the provider said that its quota is used up, or its limit reached, and not yet reset."""
        return self.spent.get(provider_id, 0.0) > now

    def note_limit(self, provider_id: str, error: SidestepError, now: float) -> None:
        """Remember until when a provider that ran into a limit need not be asked by itself."""
        if isinstance(error, QuotaExceeded | RateLimited):
            usual = now + (_QUOTA_REST if isinstance(error, QuotaExceeded) else _LIMIT_REST)
            asked = now + error.retry_after if error.retry_after is not None else None
            until = error.resets_at or asked or usual
            # A wrong clock on either side must not shut a provider out for days.
            self.spent[provider_id] = min(until, now + _LONGEST_REST)

    def note_end(self, key: EvidenceKey, call: Call, route: Route | None, attempts: Attempts, now: float) -> None:
        """Remember what the whole of a request proves of the direct way.

        A refusal alone proves nothing: a wrong key at OpenAI looks the same. Only when the same request then got a good
        answer through a relay was it the browser that was refused. A good status is no answer yet: a web page has one.

        Args:
            key: what the direct way is remembered by.
            call: the request.
            route: the one that answered well, or None.
            attempts: those that failed, in order, the last one too where none answered.
            now: Unix time in seconds.
        """
        host = urlsplit(call.direct.url).netloc
        failed = [error for tried, error in attempts if tried["kind"] == "direct"]
        was_refused = any(isinstance(error, FetchRejected) for error in failed)
        if route and route.relay_id:
            self.evidence = self.evidence.learn_relayed(call.provider.origin, route.relay_id, now)
        if route and route.kind == "direct":
            self._learn(key, "open", f"{host} answered a direct call.", now)
        elif was_refused and route:
            basis = f"the browser was refused, and {route.relay_name} got an answer to the same request."
            self._learn(key, "blocked", basis, now)
        elif route and any(is_browser_refusal(error, call.provider) for error in failed):
            basis = f"it forbids calls from browsers, and {route.relay_name} got an answer to the same request."
            self._learn(key, "blocked", basis, now)
        elif was_refused and _has_providers_refusal(attempts):
            # The route may be good: it was the request that the provider refused, unreadably for a page.
            known = self.evidence.find(key, now)
            if known and not known.is_blocked:
                basis = f"{host} answered this page before; its refusal of one request reached only a relay."
                self._learn(key, "hides_errors", basis, now)
            return
        if was_refused and call.path_class == "chat":
            failure = Outcome(now, "route", f"The browser got no answer from {host}.")
            self.health = self.health.record(HealthKey(call.provider.id, DIRECT), failure)

    def note_attempt(self, attempt: Attempt) -> None:
        """Remember the figures of one attempt."""
        self.metrics = self.metrics.record(attempt)

    def forget(self, provider: Provider, now: float) -> None:
        """Forget what is known of the direct way to a provider, so that it is tried again."""
        self.evidence = self.evidence.forget(provider.origin, now)
        self.health = self.health.forget(HealthKey(provider.id, DIRECT))

    def list_news(self, now: float) -> dict[str, Any]:
        """Return what is worth storing and was not returned before (docs/protocol.md, *Knowledge*).

        Of evidence and ledger that is the whole table, since a row of it may change; of the measurements only the new
        rows. Health outlives no visit: it is of the last five minutes.
        """
        told, self._told = self._told, (self.evidence, self.ledger, self.metrics)
        news: dict[str, Any] = {}
        if self.evidence != told[0]:
            news["evidence"] = self.evidence.to_list(now)
        if self.ledger != told[1]:
            news["ledger"] = self.ledger.to_list()
        if self.metrics != told[2]:
            known = set(told[2].attempts)
            news["metrics"] = Metrics(tuple(row for row in self.metrics.attempts if row not in known)).to_list(now)
        return news

    def merge(self, other: Knowledge, now: float) -> None:
        """Take over what another tab, or an earlier visit, learned and stored.

        The tables of evidence and ledger that *other* has are what is stored now, whole. So all of this one's that is
        not in them is news again: had both written at once, the later one has taken the place of the earlier.
        """
        evidence, ledger, metrics = self._told
        self._told = (
            other.evidence if other.evidence != Evidence() else evidence,
            other.ledger if other.ledger.entries else ledger,
            metrics.merge(other.metrics, now),
        )
        self.evidence = self.evidence.merge(other.evidence)
        self.ledger = self.ledger.merge(other.ledger, other.ledger)
        self.metrics = self.metrics.merge(other.metrics, now)

    def _learn(self, key: EvidenceKey, verdict: Any, basis: str, now: float) -> None:
        if key.page_origin:
            self.evidence = self.evidence.learn(key, verdict, basis, now)

    def _record(self, provider: Provider, route: Route, outcome: Outcome, *, is_relays_own: bool = False) -> None:
        key = HealthKey(provider.id, route.relay_id or DIRECT)
        self.health = self.health.record(key, outcome)
        # A silence or a broken answer may be the provider's as well: it says nothing of the relay as a whole.
        if route.relay_id and (is_relays_own or outcome.blame != "route"):
            whole = outcome if is_relays_own else Outcome(outcome.at, "nobody", latency=outcome.latency)
            self.health = self.health.record(HealthKey(EVERYTHING, route.relay_id), whole)


def load_knowledge(document: Mapping[str, Any], now: float) -> Knowledge:
    """Return what `Knowledge.list_news` handed out; what is damaged is left out, all of it can be learned again."""
    tables = {name: rows if isinstance(rows := document.get(name), list) else [] for name in _TABLES}
    return Knowledge(
        evidence=Evidence.load(tables["evidence"]),
        ledger=Ledger.load(tables["ledger"]),
        metrics=Metrics.load(tables["metrics"], now),
    )


def _is_relays_own(error: SidestepError) -> bool:
    if isinstance(error, RelayUnreachable):
        return True
    return isinstance(error, ResponseError) and error.origin == "relay" and error.status in _UNABLE


def _has_providers_refusal(attempts: Attempts) -> bool:
    return any(isinstance(error, ResponseError) and error.origin == "provider" for _, error in attempts)


def _find_origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
