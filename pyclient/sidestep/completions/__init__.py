"""`acompletion` with LiteLLM's signature, results and errors, so that code written for it runs in a browser.

Example::

    response = await sidestep.acompletion(model="zai/glm-4.6", messages=messages, stream=True, api_key="…")
    async for chunk in response:
        print(chunk.choices[0].delta.content or "", end="")

What each of LiteLLM's arguments becomes is in docs/litellm.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Literal, Protocol, Unpack, overload, runtime_checkable

from sidestep.client import Client
from sidestep.completions.failures import (
    NAMES,
    APIConnectionError,
    APIError,
    AuthenticationError,
    BadRequestError,
    CompletionError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceUnavailableError,
    Timeout,
    UnsupportedParamsError,
    translate_error,
)
from sidestep.completions.histories import restore_messages
from sidestep.completions.parameters import FATES, CompletionParameters, read_parameters, wants_usage
from sidestep.completions.providers import Target, find_target, find_target_in
from sidestep.completions.responses import ModelResponse, ModelResponseStream
from sidestep.completions.streams import CompletionStream, open_stream
from sidestep.config import Relay
from sidestep.errors import ConfigurationError, SidestepError
from sidestep.messages import Messages
from sidestep.routing.retries import RetryPolicy
from sidestep.transports import Transport, choose_transport

__all__ = [
    "FATES",
    "NAMES",
    "APIConnectionError",
    "APIError",
    "AuthenticationError",
    "BadRequestError",
    "CompletionError",
    "CompletionParameters",
    "CompletionStream",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "InternalServerError",
    "ModelResponse",
    "ModelResponseStream",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServiceUnavailableError",
    "Timeout",
    "UnsupportedParamsError",
    "acompletion",
]

_OF_A_CLIENT = ("api_key", "api_base", "base_url", "extra_headers", "timeout", "num_retries", "max_retries")
_SILENCE = 600.0  # seconds; LiteLLM's own default


@runtime_checkable
class _Closable(Protocol):
    """A transport that holds connections."""

    async def aclose(self) -> None:
        """Close them."""


@overload
async def acompletion(
    model: str,
    messages: Messages,
    *,
    stream: Literal[True],
    client: Client | None = ...,
    relays: Iterable[Relay] = ...,
    transport: Transport | None = ...,
    **parameters: Unpack[CompletionParameters],
) -> CompletionStream: ...


@overload
async def acompletion(
    model: str,
    messages: Messages,
    *,
    stream: Literal[False] | None = ...,
    client: Client | None = ...,
    relays: Iterable[Relay] = ...,
    transport: Transport | None = ...,
    **parameters: Unpack[CompletionParameters],
) -> ModelResponse: ...


@overload
async def acompletion(
    model: str,
    messages: Messages,
    *,
    stream: bool | None,
    client: Client | None = ...,
    relays: Iterable[Relay] = ...,
    transport: Transport | None = ...,
    **parameters: Unpack[CompletionParameters],
) -> ModelResponse | CompletionStream: ...


async def acompletion(
    model: str,
    messages: Messages,
    *,
    stream: bool | None = None,
    client: Client | None = None,
    relays: Iterable[Relay] = (),
    transport: Transport | None = None,
    **parameters: Unpack[CompletionParameters],
) -> ModelResponse | CompletionStream:
    """Ask a model, as `litellm.acompletion` does: directly where it is allowed, through a relay where not.

    Args:
        model: LiteLLM's id, `provider/model`.
        messages: the conversation in OpenAI's form; the messages of earlier answers may stand in it as they are.
        stream: whether to return a stream of chunks.
        client: whom to ask with, instead of a client for this one call; it brings its keys, its relays, and what it
            learned of the ways.
        relays: where this one call may take a detour; each may see its key.
        transport: how bytes travel; for calls that share connections, and for tests.
        parameters: LiteLLM's own: `api_key`, `api_base`, `temperature`, `tools` and the others (docs/litellm.md).

    Raises:
        CompletionError: whatever went wrong; each kind has LiteLLM's name (`sidestep.completions`).
    """
    given: Mapping[str, Any] = parameters
    target: Target | None = None
    try:
        async with AsyncExitStack() as stack:
            relays = tuple(relays)
            target = _find_target(model, given, client, has_relays=bool(relays))
            chat = read_parameters(target.provider, target.model, given)
            if client is None:
                client = _make_client(target, given, relays, transport, stack)
            elif relays or transport:
                raise _describe_excess("relays" if relays else "transport")
            events = client.stream(f"{target.provider.id}/{target.model}", restore_messages(messages), **chat)
            stack.push_async_callback(events.aclose)
            opened = await open_stream(events, target, stack, asked=model, has_usage=wants_usage(given))
        return opened if stream else await opened.collect()
    except CompletionError:
        raise
    except SidestepError as error:
        provider = target.llm_provider if target else ""
        raise translate_error(error, llm_provider=provider, model=model) from error


def _find_target(model: str, given: Mapping[str, Any], client: Client | None, *, has_relays: bool) -> Target:
    llm_provider = given.get("custom_llm_provider") or ""
    if client is None:
        return find_target(
            model,
            llm_provider=llm_provider,
            api_key=given.get("api_key") or "",
            api_base=given.get("api_base") or given.get("base_url") or "",
            headers=given.get("extra_headers"),
            has_relays=has_relays,
        )
    if excess := next((name for name in _OF_A_CLIENT if given.get(name) is not None), ""):
        raise _describe_excess(excess)
    return find_target_in(client.config, model, llm_provider=llm_provider)


def _make_client(
    target: Target,
    given: Mapping[str, Any],
    relays: Iterable[Relay],
    transport: Transport | None,
    stack: AsyncExitStack,
) -> Client:
    """Return a client for one call; a transport of its own is closed with *stack*."""
    silence = _read_number(given, "timeout", _SILENCE)
    usual = RetryPolicy()
    attempts = _read_number(given, "num_retries", _read_number(given, "max_retries", usual.attempts))
    if transport is None:
        transport = choose_transport()
        if isinstance(transport, _Closable):
            stack.push_async_callback(transport.aclose)
    retries = replace(usual, attempts=int(attempts))
    return Client([target.provider], relays, transport=transport, silence=silence, retries=retries)


def _read_number(given: Mapping[str, Any], name: str, usual: float) -> float:
    value = usual if given.get(name) is None else given[name]
    if not isinstance(value, int | float) or value < 0:
        raise ConfigurationError(f"{name} is a number.", field=name)
    return value


def _describe_excess(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} cannot be said beside client: a client has its own.",
        field=name,
        remedy="Make the client with it, or leave client out.",
    )
