"""Where an answer comes from: its provider, a cache, or the same request of somebody else that is under way."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sidestep_relay.answer_keys import AnswerKey, derive_key
from sidestep_relay.caches import Answer, Cache, Recorder
from sidestep_relay.chats import ChatCall
from sidestep_relay.headers import CACHE_HEADER
from sidestep_relay.lanes import Lane, LaneName, Whole
from sidestep_relay.limits import Budget
from sidestep_relay.sharing import Flight, Flights, Seat
from sidestep_relay.upstreams import Upstream
from sidestep_relay.wishes import NO_WISH, Wish

__all__ = ["Asker", "Outcome", "Source", "Sources", "Way"]

Outcome = Literal["", "off", "hit", "miss", "joined"]
"""Nothing was wished; the relay does not do it; it was kept; the provider was asked; somebody had asked already."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose request it is: the token's name, and its value as it was shown."""

    name: str
    shown: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """What an exchange gets its answer from.

    Attributes:
        lane: the way to the answer.
        upstream: the way to the provider; not used if somebody else's is.
        budget: what the answer costs its token.
        close: wants the answer no longer; safe to call twice.
        outcome: what became of the wish.
        age: seconds since a kept answer was made.
    """

    lane: Lane
    upstream: Upstream
    budget: Budget
    close: Callable[[], None]
    outcome: Outcome = ""
    age: int | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """What the answer's headers say of it. Source of `Age`: RFC 9111, 5.1."""
        headers = {CACHE_HEADER: self.outcome} if self.outcome else {}
        return headers if self.age is None else {**headers, "Age": str(self.age)}


@dataclass(frozen=True, slots=True)
class Way:
    """A request's own way to its provider.

    Attributes:
        charge: counts what it will cost, or raises a `RelayError`; called only if this way is gone.
    """

    call: ChatCall
    lane: Lane
    upstream: Upstream
    charge: Callable[[], Budget]


