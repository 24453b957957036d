"""One chat under way: from its request to the last byte of its answer, and the one line that is logged of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http import HTTPStatus

from flask import Response, g, request

from sidestep.errors import redact
from sidestep_relay.chats import ChatCall
from sidestep_relay.errors import RelayError, make_provider_error
from sidestep_relay.lanes import Lane, Whole
from sidestep_relay.limits import Budget
from sidestep_relay.metrics import ChatTally
from sidestep_relay.streaming import PING, ClientLeft, EventWriter, Pump, has_client_left
from sidestep_relay.telemetry import Log
from sidestep_relay.upstreams import Upstream

__all__ = ["CLIENT_CLOSED", "Exchange", "measure_ms"]

CLIENT_CLOSED = 499
"""nginx's status for a client that left; it is only logged."""

_WHOLE_ANSWER_SECONDS = 3600.0  # a provider that drips for longer is given up


class Exchange:
    """One chat, from its request to the last byte of its answer."""

    def __init__(
        self,
        call: ChatCall,
        upstream: Upstream,
        lane: Lane,
        ping_seconds: float,
        log: Log,
        *,
        budget: Budget,
        tally: ChatTally,
    ) -> None:
        self._call = call
        self._upstream = upstream
        self._lane = lane
        self._ping_seconds = ping_seconds
        self._log = log
        self._budget = budget
        self._tally = tally
        self._environ = request.environ
        self._request_id: str = g.request_id
        self._begun: float = g.begun
        self._origin: str = g.origin
        self._token_name: str = g.token_name
        self._chunks = 0
        self._bytes = 0

    def complete(self) -> Response:
        """Answer in one piece."""
        pump = Pump(lambda: iter([self._lane.complete(self._call, self._upstream)]), self._upstream.abort)
        try:
            answer = pump.get(_WHOLE_ANSWER_SECONDS, self._has_left)
        except RelayError as error:
            self._write_log(error.status, error.code, error.__cause__)
            raise
        except ClientLeft:
            self._write_log(CLIENT_CLOSED, "client_left")
            return Response(status=CLIENT_CLOSED)
        except TimeoutError:
            raise make_provider_error("timeout", f"{self._call.entry.name} did not finish its answer.") from None
        finally:
            pump.close()
        return self._answer_whole(answer)

    def _answer_whole(self, answer: Whole) -> Response:
        response = Response(answer.body, mimetype="application/json")
        self._bytes = len(answer.body)
        response.headers["Server-Timing"] = self._begin_answer()
        self._tally.note_first_byte()
        self._write_log(HTTPStatus.OK)
        return response

    def stream(self) -> Response:
        """Answer as server-sent events.

        An error before the first byte is an answer of its own. If the provider is silent for longer than a proxy may
        allow, the stream begins with a comment, and an error after that is an event of the stream.
        """
        pump = Pump(lambda: self._lane.stream(self._call, self._upstream), self._upstream.abort)
        try:
            first = pump.get(self._ping_seconds, self._has_left)
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
        response = Response(self._write_stream(pump, first), mimetype="text/event-stream")
        response.headers["Content-Type"] = "text/event-stream; charset=utf-8"
        response.headers["Cache-Control"] = "no-store"
        # nginx would otherwise gather the stream until its buffer is full.
        response.headers["X-Accel-Buffering"] = "no"
        response.headers["Server-Timing"] = self._begin_answer()
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
                try:
                    pieces = [pump.get(self._ping_seconds, self._has_left), *pump.get_ready()]
                except TimeoutError:
                    pieces = [PING] if writer.is_between_events else []
                except StopIteration:
                    break
                else:
                    self._chunks += len(pieces)
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
            yield self._count(writer.write_error(error.to_dict(self._request_id)))
        finally:
            pump.close()
            self._tally.end_stream()
            self._write_log(CLIENT_CLOSED if code == "client_left" else HTTPStatus.OK, code, cause)

    def _note(self, data: bytes) -> None:
        """Note that the answer has begun, if this is not just the comment that keeps it alive."""
        if data != PING:
            self._tally.note_first_byte()

    def _count(self, data: bytes) -> bytes:
        self._bytes += len(data)
        return data

    def _has_left(self) -> bool:
        return has_client_left(self._environ)

    def _begin_answer(self) -> str:
        """Return the `Server-Timing` (W3C Server Timing) of an answer that begins now: whose the time until now was."""
        waited = self._upstream.waited_ms
        relay = max(measure_ms(self._begun) - (waited or 0), 0.0)
        self._tally.note_begin(relay / 1000)
        return f"relay;dur={relay:.1f}" + ("" if waited is None else f", upstream;dur={waited:.1f}")

    def _settle(self, status: int) -> None:
        """Put the estimate right: what a provider refused costs nothing, and what it counted is what it was."""
        total = (self._upstream.usage or {}).get("total_tokens")
        if isinstance(total, int) and total >= 0:
            self._budget.settle(total)
        elif status >= HTTPStatus.BAD_REQUEST and status != CLIENT_CLOSED:
            self._budget.settle(0)

    def _write_log(self, status: int, code: str = "", cause: BaseException | None = None) -> None:
        self._settle(int(status))
        self._tally.end(code=code, chunks=self._chunks, sent=self._bytes, upstream=self._upstream)
        self._log.info(
            "chat",
            route="/v1/chat/completions",
            provider=self._call.entry.id,
            lane=self._lane.name,
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


def measure_ms(begun: float) -> float:
    """Return the milliseconds since *begun*, a moment of `time.monotonic`."""
    return round((time.monotonic() - begun) * 1000, 1)
