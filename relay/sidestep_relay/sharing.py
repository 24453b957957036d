"""Identical requests under way share one call: the provider is asked once, and everybody gets the whole answer.

A `Flight` is one call. It runs in a thread of its own, so it belongs to nobody: whoever has a `Seat` may leave, and
when all have left, the provider's connection is closed. Who boards late gets the answer from its beginning. The
provider is read as fast as the fastest reader takes it. Who falls so far behind that the answer no longer fits in
memory is told so, and the others go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing

from sidestep_relay.caches import LARGEST_ANSWER
from sidestep_relay.errors import RelayError
from sidestep_relay.lanes import Whole

__all__ = ["Flight", "Flights", "Seat"]

Piece = bytes | Whole

_LARGEST_PART = 64 * 1024  # bytes handed over at once
_LEAD = 1024 * 1024  # bytes that the provider may be ahead of the fastest reader


class Flight:
    """One call, and those who wait for its answer.

    Args:
        abort: makes the call fail soon, from another thread.
        forget: is called once, when nobody may board any more.
        most_bytes: how much of the answer is held for who is late.
    """

    def __init__(
        self, abort: Callable[[], None], forget: Callable[[Flight], None], most_bytes: int = LARGEST_ANSWER
    ) -> None:
        self._abort = abort
        self._forget = forget
        self._most_bytes = most_bytes
        self._lead = min(_LEAD, most_bytes // 2)
        self._news = threading.Condition()
        self._seats: set[Seat] = set()
        self._pieces: list[Piece] = []
        self._dropped = 0  # pieces at the beginning that are held no longer
        self.held_bytes = 0
        """How much of the answer is held."""
        self._sent_bytes = 0
        self._is_closed = False  # nobody may board
        self._has_ended = False
        self._error: BaseException | None = None
        self.begun_at: float | None = None
        """When the first piece came, by `time.monotonic`, or None."""

    def board(self) -> Seat | None:
        """Return a seat; None if it is too late to get the whole answer here."""
        with self._news:
            if self._is_closed:
                return None
            seat = Seat(self)
            self._seats.add(seat)
            return seat

    def start(self, items: Callable[[], Iterator[Piece]], settle: Callable[[BaseException | None], None]) -> None:
        """Run the call in a thread; *settle* is called with its error, or None, before anybody sees the end."""
        threading.Thread(target=self._run, args=(items, settle), daemon=True).start()

    def end(self, error: BaseException | None) -> None:
        """Tell everybody that there is no more, because of *error* if there is one."""
        self._close()
        with self._news:
            self._has_ended = True
            self._error = error
            self._news.notify_all()

    @property
    def is_abandoned(self) -> bool:
        """Whether all have left before the end."""
        return not self._seats and not self._has_ended

    # what a seat uses

    def take(self, seat: Seat) -> Piece | None:
        """Return what comes next for *seat*, waiting for it; None at the end.

        Raises:
            RelayError: the call's own error, or `joined_too_slow`.
        """
        with self._news:
            while seat in self._seats:
                if seat.position < self._dropped:
                    raise _describe_slowness()
                if seat.position < self._dropped + len(self._pieces):
                    return self._hand_over(seat)
                if self._error is not None:
                    # Everybody gets the same one; a trace of it would grow with each.
                    raise self._error.with_traceback(None)
                if self._has_ended:
                    return None
                self._news.wait()
        return None

    def leave(self, seat: Seat) -> None:
        """Give *seat* up; the last one who leaves ends the call."""
        with self._news:
            self._seats.discard(seat)
            is_abandoned = self.is_abandoned
            self._news.notify_all()
        if is_abandoned:
            self._close()
            self._abort()

    # how the call goes

    def _run(self, items: Callable[[], Iterator[Piece]], settle: Callable[[BaseException | None], None]) -> None:
        error: BaseException | None = None
        try:
            # Where the pieces come from has to be closed here: see `Upstream.close`.
            with closing(items()) as pieces:  # type: ignore[type-var]
                for piece in pieces:
                    if not self._publish(piece):
                        break
        except BaseException as caught:  # noqa: BLE001 - not handled here: `take` raises it for everybody
            error = caught
        try:
            settle(error)
        finally:
            self.end(error)

    def _publish(self, piece: Piece) -> bool:
        """Hand *piece* out; return False if nobody wants it."""
        size = _measure(piece)
        with self._news:
            if self.begun_at is None:
                self.begun_at = time.monotonic()
            while self._seats and self._sent_bytes - max(seat.taken_bytes for seat in self._seats) > self._lead:
                self._news.wait()
            self._pieces.append(piece)
            self.held_bytes += size
            self._sent_bytes += size
            is_too_long = not self._is_closed and self.held_bytes > self._most_bytes
            is_wanted = bool(self._seats)
            self._news.notify_all()
        if is_too_long:
            self._close()
        if self._is_closed:
            self._drop()
        return is_wanted

    def _close(self) -> None:
        with self._news:
            was_closed, self._is_closed = self._is_closed, True
        if not was_closed:
            self._forget(self)

    def _drop(self) -> None:
        """Hold no more of the beginning than somebody still needs, and than there is room for."""
        with self._news:
            positions = [seat.position - self._dropped for seat in self._seats] or [0]
            count = 0
            # The fastest never loses anything.
            while count < min(positions) or (count < max(positions) and self.held_bytes > self._most_bytes):
                self.held_bytes -= _measure(self._pieces[count])
                count += 1
            del self._pieces[:count]
            self._dropped += count
            self._news.notify_all()

    def _hand_over(self, seat: Seat) -> Piece:
        """Return the next piece, or several of bytes in one."""
        start = seat.position - self._dropped
        first = self._pieces[start]
        parts: list[bytes] = []
        size = _measure(first)
        if isinstance(first, bytes):
            parts.append(first)
            for index in range(start + 1, len(self._pieces)):
                piece = self._pieces[index]
                if isinstance(piece, Whole) or size + len(piece) > _LARGEST_PART:
                    break
                parts.append(piece)
                size += len(piece)
        seat.position += len(parts) or 1
        seat.taken_bytes += size
        self._news.notify_all()
        return b"".join(parts) if parts else first


class Seat:
    """One who waits for a flight's answer, and can be iterated over for it.

    Attributes:
        boarded_at: when, by `time.monotonic`.
        position, taken_bytes: how far the answer was taken; the flight keeps them.
    """

    def __init__(self, flight: Flight) -> None:
        self.flight = flight
        self.boarded_at = time.monotonic()
        self.position = 0
        self.taken_bytes = 0

    def __iter__(self) -> Iterator[Piece]:
        while (piece := self.flight.take(self)) is not None:
            yield piece

    @property
    def waited_ms(self) -> float:
        """Milliseconds from boarding to the first piece; 0 for who came later."""
        return max(((self.flight.begun_at or self.boarded_at) - self.boarded_at) * 1000, 0.0)

    def leave(self) -> None:
        """Want no more. Safe to call twice, and from any thread."""
        self.flight.leave(self)


class Flights:
    """The calls under way that may be boarded. One per process."""

    def __init__(self, most_bytes: int = LARGEST_ANSWER) -> None:
        self._most_bytes = most_bytes
        self._flights: dict[Hashable, Flight] = {}
        self._lock = threading.Lock()

    def board(self, key: Hashable, abort: Callable[[], None]) -> tuple[Seat, bool]:
        """Return a seat of the flight *key*, and whether that flight is new and has yet to be started.

        *abort* is for a new one; see `Flight`.
        """
        with self._lock:
            flight = self._flights.get(key)
            seat = flight.board() if flight else None
            if seat:
                return seat, False
            new = Flight(abort, lambda ended: self._forget(key, ended), self._most_bytes)
            self._flights[key] = new
            first = new.board()
            assert first is not None  # noqa: S101 - nobody has closed it yet
            return first, True

    def _forget(self, key: Hashable, flight: Flight) -> None:
        with self._lock:
            # Another may have taken its place.
            if self._flights.get(key) is flight:
                del self._flights[key]


def _measure(piece: Piece) -> int:
    return len(piece.body if isinstance(piece, Whole) else piece)


def _describe_slowness() -> RelayError:
    return RelayError(
        "joined_too_slow",
        "The answer was shared with identical requests and was read too slowly to be held any longer; send it again.",
        status=503,
        type="server_error",
        is_retryable=True,
    )
