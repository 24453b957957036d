"""What past attempts and probes taught about the direct way to a provider.

A CORS policy belongs to an origin, a path, a method and the set of headers that are sent, and it changes without
notice; so that is what evidence is keyed by, it expires, and what is blocked is quietly looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from sidestep.types import HttpRequest

__all__ = [
    "EVIDENCE_LIFETIME",
    "Classification",
    "DirectVerdict",
    "Evidence",
    "EvidenceKey",
    "Finding",
    "PathClass",
    "key_for",
]

EVIDENCE_LIFETIME = 24 * 3600.0
"""Seconds after which the direct way is tried anew."""

K = TypeVar("K")

_VERSION = 2  # of one stored row
_FIRST_PROBE = 10 * 60.0  # seconds after which a blocked way is looked at again; each next wait is twice as long
_LONGEST_PROBE_WAIT = 6 * 3600.0
_CLOCK_ERROR = 3600.0  # seconds; what was learned later than that from now was learned by a wrong clock

PathClass = Literal["chat", "models"]
DirectVerdict = Literal["open", "blocked", "hides_errors"]
Way = Literal["direct", "relay required", "either", "unknown"]
_VERDICTS = ("open", "blocked", "hides_errors")
_PATH_CLASSES = ("chat", "models")


@dataclass(frozen=True, slots=True)
class EvidenceKey:
    """What a CORS policy depends on.

    Attributes:
        page_origin: the origin of the page that asks.
        provider_origin: scheme, host and port that are asked.
        headers: lower-case names of the headers that are sent, sorted.
    """

    page_origin: str
    provider_origin: str
    path_class: PathClass
    method: str
    headers: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.page_origin, self.method, self.provider_origin, self.path_class, ",".join(self.headers)))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing learned.

    Attributes:
        verdict: `open`; `blocked`; or `hides_errors`: good answers arrive, refusals do not.
        since, until: Unix time in seconds.
        basis: the sentence that says what it rests on.
        seen: Unix time in seconds at which it was last confirmed.
        was_blocked: whether this way was blocked before it opened.
        probes: how often a quiet look found it still blocked.
        probed: Unix time in seconds of the last one, or 0.
    """

    key: EvidenceKey
    verdict: DirectVerdict
    since: float
    until: float
    basis: str
    seen: float = 0.0
    was_blocked: bool = False
    probes: int = 0
    probed: float = 0.0

    @property
    def is_blocked(self) -> bool:
        """Whether no answer can arrive by this way."""
        return self.verdict == "blocked"

    @property
    def probe_due(self) -> float:
        """Unix time in seconds from which a blocked way is worth another quiet look."""
        return max(self.since, self.probed) + min(_FIRST_PROBE * 2.0 ** min(self.probes, 16), _LONGEST_PROBE_WAIT)


