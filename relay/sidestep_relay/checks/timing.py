"""Reads a stream whose timing is known (`POST /v1/relay/ticks`), and tells from it what stands in between."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from sidestep.errors import UnexpectedResponse
from sidestep.sse import SSEDecoder
from sidestep_relay.checks.findings import Finding

__all__ = ["Reading", "judge_patience", "judge_proxy", "judge_stream", "read_ticks"]

_OK = 200
_PING_SECONDS = 15.0  # how soon the relay breaks a silence, unless it was told otherwise
_OWN_SERVERS = ("gunicorn", "waitress", "wsgiserver")  # in lower case; what a proxy replaces with its own name
_LATE_MS = 500.0  # more than a mobile network's jitter


@dataclass(slots=True)
class Reading:
    """A stream that was read: for each event when it was sent and when it came, in ms since the first of each.

    Attributes:
        about: what the first event says.
        server: what serves, by its own word.
        silent_s: how long nothing had come when the stream ended.
    """

    status: int = 0
    encoding: str = ""
    server: str = ""
    ticks: list[tuple[float, float]] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    silent_s: float = 0.0


def read_ticks(
    client: httpx.Client, token: str, *, silence_s: int = 0, clock: Callable[[], float] = time.monotonic
) -> Reading:
    """Read the stream; with *silence_s*, its last event comes after so much silence."""
    reading, decoder = Reading(), SSEDecoder()
    query = {"silence_s": silence_s, "count": 2} if silence_s else {}
    # As browsers ask. What cannot be unpacked here must not be sent.
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip, deflate"}
    timeout = httpx.Timeout(silence_s + 30)
    first = last = clock()
    try:
        with client.stream("POST", "/v1/relay/ticks", params=query, headers=headers, timeout=timeout) as answer:
            reading.status, reading.encoding = answer.status_code, answer.headers.get("Content-Encoding", "")
            reading.server = answer.headers.get("Server", "")
            for data in answer.iter_bytes() if reading.status == _OK else ():
                last = clock()
                for event in decoder.feed(data):
                    tick = json.loads(event.data)
                    first = first if reading.ticks else last
                    reading.about = reading.about or tick
                    reading.ticks.append((float(tick["at_ms"]), (last - first) * 1000))
    except (httpx.HTTPError, UnexpectedResponse, ValueError, KeyError, TypeError):
        # What came until then is told; the judges see what is missing.
        pass
    reading.silent_s = clock() - last
    return reading


def judge_stream(reading: Reading) -> Finding:
    """Say whether a stream arrives as it is sent."""
    if reading.status == 404:  # noqa: PLR2004 - the wire's own number
        return Finding(
            "stream", "warning", "This relay is too old to be asked about streams.", "Bring it to this version."
        )
    if len(reading.ticks) < 3:  # noqa: PLR2004 - two points are no rhythm
        return Finding(
            "stream",
            "failure",
            f"A stream does not arrive (status {reading.status}, {len(reading.ticks)} events).",
            "A proxy in between has to pass HTTP/1.1 streams on: nginx `proxy_http_version 1.1`.",
        )
    sent, came = (reading.ticks[-1][side] for side in (0, 1))
    late = [arrived - at for at, arrived in reading.ticks]
    if came < sent / 2:
        return Finding(
            "stream",
            "failure",
            f"A proxy holds streams back: what was sent over {sent:.0f} ms came within {came:.0f} ms{_pack(reading)}.",
            "Turn buffering off for this address: nginx `proxy_buffering off; gzip off`, Apache `flushpackets=on`; "
            "compression must leave text/event-stream alone.",
        )
    if (lateness := max(late) - min(late)) > _LATE_MS:
        message = f"Streams arrive unevenly: an event was {lateness:.0f} ms late."
        return Finding("stream", "warning", message, "Check again; if it stays so, a proxy gathers events.")
    if reading.encoding:
        message = f"A proxy compresses streams ({reading.encoding[:20]}); today they still arrive in time."
        return Finding("stream", "warning", message, "Leave text/event-stream out of what is compressed.")
    return Finding("stream", "ok", f"Streams arrive as they are sent (at most {lateness:.0f} ms late).")


def judge_proxy(reading: Reading) -> Finding:
    """Say whether the relay knows its clients apart."""
    became = reading.about.get("forwarded")
    if became == "ignored":
        peer = str(reading.about.get("peer", ""))[:60]
        return Finding(
            "clients",
            "warning",
            "The relay is behind a proxy whose word it does not take: all clients share one limit by address.",
            f"If {peer or 'a Unix socket'} is your proxy, set SIDESTEP_TRUSTED_PROXIES={peer or 'private'}.",
        )
    if became == "believed":
        return Finding("clients", "ok", "The relay knows its clients apart, from its proxy.")
    if reading.server and not reading.server.lower().startswith(_OWN_SERVERS):
        return Finding(
            "clients",
            "warning",
            f"A proxy ({reading.server[:40]}) does not say whose requests it passes on: all clients share one limit by "
            "address.",
            "Let it send X-Forwarded-For (nginx: `proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for`), and "
            "name it in SIDESTEP_TRUSTED_PROXIES.",
        )
    return Finding("clients", "ok", "The relay knows its clients apart, by their connections.")


def judge_patience(reading: Reading, silence_s: int) -> Finding:
    """Say whether a silent stream stays open for *silence_s*."""
    if reading.ticks and reading.ticks[-1][0] >= silence_s * 1000:
        return Finding("silence", "ok", f"An answer that is silent for {silence_s} s stays open.")
    silent = reading.silent_s
    is_bridged = silent > _PING_SECONDS
    return Finding(
        "silence",
        "warning" if is_bridged else "failure",
        f"A proxy cuts an answer that was silent for {silent:.0f} s."
        + (" Streams are kept open by pings; whole answers that take longer are lost." if is_bridged else ""),
        "Let the proxy wait longer (nginx: proxy_read_timeout 300s)"
        + ("." if is_bridged else f", or set SIDESTEP_PING_SECONDS below {max(silent, 1):.0f}."),
    )


def _pack(reading: Reading) -> str:
    return f", packed with {reading.encoding[:20]}" if reading.encoding else ""
