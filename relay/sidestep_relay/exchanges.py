"""One chat under way: from its request to the last byte of its answer, and the one line that is logged of it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from http import HTTPStatus

from flask import Response, g, request

from sidestep.errors import redact
from sidestep_relay.chats import ChatCall
from sidestep_relay.clients import has_client_left, was_client_slow
from sidestep_relay.deadlines import Deadlines, Drain
from sidestep_relay.errors import RelayError, make_stopping_error
from sidestep_relay.lanes import Whole
from sidestep_relay.metrics import ChatTally
from sidestep_relay.sources import Source
from sidestep_relay.streaming import PING, ClientLeft, EventWriter, Pump
from sidestep_relay.telemetry import Log

__all__ = ["CLIENT_CLOSED", "Exchange", "make_stream_response", "measure_ms"]

CLIENT_CLOSED = 499
"""nginx's status for a client that left; it is only logged."""

_FAREWELL_SECONDS = 1.0
"""How long a provider that has said `[DONE]` may keep its answer open. One that ends it can be asked again at once."""

_CLIENTS_FAULTS = ("client_left", "slow_reader")


class Exchange:
    """One chat, from its request to the last byte of its answer."""

    def __init__(
        self,
        call: ChatCall,
        source: Source,
        ping_seconds: float,
        log: Log,
        *,
        deadlines: Deadlines,
        drain: Drain,
        tally: ChatTally,
    ) -> None:
        self._call = call
        self._source = source
        self._upstream = source.upstream
        self._lane = source.lane
        self._ping_seconds = ping_seconds
        self._log = log
        self._budget = source.budget
        self._environ = request.environ
        self._request_id: str = g.request_id
        self._begun: float = g.begun
        self._deadlines = deadlines
        self._drain = drain
        self._tally = tally
        self._origin: str = g.origin
        self._token_name: str = g.token_name
        self._chunks = 0
        self._bytes = 0

    def complete(self) -> Response:
        """Answer in one piece."""
        pump = Pump(lambda: iter([self._lane.complete(self._call, self._upstream)]), self._source.close)
        try:
            answer = pump.get(math.inf, self._check)
        except RelayError as error:
            self._write_log(error.status, error.code, error.__cause__)
            raise
        except ClientLeft:
            self._write_log(CLIENT_CLOSED, "client_left")
            return Response(status=CLIENT_CLOSED)
        finally:
            pump.close()
        return self._answer_whole(answer)

    def _answer_whole(self, answer: Whole) -> Response:
        response = Response(answer.body, mimetype="application/json")
        self._bytes = len(answer.body)
        response.headers["Server-Timing"] = self._begin_answer()
        self._tally.note_first_byte()
        self._write_log(HTTPStatus.OK)
        response.headers.update(self._source.headers)
        return response

    def stream(self) -> Response:
        """Answer as server-sent events.

        An error before the first byte is an answer of its own. If the provider is silent for longer than a proxy may
        allow, the stream begins with a comment, and an error after that is an event of the stream.
        """
        pump = Pump(lambda: self._lane.stream(self._call, self._upstream), self._source.close)
        try:
            first = pump.get(self._ping_seconds, self._check)
        except TimeoutError:
            first = PING
        except ClientLeft:
            pump.close()
            self._write_log(CLIENT_CLOSED, "client_left")
            return Response(status=CLIENT_CLOSED)
        except RelayError as error:
            pump.close()
            self._write_log(error.status, error.code, error.__cause__)
            raise
        if isinstance(first, Whole):
            pump.close()
            return self._answer_whole(first)
        response = make_stream_response(self._write_stream(pump, first))
        response.headers["Server-Timing"] = self._begin_answer()
        response.headers.update(self._source.headers)
        return response

    def _write_stream(self, pump: Pump[bytes | Whole], first: bytes) -> Iterator[bytes]:
        code, cause = "http_500", None  # unless what ends it is known
        writer = EventWriter()
        self._tally.begin_stream()
        try:
            if first:
                self._note(first)
                yield self._count(writer.write(first))
            while True:
                self._check_time()
                try:
                    pieces = self._take(pump, writer)
                except StopIteration:
                    break
                # What came together leaves together: each write costs a system call.
                if data := b"".join(map(writer.write, pieces)):
                    self._note(data)
                    yield self._count(data)
            code = ""
        except (ClientLeft, GeneratorExit):
            code = "client_left"
            return
        except RelayError as error:
            code, cause = error.code, error.__cause__
            # Not only after the client has taken its last words.
            pump.close()
            yield self._count(writer.write_error(error.to_dict(self._request_id)))
        finally:
            pump.close()
            self._tally.end_stream()
            if code == "client_left" and was_client_slow(self._environ):
                code = "slow_reader"
            self._write_log(CLIENT_CLOSED if code in _CLIENTS_FAULTS else HTTPStatus.OK, code, cause)

    def _note(self, data: bytes) -> None:
        """Note that the answer has begun, if this is not just the comment that keeps it alive."""
        if data != PING:
            self._tally.note_first_byte()

    def _take(self, pump: Pump[bytes | Whole], writer: EventWriter) -> list[bytes | Whole]:
        """Return what came, or a comment if nothing did.

        Raises:
            StopIteration: there is no more.
        """
        try:
            pieces = [pump.get(_FAREWELL_SECONDS if writer.is_done else self._ping_seconds, self._check)]
        except TimeoutError:
            if writer.is_done:
                raise StopIteration from None
            return [PING] if writer.is_between_events else []
        pieces += pump.get_ready()
        self._chunks += len(pieces)
        return pieces

    def _count(self, data: bytes) -> bytes:
        self._bytes += len(data)
        return data

    def _check(self) -> None:
        """Return if it is worth while to wait for the provider."""
        if has_client_left(self._environ):
            raise ClientLeft
        self._check_time()

    def _check_time(self) -> None:
        now = time.monotonic()
        if now >= self._drain.ends_at:
            raise make_stopping_error()
        if now >= self._begun + self._deadlines.total:
            raise RelayError(
                "deadline_exceeded",
                f"{self._call.entry.name} was not finished after {self._deadlines.total:g} s, the longest that an "
                "answer may take by this relay.",
                status=HTTPStatus.GATEWAY_TIMEOUT,
                type="server_error",
            )

    def _begin_answer(self) -> str:
        """Return the `Server-Timing` (W3C Server Timing) of an answer that begins now: whose the time until now was."""
        waited = self._upstream.waited_ms
        relay = max(measure_ms(self._begun) - (waited or 0), 0.0)
        self._tally.note_begin(relay / 1000)
        return f"relay;dur={relay:.1f}" + ("" if waited is None else f", upstream;dur={waited:.1f}")

    def _write_log(self, status: int, code: str = "", cause: BaseException | None = None) -> None:
        is_refused = status >= HTTPStatus.BAD_REQUEST and status != CLIENT_CLOSED
        self._budget.settle_by(self._upstream.usage, is_refused=is_refused)
        self._tally.end(code=code, chunks=self._chunks, sent=self._bytes, upstream=self._upstream)
        self._log.info(
            "chat",
            route="/v1/chat/completions",
            provider=self._call.entry.id,
            lane=self._lane.name,
            cache=self._source.outcome,
            # Somebody may have pasted a key in its place.
            model=redact(f"{self._call.entry.litellm_prefix}/{self._call.model}", (self._call.key,)),
            stream=self._call.is_stream,
            status=int(status),
            code=code,
            # Its kind alone: what it says can hold a prompt.
            exception=type(cause).__name__ if cause else "",
            chunks=self._chunks,
            bytes=self._bytes,
            duration_ms=measure_ms(self._begun),
            upstream_ms=round(self._upstream.waited_ms or 0, 1),
            token=self._token_name,
            origin=self._origin,
            request_id=self._request_id,
        )


def make_stream_response(events: Iterator[bytes]) -> Response:
    """Return an answer of server-sent *events* that nothing in between should keep back."""
    response = Response(events, mimetype="text/event-stream")
    response.headers["Content-Type"] = "text/event-stream; charset=utf-8"
    response.headers["Cache-Control"] = "no-store"
    # nginx would otherwise gather the stream until its buffer is full.
    response.headers["X-Accel-Buffering"] = "no"
    return response


def measure_ms(begun: float) -> float:
    """Return the milliseconds since *begun*, a moment of `time.monotonic`."""
    return round((time.monotonic() - begun) * 1000, 1)
