"""Identical requests under way share one call to the provider, if operator and clients wish it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from sidestep_relay.errors import RelayError
from sidestep_relay.lanes import Whole
from sidestep_relay.sharing import Flight, Flights, Seat
from tests.fakes import CUT, AnthropicProvider, Hold, OpenProvider, Reply, Stream
from tests.fakes.servers import Piece
from tests.fakes.wires import DONE, make_usage, write_chunk
from tests.relay.calls import Fake, make_body, make_headers, read_stream
from tests.relay.servers import RunningRelay, run_relay

PATIENCE = 0.5
"""Seconds within which a provider must be let go after the last client left."""

END = [write_chunk(finish_reason="stop"), DONE]


@pytest.fixture(params=["open_provider", "anthropic_provider"], ids=["pipe", "translate"])
def fake(request: pytest.FixtureRequest) -> Fake:
    """A provider of each lane."""
    chosen = request.getfixturevalue(request.param)
    assert isinstance(chosen, OpenProvider | AnthropicProvider)
    return chosen


class Call:
    """A chat that is read in a thread of its own."""

    def __init__(self, relay: RunningRelay, fake: Fake, *, wish: str = "join", **fields: Any) -> None:
        self._client = httpx.Client(timeout=20, trust_env=False)
        self._url = f"{relay.url}/v1/chat/completions"
        self._headers = {**relay.headers, **make_headers(fake), "X-Sidestep-Cache": wish}
        self._body = make_body(fake, **fields)
        self._answer: httpx.Response | None = None
        self._read = bytearray()
        self._news = threading.Condition()
        self._pool = ThreadPoolExecutor(1)
        self._done: Future[bytes] = self._pool.submit(self._run)

    def _run(self) -> bytes:
        deadline = time.monotonic() + 10
        while not self._try():
            assert time.monotonic() < deadline, "there was no place"
        return bytes(self._read)

    def _try(self) -> bool:
        with self._client.stream("POST", self._url, headers=self._headers, json=self._body) as answer:
            if answer.status_code == 429 and json.loads(answer.read())["error"]["code"] == "rate_limited":
                # One of those that `wait_boarded` sends was in this place.
                return False
            self._answer = answer
            for data in answer.iter_bytes():
                with self._news:
                    self._read += data
                    self._news.notify_all()
        return True

    def wait_for(self, wanted: bytes) -> None:
        """Wait until *wanted* has come."""
        with self._news:
            assert self._news.wait_for(lambda: wanted in self._read, 10), bytes(self._read)

    def finish(self) -> bytes:
        """Return all that came."""
        return self._done.result(20)

    @property
    def answer(self) -> httpx.Response:
        assert self._answer is not None
        return self._answer

    @property
    def told(self) -> str | None:
        """What the answer says of where it comes from."""
        told: str | None = self.answer.headers.get("X-Sidestep-Cache")
        return told

    def leave(self) -> None:
        """Close the connection in the middle of the answer, or before it."""
        for connection in list(self._client._transport._pool.connections):  # type: ignore[attr-defined]
            stream = connection._connection._network_stream
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        with pytest.raises(httpx.HTTPError):
            self.finish()

    def close(self) -> None:
        self._pool.shutdown()
        self._client.close()


@pytest.fixture
def call(reusing: RunningRelay) -> Iterator[Callable[..., Call]]:
    """Begins a chat."""
    made: list[Call] = []

    def begin(fake: Fake, **fields: Any) -> Call:
        made.append(Call(reusing, fake, **fields))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def write_usual(fake: Fake) -> list[Piece]:
    """Return the events of the stream that *fake* would answer with."""
    if isinstance(fake, AnthropicProvider):
        return list(fake.write_stream(fake.models[0]))
    return list(fake.write_stream(fake.models[0], wants_usage=False))


def script(fake: Fake, hold: Hold, place: int = 3) -> None:
    """Let the next answer of *fake* stop at *place*."""
    events = write_usual(fake)
    fake.answers.append(Stream([*events[:place], hold, *events[place:]]))


# one call for all


def test_who_comes_late_reads_the_stream_from_its_start(call: Callable[..., Call], fake: Fake) -> None:
    fake.text = "one two three four five six"
    hold = Hold()
    script(fake, hold, -3)
    first = call(fake, stream=True)
    first.wait_for(b"three")
    late = [call(fake, stream=True) for _ in range(3)]
    for one in late:
        # While the provider is silent.
        one.wait_for(b"three")
    hold.release()
    read = first.finish()
    assert [one.finish() for one in late] == [read] * 3
    assert read_stream(read).text == fake.text
    assert len(fake.chats) == 1
    assert first.told == "miss"
    assert {one.told for one in late} == {"joined"}
    assert "upstream;dur=0.0" in late[0].answer.headers["Server-Timing"]
    assert late[0].answer.headers["Content-Type"] == first.answer.headers["Content-Type"]


def test_a_whole_answer_is_shared(call: Callable[..., Call], reusing: RunningRelay, fake: Fake) -> None:
    hold = Hold()
    model = fake.models[0]
    fake.answers.append(Reply(200, fake.write_whole(model), hold=hold))
    calls = [call(fake)]
    hold.wait_reached()
    calls += [call(fake) for _ in range(3)]
    wait_boarded(reusing, fake, 4)
    hold.release()
    bodies = [one.finish() for one in calls]
    assert bodies == bodies[:1] * 4
    assert [one.told for one in calls] == ["miss", "joined", "joined", "joined"]
    assert len(fake.chats) == 1
    # A joiner waited for the provider too, and the relay is not said to have been slow.
    timing = calls[-1].answer.headers["Server-Timing"]
    assert float(timing.split("relay;dur=")[1].split(",")[0]) < float(timing.split("upstream;dur=")[1]) + 1000


def wait_boarded(relay: RunningRelay, fake: Fake, count: int) -> None:
    """Wait until *count* answers are under way: as many as the relay allows, so that one more is refused."""
    deadline = time.monotonic() + 10
    headers = {**relay.headers, **make_headers(fake), "X-Provider-Base": "http://127.0.0.1:9/v1"}
    while True:
        answer = httpx.post(
            f"{relay.url}/v1/chat/completions", headers=headers, json=make_body(fake), timeout=10, trust_env=False
        )
        # Each has a place of its own, although they share a call.
        if answer.status_code == 429:
            return
        assert time.monotonic() < deadline, f"there are no {count} answers under way"


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_an_error_before_the_first_byte_is_everybody_s(
    call: Callable[..., Call], reusing: RunningRelay, fake: Fake, is_stream: bool
) -> None:
    hold = Hold()
    fake.answers.append(Reply(429, {"error": {"message": "busy"}}, {"Retry-After": "7"}, hold=hold))
    calls = [call(fake, stream=is_stream)]
    hold.wait_reached()
    calls += [call(fake, stream=is_stream) for _ in range(3)]
    wait_boarded(reusing, fake, 4)
    hold.release()
    for one in calls:
        one.finish()
        assert (one.answer.status_code, one.answer.headers["Retry-After"]) == (429, "7")
    assert len(fake.chats) == 1
    # And of nobody who comes afterwards.
    again = call(fake, stream=is_stream)
    again.finish()
    assert again.answer.status_code == 200


def test_an_error_in_the_middle_is_everybody_s(call: Callable[..., Call], open_provider: OpenProvider) -> None:
    hold = Hold()
    open_provider.answers.append(Stream([write_chunk({"content": "one"}), hold, CUT]))
    calls = [call(open_provider, stream=True)]
    calls[0].wait_for(b"one")
    calls += [call(open_provider, stream=True) for _ in range(2)]
    for one in calls:
        one.wait_for(b"one")
    hold.release()
    for one in calls:
        read = read_stream(one.finish())
        assert read.error is not None
        assert (read.text, read.error["code"]) == ("one", "provider_incomplete")
    assert len({read_id(one) for one in calls}) == 3
    assert len(open_provider.chats) == 1


def read_id(call: Call) -> str:
    error = read_stream(call.finish()).error
    assert error is not None
    assert error["request_id"] == call.answer.headers["X-Request-Id"]
    return str(error["request_id"])


# leaving


def test_when_the_first_leaves_the_call_goes_on(call: Callable[..., Call], fake: Fake) -> None:
    fake.text = "one two three four"
    hold = Hold()
    script(fake, hold, -3)
    first = call(fake, stream=True)
    first.wait_for(b"one")
    second = call(fake, stream=True)
    second.wait_for(b"one")
    first.leave()
    third = call(fake, stream=True)
    third.wait_for(b"one")
    hold.release()
    read = second.finish()
    assert read_stream(read).text == fake.text
    assert third.finish() == read
    assert len(fake.chats) == 1


@pytest.mark.alone
@pytest.mark.parametrize("is_early", [True, False], ids=["before the answer", "in the middle"])
def test_when_all_have_left_the_provider_is_let_go(
    call: Callable[..., Call], reusing: RunningRelay, fake: Fake, is_early: bool
) -> None:
    hold = Hold()
    if is_early:
        fake.answers.append(Reply(200, fake.write_whole(fake.models[0]), hold=hold))
    else:
        script(fake, hold)
    calls = [call(fake, stream=True)]
    hold.wait_reached()
    calls += [call(fake, stream=True) for _ in range(3)]
    wait_boarded(reusing, fake, 4)
    for one in calls[:-1]:
        one.leave()
    assert not fake.chats[0].closed_early.is_set()
    calls[-1].leave()
    left = time.monotonic()
    assert fake.chats[0].wait_closed(5)
    assert time.monotonic() - left < PATIENCE
    # Nobody boards what is over.
    again = call(fake, stream=True)
    again.finish()
    assert again.told == "miss"
    assert len(fake.chats) == 2


def test_who_does_not_read_slows_nobody(
    call: Callable[..., Call], reusing: RunningRelay, open_provider: OpenProvider
) -> None:
    # More than all buffers between a relay and a client together, and less than is held for who is late.
    events = [write_chunk({"content": f"{number} " + "x" * 50_000}) for number in range(140)]
    hold = Hold()
    open_provider.answers.append(Stream([events[0], hold, *events[1:], *END]))
    first = call(open_provider, stream=True)
    first.wait_for(b"0 x")
    headers = {**reusing.headers, **make_headers(open_provider), "X-Sidestep-Cache": "join"}
    body = make_body(open_provider, stream=True)
    url = f"{reusing.url}/v1/chat/completions"
    with httpx.stream("POST", url, headers=headers, json=body, timeout=20, trust_env=False) as slow:
        assert slow.headers["X-Sidestep-Cache"] == "joined"
        hold.release()
        read = first.finish()
        assert b"".join(slow.iter_bytes()) == read
    assert len(read) > 7_000_000
    assert len(open_provider.chats) == 1


# who shares with whom


def test_only_the_same_request_with_the_same_wish_is_shared(
    call: Callable[..., Call], open_provider: OpenProvider
) -> None:
    hold = Hold()
    variants: list[dict[str, Any]] = [
        {},
        {"temperature": 0.5},
        {"wish": "off"},
        {"wish": "use, join"},
    ]
    calls = []
    for count, variant in enumerate(variants, start=1):
        script(open_provider, hold, 2)
        calls.append(call(open_provider, stream=True, **variant))
        open_provider.wait_for_request(count)
    hold.release()
    for one in calls:
        one.finish()
    assert [one.told for one in calls] == ["miss", "miss", None, "miss"]
    assert len(open_provider.chats) == 4


def test_another_key_is_not_let_in(
    call: Callable[..., Call], reusing: RunningRelay, open_provider: OpenProvider
) -> None:
    hold = Hold()
    script(open_provider, hold, 2)
    first = call(open_provider, stream=True)
    hold.wait_reached()
    headers = {**reusing.headers, **make_headers(open_provider), "X-Sidestep-Cache": "join", "X-Provider-Key": "wrong"}
    body = make_body(open_provider, stream=True)
    url = f"{reusing.url}/v1/chat/completions"
    refused = httpx.post(url, headers=headers, json=body, timeout=20, trust_env=False)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "provider_auth")
    hold.release()
    first.finish()


def test_what_was_shared_is_kept_and_found(call: Callable[..., Call], fake: Fake) -> None:
    hold = Hold()
    script(fake, hold)
    calls = [call(fake, wish="use, join", stream=True)]
    hold.wait_reached()
    calls.append(call(fake, wish="use, join", stream=True))
    hold.release()
    calls += [call(fake, wish=wish, stream=True) for wish in ("use, join", "use") if calls[0].finish()]
    bodies = [one.finish() for one in calls]
    assert bodies == bodies[:1] * 4
    assert [one.told for one in calls[2:]] == ["hit", "hit"]
    assert int(calls[2].answer.headers["Age"]) >= 0
    assert len(fake.chats) == 1


def test_without_the_operator_nothing_is_shared(gunicorn_relay: RunningRelay, open_provider: OpenProvider) -> None:
    hold = Hold()
    with ExitStack() as closing:
        calls = []
        for count in (1, 2):
            script(open_provider, hold, 2)
            calls.append(Call(gunicorn_relay, open_provider, stream=True))
            closing.callback(calls[-1].close)
            open_provider.wait_for_request(count)
        hold.release()
        for one in calls:
            one.finish()
            assert one.told == "off"


def test_tokens_are_counted_once(open_provider: OpenProvider) -> None:
    # The estimate of each is 52 tokens, and the provider counts 12.
    settings = {"SIDESTEP_JOIN": "true", "SIDESTEP_TOKENS_PER_MINUTE": "64"}
    with run_relay(server="waitress", destinations=["127.0.0.1"], settings=settings) as relay:
        hold = Hold()
        usage = write_chunk(choices=[], usage=make_usage())
        open_provider.answers.append(Stream([write_chunk({"content": "one"}), hold, END[0], usage, DONE]))
        fields: dict[str, Any] = {"stream": True, "max_tokens": 50}
        with ExitStack() as closing:
            calls = [Call(relay, open_provider, **fields)]
            calls[0].wait_for(b"one")
            calls += [Call(relay, open_provider, **fields) for _ in range(2)]
            for one in calls:
                closing.callback(one.close)
                one.wait_for(b"one")
            # The first leaves, and the count is put right all the same.
            calls[0].leave()
            hold.release()
            for one in calls[1:]:
                one.finish()
            more = Call(relay, open_provider, **fields)
            closing.callback(more.close)
            more.finish()
            assert more.answer.status_code == 200
        assert len(open_provider.chats) == 2


# flights


class Source:
    """Pieces that come when the test says so."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.sent = 0
        self.is_aborted = threading.Event()
        self.is_closed = threading.Event()

    def send(self, *pieces: bytes | Whole) -> Iterator[bytes | Whole]:
        try:
            for piece in pieces:
                assert self.gate.acquire(timeout=10)
                self.sent += 1
                yield piece
        finally:
            self.is_closed.set()


