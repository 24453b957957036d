"""What happens around every request: its token is compared, it is counted and logged, its errors are worded.

The token is compared before anything of the request is read; preflights never come here with one.
"""

from __future__ import annotations

import re
import secrets
import time
from http import HTTPStatus

from flask import Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from sidestep.envelopes import PATH as SEALED_PATH
from sidestep.errors import redact
from sidestep_relay.clients import ROUTE
from sidestep_relay.config import RelayConfig
from sidestep_relay.errors import RelayError
from sidestep_relay.exchanges import measure_ms
from sidestep_relay.services import Services
from sidestep_relay.shapes import check_headers
from sidestep_relay.telemetry import locate

__all__ = ["METRICS_PATH", "Hooks"]

METRICS_PATH = "/metrics"

_PASSED_HEADERS = ("Allow", "Content-Range")
"""Of Flask's own errors: what a client needs to do better (RFC 9110, 15.5.6 and 15.5.17)."""
_ORIGIN = re.compile(r"null|[a-z][a-z0-9+.-]{0,30}://[A-Za-z0-9.:\[\]-]{1,150}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")


class Hooks:
    """What Flask calls before and after a route."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def begin(self) -> None:
        """Name the request, and refuse it before anything is read if its token is wrong."""
        if self._services.redis:
            # Not before a request: a server may fork after it has made the application.
            self._services.redis.start()
        request.environ[ROUTE] = request.url_rule.rule if request.url_rule else ""
        g.request_id = _choose_request_id()
        g.origin = _name_origin(request.headers.get("Origin", ""))
        g.begun = time.monotonic()
        g.code = ""
        g.token_name = ""
        g.has_exchange = False
        is_guarded = _is_guarded(request.path) and request.method != "OPTIONS"
        g.is_logged = not is_guarded
        # What could not be opened has no token to show; its route refuses it.
        if is_guarded and request.path != SEALED_PATH:
            g.token = self._services.tokens.check(request.headers.get("Authorization"))
            g.token_name = g.token.name
            check_headers(request.headers)
            # After the token, so that nobody can use up what is another's.
            self._services.meter.count_request(g.token, request.remote_addr)
            self._services.sealing.check_fresh(request.environ)

    def end(self, response: Response) -> Response:
        """Add the headers that every answer carries, and say which origin to allow if one was refused."""
        response.headers["X-Request-Id"] = g.request_id
        response.vary.add("Origin")
        origin = request.headers.get("Origin", "")
        if origin and origin.lower() not in self._services.config.origins and not _is_own(origin):
            is_named = g.origin == origin
            self._services.log.warning(
                "origin_refused",
                origin=g.origin,
                detail=f"To let this page read answers set SIDESTEP_ORIGINS={origin}" if is_named else "",
                request_id=g.request_id,
            )
        route = request.url_rule.rule if request.url_rule else None
        self._services.metrics.count_request(
            route=route, method=request.method, status=response.status_code, code=g.code
        )
        if not g.has_exchange:
            self._services.metrics.time_request(route=route, seconds=time.monotonic() - g.begun)
        if not g.is_logged:
            self._services.log.info(
                "request",
                # Not the path: somebody may have pasted a key into it.
                route=route or "",
                method=request.method,
                status=response.status_code,
                code=g.code,
                duration_ms=measure_ms(g.begun),
                token=g.token_name,
                origin=g.origin,
                request_id=g.request_id,
            )
        return response

    def answer_error(self, error: RelayError) -> tuple[Response, int, dict[str, str]]:
        """Answer with the envelope."""
        g.code = error.code
        # A sentence may quote a name that the client chose, and that may be a key in the wrong place.
        error.message = redact(error.message, _list_shown())
        error.param = redact(error.param, _list_shown()) if error.param else None
        return jsonify(error.to_dict(g.request_id)), error.status, error.headers

    def answer_http_error(self, error: HTTPException) -> tuple[Response, int, dict[str, str]]:
        """Answer Flask's own errors, and bugs (which Flask hands over as 500), in the envelope too."""
        status = error.code or 500
        if cause := getattr(error, "original_exception", None):
            # Only its kind: the text of a foreign exception can hold anything.
            self._services.log.error(
                "bug",
                exception=type(cause).__qualname__,
                where=locate(cause.__traceback__),
                request_id=g.request_id,
            )
        headers = {name: value for name, value in error.get_headers() if name in _PASSED_HEADERS}
        message = _describe_status(status, self._services.config)
        translated = RelayError(f"http_{status}", message, status=status, headers=headers)
        return self.answer_error(translated)


def _describe_status(status: int, config: RelayConfig) -> str:
    sentences = {
        404: "There is nothing at this address of the relay.",
        405: "This address of the relay does not answer that method.",
        413: f"The request is larger than the {config.largest_body // 1024 // 1024} MiB this relay takes.",
        500: "The relay itself failed; its log has the request id.",
    }
    return sentences.get(status, HTTPStatus(status).phrase + ".")


def _choose_request_id() -> str:
    """Return the client's id for the request if it is one; it is logged, so it must not be a key by mistake."""
    given = request.headers.get("X-Request-Id", "")
    is_id = _REQUEST_ID.fullmatch(given) and redact(given, _list_shown()) == given
    return given if is_id else secrets.token_hex(8)


def _list_shown() -> tuple[str, ...]:
    """Return the secrets that the request shows."""
    return request.headers.get("X-Provider-Key", ""), request.headers.get("Authorization", "").split(" ")[-1]


def _name_origin(given: str) -> str:
    """Return what logs call an `Origin`: what no browser would send is not repeated."""
    is_origin = _ORIGIN.fullmatch(given) and redact(given) == given
    return given if is_origin or not given else "malformed"


def _is_guarded(path: str) -> bool:
    return path.startswith("/v1/") or path == METRICS_PATH


def _is_own(origin: str) -> bool:
    return origin == f"{request.scheme}://{request.host}"
