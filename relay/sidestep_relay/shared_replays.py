"""What was taken once, remembered in Redis for all processes of all relays that use it."""

from __future__ import annotations

import time
from collections.abc import Callable

from sidestep_relay.redis_links import RedisLink
from sidestep_relay.redis_places import RedisAway
from sidestep_relay.replays import refuse_more
from sidestep_relay.shared_counts import PREFIX

__all__ = ["SharedReplayGuard"]

_SLACK = 60  # seconds that the clocks of several machines may differ


class SharedReplayGuard:
    """A `ReplayGuard` in Redis. While that is away nothing sealed is taken: nobody could say that it comes first.

    A Redis that is emptied forgets; it has to last for as long as an envelope counts.
    """

    is_shared = True
    since = 0.0

    def __init__(self, link: RedisLink, clock: Callable[[], float] = time.time) -> None:
        self._link = link
        self._clock = clock

    def take(self, identifier: bytes, until: float) -> bool:
        """As in `ReplayGuard`."""
        name, seconds = f"{PREFIX}:sealed:{identifier.hex()}", int(until - self._clock()) + _SLACK
        try:
            return bool(self._link.ask(lambda client: client.set(name, b"", nx=True, ex=max(seconds, _SLACK))))
        except RedisAway:
            raise refuse_more() from None