def fly(pieces: list[bytes | Whole], *, most_bytes: int = 1000, seats: int = 1) -> tuple[Source, Flights, list[Seat]]:
    source, flights = Source(), Flights(most_bytes)
    boarded = [flights.board("key", source.is_aborted.set) for _ in range(seats)]
    assert [is_first for _, is_first in boarded] == [True, *[False] * (seats - 1)]
    boarded[0][0].flight.start(lambda: source.send(*pieces), lambda _: None)
    return source, flights, [seat for seat, _ in boarded]


def test_who_is_too_slow_is_told_so_and_the_others_go_on() -> None:
    source, flights, (fast, slow) = fly([b"x" * 100] * 30, seats=2)
    source.gate.release(30)
    assert b"".join(piece for piece in fast if isinstance(piece, bytes)) == b"x" * 3000
    with pytest.raises(RelayError) as caught:
        list(slow)
    assert (caught.value.code, caught.value.is_retryable) == ("joined_too_slow", True)
    # And what is too long to be held is not joined any more.
    assert flights.board("key", lambda: None)[1]


def test_no_more_is_held_than_there_is_room_for() -> None:
    source, _, (fast, slow) = fly([b"x" * 100] * 30, seats=2)
    reading = iter(fast)
    for _ in range(30):
        source.gate.release()
        next(reading)
        assert fast.flight.held_bytes <= 1000
    slow.leave()
    assert next(reading, None) is None


