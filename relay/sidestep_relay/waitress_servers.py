"""waitress, watched: clients that are too slow are dropped, and what is under way may end before the process does.

By itself waitress waits for ever for a client that stops to read, and for one that sends its request byte by byte:
its `channel_timeout` sees only connections on which nothing at all happens.
"""

from __future__ import annotations

import logging
import select
import socket
import time
from functools import partial
from typing import Any

import waitress  # type: ignore[import-untyped]
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.task import WSGITask  # type: ignore[import-untyped]

from sidestep_relay.clients import PIECE, WAS_SLOW
from sidestep_relay.deadlines import Deadlines, Drain
from sidestep_relay.parsers import StrictParser
from sidestep_relay.sockets import is_gone

__all__ = ["WatchfulServer"]

_THREADS = 64
_CONNECTIONS = 1000
_FEW_CONNECTIONS = 400  # where only `select` is there, which knows 512 (Windows)
_KEEP_ALIVE_SECONDS = 30
_LOOK_SECONDS = 0.25  # how late something may be noticed
_WAITING_OUTPUT = PIECE  # bytes that a client may be behind before its answer waits for it


class _Task(WSGITask):  # type: ignore[misc]  # waitress has no types
    def get_environment(self) -> dict[str, Any]:
        if self.channel.drain.has_begun:
            # Nobody is invited to ask again over this connection.
            self.set_close_on_finish()
        environ: dict[str, Any] = super().get_environment()
        environ[WAS_SLOW] = lambda: self.channel.was_slow_reader
        return environ


class _Channel(HTTPChannel):  # type: ignore[misc]
    """One connection.

    Attributes:
        drain: the server's.
        was_slow_reader: whether it was dropped because its client did not read.
    """

    task_class = _Task
    parser_class = StrictParser
    was_slow_reader = False

    def __init__(self, *arguments: Any, drain: Drain, **options: Any) -> None:
        self.drain = drain
        self._sent = 0
        self._mark: tuple[float, int] | None = None
        self._request_begun: float | None = None
        super().__init__(*arguments, **options)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is made, or still has to be sent."""
        return bool(self.requests or self.total_outbufs_len)

    def check_client_disconnected(self) -> bool:
        """Say whether the client has left; waitress's own does not see it behind requests that were sent ahead."""
        return not self.connected or is_gone(self.socket)

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send some of *data*; return how much."""
        sent: int = super().send(data, do_close=do_close)
        self._sent += sent
        return sent

    def look_after(self, now: float, deadlines: Deadlines) -> None:
        """Drop the client if it is too slow at *now*. To be called by the thread of the server's loop."""
        if self._is_stuck(now, deadlines.reader):
            self.was_slow_reader = True
            self.handle_close()
        elif self._is_late(now, deadlines.request):
            self.handle_close()

    def _is_stuck(self, now: float, seconds: float) -> bool:
        """Say whether the client took less than a piece in *seconds* although more was waiting all the time."""
        if not self.total_outbufs_len:
            self._mark = None
        elif self._mark is None or self._sent - self._mark[1] >= PIECE:
            self._mark = (now, self._sent)
        return self._mark is not None and now - self._mark[0] >= seconds

    def _is_late(self, now: float, seconds: float) -> bool:
        """Say whether a request that has begun is not whole after *seconds*."""
        if self.request is None:
            self._request_begun = None
        elif self._request_begun is None:
            self._request_begun = now
        return self._request_begun is not None and now - self._request_begun >= seconds


class WatchfulServer:
    """waitress at *listener* with the WSGI application *app*, which takes bodies of *largest_body* bytes."""

    def __init__(
        self, app: Any, listener: socket.socket, deadlines: Deadlines, drain: Drain, *, largest_body: int
    ) -> None:
        self._deadlines = deadlines
        self._drain = drain
        self._server = waitress.create_server(
            app,
            sockets=[listener],
            threads=_THREADS,
            connection_limit=_CONNECTIONS if hasattr(select, "poll") else _FEW_CONNECTIONS,
            channel_timeout=_KEEP_ALIVE_SECONDS,
            cleanup_interval=_KEEP_ALIVE_SECONDS // 3,
            outbuf_high_watermark=_WAITING_OUTPUT,
            # Reading one request ahead is how waitress notices that a client has left.
            channel_request_lookahead=1,
            # Believed or not in `proxies`, which has to see them.
            clear_untrusted_proxy_headers=False,
            # It takes a body in before the application is asked, which refuses what is a little too large in its words.
            max_request_body_size=2 * largest_body,
            ident=None,
        )
        self._server.channel_class = partial(_Channel, drain=drain)
        # It warns of threads that are busy, and takes those for busy that are about to start.
        self._server.task_dispatcher.queue_logger.setLevel(logging.ERROR)

    def run(self) -> None:
        """Serve until the drain has begun, and nothing is under way or its time is over."""
        is_accepting = True
        looked = 0.0
        while True:
            self._server.asyncore.loop(timeout=_LOOK_SECONDS, use_poll=True, map=self._server._map, count=1)
            now = time.monotonic()
            if self._drain.has_begun and is_accepting:
                is_accepting = False
                self._stop_accepting()
            if now - looked >= _LOOK_SECONDS:
                looked = now
                for channel in self._list_channels():
                    channel.look_after(now, self._deadlines)
                if not is_accepting and self._has_ended(now):
                    return

    def wake(self) -> None:
        """Let `run` look up at once. A signal's handler may call this."""
        self._server.pull_trigger()

    def _stop_accepting(self) -> None:
        # Not its `close`, which takes the trigger along by which threads wake the loop.
        self._server.del_channel()
        self._server.socket.close()

    def _has_ended(self, now: float) -> bool:
        return self._drain.is_over(now) or not any(channel.is_busy for channel in self._list_channels())

    def _list_channels(self) -> list[_Channel]:
        return list(self._server.active_channels.values())
