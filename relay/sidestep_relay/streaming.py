"""Streams out: server-sent events, a comment while the provider is silent, and a client that leaves is noticed.

The blocking work (LiteLLM, reading from the provider) runs in a thread of its own, which under gevent is a greenlet;
the request's own thread waits for what it hands over, so it can look up while the provider is silent.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sidestep_relay.lanes import Whole

__all__ = ["DONE", "PING", "ClientLeft", "EventWriter", "Pump", "write_event", "write_json"]

T = TypeVar("T")

DONE = b"data: [DONE]\n\n"
PING = b": ping\n\n"
_LOOK_UP_SECONDS = 0.2  # how late a client's leaving may be noticed while the provider is silent
_LONGEST_END = 20  # bytes of the last event, `DONE`, however its lines end
_WAITING_ITEMS = 64  # how far the provider may be ahead of a slow client
_WAITING_BYTES = 256 * 1024  # the same; one item more may stand behind them


class ClientLeft(Exception):
    """The client closed its connection; there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


class Pump(Generic[T]):
    """Runs an iterator in a thread and hands its items over.

    The iterator waits where it is too far ahead of whoever takes its items. *abort* must make it fail soon, from
    another thread; it is called if the pump is closed before the end.
    """

    def __init__(self, items: Callable[[], Iterator[T]], abort: Callable[[], None]) -> None:
        self._items = items
        self._abort = abort
        # Of all that hands over between threads, gevent has this one in C.
        self._queue: queue.Queue[T | _End] = queue.Queue(_WAITING_ITEMS)
        # Each is written by one side alone, so neither needs a lock.
        self._bytes_put = self._bytes_taken = 0
        self._has_room = threading.Event()
        self._is_closed = threading.Event()
        self._has_ended = False
        self._end: _End | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def get(self, timeout: float, check: Callable[[], None]) -> T:
        """Return the next item; call *check* now and then while none comes.

        Raises:
            StopIteration: there are no more.
            TimeoutError: none came within *timeout* seconds.
            Exception: what *check* raises, if nobody shall wait any longer.
        """
        if self._end is not None:
            return self._open(self._end)
        deadline = time.monotonic() + timeout
        while True:
            wait = min(_LOOK_UP_SECONDS, max(deadline - time.monotonic(), 0))
            try:
                item = self._queue.get(timeout=wait)
            except queue.Empty:
                check()
                if time.monotonic() >= deadline:
                    raise TimeoutError from None
            else:
                return self._open(item)

    def get_ready(self) -> list[T]:
        """Return the items that are there already, without waiting for any."""
        items: list[T] = []
        while self._end is None:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if isinstance(item, _End):
                # The next `get` tells it.
                self._end = item
            else:
                items.append(self._open(item))
        return items

    def close(self) -> None:
        """Stop the iterator if it still runs."""
        self._is_closed.set()
        self._has_room.set()
        if not self._has_ended:
            self._abort()

    def _open(self, item: T | _End) -> T:
        if not isinstance(item, _End):
            self._bytes_taken += _measure(item)
            if not self._has_room.is_set():
                self._has_room.set()
            return item
        self._has_ended = True
        if item.error is not None:
            raise item.error
        raise StopIteration

    def _run(self) -> None:
        try:
            for item in self._items():
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - not handled here: `get` raises it in the request's thread
            self._put(_End(error))
        else:
            self._put(_End(None))

    def _put(self, item: T | _End) -> bool:
        """Hand *item* over; return False if nobody wants it any more."""
        self._wait_for_room()
        self._bytes_put += _measure(item)
        while not self._is_closed.is_set():
            try:
                self._queue.put(item, timeout=1.0)
            except queue.Full:
                continue
            return True
        return False

    def _wait_for_room(self) -> None:
        while self._bytes_put - self._bytes_taken >= _WAITING_BYTES and not self._is_closed.is_set():
            self._has_room.clear()
            # Room that was made before the flag was cleared is seen here; such as is made after it raises the flag.
            if self._bytes_put - self._bytes_taken >= _WAITING_BYTES:
                self._has_room.wait(1.0)


def _measure(item: object) -> int:
    return len(item) if isinstance(item, bytes) else 0


def write_json(data: Mapping[str, Any]) -> bytes:
    """Return *data* as JSON on one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def write_event(data: Mapping[str, Any]) -> bytes:
    """Return one server-sent event."""
    return _write_lines(write_json(data))


class EventWriter:
    """Writes one stream, and knows at any moment whether it stands between two events.

    A comment inside an event would tear nothing that the specification calls an event, but readers are many.
    """

    def __init__(self) -> None:
        self._end = b"\n\n"

    @property
    def is_between_events(self) -> bool:
        """Whether a blank line, or nothing, was written last; lines may end in any of the three ways."""
        return self._read_end().endswith(b"\n\n")

    @property
    def is_done(self) -> bool:
        """Whether the last event of all was written."""
        return self._read_end().endswith((b"\ndata: [DONE]\n\n", b"\ndata:[DONE]\n\n"))

    def write(self, piece: bytes | Whole) -> bytes:
        """Return what to send for *piece*: bytes as they are, a document as one event."""
        data = piece if isinstance(piece, bytes) else _write_lines(piece.body)
        self._end = (self._end + data)[-_LONGEST_END:]
        return data

    def _read_end(self) -> bytes:
        return self._end.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def write_error(self, envelope: Mapping[str, Any]) -> bytes:
        """Return the event that ends a stream which can no longer answer with a status; first ends an open one."""
        # The blank line must not turn a lone CR into CRLF, which would be one line end.
        line_end = self._end[-1:] if self._end.endswith((b"\n", b"\r")) else b"\n\n"
        ending = b"" if self.is_between_events else line_end
        return self.write(ending + b"event: error\n" + write_event(envelope))


def _write_lines(body: bytes) -> bytes:
    return b"".join(b"data: " + line + b"\n" for line in body.splitlines()) + b"\n"
