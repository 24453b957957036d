"""The Flask application: routes, and the order in which a request is judged.

CORS preflights are answered first, then the token is compared, and only then is anything of the request read.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from http import HTTPStatus
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, jsonify, request
from flask_cors import CORS
from werkzeug.exceptions import HTTPException

from sidestep._version import __version__
from sidestep.catalogue import CatalogueEntry, load_catalogue
from sidestep.envelopes import KEY_HEADER, TIME_HEADER
from sidestep.envelopes import PATH as SEALED_PATH
from sidestep.errors import redact
from sidestep_relay.allowances import Allowance
from sidestep_relay.auth import TokenCheck
from sidestep_relay.bodies import check_media, parse_json, read_body
from sidestep_relay.caches import Cache, MemoryCache
from sidestep_relay.chats import choose_entry, estimate_tokens, find_key, read_chat
from sidestep_relay.clients import ROUTE, ClientGuard, has_client_left
from sidestep_relay.config import RelayConfig
from sidestep_relay.deadlines import Drain
from sidestep_relay.destinations import NOWHERE
from sidestep_relay.errors import RelayError, make_stopping_error
from sidestep_relay.exchanges import CLIENT_CLOSED, Exchange, make_stream_response, measure_ms
from sidestep_relay.grants import check_host, check_metrics, check_provider, name_provider
from sidestep_relay.headers import CACHE_HEADER, REQUEST_HEADERS
from sidestep_relay.lanes import Lane, LaneName, choose_lane
from sidestep_relay.lanes.pipe import PipeLane
from sidestep_relay.lanes.plugin import PluginLane
from sidestep_relay.lanes.translate import TranslateLane, load_litellm
from sidestep_relay.limits import Budget, Limiter, name_address
from sidestep_relay.loading import BackgroundLoader, Spawn, spawn_thread
from sidestep_relay.metrics import Limit, Metrics
from sidestep_relay.models import fetch_models, list_catalogue
from sidestep_relay.openapi import make_document
from sidestep_relay.plugins import Plugins, check_no_base, find_plugins, is_plugin, list_provider_ids
from sidestep_relay.probes import PROBE_SECONDS, Prober, read_probe
from sidestep_relay.proxies import FORWARDED, PEER, ProxyMiddleware
from sidestep_relay.replays import ReplayGuard
from sidestep_relay.sealed_edge import Sealing, SealingMiddleware
from sidestep_relay.shapes import check_headers
from sidestep_relay.site import add_site
from sidestep_relay.sources import Asker, Sources, Way
from sidestep_relay.streaming import ClientLeft
from sidestep_relay.telemetry import Log, locate, make_log
from sidestep_relay.ticks import read_plan, write_ticks
from sidestep_relay.token_files import TokenFile
from sidestep_relay.tokens import Token, make_full_token
from sidestep_relay.upstreams import Connections, Upstream
from sidestep_relay.wishes import read_wish

if TYPE_CHECKING:
    from sidestep_relay.redis_links import RedisLink
    from sidestep_relay.shared_counts import SharedCounts

__all__ = ["create_app"]

_RESPONSE_HEADERS = ["X-Request-Id", "Retry-After", "Server-Timing", CACHE_HEADER, "Age", TIME_HEADER]
_METRICS_PATH = "/metrics"
_PREFLIGHT_SECONDS = 7200  # the longest that Chromium remembers
_PASSED_HEADERS = ("Allow", "Content-Range")
"""Of Flask's own errors: what a client needs to do better (RFC 9110, 15.5.6 and 15.5.17)."""
_ORIGIN = re.compile(r"null|[a-z][a-z0-9+.-]{0,30}://[A-Za-z0-9.:\[\]-]{1,150}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")


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
    relay = _Relay(
        config,
        environment or {},
        log,
        spawn,
        load,
        replay_guard=replay_guard,
        probe_seconds=probe_seconds,
        clock=clock,
        metrics=metrics or Metrics(),
        drain=drain,
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
    app.before_request(relay.begin)
    app.after_request(relay.end)
    app.register_error_handler(RelayError, relay.answer_error)
    app.register_error_handler(HTTPException, relay.answer_http_error)
    app.get("/healthz")(relay.get_health)
    app.get("/readyz")(relay.get_readiness)
    app.get(_METRICS_PATH)(relay.get_metrics)
    app.get("/v1/relay")(relay.get_relay)
    app.post("/v1/relay/ticks")(relay.post_ticks)
    app.get("/v1/models")(relay.get_models)
    app.get("/v1/openapi.json")(relay.get_document)
    app.post("/v1/chat/completions")(relay.post_chat)
    app.post("/v1/probe")(relay.post_probe)
    app.post(SEALED_PATH)(relay.post_sealed)
    if config.site:
        add_site(app, config.site)
    # A doubled slash is another address, and gets no redirect that would carry the request on.
    app.url_map.merge_slashes = False
    app.extensions["sidestep_relay"] = relay
    app.wsgi_app = SealingMiddleware(app.wsgi_app, relay.sealing)  # type: ignore[method-assign]  # Flask's own way
    app.wsgi_app = ProxyMiddleware(app.wsgi_app, config.trusted_proxies)  # type: ignore[method-assign]  # Flask's way
    app.wsgi_app = ClientGuard(app.wsgi_app, config.deadlines, drain, log)  # type: ignore[method-assign]
    relay.loader.start()
    return app


class _Application(Flask):
    def log_exception(self, exc_info: object) -> None:
        """Log nothing: the error handler does, and none of the exception's words."""


class _Relay:
    """What the routes share. One per process."""

    def __init__(
        self,
        config: RelayConfig,
        environment: Mapping[str, str],
        log: Log,
        spawn: Spawn,
        load: Callable[[], Any],
        *,
        replay_guard: ReplayGuard | None,
        probe_seconds: float,
        clock: Callable[[], float],
        metrics: Metrics,
        drain: Drain,
        plugins: tuple[EntryPoint, ...],
    ) -> None:
        self._config = config
        self._drain = drain
        self._catalogue = load_catalogue()
        known = frozenset(host for entry in self._catalogue.values() for host in entry.hosts)
        self._destinations = dataclasses.replace(config.destinations, known=known)
        self._own_keys = environment if config.should_use_own_keys else {}
        self._log = log
        self._plugins = Plugins(plugins, self._catalogue, log)
        self._tokens = TokenCheck(_make_token_list(config, list_provider_ids(plugins), clock, log), clock)
        self._metrics = metrics
        self._redis = _connect(config.redis_url, log)
        self._limiter = Limiter(_share_counts(self._redis))
        self.sealing = Sealing(config.sealing, _share_replays(self._redis) or replay_guard, clock)
        cache = _make_cache(config, self._redis, clock)
        self._sources = Sources(cache, can_join=config.can_join, is_alone=self._redis is None, clock=clock)
        self._connections = Connections(self._destinations)
        self._prober = Prober(self._destinations, self._connections.context, self._catalogue, seconds=probe_seconds)
        self.loader = BackgroundLoader(partial(self._load, load), spawn, log)
        self._lanes: dict[LaneName, Lane] = {
            "pipe": PipeLane(),
            "translate": TranslateLane(self.loader.get),
            "plugin": PluginLane(self.loader.get),
        }

    def close(self) -> None:
        """Close the connections that are kept open, where the process goes on without this relay."""
        self._connections.close()
        if self._redis:
            self._redis.close()

    def _load(self, load: Callable[[], Any]) -> Any:
        litellm = load()
        self._plugins.load(litellm)
        self._catalogue = {**self._catalogue, **self._plugins.entries}
        return litellm

    # around every request

    def begin(self) -> None:
        """Name the request, and refuse it before anything is read if its token is wrong."""
        if self._redis:
            # Not before a request: a server may fork after it has made the application.
            self._redis.start()
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
            g.token = self._tokens.check(request.headers.get("Authorization"))
            g.token_name = g.token.name
            check_headers(request.headers)
            # After the token, so that nobody can use up what is another's.
            self._count_request()
            self.sealing.check_fresh(request.environ)

    def end(self, response: Response) -> Response:
        """Add the headers that every answer carries, and say which origin to allow if one was refused."""
        response.headers["X-Request-Id"] = g.request_id
        response.vary.add("Origin")
        origin = request.headers.get("Origin", "")
        if origin and origin.lower() not in self._config.origins and not _is_own(origin):
            is_named = g.origin == origin
            self._log.warning(
                "origin_refused",
                origin=g.origin,
                detail=f"To let this page read answers set SIDESTEP_ORIGINS={origin}" if is_named else "",
                request_id=g.request_id,
            )
        route = request.url_rule.rule if request.url_rule else None
        self._metrics.count_request(route=route, method=request.method, status=response.status_code, code=g.code)
        if not g.has_exchange:
            self._metrics.time_request(route=route, seconds=time.monotonic() - g.begun)
        if not g.is_logged:
            self._log.info(
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
            self._log.error(
                "bug",
                exception=type(cause).__qualname__,
                where=locate(cause.__traceback__),
                request_id=g.request_id,
            )
        headers = {name: value for name, value in error.get_headers() if name in _PASSED_HEADERS}
        message = _describe_status(status, self._config)
        translated = RelayError(f"http_{status}", message, status=status, headers=headers)
        return self.answer_error(translated)

    # routes

    def get_health(self) -> Response:
        """Say that the process answers. It touches nothing else."""
        return jsonify({"status": "ok"})

    def get_readiness(self) -> Response:
        """Say whether a chat would be served at once. Asks nothing and nobody that costs anything."""
        # Without Redis the relay serves all the same, so it is told and changes nothing.
        about = {"redis": "away" if self._redis.is_away else "connected"} if self._redis else {}
        if self.loader.is_loaded and not self._drain.has_begun:
            return jsonify({"status": "ready", **about})
        response = jsonify({"status": "stopping" if self._drain.has_begun else "starting", **about})
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = "1"
        return response

    def get_metrics(self) -> Response:
        """Show what this relay counts, to a token that may see it; of all worker processes together."""
        check_metrics(g.token)
        # A scraper comes four times a minute, for ever; what it was refused is logged.
        g.is_logged = True
        self._metrics.set_load_seconds(self.loader.seconds)
        text, content_type = self._metrics.render(request.headers.get("Accept", ""))
        response = Response(text, content_type=content_type)
        response.headers["Cache-Control"] = "no-store"
        return response

    def get_relay(self) -> Response:
        """Say what this relay is and can, and how much of it the asking token may have."""
        token: Token = g.token
        return jsonify(
            {
                "name": self._config.name,
                "version": __version__,
                "providers": list(self._list_entries()),
                "limits": {"largest_body": self._config.largest_body, **dataclasses.asdict(self._allowance())},
                "token": {"name": token.name, "expires": token.expires.isoformat() if token.expires else None},
                "uses_own_keys": self._config.should_use_own_keys and bool(token.uses_own_keys),
                "is_ready": self.loader.is_loaded,
                # What is broken is for who runs the relay.
                **({"plugins": dict(self._plugins.states)} if not token.name and self._plugins.names else {}),
                "sealing": self.sealing.describe(),
            }
        )

    def get_document(self) -> Response:
        """Describe this relay in OpenAPI's form."""
        prefixes = [(entry.litellm_prefix, entry.relay_dialect) for entry in self._catalogue.values()]
        return jsonify(make_document(prefixes, self._config.largest_body))

    def post_ticks(self) -> Response:
        """Stream a few events at known moments, for whoever looks for what stands between."""
        plan, environ = read_plan(request.args), request.environ
        about = {"forwarded": environ[FORWARDED]}
        if environ[FORWARDED] == "ignored":
            about["peer"] = environ[PEER]
        address = name_address(request.remote_addr)
        with ExitStack() as held:
            with self._count_refusals("streams"):
                held.enter_context(
                    self._limiter.hold_stream(
                        ("token", g.token.name, self._allowance().streams),
                        ("address", address, self._config.per_address.streams),
                    )
                )
            response = make_stream_response(write_ticks(plan, about, lambda: has_client_left(environ)))
            response.call_on_close(held.pop_all().close)
        return response

    def get_models(self) -> Response:
        """List one provider's models, or the catalogue's."""
        wanted = request.args.get("provider")
        if not wanted:
            return jsonify(list_catalogue(self._list_entries()))
        self._wait_for_plugin(wanted)
        entry = self._find_entry(wanted)
        check_provider(g.token, entry, request.headers.get("X-Provider-Base"))
        if is_plugin(entry):
            return jsonify(list_catalogue({entry.id: entry}))
        base_url = (request.headers.get("X-Provider-Base") or entry.base_url).rstrip("/")
        if not base_url:
            raise RelayError(
                "provider_base_missing", f"{entry.name} needs its base URL in X-Provider-Base.", status=400
            )
        key = find_key(entry, self.sealing.read_key(request), base_url, self._own_keys, g.token)
        upstream = self._open(entry, base_url, key)
        try:
            return jsonify(fetch_models(entry, base_url, key, upstream))
        finally:
            self._metrics.count_upstream(name_provider(entry, base_url), upstream)

    def post_chat(self) -> Response:
        """Send a chat to its provider and the answer back."""
        if self._drain.has_begun:
            raise make_stopping_error()
        body = _read_json()
        if isinstance(body, dict):
            self._wait_for_plugin(str(body.get("model")).partition("/")[0])
        call = read_chat(
            body,
            self._catalogue,
            key=self.sealing.read_key(request),
            base_url=request.headers.get("X-Provider-Base"),
            own_keys=self._own_keys,
            token=g.token,
        )
        if is_plugin(call.entry):
            check_no_base(call.entry, request.headers.get("X-Provider-Base"))
        lane = choose_lane(call.entry, self._config.lanes)
        upstream = self._open(call.entry, call.base_url, call.key, reads_along=lane == "translate")
        own, shared = self._allowance(), self._config.per_address
        address = name_address(request.remote_addr)
        wish = read_wish(request.headers.get(CACHE_HEADER))
        asker = Asker(g.token.name, request.headers["Authorization"].partition(" ")[2].strip())
        with ExitStack() as held:
            with self._count_refusals("streams"):
                held.enter_context(
                    self._limiter.hold_stream(
                        ("token", g.token.name, own.streams), ("address", address, shared.streams)
                    )
                )
            charge = partial(self._charge, g.token.name, estimate_tokens(call), own.tokens_per_minute)
            source = self._sources.choose(wish, asker, Way(call, self._lanes[lane], upstream, charge))
            held.callback(source.close)
            self._metrics.count_cache(source.outcome or "unwished")
            # A refusal above is logged as any request; from here on the exchange logs.
            g.is_logged = g.has_exchange = True
            tally = self._metrics.begin_chat(
                provider=name_provider(call.entry, call.base_url), lane=lane, is_stream=call.is_stream, begun=g.begun
            )
            exchange = Exchange(
                call,
                source,
                self._config.ping_seconds,
                self._log,
                deadlines=self._config.deadlines,
                drain=self._drain,
                tally=tally,
            )
            response = exchange.stream() if call.is_stream else exchange.complete()
            # Not where the stream is written: a server need not begin with it if the client has left.
            response.call_on_close(held.pop_all().close)
        return response

    def post_sealed(self) -> Response:
        """Refuse an envelope that was not opened; `sealed_edge` lets no other come here."""
        raise self.sealing.find_refusal(request.environ)

    def post_probe(self) -> Response:
        """Say what this server sees of a provider's URL."""
        call = read_probe(_read_json(), self._destinations)
        check_host(g.token, call.place.host, self._catalogue.values())
        environ = request.environ
        try:
            report = self._prober.run(call, lambda: has_client_left(environ))
        except ClientLeft:
            return Response(status=CLIENT_CLOSED)
        response = jsonify(report)
        response.headers["Cache-Control"] = "no-store"
        waited = report["elapsed_ms"]
        response.headers["Server-Timing"] = f"relay;dur={measure_ms(g.begun) - waited:.1f}, upstream;dur={waited:.1f}"
        return response

    def _wait_for_plugin(self, name: str) -> None:
        """Return when it is known what became of the plugin *name*, if there is one."""
        if name in self._plugins.names:
            self.loader.get()

    def _allowance(self) -> Allowance:
        return dataclasses.replace(self._config.per_token, **g.token.limits)

    def _count_request(self) -> None:
        with self._count_refusals("token_requests"):
            self._limiter.count_request("token", g.token.name, self._allowance().requests_per_minute)
        address = name_address(request.remote_addr)
        with self._count_refusals("address_requests"):
            self._limiter.count_request("address", address, self._config.per_address.requests_per_minute)

    def _charge(self, name: str, estimate: int, most: int) -> Budget:
        with self._count_refusals("model_tokens"):
            return self._limiter.count_tokens(name, estimate, most)

    @contextmanager
    def _count_refusals(self, limit: Limit) -> Iterator[None]:
        try:
            yield
        except RelayError:
            self._metrics.count_refusal(limit)
            raise

    def _list_entries(self) -> dict[str, CatalogueEntry]:
        """Return what the asking token may call."""
        return {name: entry for name, entry in self._catalogue.items() if g.token.may_call(name)}

    def _find_entry(self, wanted: str) -> CatalogueEntry:
        """Find a provider by its catalogue id or by its LiteLLM prefix."""
        base_url = request.headers.get("X-Provider-Base")
        return self._catalogue.get(wanted) or choose_entry(wanted.rstrip("/"), base_url, self._catalogue)

    def _open(self, entry: CatalogueEntry, base_url: str, key: str, *, reads_along: bool = True) -> Upstream:
        # Whatever a plugin connects to, it does not get there from here.
        place = NOWHERE if is_plugin(entry) else self._destinations.check_url(base_url)
        is_lent = not (request.headers.get("X-Provider-Key") or request.headers.get(KEY_HEADER))
        return Upstream(
            self._connections,
            place,
            dialect=entry.relay_dialect,
            has_key=bool(key),
            reads_along=reads_along,
            secret=key if is_lent else "",
            idle_seconds=self._config.deadlines.idle,
        )


def _connect(redis_url: str, log: Log) -> RedisLink | None:
    if not redis_url:
        return None
    # Here and not above: a relay that is alone saves the memory.
    from sidestep_relay.redis_links import RedisLink  # noqa: PLC0415

    return RedisLink(redis_url, log)


def _share_counts(link: RedisLink | None) -> SharedCounts | None:
    if link is None:
        return None
    from sidestep_relay.shared_counts import SharedCounts  # noqa: PLC0415 - as above

    return SharedCounts(link)


def _share_replays(link: RedisLink | None) -> ReplayGuard | None:
    if link is None:
        return None
    from sidestep_relay.shared_replays import SharedReplayGuard  # noqa: PLC0415 - as above

    return SharedReplayGuard(link)


def _make_cache(config: RelayConfig, link: RedisLink | None, clock: Callable[[], float]) -> Cache | None:
    if not config.cache_seconds:
        return None
    if link is None:
        return MemoryCache(config.cache_seconds, config.cache_bytes, clock)
    from sidestep_relay.shared_caches import RedisCache  # noqa: PLC0415 - as above

    return RedisCache(link, config.cache_seconds, config.cache_bytes, clock)


def _make_token_list(
    config: RelayConfig, known: Collection[str], clock: Callable[[], float], log: Log
) -> Callable[[], tuple[Token, ...]]:
    full = (make_full_token(config.token),) if config.token else ()
    if config.tokens_file is None:
        return lambda: full
    file = TokenFile(config.tokens_file, known, clock, log)
    return lambda: (*full, *file.list())


def _read_json() -> Any:
    check_media(request.headers.get("Content-Type"), request.headers.get("Content-Encoding"))
    return parse_json(read_body(request))


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
    return path.startswith("/v1/") or path == _METRICS_PATH


def _is_own(origin: str) -> bool:
    return origin == f"{request.scheme}://{request.host}"
