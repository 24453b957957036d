"""The lane of plugins: calls an operator's own code through LiteLLM, which knows it as a custom provider.

There is no wire to read along, so the plugin is believed: its finish reasons, its token counts. LiteLLM's wrapper of a
stream is opened and left aside: it ends a stream that broke off as if it were whole, and closes nothing.

Of a plugin's exception its kind and status are told, never its words, which can hold a key or a prompt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, ClassVar

from sidestep_relay.chats import ChatCall
from sidestep_relay.errors import RelayError, make_provider_error, read_provider_error
from sidestep_relay.lanes import LaneName, Whole
from sidestep_relay.lanes.failures import describe_nonsense, describe_unfinished
from sidestep_relay.streaming import DONE, write_event, write_json
from sidestep_relay.upstreams import Upstream

__all__ = ["PluginLane"]

_STATUSES = range(400, 600)


class PluginLane:
    """Sends a chat to a plugin. *load* returns the litellm module, waiting for it if need be."""

    name: ClassVar[LaneName] = "plugin"

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load

    def complete(self, call: ChatCall, upstream: Upstream) -> Whole:
        """Return the whole answer as a `chat.completion`.

        Raises:
            RelayError: the plugin said no, or something that is no answer.
        """
        answer = _dump(self._call(call, upstream), call)
        if not isinstance(answer.get("choices"), list):
            raise describe_nonsense(call)
        upstream.usage = _read_usage(answer.get("usage"))
        return Whole(_write(answer, call, write_json))

    def stream(self, call: ChatCall, upstream: Upstream) -> Iterator[bytes | Whole]:
        """Yield nothing (`b""`) when the plugin has begun, then an event for each chunk; see `Lane`.

        Raises:
            RelayError: the plugin said no, broke off, or said something that is no chunk.
        """
        made = getattr(self._call(call, upstream), "completion_stream", None)
        if not isinstance(made, Iterator):
            raise describe_nonsense(call)
        writer = _Writer(call)
        with closing(_Closing(made)):
            yield b""
            while (chunk := _take(made, call)) is not None:
                yield _write(writer.read(chunk), call, write_event)
            upstream.usage = writer.usage
            if not writer.is_finished:
                raise describe_unfinished(call)
            if writer.usage and call.stream_options.get("include_usage"):
                yield _write({**writer.head, "choices": [], "usage": writer.usage}, call, write_event)
            yield DONE

    def _call(self, call: ChatCall, upstream: Upstream) -> Any:
        litellm = self._load()
        try:
            return litellm.completion(**build_arguments(call, upstream.timeout))
        except (Exception, SystemExit) as error:
            raise _describe(error, call) from error


def build_arguments(call: ChatCall, timeout: Any) -> dict[str, Any]:
    """Return the keyword arguments of `litellm.completion` for *call*."""
    return {
        **call.fields,
        "model": f"{call.entry.litellm_route}/{call.model}",
        "messages": call.messages,
        "api_key": call.key or None,
        "stream": call.is_stream,
        "timeout": timeout,
        "max_retries": 0,
        # What a plugin understands is for it to say.
        "allowed_openai_params": list(call.fields),
        "_skip_mcp_handler": True,
    }


class _Writer:
    """Makes OpenAI's chunks of LiteLLM's generic ones, and remembers what they said.

    Attributes:
        head: what every chunk begins with.
        usage: the last token counts, or None.
        is_finished: whether the plugin said that the answer was whole.
    """

    def __init__(self, call: ChatCall) -> None:
        self.head = {
            "id": f"chatcmpl-{time.time_ns():x}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": call.model,
        }
        self.usage: dict[str, Any] | None = None
        self.is_finished = False
        self._call = call

    def read(self, chunk: Any) -> dict[str, Any]:
        """Return *chunk* as one of OpenAI's."""
        body = chunk if isinstance(chunk, dict) else _dump(chunk, self._call)
        self.usage = _read_usage(body.get("usage")) or self.usage
        if isinstance(body.get("choices"), list):
            # Already in OpenAI's form.
            choices = [choice for choice in body["choices"] if isinstance(choice, dict)]
            self.is_finished |= any(choice.get("finish_reason") for choice in choices)
            return body
        text, index = body.get("text"), body.get("index", 0)
        if not isinstance(text, str) or not isinstance(index, int):
            raise describe_nonsense(self._call)
        is_end = bool(body.get("is_finished"))
        self.is_finished |= is_end
        delta: dict[str, Any] = {"content": text} if text else {}
        if body.get("tool_use"):
            delta["tool_calls"] = [body["tool_use"]]
        reason = (body.get("finish_reason") or "stop") if is_end else None
        return {**self.head, "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}


class _Closing:
    """Closes a plugin's iterator if it can be closed: so its `finally` runs as soon as nobody wants the answer."""

    def __init__(self, made: Iterator[Any]) -> None:
        self._close = getattr(made, "close", None)

    def close(self) -> None:
        if callable(self._close):
            self._close()


def _take(made: Iterator[Any], call: ChatCall) -> Any:
    try:
        return next(made, None)
    except (Exception, SystemExit) as error:
        raise _describe(error, call) from error


def _dump(made: Any, call: ChatCall) -> dict[str, Any]:
    dump = getattr(made, "model_dump", None)
    dumped = dump(exclude_none=True) if callable(dump) else None
    if not isinstance(dumped, dict):
        raise describe_nonsense(call)
    return dumped


def _write(body: Mapping[str, Any], call: ChatCall, write: Callable[[Mapping[str, Any]], bytes]) -> bytes:
    try:
        return write(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise describe_nonsense(call) from error


def _read_usage(usage: Any) -> dict[str, Any] | None:
    dumped = usage.model_dump(exclude_none=True) if hasattr(usage, "model_dump") else usage
    return dict(dumped) if isinstance(dumped, dict) and dumped else None


def _describe(error: BaseException, call: ChatCall) -> RelayError:
    """Return the relay's error for what a plugin raised; LiteLLM wraps it, so the innermost status counts."""
    kinds: list[str] = []
    status: int | None = None
    cause: BaseException | None = error
    while cause is not None and len(kinds) < 10:  # noqa: PLR2004 - a chain can be a ring
        kinds.append(type(cause).__name__)
        found = getattr(cause, "status_code", None)
        status = found if isinstance(found, int) and found in _STATUSES else status
        cause = cause.__cause__ or cause.__context__
    name = call.entry.name
    if status is None or status == 500:  # noqa: PLR2004 - what LiteLLM calls everything that it does not know
        return make_provider_error("server", f"{name}, a plugin of this relay, failed ({kinds[-1]}).")
    return read_provider_error(b"", name=name, status=status, error_codes={}, secrets=(call.key,))