def test_the_provider_waits_for_the_fastest_reader() -> None:
    mega = b"x" * 1024 * 1024
    source, _, (seat,) = fly([mega] * 5, most_bytes=100)
    source.gate.release(5)
    reading = iter(seat)
    total = 0
    while (piece := next(reading, None)) is not None:
        assert isinstance(piece, bytes)
        total += len(piece)
        # One that is ahead, and one that is offered.
        assert source.sent <= total // len(mega) + 2
    assert total == 5 * len(mega)


def test_an_error_of_any_kind_ends_everybody_s_waiting() -> None:
    flights = Flights()
    seat, _ = flights.board("key", lambda: None)
    other, _ = flights.board("key", lambda: None)

    def fail() -> Iterator[bytes]:
        yield b"a"
        raise ZeroDivisionError

    settled: list[BaseException | None] = []
    seat.flight.start(fail, settled.append)
    for one in (seat, other):
        with pytest.raises(ZeroDivisionError):
            list(one)
    assert [type(error) for error in settled] == [ZeroDivisionError]


def test_the_last_who_leaves_ends_the_call_and_no_one_before() -> None:
    source, flights, (one, two) = fly([b"a", b"b"], seats=2)
    source.gate.release()
    assert next(iter(one)) == b"a"
    one.leave()
    one.leave()
    assert not source.is_aborted.is_set()
    two.leave()
    assert source.is_aborted.wait(5)
    source.gate.release()
    assert source.is_closed.wait(5)
    assert list(two) == []
    assert flights.board("key", lambda: None)[1]


