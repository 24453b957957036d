"""Which key went where: for each provider, every address that was sent its key, since when and how often.

It holds names and addresses, never a key. It is written before a request leaves, so that what failed is in it too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Ledger", "LedgerEntry"]

Key = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One address that was sent one provider's key.

    Attributes:
        provider: id of the provider whose key it is.
        destination: scheme, host and port that the request went to: the provider's own, or the relay's.
        relay: id of the relay, or None on the direct way.
        first, last: Unix time in seconds.
        count: how many requests carried the key there.
    """

    provider: str
    destination: str
    relay: str | None
    first: float
    last: float
    count: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every place that keys went to. Immutable: recording returns a new one."""

    entries: Mapping[Key, LedgerEntry] = field(default_factory=lambda: MappingProxyType({}))

    def record(self, provider_id: str, destination: str, relay_id: str | None, now: float) -> Ledger:
        """Return the ledger with one request more.

        Args:
            provider_id: whose key it carries.
            destination: the address that it is sent to; only scheme, host and port are kept.
            relay_id: the relay that runs there, or None on the direct way.
            now: Unix time in seconds. A clock that was set back changes neither `first` nor `last`.
        """
        key = (provider_id, _keep_origin(destination), relay_id)
        known = self.entries.get(key)
        entry = (
            replace(known, last=max(known.last, now), count=known.count + 1)
            if known
            else LedgerEntry(*key, first=now, last=now, count=1)
        )
        return Ledger(MappingProxyType({**self.entries, key: entry}))

    def merge(self, other: Ledger, base: Ledger | None = None) -> Ledger:
        """Return what both ledgers know: each address once, since the earliest time, until the latest.

        The counts are added, less what both had from *base*. The larger of the two would lose what the other tab did
        meanwhile; the sum alone would count their common past twice.

        Args:
            other: another tab's ledger, or the stored one.
            base: what both began with; None if they share nothing.
        """
        shared = base.entries if base else {}
        merged = {**self.entries, **other.entries}
        for key in self.entries.keys() & other.entries.keys():
            mine, theirs = self.entries[key], other.entries[key]
            counted_twice = shared[key].count if key in shared else 0
            joined = _join(mine, theirs)
            merged[key] = replace(joined, count=max(joined.count - counted_twice, mine.count, theirs.count))
        return Ledger(MappingProxyType(merged))

    def to_list(self) -> list[dict[str, Any]]:
        """Return the entries as JSON can hold them, in the order in which the keys first went there."""
        return [asdict(entry) for entry in sorted(self.entries.values(), key=lambda entry: entry.first)]

    @classmethod
    def load(cls, rows: Iterable[Any]) -> Ledger:
        """Return the ledger that `to_list` wrote. Damaged rows are left out; rows of one address are joined."""
        entries: dict[Key, LedgerEntry] = {}
        for row in rows:
            if entry := _load_entry(row):
                key = (entry.provider, entry.destination, entry.relay)
                entries[key] = _join(entries[key], entry) if key in entries else entry
        return cls(MappingProxyType(entries))


def _join(one: LedgerEntry, other: LedgerEntry) -> LedgerEntry:
    return replace(
        one,
        first=min(one.first, other.first),
        last=max(one.last, other.last),
        count=one.count + other.count,
    )


def _keep_origin(address: str) -> str:
    """Return scheme, host and port of *address*: whatever else is in it could be a secret."""
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return "unreadable address"
    if not parts.scheme or not host:
        return "unreadable address"
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port is not None else "")


def _load_entry(row: Any) -> LedgerEntry | None:
    try:
        provider, destination, relay = row["provider"], row["destination"], row["relay"]
        first, last, count = float(row["first"]), float(row["last"]), row["count"]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    has_names = isinstance(provider, str) and isinstance(destination, str) and isinstance(relay, str | None)
    is_counted = isinstance(count, int) and not isinstance(count, bool) and count > 0
    has_times = math.isfinite(first) and math.isfinite(last) and first <= last
    if not (has_names and is_counted and has_times):
        return None
    return LedgerEntry(provider, _keep_origin(destination), relay, first, last, count)
