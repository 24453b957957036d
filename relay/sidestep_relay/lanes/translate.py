"""The lane that calls LiteLLM: for providers of other wires than OpenAI's, and for those too if the operator wants it.

What LiteLLM would do on its own, and why it does not here:

* *Retry.* It and its SDKs retry; `max_retries=0` is dropped on some routes. `Upstream` sends once, whatever they try.
* *Judge.* It refuses or renames fields by its own price map. For OpenAI's wire every field beside the model and the
  messages goes through `extra_body`, so the provider judges; nothing in `extra_body` can change where a request goes.
* *Phone home.* It fetches its price map and Anthropic's beta names unless `LITELLM_LOCAL_…` says that it has them.
* *Fetch.* It downloads files that messages name; a limit of 0 MB turns that off, beside the check in `chats`.
* *Embellish.* It turns every finish reason into one of OpenAI's, ends a cut stream with `stop` and counts tokens
  itself. Those three are taken from the wire (`observations`).
* *Log.* It logs prompts at debug level; its loggers are silenced. At each stream's end it hands work to a pool of
  logging threads; no such work is taken. (The pool is made where litellm is imported, which under gevent is a thread of
  its own, and handing it work from another one fails now and then, after the last word of an answer.)
* *Read in a thread.* It reads a stream's refusal in another such pool, and waits five seconds for it in vain. What it
  would read is there already, so it is read in place.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import closing
from typing import Any, ClassVar

import httpx

from sidestep_relay.chats import ChatCall
from sidestep_relay.fields import VENDOR_FIELDS
from sidestep_relay.lanes import LaneName, Whole
from sidestep_relay.lanes.failures import describe_failure, describe_page, describe_unfinished, read_error
from sidestep_relay.observations import Observation
from sidestep_relay.streaming import DONE, write_event, write_json
from sidestep_relay.upstreams import TIMEOUT, Upstream

__all__ = ["TranslateLane", "load_litellm"]

_NO_KEY = "none"
"""Stands where an SDK insists on a key; `Upstream` does not send it. Without it they would take the environment's."""

_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_ANTHROPIC_DISABLE_URL_SUFFIX": "True",
    "LITELLM_LOG": "CRITICAL",
    # It would take the place of what reports exceptions.
    "JSON_LOGS": "False",
    "LOGGING_EXECUTOR_MAX_PENDING_TASKS": "0",
    "MAX_IMAGE_URL_DOWNLOAD_SIZE_MB": "0",
    # A model may well say the same thing a hundred times; LiteLLM takes that for a fault.
    "REPEATED_STREAMING_CHUNK_LIMIT": "1000000000",
}
_LOGGERS = ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router", "openai", "openai._base_client", "httpx", "httpcore")


def load_litellm() -> Any:
    """Import litellm (about 3 s, 160 MB), set up for a relay, and return it."""
    os.environ.update(_ENVIRONMENT)
    import litellm  # noqa: PLC0415 - too slow to be imported with the relay
    from litellm.llms.custom_httpx import http_handler  # noqa: PLC0415 - as above

    litellm.telemetry = False
    litellm.disable_streaming_logging = True
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    litellm.num_retries = 0
    http_handler._STREAMING_ERROR_BODY_READ_EXECUTOR = _InPlace()  # type: ignore[misc, assignment]  # it has no setting
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return litellm


