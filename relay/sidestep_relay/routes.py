"""What the relay answers at its addresses (docs/relay.md; `openapi` describes it to machines)."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from typing import Any

import httpx
from flask import Response, g, jsonify, request

from sidestep._version import __version__
from sidestep.catalogue import CatalogueEntry
from sidestep.envelopes import KEY_HEADER
from sidestep_relay.bodies import check_media, parse_json, read_body
from sidestep_relay.chats import ChatCall, choose_entry, estimate_tokens, find_key, read_chat
from sidestep_relay.clients import has_client_left
from sidestep_relay.destinations import NOWHERE
from sidestep_relay.errors import RelayError, make_stopping_error
from sidestep_relay.exchanges import CLIENT_CLOSED, Exchange, make_stream_response, measure_ms
from sidestep_relay.grants import check_host, check_metrics, check_provider, name_provider
from sidestep_relay.headers import CACHE_HEADER
from sidestep_relay.lanes import LaneName, choose_lane
from sidestep_relay.models import fetch_models, list_catalogue
from sidestep_relay.openapi import make_document
from sidestep_relay.plugins import check_no_base, is_plugin
from sidestep_relay.probes import read_probe
from sidestep_relay.proxies import FORWARDED, PEER
from sidestep_relay.services import Services
from sidestep_relay.sources import Asker, Source, Way
from sidestep_relay.streaming import ClientLeft
from sidestep_relay.ticks import read_plan, write_ticks
from sidestep_relay.tokens import Token
from sidestep_relay.upstreams import TIMEOUT, Upstream
from sidestep_relay.wishes import read_wish

__all__ = ["Routes"]


class Routes:
    """The answers. `hooks` has compared the token before."""

    def __init__(self, services: Services) -> None:
        self._services = services
        idle = services.config.deadlines.idle
        self._timeout = httpx.Timeout(connect=TIMEOUT.connect, read=idle, write=TIMEOUT.write, pool=TIMEOUT.pool)

    def get_health(self) -> Response:
        """Say that the process answers. It touches nothing else."""
        return jsonify({"status": "ok"})

    def get_readiness(self) -> Response:
        """Say whether a chat would be served at once. Asks nothing and nobody that costs anything."""
        # Without Redis the relay serves all the same, so it is told and changes nothing.
        about = {"redis": "away" if self._services.redis.is_away else "connected"} if self._services.redis else {}
        if self._services.loader.is_loaded and not self._services.drain.has_begun:
            return jsonify({"status": "ready", **about})
        response = jsonify({"status": "stopping" if self._services.drain.has_begun else "starting", **about})
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = "1"
        return response

    def get_metrics(self) -> Response:
        """Show what this relay counts, to a token that may see it; of all worker processes together."""
        check_metrics(g.token)
        # A scraper comes four times a minute, for ever; what it was refused is logged.
        g.is_logged = True
        self._services.metrics.set_load_seconds(self._services.loader.seconds)
        text, content_type = self._services.metrics.render(request.headers.get("Accept", ""))
        response = Response(text, content_type=content_type)
        response.headers["Cache-Control"] = "no-store"
        return response

    def get_relay(self) -> Response:
        """Say what this relay is and can, and how much of it the asking token may have."""
        token: Token = g.token
        config, meter, plugins = self._services.config, self._services.meter, self._services.plugins
        return jsonify(
            {
                "name": config.name,
                "version": __version__,
                "providers": list(self._list_entries()),
                "limits": {"largest_body": config.largest_body, **dataclasses.asdict(meter.find_allowance(token))},
                "token": {"name": token.name, "expires": token.expires.isoformat() if token.expires else None},
                "uses_own_keys": config.should_use_own_keys and bool(token.uses_own_keys),
                "is_ready": self._services.loader.is_loaded,
                # What is broken is for who runs the relay.
                **({"plugins": dict(plugins.states)} if not token.name and plugins.names else {}),
                "sealing": self._services.sealing.describe(),
            }
        )

    def get_document(self) -> Response:
        """Describe this relay in OpenAPI's form."""
        prefixes = [(entry.litellm_prefix, entry.relay_dialect) for entry in self._services.catalogue.values()]
        return jsonify(make_document(prefixes, self._services.config.largest_body))

    def post_ticks(self) -> Response:
        """Stream a few events at known moments, for whoever looks for what stands between."""
        plan, environ = read_plan(request.args), request.environ
        about = {"forwarded": environ[FORWARDED]}
        if environ[FORWARDED] == "ignored":
            about["peer"] = environ[PEER]
        with ExitStack() as held:
            held.enter_context(self._services.meter.hold_stream(g.token, request.remote_addr))
            response = make_stream_response(write_ticks(plan, about, lambda: has_client_left(environ)))
            response.call_on_close(held.pop_all().close)
        return response

    def get_models(self) -> Response:
        """List one provider's models, or the catalogue's."""
        wanted = request.args.get("provider")
        if not wanted:
            return jsonify(list_catalogue(self._list_entries()))
        self._services.wait_for_plugin(wanted)
        entry = self._find_entry(wanted)
        check_provider(g.token, entry, request.headers.get("X-Provider-Base"))
        if is_plugin(entry):
            return jsonify(list_catalogue({entry.id: entry}))
        base_url = (request.headers.get("X-Provider-Base") or entry.base_url).rstrip("/")
        if not base_url:
            raise RelayError(
                "provider_base_missing", f"{entry.name} needs its base URL in X-Provider-Base.", status=400
            )
        key = find_key(entry, self._services.sealing.read_key(request), base_url, self._services.own_keys, g.token)
        upstream = self._open(entry, base_url, key)
        try:
            return jsonify(fetch_models(entry, base_url, key, upstream))
        finally:
            self._services.metrics.count_upstream(name_provider(entry, base_url), upstream)

    def post_chat(self) -> Response:
        """Send a chat to its provider and the answer back."""
        services = self._services
        if services.drain.has_begun:
            raise make_stopping_error()
        call = self._read_call(_read_json())
        lane = choose_lane(call.entry, services.config.lanes)
        upstream = self._open(call.entry, call.base_url, call.key, reads_along=lane == "translate")
        wish = read_wish(request.headers.get(CACHE_HEADER))
        asker = Asker(g.token.name, request.headers["Authorization"].partition(" ")[2].strip())
        with ExitStack() as held:
            held.enter_context(services.meter.hold_stream(g.token, request.remote_addr))
            charge = partial(services.meter.charge, g.token, estimate_tokens(call))
            source = services.sources.choose(wish, asker, Way(call, services.lanes[lane], upstream, charge))
            held.callback(source.close)
            services.metrics.count_cache(source.outcome or "unwished")
            response = self._exchange(call, source, lane)
            # Not where the stream is written: a server need not begin with it if the client has left.
            response.call_on_close(held.pop_all().close)
        return response

    def post_sealed(self) -> Response:
        """Refuse an envelope that was not opened; `sealed_edge` lets no other come here."""
        raise self._services.sealing.find_refusal(request.environ)

    def post_probe(self) -> Response:
        """Say what this server sees of a provider's URL."""
        call = read_probe(_read_json(), self._services.destinations)
        check_host(g.token, call.place.host, self._services.catalogue.values())
        environ = request.environ
        try:
            report = self._services.prober.run(call, lambda: has_client_left(environ))
        except ClientLeft:
            return Response(status=CLIENT_CLOSED)
        response = jsonify(report)
        response.headers["Cache-Control"] = "no-store"
        waited = report["elapsed_ms"]
        response.headers["Server-Timing"] = f"relay;dur={measure_ms(g.begun) - waited:.1f}, upstream;dur={waited:.1f}"
        return response

    def _read_call(self, body: Any) -> ChatCall:
        services = self._services
        if isinstance(body, dict):
            services.wait_for_plugin(str(body.get("model")).partition("/")[0])
        base_url = request.headers.get("X-Provider-Base")
        key = services.sealing.read_key(request)
        call = read_chat(
            body, services.catalogue, key=key, base_url=base_url, own_keys=services.own_keys, token=g.token
        )
        if is_plugin(call.entry):
            check_no_base(call.entry, base_url)
        return call

    def _exchange(self, call: ChatCall, source: Source, lane: LaneName) -> Response:
        services, config = self._services, self._services.config
        # A refusal before is logged as any request; from here on the exchange logs.
        g.is_logged = g.has_exchange = True
        tally = services.metrics.begin_chat(
            provider=name_provider(call.entry, call.base_url), lane=lane, is_stream=call.is_stream, begun=g.begun
        )
        exchange = Exchange(
            call,
            source,
            config.ping_seconds,
            services.log,
            deadlines=config.deadlines,
            drain=services.drain,
            tally=tally,
        )
        return exchange.stream() if call.is_stream else exchange.complete()

    def _list_entries(self) -> dict[str, CatalogueEntry]:
        """Return what the asking token may call."""
        return {name: entry for name, entry in self._services.catalogue.items() if g.token.may_call(name)}

    def _find_entry(self, wanted: str) -> CatalogueEntry:
        """Find a provider by its catalogue id or by its LiteLLM prefix."""
        base_url = request.headers.get("X-Provider-Base")
        return self._services.catalogue.get(wanted) or choose_entry(
            wanted.rstrip("/"), base_url, self._services.catalogue
        )

    def _open(self, entry: CatalogueEntry, base_url: str, key: str, *, reads_along: bool = True) -> Upstream:
        # Whatever a plugin connects to, it does not get there from here.
        place = NOWHERE if is_plugin(entry) else self._services.destinations.check_url(base_url)
        is_lent = not (request.headers.get("X-Provider-Key") or request.headers.get(KEY_HEADER))
        return Upstream(
            self._services.connections,
            place,
            dialect=entry.relay_dialect,
            has_key=bool(key),
            reads_along=reads_along,
            secret=key if is_lent else "",
            timeout=self._timeout,
        )


def _read_json() -> Any:
    check_media(request.headers.get("Content-Type"), request.headers.get("Content-Encoding"))
    return parse_json(read_body(request))
