"""One thing to ask of a provider, said the way each route needs it. No IO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import quote

from sidestep.config import Provider, Relay
from sidestep.dialects import DIALECTS, Dialect
from sidestep.errors import ConfigurationError
from sidestep.messages import Messages, read_messages, read_tool
from sidestep.routing.evidence import PathClass
from sidestep.types import ChatRequest, Endpoint, HttpRequest, Route, WireRules

__all__ = [
    "Call",
    "Messages",
    "choose_dialect",
    "make_chat_call",
    "make_chat_request",
    "make_models_call",
    "make_unbillable",
]

_RELAY_DIALECT = "openai_chat"
_PARAMETERS = frozenset(row.name for row in fields(ChatRequest)) - {"model", "messages"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready for the direct way and for any relay.

    Attributes:
        direct: the request to the provider itself.
        encode_for_relay: returns the same request as a relay takes it.
        rules, relay_rules: how the answer is written on either way.
        model: the provider's own id of the model, where one is asked.
    """

    provider: Provider
    path_class: PathClass
    direct: HttpRequest
    encode_for_relay: Callable[[Relay], HttpRequest] = field(repr=False)
    rules: WireRules
    relay_rules: WireRules
    model: str = ""


def make_chat_request(model: str, messages: Messages, parameters: Mapping[str, Any]) -> ChatRequest:
    """Return the request that a caller's arguments describe.

    Raises:
        ConfigurationError: a message or a parameter is not one.
    """
    if unknown := sorted(set(parameters) - _PARAMETERS):
        raise ConfigurationError(
            f"“{unknown[0]}” is not a parameter of a chat.",
            field=unknown[0],
            remedy=f"There are {', '.join(sorted(_PARAMETERS))}; what only the provider knows goes into extra.",
        )
    given = {name: value for name, value in parameters.items() if value is not None}
    if isinstance(stop := given.get("stop", ()), str):
        stop = (stop,)
    given |= {"stop": tuple(stop), "tools": tuple(read_tool(tool) for tool in given.get("tools", ()))}
    return ChatRequest(model, read_messages(messages), **given)


def make_chat_call(provider: Provider, request: ChatRequest) -> Call:
    """Return the call that asks *provider* for a streamed answer."""
    entry = provider.entry
    rules, relay_rules = entry.rules_for(request.model), entry.relay_rules_for(request.model)
    direct = _encode_chat(provider.dialect, request, _direct_endpoint(provider), rules)

    def encode_for_relay(relay: Relay) -> HttpRequest:
        named = replace(request, model=f"{entry.litellm_prefix}/{request.model}")
        request_to_relay = _encode_chat(_RELAY_DIALECT, named, _relay_endpoint(provider, relay), relay_rules)
        return replace(request_to_relay, seal=relay.seal)

    return Call(provider, "chat", direct, encode_for_relay, rules, relay_rules, request.model)


def make_models_call(provider: Provider) -> Call:
    """Return the call that asks *provider* for its models."""
    path = provider.entry.models_path
    direct = DIALECTS[provider.dialect].encode_models(_direct_endpoint(provider), path)

    def encode_for_relay(relay: Relay) -> HttpRequest:
        query = f"/models?provider={quote(provider.entry.id, safe='')}"
        return replace(DIALECTS[_RELAY_DIALECT].encode_models(_relay_endpoint(provider, relay), query), seal=relay.seal)

    entry = provider.entry
    return Call(provider, "models", direct, encode_for_relay, entry.rules, entry.relay_rules)


def make_unbillable(provider: Provider) -> Call:
    """Return a chat call that no provider bills: same path, method and header names, and nothing to answer.

    To a browser's CORS check it is the same request (WHATWG Fetch, *CORS-preflight fetch*).
    """
    call = make_chat_call(provider, ChatRequest("none", (), is_stream=False))
    return replace(call, direct=replace(call.direct, body=b"{}"))


def choose_dialect(route: Route, provider: Provider) -> Dialect:
    """Return the dialect that is spoken on *route*: a relay always answers in OpenAI's."""
    return DIALECTS[provider.dialect if route.kind == "direct" else _RELAY_DIALECT]


def _encode_chat(dialect: str, request: ChatRequest, endpoint: Endpoint, rules: WireRules) -> HttpRequest:
    fitted, own_rules = rules.fit(request)
    return DIALECTS[dialect].encode_chat(fitted, endpoint, own_rules)


def _direct_endpoint(provider: Provider) -> Endpoint:
    entry = provider.entry
    # One header more than the provider's preflight allows, and the browser refuses the whole call.
    own = {
        name: value
        for name, value in provider.headers.items()
        if not entry.allowed_headers or name.lower() in entry.allowed_headers
    }
    return Endpoint(provider.base_url, {**entry.headers, **own, **provider.credentials})


def _relay_endpoint(provider: Provider, relay: Relay) -> Endpoint:
    entry = provider.entry
    is_usual = provider.base_url == entry.base_url
    base_url = entry.relay_base_url if entry.relay_base_url and is_usual else provider.base_url
    headers = {"Authorization": f"Bearer {relay.token}", "X-Provider-Base": base_url}
    if provider.api_key:
        headers["X-Provider-Key"] = provider.api_key
    return Endpoint(f"{relay.url}/v1", headers)
