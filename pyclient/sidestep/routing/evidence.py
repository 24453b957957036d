"""What past attempts taught about the direct way to a provider.

A CORS policy belongs to an origin, a path, a method and the set of headers that are sent, and it changes without
notice; so that is what evidence is keyed by, and it expires.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

from sidestep.types import HttpRequest

__all__ = ["EVIDENCE_LIFETIME", "Evidence", "EvidenceKey", "Finding", "PathClass", "key_for"]

EVIDENCE_LIFETIME = 24 * 3600.0
"""Seconds after which the direct way is tried anew."""

PathClass = Literal["chat", "models"]
Verdict = Literal["open", "blocked"]


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


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing learned.

    Attributes:
        since, until: Unix time in seconds.
        basis: the sentence that says what it rests on.
    """

    key: EvidenceKey
    verdict: Verdict
    since: float
    until: float
    basis: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known, by key. Immutable: learning returns a new one."""

    findings: Mapping[EvidenceKey, Finding] = field(default_factory=lambda: MappingProxyType({}))

    def find(self, key: EvidenceKey, now: float) -> Finding | None:
        """Return what is known of *key* and has not expired."""
        finding = self.findings.get(key)
        return finding if finding and finding.until > now else None

    def learn(self, key: EvidenceKey, verdict: Verdict, basis: str, now: float) -> Evidence:
        """Return the evidence with a finding added; a verdict that stays the same keeps its beginning."""
        known = self.find(key, now)
        since = known.since if known and known.verdict == verdict else now
        finding = Finding(key, verdict, since, now + EVIDENCE_LIFETIME, basis)
        return Evidence(MappingProxyType({**self.findings, key: finding}))

    def forget(self, provider_origin: str) -> Evidence:
        """Return the evidence without anything on *provider_origin*."""
        kept = {key: row for key, row in self.findings.items() if key.provider_origin != provider_origin}
        return Evidence(MappingProxyType(kept))

    def to_list(self, now: float) -> list[dict[str, Any]]:
        """Return what has not expired, as JSON can hold it."""
        return [asdict(finding) for finding in self.findings.values() if finding.until > now]

    @classmethod
    def load(cls, rows: Iterable[Any]) -> Evidence:
        """Return the evidence that `to_list` wrote; rows that are damaged are left out, since all can be relearned."""
        findings = (_load_finding(row) for row in rows)
        return cls(MappingProxyType({finding.key: finding for finding in findings if finding}))


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


def _load_finding(row: Any) -> Finding | None:
    try:
        key = row["key"]
        return Finding(
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
        )
    except (KeyError, TypeError, ValueError):
        return None
