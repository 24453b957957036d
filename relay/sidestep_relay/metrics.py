"""What the relay counts of itself, for Prometheus.

Every label has few values, whatever is sent: routes are the application's own, providers the catalogue's, and a name
that a client or a provider chose (a model, a path, a header, a token) is no label of anything.

Several worker processes count into files of one folder, and any of them answers for all (`multiprocess`). One process
alone counts in memory.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from sidestep._version import __version__
from sidestep_relay.lanes import LANES
from sidestep_relay.upstreams import Upstream

__all__ = ["CacheOutcome", "ChatTally", "Family", "Limit", "Metrics"]

CacheOutcome = Literal["hit", "miss", "joined", "off", "unwished"]
"""Where a chat's answer came from: what was kept; the provider, with the wish that it be kept or shared; another's chat
under way; the provider, as the relay does neither; the provider, as nothing was wished."""

Limit = Literal["token_requests", "address_requests", "streams", "model_tokens"]
"""Which limit refused a request."""

Moment = Literal["before_answer", "in_answer"]

_PREFIX = "sidestep_relay_"
_UNKNOWN = "unknown"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STATUSES = frozenset({*(int(status) for status in HTTPStatus), 499, 529})
_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_FIRST_BYTE_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 20, 30, 60, 120, 300)
_CHAT_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
_OVERHEAD_BUCKETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name as it is scraped, what kind it is, its labels, what it means."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str


class Metrics:
    """The relay's metrics, in a registry of their own. One per process.

    Attributes:
        families: all that there are, in the order of the documentation.
    """

    def __init__(self) -> None:
        self.families: list[Family] = []
        self._registry = CollectorRegistry()
        self._requests = self._add_counter(
            "requests", "Requests answered; a stream counts when it begins.", "route", "method", "status", "code"
        )
        self._request_seconds = self._add_histogram(
            "request_seconds", "Time to answer a request that is no chat.", _REQUEST_BUCKETS, "route"
        )
        self._chats = self._add_counter(
            "chats", "Chats that ended, by how; without a code all was well.", "provider", "lane", "stream", "code"
        )
        self._chat_seconds = self._add_histogram(
            "chat_seconds", "Time from a chat's request to its last byte.", _CHAT_BUCKETS, "provider", "lane", "stream"
        )
        self._first_byte = self._add_histogram(
            "chat_first_byte_seconds",
            "Time from a chat's request to the first byte of its answer; the relay's own comments and errors are none.",
            _FIRST_BYTE_BUCKETS,
            "provider",
            "lane",
            "stream",
        )
        self._overhead = self._add_histogram(
            "chat_overhead_seconds",
            "Of the time until a chat's answer begins (a whole one: is there), what was not spent waiting for the "
            "provider.",
            _OVERHEAD_BUCKETS,
            "lane",
        )
        self._chunks = self._add_counter(
            "chat_chunks", "Pieces of streams passed on; added when a stream ends.", "provider", "lane"
        )
        self._bytes = self._add_counter(
            "chat_bytes", "Bytes of answers sent; added when an answer ends.", "provider", "lane"
        )
        self._streams = self._add_gauge("streams_in_progress", "Streams under way.", "livesum", "lane")
        self._upstream = self._add_counter(
            "upstream_responses", "What providers answered; `none` is no answer at all.", "provider", "status"
        )
        self._left = self._add_counter(
            "client_disconnects",
            "Clients that left before their chat's answer began, or in the middle of it.",
            "moment",
        )
        self._refused = self._add_counter("limits_refused", "Requests refused by a limit.", "limit")
        self._cache = self._add_counter(
            "cache_requests",
            "Where answers of chats came from; `off`: the relay keeps and shares none; `unwished`: nothing was asked.",
            "outcome",
        )
        self._load = self._add_gauge(
            "litellm_load_seconds", "How long LiteLLM took to load; 0 until it has.", "livemax"
        )
        self._build = self._add_gauge(
            "build_info", "Always 1; its labels say what runs.", "livemax", "version", "python", "litellm"
        )
        self._begin()

    # what the relay tells

    def count_request(self, *, route: str | None, method: str, status: int, code: str) -> None:
        """Count an answer. *route* is the rule that fitted, or None; *code* one of the relay's own."""
        known = method if method in _METHODS else _UNKNOWN
        self._requests.labels(route or _UNKNOWN, known, _name_status(status), code).inc()

    def time_request(self, *, route: str | None, seconds: float) -> None:
        """Note how long an answer took that is no chat's."""
        self._request_seconds.labels(route or _UNKNOWN).observe(seconds)

    def begin_chat(self, *, provider: str, lane: str, is_stream: bool, begun: float) -> ChatTally:
        """Return what counts one chat. *provider* is an id of the catalogue, *begun* a moment of `time.monotonic`."""
        return ChatTally(self, provider, lane, "true" if is_stream else "false", begun)

    def count_upstream(self, provider: str, upstream: Upstream) -> None:
        """Count what *provider*, an id of the catalogue, answered over *upstream*, if it was asked."""
        if upstream.was_asked:
            status = upstream.status
            self._upstream.labels(provider, "none" if status is None else _name_status(status)).inc()

    def count_refusal(self, limit: Limit) -> None:
        """Count a request that *limit* refused."""
        self._refused.labels(limit).inc()

    def count_cache(self, outcome: CacheOutcome) -> None:
        """Count what the cache did for a chat."""
        self._cache.labels(outcome).inc()

    def set_load_seconds(self, seconds: float) -> None:
        """Note how long LiteLLM took to load."""
        self._load.set(seconds)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return everything as Prometheus reads it, and its content type: the one that *accept* asks for.

        Of OpenMetrics 1.0 or Prometheus' text format 0.0.4.
        """
        write, content_type = choose_encoder(accept)
        collector: Any = _Merged(self._registry) if values.ValueClass._multiprocess else self._registry
        return write(_Lean(collector)), content_type

    # how it is kept

    def _begin(self) -> None:
        """Let what is counted by few known values begin at 0, so that the first event is seen as one."""
        for limit in get_args(Limit):
            self._refused.labels(limit)
        for outcome in get_args(CacheOutcome):
            self._cache.labels(outcome)
        for moment in get_args(Moment):
            self._left.labels(moment)
        for lane in LANES:
            self._streams.labels(lane)
        self._build.labels(__version__, platform.python_version(), _find_version("litellm")).set(1)

    def _add_counter(self, name: str, meaning: str, *labels: str) -> Counter:
        self.families.append(Family(f"{_PREFIX}{name}_total", "counter", labels, meaning))
        return Counter(_PREFIX + name, meaning, labels, registry=self._registry)

    def _add_gauge(self, name: str, meaning: str, mode: Any, *labels: str) -> Gauge:
        self.families.append(Family(_PREFIX + name, "gauge", labels, meaning))
        return Gauge(_PREFIX + name, meaning, labels, registry=self._registry, multiprocess_mode=mode)

    def _add_histogram(self, name: str, meaning: str, buckets: Sequence[float], *labels: str) -> Histogram:
        self.families.append(Family(_PREFIX + name, "histogram", labels, meaning))
        return Histogram(_PREFIX + name, meaning, labels, registry=self._registry, buckets=buckets)


class ChatTally:
    """Counts one chat. Nothing of it is done for each chunk: what a stream held is added once, at its end."""

    def __init__(self, metrics: Metrics, provider: str, lane: str, is_stream: str, begun: float) -> None:
        self._metrics = metrics
        self._provider = provider
        self._lane = lane
        self._is_stream = is_stream
        self._begun = begun
        self._has_begun = False

    def note_begin(self, overhead: float) -> None:
        """Note that the answer begins, and the seconds until now that were not spent waiting for the provider."""
        self._metrics._overhead.labels(self._lane).observe(max(overhead, 0.0))

    def note_first_byte(self) -> None:
        """Note that a byte of the answer is sent; only the first counts."""
        if not self._has_begun:
            self._has_begun = True
            labels = (self._provider, self._lane, self._is_stream)
            self._metrics._first_byte.labels(*labels).observe(time.monotonic() - self._begun)

    def begin_stream(self) -> None:
        """Count a stream under way, until `end_stream`."""
        self._metrics._streams.labels(self._lane).inc()

    def end_stream(self) -> None:
        """Count it no longer."""
        self._metrics._streams.labels(self._lane).dec()

    def end(self, *, code: str, chunks: int, sent: int, upstream: Upstream) -> None:
        """Count the chat, which ended with the relay's *code*, or empty, after *sent* bytes in *chunks* pieces."""
        metrics = self._metrics
        metrics.count_upstream(self._provider, upstream)
        labels = (self._provider, self._lane, self._is_stream)
        metrics._chats.labels(*labels, code).inc()
        metrics._chat_seconds.labels(*labels).observe(time.monotonic() - self._begun)
        metrics._chunks.labels(self._provider, self._lane).inc(chunks)
        metrics._bytes.labels(self._provider, self._lane).inc(sent)
        if code == "client_left":
            metrics._left.labels("in_answer" if self._has_begun else "before_answer").inc()


class _Lean:
    """Leaves out when each series began: it doubles what is scraped, and files do not keep it."""

    def __init__(self, collector: Any) -> None:
        self._collector = collector

    def collect(self) -> Iterable[Metric]:
        for family in self._collector.collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


class _Merged:
    """What all processes have counted, in this one's order."""

    def __init__(self, own: CollectorRegistry) -> None:
        self._own = own

    def collect(self) -> Iterable[Metric]:
        found = {family.name: family for family in _read_files()}
        return [found[family.name] for family in self._own.collect() if family.name in found]


def _read_files() -> Iterable[Metric]:
    collected: Iterable[Metric] = MultiProcessCollector(None).collect()  # type: ignore[no-untyped-call]
    return collected


def _name_status(status: int) -> str:
    """Return *status*, or its hundred if no standard knows it: a provider may answer whatever it likes."""
    return str(status) if status in _STATUSES else f"{status // 100}xx"


def _find_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
