"""The way to a Redis that may be away.

Nobody waits for an absent Redis twice: the first command that fails, within half a second, opens the circuit. From then
on every question is refused at once, and whether Redis is back is found out beside the serving.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from sidestep_relay.redis_places import RedisAway
from sidestep_relay.telemetry import Log

__all__ = ["RedisLink"]

T = TypeVar("T")

_TIMEOUT = 0.5  # seconds for one command; within one data centre it takes less than a thousandth
_LOOK_SECONDS = 1.0  # between two looks whether Redis is back
_MOST_CONNECTIONS = 32


class RedisLink:
    """Connections to the Redis at *url*. One per process, made after the fork.

    Args:
        url: as `redis_places.check_redis_url` accepts it. It can hold a password, so it is never logged.
        log: where it is told that Redis is away, or back.
    """

    def __init__(self, url: str, log: Log) -> None:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=_MOST_CONNECTIONS,
            timeout=_TIMEOUT,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            # Counting twice is wrong, and waiting twice is slow.
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self.pool = pool
        self._client = redis.Redis(connection_pool=pool)
        self._log = log
        self._lock = threading.Lock()
        self._has_started = False
        self._is_away = False
        self._causes: set[str] = set()
        self._is_looking = False
        self._next_look = 0.0
        self._on_return: list[Callable[[], None]] = []

    @property
    def is_away(self) -> bool:
        """Whether Redis did not answer when it was asked last. Asking this finds out whether it is back."""
        if self._is_away:
            self._look_soon()
        return self._is_away

    def call_on_return(self, function: Callable[[], None]) -> None:
        """Call *function*, in a thread of its own, whenever Redis is back."""
        self._on_return.append(function)

    def register(self, script: str) -> Script:
        """Return the Lua *script* as a function; it is to be called inside of `ask`."""
        return self._client.register_script(script)

    def start(self) -> None:
        """Find out, beside the serving, whether Redis is there; only the first call does anything."""
        if not self._has_started:
            self._has_started = True
            self._look_soon()

    def ask(self, question: Callable[[redis.Redis], T]) -> T:
        """Return what *question* makes of the client.

        Raises:
            RedisAway: Redis failed now, or is away since before.
        """
        if self.is_away:
            raise RedisAway
        try:
            return question(self._client)
        except (redis.RedisError, OSError) as error:
            self._lose(error)
            raise RedisAway from error

    def close(self) -> None:
        """Close the connections."""
        self.pool.disconnect()

    def _lose(self, error: Exception) -> None:
        # Its kind alone: what it says can hold the address.
        cause = type(error).__name__
        with self._lock:
            self._is_away = True
            self._next_look = time.monotonic() + _LOOK_SECONDS
            is_news = cause not in self._causes
            self._causes.add(cause)
        if is_news:
            self._log.warning(
                "redis_away",
                exception=cause,
                detail="Every process counts for itself, and no answer is shared, until Redis is back.",
            )

    def _look_soon(self) -> None:
        with self._lock:
            if self._is_looking or time.monotonic() < self._next_look:
                return
            self._is_looking = True
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        try:
            self._client.ping()
        except (redis.RedisError, OSError) as error:
            self._lose(error)
        else:
            self._return()
        finally:
            self._is_looking = False

    def _return(self) -> None:
        with self._lock:
            was_away, self._is_away = self._is_away, False
            self._causes.clear()
        if was_away:
            self._log.info("redis_back")
            for function in self._on_return:
                function()