class Sources:
    """Chooses where an answer comes from. One per process.

    Args:
        cache: where answers are kept, or None if none are.
        can_join: whether identical requests may share one call.
        is_alone: whether no other process reads what is kept.
        clock: returns Unix time in seconds.
    """

    def __init__(
        self, cache: Cache | None, *, can_join: bool, is_alone: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._cache = cache
        self._can_join = can_join
        self._salt = secrets.token_bytes(32) if is_alone else b""
        self._clock = clock
        self._flights = Flights()

    def choose(self, wish: Wish, asker: Asker, way: Way) -> Source:
        """Return the source of the answer that *asker* could get by *way*, and *wish* what may come from elsewhere.

        Raises:
            RelayError: it would cost too much.
        """
        allowed = self._allow(wish)
        if allowed == NO_WISH:
            return _go(way, way.lane, "off" if wish != NO_WISH else "")
        key = derive_key(way.call, token_name=asker.name, token_value=asker.shown, lane=way.lane.name, salt=self._salt)
        if allowed.should_join:
            return self._board(allowed, key, way)
        if answer := self._find(allowed, key):
            return self._serve_kept(answer, way)
        return _go(way, self._record(allowed, key, way.lane), "miss")

    def _allow(self, wish: Wish) -> Wish:
        if self._cache is None:
            wish = replace(wish, should_look_up=False, should_keep=False, max_age=None)
        return wish if self._can_join else replace(wish, should_join=False)

    def _find(self, wish: Wish, key: AnswerKey) -> Answer | None:
        answer = self._cache.find(key) if self._cache and wish.should_look_up else None
        is_good = answer and (wish.max_age is None or self._measure_age(answer) <= wish.max_age)
        return answer if is_good else None

    def _measure_age(self, answer: Answer) -> int:
        return max(int(self._clock() - answer.made_at), 0)

    def _serve_kept(self, answer: Answer, way: Way) -> Source:
        lane = _KeptLane(way.lane.name, answer)
        return Source(lane, way.upstream, _make_free_budget(), way.upstream.abort, "hit", self._measure_age(answer))

    def _record(self, wish: Wish, key: AnswerKey, lane: Lane) -> Lane:
        cache = self._cache
        if cache is None or not wish.should_keep:
            return lane
        return _RecordingLane(lane, lambda body, is_stream: cache.keep(key, Answer(body, is_stream, self._clock())))

    def _board(self, wish: Wish, key: AnswerKey, way: Way) -> Source:
        # Only with who wishes just the same: nobody gets a kept answer who did not ask for one.
        seat, is_first = self._flights.board((key.name, wish), way.upstream.abort)
        shared = _SharedLane(way.lane.name, seat, is_first=is_first)
        joined = Source(shared, way.upstream, _make_free_budget(), seat.leave, "joined")
        if not is_first:
            return joined
        try:
            # After the boarding: an answer is kept before its flight is over, so one of both is always found.
            if answer := self._find(wish, key):
                kept = self._serve_kept(answer, way)
                _start(seat.flight, way, kept.lane, kept.budget)
                return replace(kept, lane=shared, close=seat.leave)
            _start(seat.flight, way, self._record(wish, key, way.lane), way.charge())
        except BaseException as error:
            seat.flight.end(error)
            raise
        return replace(joined, outcome="miss")


def _make_free_budget() -> Budget:
    return Budget((), 0)


def _go(way: Way, lane: Lane, outcome: Outcome) -> Source:
    return Source(lane, way.upstream, way.charge(), way.upstream.abort, outcome)


def _start(flight: Flight, way: Way, lane: Lane, budget: Budget) -> None:
    def fly() -> Iterator[bytes | Whole]:
        if way.call.is_stream:
            yield from lane.stream(way.call, way.upstream)
        else:
            yield lane.complete(way.call, way.upstream)

    def settle(error: BaseException | None) -> None:
        is_refused = error is not None and flight.begun_at is None and not flight.is_abandoned
        budget.settle_by(way.upstream.usage, is_refused=is_refused)

    flight.start(fly, settle)


class _KeptLane:
    """Answers with what was kept."""

    def __init__(self, name: LaneName, answer: Answer) -> None:
        self.name = name
        self._answer = answer

    def complete(self, call: ChatCall, upstream: Upstream) -> Whole:
        """Return the whole answer."""
        return Whole(self._answer.body)

    def stream(self, call: ChatCall, upstream: Upstream) -> Iterator[bytes | Whole]:
        """Yield the answer."""
        if self._answer.is_stream:
            yield self._answer.body
        else:
            yield self.complete(call, upstream)


class _RecordingLane:
    """Passes on what another lane answers, and keeps it if it is whole and good."""

    def __init__(self, lane: Lane, keep: Callable[[bytes, bool], None]) -> None:
        self.name = lane.name
        self._lane = lane
        self._keep = keep

    def complete(self, call: ChatCall, upstream: Upstream) -> Whole:
        """Return the whole answer."""
        answer = self._lane.complete(call, upstream)
        self._keep_document(answer, call)
        return answer

    def stream(self, call: ChatCall, upstream: Upstream) -> Iterator[bytes | Whole]:
        """Yield the answer's pieces; keep them when they are all there."""
        recorder = Recorder(call, is_stream=True)
        for count, piece in enumerate(self._lane.stream(call, upstream)):
            if isinstance(piece, Whole):
                if count == 0:
                    self._keep_document(piece, call)
                # Else it came where a stream had begun and is written as one: too rare for a form of its own.
                yield piece
                return
            recorder.feed(piece)
            yield piece
        if body := recorder.finish():
            self._keep(body, True)

    def _keep_document(self, answer: Whole, call: ChatCall) -> None:
        recorder = Recorder(call, is_stream=False)
        recorder.feed(answer.body)
        if body := recorder.finish():
            self._keep(body, False)


class _SharedLane:
    """Answers with what a flight brings."""

    def __init__(self, name: LaneName, seat: Seat, *, is_first: bool) -> None:
        self.name = name
        self._seat = seat
        self._is_first = is_first

    def complete(self, call: ChatCall, upstream: Upstream) -> Whole:
        """Return the whole answer."""
        answer = next(self.stream(call, upstream), Whole(b""))
        return answer if isinstance(answer, Whole) else Whole(answer)

    def stream(self, call: ChatCall, upstream: Upstream) -> Iterator[bytes | Whole]:
        """Yield the answer's pieces."""
        for piece in self._seat:
            if not self._is_first:
                upstream.note_shared_wait(self._seat.waited_ms)
            yield piece
