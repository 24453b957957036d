"""Which models a provider has: its own list, kept for an hour, with the catalogue's and the user's.

The network is not met here: whoever makes a `Discovery` says how a list is fetched.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from sidestep.config import Provider
from sidestep.errors import SidestepError
from sidestep.types import Model

__all__ = ["LIST_LIFETIME", "Discovery", "ModelList", "load_models"]

LIST_LIFETIME = 3600.0
"""Seconds after which a provider's list is asked for anew."""

Key = tuple[str, str, str]
Fetch = Callable[[Provider], Awaitable[tuple[Model, ...]]]


@dataclass(frozen=True, slots=True)
class ModelList:
    """The models of a provider, and where the list is from.

    Attributes:
        models: those added by hand first, then the catalogue's, then the others in the provider's order.
        error: why the provider's own list could not be had the last time it was asked for.
        fetched_at: Unix time in seconds at which the provider gave its list, or None if this is not its list.
        is_stale: whether it is old; a newer one is then being fetched.
    """

    models: tuple[Model, ...]
    source: Literal["live", "curated", "manual"]
    error: SidestepError | None = None
    fetched_at: float | None = None
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class _Fetched:
    """One provider's own list; empty, with no time, if none was ever had."""

    models: tuple[Model, ...] = ()
    at: float | None = None
    error: SidestepError | None = None


class Discovery:
    """Keeps the providers' own lists of models.

    A list belongs to the provider's id, its address and a fingerprint of its key, so that another key never sees what
    this one may use. An old list is given out at once while a new one is fetched; one fetch runs for a list at a time,
    and one that fails keeps what there was.

    Args:
        fetch: asks a provider for its models; raises SidestepError.
        clock: Unix time in seconds.
    """

    def __init__(self, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lists: dict[Key, _Fetched] = {}
        self._running: dict[Key, asyncio.Task[_Fetched]] = {}

    async def find(self, provider: Provider, *, refresh: bool = False) -> ModelList:
        """Return the models of *provider*; its own list is waited for only if there is none yet, or on *refresh*.

        Never raises for a list that cannot be had: the error is in the result.
        """
        if not provider.entry.models_path:
            return _merge(provider, _Fetched())
        key = _key_of(provider)
        known = self._lists.get(key, _Fetched())
        is_stale = known.at is not None and self._clock() - known.at >= LIST_LIFETIME
        if refresh or known.at is None:
            # Shielded: whoever stops waiting must not take the list from the others who wait for it.
            return _merge(provider, await asyncio.shield(self._start(key, provider)))
        if is_stale:
            self._start(key, provider)
        return _merge(provider, known, is_stale=is_stale)

    def keep(self, provider: Provider, models: tuple[Model, ...], fetched_at: float) -> None:
        """Take a list that was fetched earlier, unless there is one already."""
        known = _Fetched(models, min(fetched_at, self._clock()))
        if provider.entry.models_path and models:
            self._lists.setdefault(_key_of(provider), known)

    def recall(self, provider: Provider, model_id: str) -> Model | None:
        """Return what the provider's own list said of one model, if it was asked for already."""
        known = self._lists.get(_key_of(provider), _Fetched())
        return next((model for model in known.models if model.id == model_id), None)

    def _start(self, key: Key, provider: Provider) -> asyncio.Task[_Fetched]:
        """Return the running fetch of a list, begun now if there is none."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(self._refresh(key, provider))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return task

    async def _refresh(self, key: Key, provider: Provider) -> _Fetched:
        known = self._lists.get(key, _Fetched())
        try:
            models = await self._fetch(provider)
        except SidestepError as error:
            fetched = _Fetched(known.models, known.at, error)
        else:
            # A list of nothing is none; what was known of better times stays.
            fetched = _Fetched(models, self._clock()) if models else _Fetched(known.models, known.at)
        if fetched.at is not None:
            self._lists[key] = fetched
        return fetched


def load_models(row: Any) -> tuple[tuple[Model, ...], float] | None:
    """Return the models and their time that a page stored (docs/protocol.md, `configure`), or None if it is damaged."""
    if not isinstance(row, Mapping) or not isinstance(row.get("models"), list):
        return None
    fetched_at = row.get("fetched_at")
    if isinstance(fetched_at, bool) or not isinstance(fetched_at, int | float):
        return None
    models = tuple(model for entry in row["models"] if (model := _load_model(entry)))
    return (models, float(fetched_at)) if models else None


def _load_model(row: Any) -> Model | None:
    if not isinstance(row, Mapping) or not isinstance(row.get("id"), str) or not isinstance(row.get("name"), str):
        return None
    model = Model(**{field.name: row[field.name] for field in fields(Model) if field.name in row})
    is_whole = all(
        value is None or isinstance(value, int | float)
        for name, value in asdict(model).items()
        if name not in {"id", "name"}
    )
    return model if is_whole else None


def _key_of(provider: Provider) -> Key:
    fingerprint = hashlib.sha256(provider.api_key.encode()).hexdigest()[:16]
    return provider.id, provider.base_url, fingerprint


def _merge(provider: Provider, fetched: _Fetched, *, is_stale: bool = False) -> ModelList:
    curated, live = provider.entry.models, {model.id: model for model in fetched.models}
    if not live:
        models = _pick([*provider.models, *curated], live)
        return ModelList(models, "curated" if curated else "manual", fetched.error)
    order = [*provider.models, *(model for model in curated if model in live), *live]
    return ModelList(_pick(order, live), "live", fetched.error, fetched.at, is_stale)


def _pick(order: Iterable[str], live: Mapping[str, Model]) -> tuple[Model, ...]:
    return tuple(live.get(model) or Model(model, model) for model in dict.fromkeys(order))