class _InPlace(Executor):
    """Does at once what it is given, and needs no thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class TranslateLane:
    """Sends a chat through LiteLLM.

    *load* returns the litellm module, waiting for it if need be.
    """

    name: ClassVar[LaneName] = "translate"

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load

    def complete(self, call: ChatCall, upstream: Upstream) -> Whole:
        """Return the whole answer as a `chat.completion`.

        Raises:
            RelayError: the relay or the provider said no.
        """
        with closing(upstream):
            response = self._call(call, upstream)
        answer: dict[str, Any] = response.model_dump(exclude_none=True)
        seen = _check_answer(call, upstream)
        for choice in answer.get("choices", []):
            choice["finish_reason"] = seen.finish_reasons.get(choice["index"], choice.get("finish_reason"))
        if seen.usage:
            answer["usage"] = seen.usage
        upstream.usage = answer.get("usage")
        return Whole(write_json(answer))

    def stream(self, call: ChatCall, upstream: Upstream) -> Iterator[bytes | Whole]:
        """Yield nothing (`b""`) when the provider has accepted the request, then an event for each chunk; see `Lane`.

        Raises:
            RelayError: the relay or the provider said no, before or in the middle of the answer.
        """
        with closing(upstream):
            chunks = iter(self._call(call, upstream))
            yield b""
            while (chunk := _next_chunk(chunks, call, upstream)) is not None:
                body: dict[str, Any] = chunk.model_dump(exclude_none=True)
                seen = upstream.observer.seen if upstream.observer else Observation()
                if _is_wanted(body, call, seen):
                    yield write_event(_correct(body, seen))
            _check_answer(call, upstream)
            yield DONE

    def _call(self, call: ChatCall, upstream: Upstream) -> Any:
        litellm = self._load()
        try:
            return litellm.completion(**build_arguments(call, _CLIENTS[call.entry.relay_dialect](call, upstream)))
        except Exception as error:
            raise describe_failure(error, call, upstream) from error


def build_arguments(call: ChatCall, client: Any) -> dict[str, Any]:
    """Return the keyword arguments of `litellm.completion` for *call*."""
    path = _CHAT_PATHS.get(call.entry.relay_dialect, "")
    arguments: dict[str, Any] = {
        "model": f"{call.entry.litellm_route}/{call.model}",
        "messages": call.messages,
        "api_base": call.base_url + path,
        "api_key": call.key or _NO_KEY,
        "client": client,
        "stream": call.is_stream,
        "timeout": TIMEOUT,
        "max_retries": 0,
        # Without it tools need a package that is not installed.
        "_skip_mcp_handler": True,
        **_OWN_ARGUMENTS.get(call.entry.relay_dialect, {}),
    }
    if call.is_stream and call.stream_options:
        arguments["stream_options"] = dict(call.stream_options)
    vendor = VENDOR_FIELDS.get(call.entry.relay_dialect)
    if vendor is None:
        return {**arguments, "extra_body": dict(call.fields)}
    passed = [name for name in call.fields if name in vendor]
    return {**call.fields, **arguments, "allowed_openai_params": passed}


def _make_openai_client(call: ChatCall, upstream: Upstream) -> Any:
    import openai  # noqa: PLC0415 - comes with litellm, and is as slow

    http = httpx.Client(transport=upstream, timeout=TIMEOUT, trust_env=False)
    return openai.OpenAI(api_key=call.key or _NO_KEY, base_url=call.base_url, http_client=http, max_retries=0)


def _make_handler(call: ChatCall, upstream: Upstream) -> Any:
    from litellm.llms.custom_httpx.http_handler import HTTPHandler  # noqa: PLC0415 - as above

    return HTTPHandler(client=httpx.Client(transport=upstream, timeout=TIMEOUT, trust_env=False))


_CLIENTS: Mapping[str, Callable[[ChatCall, Upstream], Any]] = {
    "openai_chat": _make_openai_client,
    "anthropic": _make_handler,
    "bedrock_converse": _make_handler,
}
_CHAT_PATHS = {"anthropic": "/messages"}
"""What LiteLLM wants as a part of the base URL."""

_OWN_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    # Only signatures need a region. Left out, it and more would be taken from the relay's own AWS settings.
    "bedrock_converse": {"aws_region_name": "us-east-1"},
}


def _next_chunk(chunks: Iterator[Any], call: ChatCall, upstream: Upstream) -> Any:
    try:
        return next(chunks, None)
    except Exception as error:
        raise describe_failure(error, call, upstream) from error


def _is_wanted(body: dict[str, Any], call: ChatCall, seen: Observation) -> bool:
    """Leave out an end that the provider did not send, and token counts that LiteLLM made up."""
    choices = body.get("choices") or []
    if any(choice.get("finish_reason") for choice in choices):
        return seen.is_finished
    if "usage" in body and call.entry.relay_dialect not in VENDOR_FIELDS:
        return seen.usage is not None
    return True


def _correct(body: dict[str, Any], seen: Observation) -> dict[str, Any]:
    for choice in body.get("choices") or []:
        is_end = bool(choice.get("finish_reason"))
        choice["finish_reason"] = seen.finish_reasons.get(choice["index"], choice["finish_reason"]) if is_end else None
    if "usage" in body:
        body["usage"] = seen.usage or body["usage"]
        # OpenAI's form of the last chunk: token counts and no choice.
        if not any(choice.get("delta") or choice["finish_reason"] for choice in body.get("choices") or []):
            body["choices"] = []
    return body


def _check_answer(call: ChatCall, upstream: Upstream) -> Observation:
    """Return what was seen of an answer that LiteLLM takes for whole, if it is."""
    if upstream.observer is None:
        return Observation(is_finished=True)
    seen = upstream.observer.seen
    upstream.usage = seen.usage if seen.total_tokens is None else {"total_tokens": seen.total_tokens}
    if seen.error:
        raise read_error(seen.error, call, status=None)
    if upstream.is_html:
        raise describe_page(call)
    if not seen.is_finished:
        raise describe_unfinished(call)
    return seen
