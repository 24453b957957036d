"""What the routes of one process share, made once from the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from functools import partial
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from sidestep.catalogue import CatalogueEntry, load_catalogue
from sidestep_relay.auth import TokenCheck
from sidestep_relay.caches import Cache, MemoryCache
from sidestep_relay.config import RelayConfig
from sidestep_relay.deadlines import Drain
from sidestep_relay.lanes import Lane, LaneName
from sidestep_relay.lanes.pipe import PipeLane
from sidestep_relay.lanes.plugin import PluginLane
from sidestep_relay.lanes.translate import TranslateLane
from sidestep_relay.limits import Limiter
from sidestep_relay.loading import BackgroundLoader, Spawn
from sidestep_relay.metering import Meter
from sidestep_relay.metrics import Metrics
from sidestep_relay.plugins import Plugins, list_provider_ids
from sidestep_relay.probes import Prober
from sidestep_relay.replays import ReplayGuard
from sidestep_relay.sealed_edge import Sealing
from sidestep_relay.sources import Sources
from sidestep_relay.telemetry import Log
from sidestep_relay.token_files import TokenFile
from sidestep_relay.tokens import Token, make_full_token
from sidestep_relay.upstreams import Connections

if TYPE_CHECKING:
    from sidestep_relay.redis_links import RedisLink
    from sidestep_relay.shared_counts import SharedCounts

__all__ = ["Services"]


class Services:
    """The parts of a relay. One per process.

    Args:
        config: the settings.
        environment: where the relay's own provider keys are, if *config* lets them be used.
        log, metrics: what is told of everything.
        drain: says when the process stops.
        spawn, load: how litellm is loaded; see `loading`.
        probe_seconds: how long a probe may take.
        clock: returns Unix time in seconds.
        replay_guard: remembers what was sealed where there is no Redis; this process alone by default.
        plugins: whose providers are called beside the catalogue's.
    """

    def __init__(
        self,
        config: RelayConfig,
        *,
        environment: Mapping[str, str],
        log: Log,
        metrics: Metrics,
        drain: Drain,
        spawn: Spawn,
        load: Callable[[], Any],
        probe_seconds: float,
        clock: Callable[[], float],
        replay_guard: ReplayGuard | None,
        plugins: tuple[EntryPoint, ...],
    ) -> None:
        self.config = config
        self.log = log
        self.metrics = metrics
        self.drain = drain
        self.catalogue: Mapping[str, CatalogueEntry] = load_catalogue()
        known = frozenset(host for entry in self.catalogue.values() for host in entry.hosts)
        self.destinations = dataclasses.replace(config.destinations, known=known)
        self.own_keys = environment if config.should_use_own_keys else {}
        self.plugins = Plugins(plugins, self.catalogue, log)
        self.tokens = TokenCheck(_make_token_list(config, list_provider_ids(plugins), clock, log), clock)
        self.redis = _connect(config.redis_url, log)
        limiter = Limiter(_share_counts(self.redis))
        self.meter = Meter(limiter, metrics, per_token=config.per_token, per_address=config.per_address)
        self.sealing = Sealing(config.sealing, _share_replays(self.redis) or replay_guard, clock)
        cache = _make_cache(config, self.redis, clock)
        self.sources = Sources(cache, can_join=config.can_join, is_alone=self.redis is None, clock=clock)
        self.connections = Connections(self.destinations)
        self.prober = Prober(self.destinations, self.connections.context, self.catalogue, seconds=probe_seconds)
        self.loader = BackgroundLoader(partial(self._load, load), spawn, log)
        self.lanes: Mapping[LaneName, Lane] = {
            "pipe": PipeLane(),
            "translate": TranslateLane(self.loader.get),
            "plugin": PluginLane(self.loader.get),
        }

    def close(self) -> None:
        """Close the connections that are kept open, where the process goes on without this relay."""
        self.connections.close()
        if self.redis:
            self.redis.close()

    def wait_for_plugin(self, name: str) -> None:
        """Return when it is known what became of the plugin *name*, if there is one."""
        if name in self.plugins.names:
            self.loader.get()

    def _load(self, load: Callable[[], Any]) -> Any:
        litellm = load()
        self.plugins.load(litellm)
        self.catalogue = {**self.catalogue, **self.plugins.entries}
        return litellm


def _connect(redis_url: str, log: Log) -> RedisLink | None:
    if not redis_url:
        return None
    # Here and not above: a relay that is alone saves the memory.
    from sidestep_relay.redis_links import RedisLink  # noqa: PLC0415

    return RedisLink(redis_url, log)


def _share_counts(link: RedisLink | None) -> SharedCounts | None:
    if link is None:
        return None
    from sidestep_relay.shared_counts import SharedCounts  # noqa: PLC0415 - as above

    return SharedCounts(link)


def _share_replays(link: RedisLink | None) -> ReplayGuard | None:
    if link is None:
        return None
    from sidestep_relay.shared_replays import SharedReplayGuard  # noqa: PLC0415 - as above

    return SharedReplayGuard(link)


def _make_cache(config: RelayConfig, link: RedisLink | None, clock: Callable[[], float]) -> Cache | None:
    if not config.cache_seconds:
        return None
    if link is None:
        return MemoryCache(config.cache_seconds, config.cache_bytes, clock)
    from sidestep_relay.shared_caches import RedisCache  # noqa: PLC0415 - as above

    return RedisCache(link, config.cache_seconds, config.cache_bytes, clock)


def _make_token_list(
    config: RelayConfig, known: Collection[str], clock: Callable[[], float], log: Log
) -> Callable[[], tuple[Token, ...]]:
    full = (make_full_token(config.token),) if config.token else ()
    if config.tokens_file is None:
        return lambda: full
    file = TokenFile(config.tokens_file, known, clock, log)
    return lambda: (*full, *file.list())