@dataclass(frozen=True, slots=True)
class Classification:
    """What is known of the ways to one provider, in the words that stand beside it.

    Attributes:
        way: `direct`, `relay required`, `either` or `unknown`.
        since: Unix time in seconds, or None while nothing is known.
        basis: the sentence that says what it rests on.
    """

    way: Way
    since: float | None
    basis: str

    def to_dict(self) -> dict[str, Any]:
        """Return the classification as the page's protocol writes it (docs/protocol.md, *Classification*)."""
        return {"way": self.way, "since": self.since, "basis": self.basis}


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known. Immutable: learning returns a new one.

    Attributes:
        findings: what was learned of direct ways, by key.
        relayed: Unix time in seconds of the last good answer, by provider's origin and relay's id.
        forgotten: Unix time in seconds at which a provider's origin was forgotten; what another tab learned of it
            before does not come back.
        unread: rows that a newer version stored; kept, so that it finds them again.
    """

    findings: Mapping[EvidenceKey, Finding] = field(default_factory=lambda: MappingProxyType({}))
    relayed: Mapping[tuple[str, str], float] = field(default_factory=lambda: MappingProxyType({}))
    forgotten: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    unread: tuple[Mapping[str, Any], ...] = ()

    def find(self, key: EvidenceKey, now: float) -> Finding | None:
        """Return what is known of *key*, has not expired, and was not learned in the future."""
        finding = self.findings.get(key)
        return finding if finding and _is_valid(finding, now) else None

    def learn(self, key: EvidenceKey, verdict: DirectVerdict, basis: str, now: float) -> Evidence:
        """Return the evidence with a finding added; a verdict that stays the same keeps its beginning."""
        known = self.find(key, now)
        if known and known.verdict == "hides_errors" and verdict == "open":
            # A good answer arrived there before too: that the refusals are hidden is the better knowledge.
            return self._with(replace(known, until=now + EVIDENCE_LIFETIME, seen=now))
        is_same = known is not None and known.verdict == verdict
        return self._with(
            Finding(
                key,
                verdict,
                known.since if known and is_same else now,
                now + EVIDENCE_LIFETIME,
                basis,
                now,
                was_blocked=known is not None and (known.was_blocked if is_same else known.is_blocked),
            )
        )

    def learn_relayed(self, provider_origin: str, relay_id: str, now: float) -> Evidence:
        """Return the evidence with a good answer noted that came through a relay."""
        return replace(self, relayed=MappingProxyType({**self.relayed, (provider_origin, relay_id): now}))

    def note_probe(self, key: EvidenceKey, now: float) -> Evidence:
        """Return the evidence with a quiet look noted that found the way still blocked; the finding lives no longer."""
        known = self.findings.get(key)
        return self._with(replace(known, probes=known.probes + 1, probed=now)) if known else self

    def list_due_probes(self, page_origin: str, now: float) -> tuple[Finding, ...]:
        """Return the blocked ways of this page that are worth another quiet look."""
        return tuple(
            finding
            for key, finding in self.findings.items()
            if key.page_origin == page_origin
            and finding.is_blocked
            and _is_valid(finding, now)
            and finding.probe_due <= now
        )

    def classify(self, page_origin: str, provider_origin: str, now: float) -> Classification:
        """Return what is known of the ways to chat with a provider."""
        direct = next(
            (
                finding
                for key, finding in self.findings.items()
                if (key.page_origin, key.provider_origin, key.path_class) == (page_origin, provider_origin, "chat")
                and _is_valid(finding, now)
            ),
            None,
        )
        relayed = max(
            (seen for (origin, _), seen in self.relayed.items() if origin == provider_origin and _is_recent(seen, now)),
            default=None,
        )
        if direct is None:
            return Classification("unknown", None, "Nothing was sent directly yet, or it is too long ago.")
        if direct.is_blocked:
            return Classification("relay required", direct.since, direct.basis)
        if relayed is not None:
            return Classification("either", direct.since, f"{direct.basis} A relay got an answer too.")
        return Classification("direct", direct.since, direct.basis)

    def find_helper(self, provider_origin: str, now: float) -> str:
        """Return the id of the relay that brought the last good answer of a provider, or nothing."""
        seen = {
            relay: at
            for (origin, relay), at in self.relayed.items()
            if origin == provider_origin and _is_recent(at, now)
        }
        return max(seen, key=seen.__getitem__, default="")

    def forget(self, provider_origin: str, now: float) -> Evidence:
        """Return the evidence without anything on *provider_origin*."""
        return self.merge(Evidence(forgotten=MappingProxyType({provider_origin: now})))

    def merge(self, other: Evidence) -> Evidence:
        """Return both, as two tabs learned them: of two findings on one key the one that was confirmed last."""
        findings = dict(self.findings)
        for key, finding in other.findings.items():
            if key not in findings or finding.seen > findings[key].seen:
                findings[key] = finding
        relayed = _keep_latest(self.relayed, other.relayed)
        forgotten = _keep_latest(self.forgotten, other.forgotten)
        never = float("-inf")
        findings = {key: row for key, row in findings.items() if row.seen > forgotten.get(key.provider_origin, never)}
        relayed = {pair: seen for pair, seen in relayed.items() if seen > forgotten.get(pair[0], never)}
        unread = (*self.unread, *(row for row in other.unread if row not in self.unread))
        return Evidence(MappingProxyType(findings), MappingProxyType(relayed), MappingProxyType(forgotten), unread)

    def to_list(self, now: float) -> list[dict[str, Any]]:
        """Return what has not expired, as JSON can hold it."""
        findings = [
            {"version": _VERSION, **asdict(finding)} for finding in self.findings.values() if finding.until > now
        ]
        relayed = [
            {"version": _VERSION, "provider_origin": origin, "relay": relay, "seen": seen}
            for (origin, relay), seen in self.relayed.items()
            if _is_recent(seen, now)
        ]
        forgotten = [
            {"version": _VERSION, "forgotten": origin, "at": at}
            for origin, at in self.forgotten.items()
            if _is_recent(at, now)
        ]
        return [*findings, *relayed, *forgotten, *(dict(row) for row in self.unread)]

    @classmethod
    def load(cls, rows: Iterable[Any]) -> Evidence:
        """Return the evidence that `to_list` wrote.

        Rows that are damaged are left out, since all can be learned again; those of a newer version are kept unread.
        """
        known = [row for row in rows if isinstance(row, Mapping)]
        newer = tuple(row for row in known if _read_version(row) > _VERSION)
        readable = [row for row in known if _read_version(row) <= _VERSION]
        findings = {finding.key: finding for row in readable if (finding := _load_finding(row))}
        relayed = dict(pair for row in readable if (pair := _load_relayed(row)))
        forgotten = dict(row for row in map(_load_forgotten, readable) if row)
        return cls(MappingProxyType(findings), MappingProxyType(relayed), MappingProxyType(forgotten), newer)

    def _with(self, finding: Finding) -> Evidence:
        return replace(self, findings=MappingProxyType({**self.findings, finding.key: finding}))


def key_for(page_origin: str, request: HttpRequest, path_class: PathClass) -> EvidenceKey:
    """Return the key that *request*, sent directly from *page_origin*, belongs to."""
    parts = urlsplit(request.url)
    return EvidenceKey(
        page_origin,
        f"{parts.scheme}://{parts.netloc}",
        path_class,
        request.method,
        tuple(sorted(name.lower() for name in request.headers)),
    )


def _keep_latest(one: Mapping[K, float], other: Mapping[K, float]) -> dict[K, float]:
    return {key: max(one.get(key, at), at) for key, at in {**one, **other}.items()}


def _is_valid(finding: Finding, now: float) -> bool:
    return finding.until > now and finding.seen <= now + _CLOCK_ERROR


def _is_recent(seen: float, now: float) -> bool:
    return now - EVIDENCE_LIFETIME < seen <= now + _CLOCK_ERROR


def _read_version(row: Mapping[str, Any]) -> int:
    version = row.get("version", 1)
    return version if isinstance(version, int) else 1


def _load_finding(row: Mapping[str, Any]) -> Finding | None:
    try:
        key = row["key"]
        finding = Finding(
            EvidenceKey(
                str(key["page_origin"]),
                str(key["provider_origin"]),
                key["path_class"],
                str(key["method"]),
                tuple(str(name) for name in key["headers"]),
            ),
            row["verdict"],
            float(row["since"]),
            float(row["until"]),
            str(row["basis"]),
            # The first version did not say when a finding was last confirmed, but how long it holds from then on.
            float(row.get("seen", float(row["until"]) - EVIDENCE_LIFETIME)),
            row.get("was_blocked") is True,
            int(row.get("probes", 0)),
            float(row.get("probed", 0.0)),
        )
    except (KeyError, TypeError, ValueError):
        return None
    return finding if finding.verdict in _VERDICTS and finding.key.path_class in _PATH_CLASSES else None


def _load_relayed(row: Mapping[str, Any]) -> tuple[tuple[str, str], float] | None:
    try:
        return (str(row["provider_origin"]), str(row["relay"])), float(row["seen"])
    except (KeyError, TypeError, ValueError):
        return None


def _load_forgotten(row: Mapping[str, Any]) -> tuple[str, float] | None:
    try:
        return str(row["forgotten"]), float(row["at"])
    except (KeyError, TypeError, ValueError):
        return None
