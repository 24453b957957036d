"""The checks in their order. Each rests on those before it: where the way is not safe, no token is sent."""

from __future__ import annotations

import datetime
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx

from sidestep.errors import redact
from sidestep_relay.checks.addresses import Place, check_name, check_plain_http, check_scheme, check_tls
from sidestep_relay.checks.answers import (
    Ask,
    NoAnswer,
    check_body,
    check_errors,
    check_foreign_page,
    check_health,
    check_page,
    check_readiness,
    check_refusal,
    check_token,
    make_ask,
)
from sidestep_relay.checks.findings import Finding
from sidestep_relay.checks.timing import judge_patience, judge_proxy, judge_stream, read_ticks

__all__ = ["run_checks"]

_SECONDS = 90.0  # a host that lets a relay sleep takes its time to wake it
_READY_SECONDS = 60.0
_USUAL_PORTS = {443: 80}


def run_checks(
    place: Place, context: ssl.SSLContext, *, token: str = "", origin: str = "", silence_s: int = 0
) -> Iterator[Finding]:
    """Yield what is found, as it is found.

    Args:
        place: the relay.
        context: which certificates are good.
        token: one of the relay's; without it less can be seen.
        origin: the page's, as browsers write it; without it CORS is not looked at.
        silence_s: also wait this long for a silent stream, if it is not 0.
    """
    for finding in _look(place, context, token, origin, silence_s):
        yield replace(finding, message=redact(finding.message, (token,)), remedy=redact(finding.remedy, (token,)))


def _look(place: Place, context: ssl.SSLContext, token: str, origin: str, silence_s: int) -> Iterator[Finding]:
    for check in (check_scheme, check_name, lambda at: _check_way(at, context)):
        if finding := check(place):
            yield finding
            if finding.verdict == "failure":
                return
    if place.scheme == "https" and place.port in _USUAL_PORTS:
        yield check_plain_http(place, _USUAL_PORTS[place.port])
    with httpx.Client(base_url=place.url, verify=context, timeout=_SECONDS, trust_env=False) as client:
        ask = make_ask(client)
        health = _attempt("relay", lambda: check_health(ask))
        yield health
        if health.verdict == "failure":
            return
        yield _attempt("ready", lambda: check_readiness(ask, _Patience(_READY_SECONDS)))
        yield from _check_pages(ask, origin)
        opened = _attempt("token", lambda: check_token(ask, token)) if token else _describe_no_token()
        yield opened
        # Behind the answer that was let in: a copy of it would be shown now.
        yield _attempt("refusal", lambda: check_refusal(ask, origin))
        if token and opened.verdict != "failure":
            yield from _check_inside(client, ask, token, origin, silence_s)


def _check_way(place: Place, context: ssl.SSLContext) -> Finding | None:
    if place.scheme != "https":
        return None
    return check_tls(place, context, datetime.datetime.now(datetime.UTC))


def _check_pages(ask: Ask, origin: str) -> Iterator[Finding]:
    if origin:
        yield _attempt("page", lambda: check_page(ask, origin))
    else:
        yield Finding("page", "warning", "Whether your page may use it was not looked at.", "Give --page URL.")
    yield _attempt("foreign_page", lambda: check_foreign_page(ask))


def _check_inside(client: httpx.Client, ask: Ask, token: str, origin: str, silence_s: int) -> Iterator[Finding]:
    yield _attempt("errors", lambda: check_errors(ask, token, origin))
    yield check_body(ask, token)
    reading = read_ticks(client, token)
    yield judge_stream(reading)
    if reading.ticks:
        yield judge_proxy(reading)
        if silence_s:
            yield judge_patience(read_ticks(client, token, silence_s=silence_s), silence_s)


def _describe_no_token() -> Finding:
    return Finding(
        "token",
        "warning",
        "Without a token its streams, errors and limits were not looked at.",
        "Give --token-file FILE, `--token-file -` for standard input, or SIDESTEP_TOKEN.",
    )


def _attempt(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except NoAnswer as error:
        remedy = "Check again; if it stays so, look at the logs of the proxy and of the relay."
        return Finding(name, "failure", f"{str(error).capitalize()}.", remedy)


class _Patience:
    """Waits a second each time it is asked, and says so, until *seconds* are over."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def __call__(self) -> bool:
        if time.monotonic() >= self._until:
            return False
        time.sleep(1)
        return True
