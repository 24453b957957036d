"""The Flask application: routes, and the order in which a request is judged.

CORS preflights are answered first, then the token is compared, and only then is anything of the request read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint
from typing import Any

from flask import Flask
from flask_cors import CORS
from werkzeug.exceptions import HTTPException

from sidestep.envelopes import PATH as SEALED_PATH
from sidestep.envelopes import TIME_HEADER
from sidestep_relay.clients import ClientGuard
from sidestep_relay.config import RelayConfig
from sidestep_relay.deadlines import Drain
from sidestep_relay.errors import RelayError
from sidestep_relay.headers import CACHE_HEADER, REQUEST_HEADERS
from sidestep_relay.hooks import METRICS_PATH, Hooks
from sidestep_relay.lanes.translate import load_litellm
from sidestep_relay.loading import Spawn, spawn_thread
from sidestep_relay.metrics import Metrics
from sidestep_relay.plugins import find_plugins
from sidestep_relay.probes import PROBE_SECONDS
from sidestep_relay.proxies import ProxyMiddleware
from sidestep_relay.replays import ReplayGuard
from sidestep_relay.routes import Routes
from sidestep_relay.sealed_edge import SealingMiddleware
from sidestep_relay.services import Services
from sidestep_relay.site import add_site
from sidestep_relay.telemetry import Log, make_log

__all__ = ["create_app"]

_RESPONSE_HEADERS = ["X-Request-Id", "Retry-After", "Server-Timing", CACHE_HEADER, "Age", TIME_HEADER]
_PREFLIGHT_SECONDS = 7200  # the longest that Chromium remembers


def create_app(
    config: RelayConfig,
    *,
    environment: Mapping[str, str] | None = None,
    log: Log | None = None,
    spawn: Spawn = spawn_thread,
    load: Callable[[], Any] = load_litellm,
    probe_seconds: float = PROBE_SECONDS,
    clock: Callable[[], float] = time.time,
    metrics: Metrics | None = None,
    replay_guard: ReplayGuard | None = None,
    drain: Drain | None = None,
    plugins: Iterable[EntryPoint] | None = None,
) -> Flask:
    """Return the WSGI application.

    Args:
        config: the settings.
        log: where to log; stderr by default.
        environment: where the relay's own provider keys are, if *config* lets them be used.
        spawn: how to run something slow beside the serving; see `loading`.
        load: returns the litellm module.
        probe_seconds: how long a probe may take.
        clock: returns Unix time in seconds; tokens end, and kept answers grow old, by it.
        metrics: what counts.
        replay_guard: remembers what was sealed; Redis or this process alone by default.
        drain: what its server begins when the process is told to stop; by default nothing ever does.
        plugins: whose providers are called beside the catalogue's; by default those that are installed.
    """
    app = _Application(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = config.largest_body
    # FLASK_DEBUG would let a bug through to the server, which shows the words of it.
    app.config.update(DEBUG=False, PROPAGATE_EXCEPTIONS=False)
    log = log or make_log()
    drain = drain or Drain(config.deadlines.drain)
    services = Services(
        config,
        environment=environment or {},
        log=log,
        metrics=metrics or Metrics(),
        drain=drain,
        spawn=spawn,
        load=load,
        probe_seconds=probe_seconds,
        clock=clock,
        replay_guard=replay_guard,
        plugins=tuple(find_plugins() if plugins is None else plugins),
    )
    # A pattern, because flask-cors takes an origin with an IPv6 address for one.
    CORS(
        app,
        origins=[re.compile(re.escape(origin) + r"\Z") for origin in config.origins],
        methods=["GET", "POST", "OPTIONS"],
        allow_headers=list(REQUEST_HEADERS),
        expose_headers=_RESPONSE_HEADERS,
        max_age=_PREFLIGHT_SECONDS,
        always_send=False,
    )
    _add_hooks(app, Hooks(services))
    _add_routes(app, Routes(services))
    if config.site:
        add_site(app, config.site)
    # A doubled slash is another address, and gets no redirect that would carry the request on.
    app.url_map.merge_slashes = False
    app.extensions["sidestep_relay"] = services
    app.wsgi_app = SealingMiddleware(app.wsgi_app, services.sealing)  # type: ignore[method-assign]  # Flask's own way
    app.wsgi_app = ProxyMiddleware(app.wsgi_app, config.trusted_proxies)  # type: ignore[method-assign]  # Flask's way
    app.wsgi_app = ClientGuard(app.wsgi_app, config.deadlines, drain, log)  # type: ignore[method-assign]
    services.loader.start()
    return app


class _Application(Flask):
    def log_exception(self, exc_info: object) -> None:
        """Log nothing: the error handler does, and none of the exception's words."""


def _add_hooks(app: Flask, hooks: Hooks) -> None:
    app.before_request(hooks.begin)
    app.after_request(hooks.end)
    app.register_error_handler(RelayError, hooks.answer_error)
    app.register_error_handler(HTTPException, hooks.answer_http_error)


def _add_routes(app: Flask, routes: Routes) -> None:
    app.get("/healthz")(routes.get_health)
    app.get("/readyz")(routes.get_readiness)
    app.get(METRICS_PATH)(routes.get_metrics)
    app.get("/v1/relay")(routes.get_relay)
    app.post("/v1/relay/ticks")(routes.post_ticks)
    app.get("/v1/models")(routes.get_models)
    app.get("/v1/openapi.json")(routes.get_document)
    app.post("/v1/chat/completions")(routes.post_chat)
    app.post("/v1/probe")(routes.post_probe)
    app.post(SEALED_PATH)(routes.post_sealed)