def test_who_comes_after_the_end_gets_a_flight_of_its_own() -> None:
    source, flights, (seat,) = fly([Whole(b"{}")])
    source.gate.release()
    assert list(seat) == [Whole(b"{}")]
    assert flights.board("key", lambda: None)[1]


def test_a_flight_that_ends_is_forgotten_and_not_the_one_in_its_place() -> None:
    gate = threading.Event()

    class SlowFlights(Flights):
        def _forget(self, key: Hashable, flight: Flight) -> None:
            assert gate.wait(10)
            super()._forget(key, flight)

    flights = SlowFlights()
    old, _ = flights.board("key", lambda: None)
    ending = threading.Thread(target=old.flight.end, args=(None,))
    ending.start()
    while not (fresh := flights.board("key", lambda: None))[1]:
        # Not closed yet.
        continue
    gate.set()
    ending.join(10)
    assert flights.board("key", lambda: None)[0].flight is fresh[0].flight


def test_a_call_that_never_began_ends_for_all_who_wait() -> None:
    flight = Flight(lambda: None, lambda _: None)
    seats = [flight.board() for _ in range(3)]
    flight.end(RelayError("rate_limited", "no", status=429))
    for seat in seats:
        assert seat is not None
        with pytest.raises(RelayError, match="no"):
            list(seat)
    assert flight.board() is None
