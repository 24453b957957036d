"""The kinds of provider a page meets: open, closed to browsers, open on request, open until it errs."""

import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from tests.fakes.refusals import find_refusal
from tests.fakes.schemas import find_problem
from tests.fakes.servers import Answer, FakeServer, Recorded, Reply, Stream
from tests.fakes.wires import DONE, make_usage, split_words, write_chunk, write_event

_OPEN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After, X-Request-Id"}


def _allow_preflight(request: Recorded) -> Reply:
    return Reply(
        204,
        headers={
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
            "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", ""),
        },
    )


class FakeCall(NamedTuple):
    """A call of a tool that a fake asks for."""

    id: str
    name: str
    arguments: dict[str, Any]

    @property
    def text(self) -> str:
        """The arguments as text."""
        return json.dumps(self.arguments, ensure_ascii=False)

    @property
    def pieces(self) -> tuple[str, str]:
        """The arguments' text in two pieces, torn inside."""
        return self.text[:3], self.text[3:]


class BaseProvider(FakeServer):
    """What the kinds share: a key, models, one path for chat; the text, reasoning and tool calls of the answers.

    With *is_strict*, a request that the vendor's published schema refuses is refused.
    """

    schema: ClassVar[str] = ""
    is_strict = False
    prefix = "/v1"
    chat_path = "/chat/completions"
    default_key = "sk-fake"
    default_models: tuple[str, ...] = ("fake-small", "fake-large")

    def __init__(self, key: str | None = None) -> None:
        super().__init__()
        self.key = key if key is not None else self.default_key
        self.models: list[str] = list(self.default_models)
        self.text = f"Grüße from {type(self).__name__}. ✓"
        self.reasoning = ""
        self.tool_calls: list[FakeCall] = []

    @property
    def base_url(self) -> str:
        """The base URL to configure, without a trailing slash."""
        return self.origin + self.prefix

    def respond(self, request: Recorded) -> Answer:
        if refusal := self.refuse(request):
            return refusal
        match request.method, request.path:
            case "GET", path if path == f"{self.prefix}/models":
                return Reply(200, self.list_models())
            case "POST", path if path == f"{self.prefix}{self.chat_path}":
                return self.check(request) or self.complete(request)
            case _:
                return Reply(404, "<html><body>404 page not found</body></html>")

    def check(self, request: Recorded) -> Reply | None:
        """Return a refusal if the model does not take the request, or this fake is strict and the vendor does not."""
        problem = find_problem(self.schema, request.json) if self.is_strict else ""
        problem = problem or find_refusal(request.json)
        return self.refuse_field(*problem.split(": ", 1)) if problem else None

    def refuse_field(self, place: str, words: str) -> Reply:
        """Return the error for a field that is unknown, missing or wrong."""
        raise NotImplementedError

    def refuse(self, request: Recorded) -> Reply | None:
        """Return an error if the request's key or headers are wrong."""
        raise NotImplementedError

    def list_models(self) -> dict[str, Any]:
        rows = [{"id": name, "object": "model", "owned_by": "fake"} for name in self.models]
        return {"object": "list", "data": rows}

    def complete(self, request: Recorded) -> Answer:
        """Return the usual answer to a chat request whose key is right."""
        raise NotImplementedError


class OpenProvider(BaseProvider):
    """Like OpenAI: open to every page, errors included."""

    schema = "openai_chat"
    default_key = "sk-open"

    def error(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        **headers: str,
    ) -> Reply:
        """Return an error in OpenAI's shape; *headers* with `_` for `-`."""
        body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
        return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def refuse_field(self, place: str, words: str) -> Reply:
        return self.error(400, f"Invalid parameter '{place}': {words}.", code="invalid_parameter")

    def preflight(self, request: Recorded) -> Answer:
        return _allow_preflight(request)

    def cors_headers(self, request: Recorded, status: int) -> Mapping[str, str]:
        return _OPEN

    def refuse(self, request: Recorded) -> Reply | None:
        if hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {self.key}"):
            return None
        return self.error(401, "Incorrect API key provided: sk-…", code="invalid_api_key")

    def complete(self, request: Recorded) -> Answer:
        asked = request.json
        if asked.get("model") not in self.models:
            message = f"The model `{asked.get('model')}` does not exist or you do not have access to it."
            return self.error(404, message, code="model_not_found")
        if asked.get("stream"):
            wants_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
            return Stream(self.write_stream(asked["model"], wants_usage))
        return Reply(200, self.write_whole(asked["model"]))

    def write_stream(self, model: str, wants_usage: bool) -> Iterator[bytes]:
        """Yield the events of a streamed answer."""
        yield write_chunk({"role": "assistant", "content": ""}, model=model)
        for word in split_words(self.reasoning) if self.reasoning else []:
            yield write_chunk({"reasoning_content": word}, model=model)
        for word in split_words(self.text):
            yield write_chunk({"content": word}, model=model)
        yield from self.write_calls(model)
        yield write_chunk({}, finish_reason=self.end, model=model)
        if wants_usage:
            yield write_chunk(choices=[], usage=make_usage(), model=model)
        yield DONE

    def write_calls(self, model: str) -> Iterator[bytes]:
        """Yield the chunks of the tool calls, each in two pieces."""
        for index, call in enumerate(self.tool_calls):
            first, rest = call.pieces
            opened = {"index": index, "id": call.id, "type": "function"}
            named = {"name": call.name, "arguments": first}
            yield write_chunk({"tool_calls": [{**opened, "function": named}]}, model=model)
            yield write_chunk({"tool_calls": [{"index": index, "function": {"arguments": rest}}]}, model=model)

    def write_whole(self, model: str) -> dict[str, Any]:
        """Return the body of an answer that is not streamed."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if self.tool_calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text}}
                for call in self.tool_calls
            ]
        return {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": self.end}],
            "usage": make_usage(),
        }

    @property
    def end(self) -> str:
        """The finish reason of the answers."""
        return "tool_calls" if self.tool_calls else "stop"


class StrictOpenAIProvider(OpenProvider):
    """Like OpenAI, and refuses what the published schema does not know, as providers with closed schemas do."""

    is_strict = True


class MistralProvider(OpenProvider):
    """Like Mistral: 422 to fields it does not know, thoughts as parts of the content, usage on the last chunk."""

    schema = "mistral"
    is_strict = True
    default_key = "mistral-fake"

    def preflight(self, request: Recorded) -> Answer:
        asked = request.headers.get("access-control-request-headers", "").lower().replace(" ", "").split(",")
        return _allow_preflight(request) if {*asked} <= {"", "authorization", "content-type"} else Reply(403)

    def refuse_field(self, place: str, words: str) -> Reply:
        kind = "extra_forbidden" if words == "unknown field" else "value_error"
        detail = [{"type": kind, "loc": place.split("."), "msg": words}]
        return Reply(422, {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error"})

    def write_stream(self, model: str, wants_usage: bool) -> Iterator[bytes]:
        yield write_chunk({"role": "assistant", "content": ""}, model=model)
        for word in split_words(self.reasoning) if self.reasoning else []:
            thought = {"type": "thinking", "thinking": [{"type": "text", "text": word}]}
            yield write_chunk({"content": [thought]}, model=model)
        for word in split_words(self.text):
            yield write_chunk({"content": word}, model=model)
        yield from self.write_calls(model)
        yield write_chunk({"content": ""}, finish_reason=self.end, usage=make_usage(), model=model)
        yield DONE


class HidesErrorsProvider(OpenProvider):
    """Open to every page as long as all is well; its errors carry no CORS headers: no page can read them."""

    default_key = "sk-hides"

    def cors_headers(self, request: Recorded, status: int) -> Mapping[str, str]:
        return _OPEN if status < 400 else {}


class ZaiProvider(OpenProvider):
    """Like Z.ai: no CORS anywhere, codes as strings, the role in every chunk, usage on the last chunk."""

    prefix = "/api/coding/paas/v4"
    default_key = "zai-fake.key"
    default_models = ("glm-4.6", "glm-4.5-air")

    def __init__(self, key: str | None = None) -> None:
        super().__init__(key)
        self.reasoning = "The user greets. Greet back."
        self.finish_reason = ""
        """Instead of the usual one, such as `network_error`."""

    def zai_error(self, status: int, code: str, message: str, **headers: str) -> Reply:
        """Return an error in Z.ai's shape: a string *code*, no type."""
        body = {"error": {"code": code, "message": message}}
        return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def preflight(self, request: Recorded) -> Answer:
        return Reply(200)

    def cors_headers(self, request: Recorded, status: int) -> Mapping[str, str]:
        return {}

    def refuse(self, request: Recorded) -> Reply | None:
        if hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {self.key}"):
            return None
        return self.zai_error(401, "1000", "Authentication Failed")

    def complete(self, request: Recorded) -> Answer:
        asked = request.json
        if asked.get("model") not in self.models:
            return self.zai_error(400, "1211", "Unknown Model, please check the model code.")
        if asked.get("stream"):
            return Stream(self.write_stream(asked["model"], wants_usage=True))
        return Reply(200, self.write_whole(asked["model"]))

    def write_stream(self, model: str, wants_usage: bool) -> Iterator[bytes]:
        for word in split_words(self.reasoning) if self.reasoning else []:
            yield write_chunk({"role": "assistant", "reasoning_content": word}, model=model)
        for word in split_words(self.text):
            yield write_chunk({"role": "assistant", "content": word}, model=model)
        yield from self.write_calls(model)
        yield write_chunk(
            {"role": "assistant", "content": ""},
            finish_reason=self.finish_reason or self.end,
            usage=make_usage(),
            model=model,
        )
        yield DONE


class AnthropicProvider(BaseProvider):
    """Like Anthropic: named events, its own key header, open to a page only if a header asks for that."""

    schema = "anthropic"
    chat_path = "/messages"
    default_key = "sk-ant-fake"
    default_models = ("claude-fake",)
    browser_header = "anthropic-dangerous-direct-browser-access"
    signature = "c2lnbmVkLWJ5LWEtZmFrZQ=="

    def error(self, status: int, kind: str, message: str, **headers: str) -> Reply:
        """Return an error in Anthropic's shape, such as kind `rate_limit_error`."""
        body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"}
        return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def refuse_field(self, place: str, words: str) -> Reply:
        return self.error(400, "invalid_request_error", f"{place.removeprefix('body.')}: {words}")

    def preflight(self, request: Recorded) -> Answer:
        if self.browser_header in request.headers.get("access-control-request-headers", "").lower():
            return _allow_preflight(request)
        return Reply(401)

    def cors_headers(self, request: Recorded, status: int) -> Mapping[str, str]:
        return _OPEN if self.browser_header in request.headers else {}

    def refuse(self, request: Recorded) -> Reply | None:
        if "anthropic-version" not in request.headers:
            return self.error(400, "invalid_request_error", "anthropic-version: header is required")
        # The key has a header of its own; the vendor's SDK sends it the usual way.
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(request.headers.get("x-api-key", bearer), self.key):
            return None
        return self.error(401, "authentication_error", "invalid x-api-key")

    def list_models(self) -> dict[str, Any]:
        data = [{"type": "model", "id": name, "display_name": name.title()} for name in self.models]
        return {"data": data, "has_more": False, "first_id": self.models[0], "last_id": self.models[-1]}

    def complete(self, request: Recorded) -> Answer:
        asked = request.json
        if asked.get("model") not in self.models:
            return self.error(404, "not_found_error", f"model: {asked.get('model')}")
        if asked.get("stream"):
            return Stream(self.write_stream(asked["model"]))
        return Reply(200, self.write_whole(asked["model"]))

    def write_stream(self, model: str) -> Iterator[bytes]:
        """Yield the events of a streamed answer."""
        yield self.open_message(model)
        yield write_event({"type": "ping"}, "ping")
        for index, (block, delta, field, text) in enumerate(self._blocks()):
            opened = {"type": block, field: ""}
            start = {"type": "content_block_start", "index": index, "content_block": opened}
            yield write_event(start, "content_block_start")
            for word in split_words(text):
                piece = {"type": "content_block_delta", "index": index, "delta": {"type": delta, field: word}}
                yield write_event(piece, "content_block_delta")
            if block == "thinking":
                signed = {"type": "signature_delta", "signature": self.signature}
                yield write_event(
                    {"type": "content_block_delta", "index": index, "delta": signed}, "content_block_delta"
                )
            yield write_event({"type": "content_block_stop", "index": index}, "content_block_stop")
        for index, call in enumerate(self.tool_calls, len(self._blocks())):
            yield from self._write_call(call, index)
        end = {"type": "message_delta", "delta": {"stop_reason": self.end, "stop_sequence": None}}
        yield write_event({**end, "usage": {"output_tokens": 5}}, "message_delta")
        yield write_event({"type": "message_stop"}, "message_stop")

    def _write_call(self, call: FakeCall, index: int) -> Iterator[bytes]:
        opened = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        start = {"type": "content_block_start", "index": index, "content_block": opened}
        yield write_event(start, "content_block_start")
        for text in call.pieces:
            delta = {"type": "input_json_delta", "partial_json": text}
            yield write_event({"type": "content_block_delta", "index": index, "delta": delta}, "content_block_delta")
        yield write_event({"type": "content_block_stop", "index": index}, "content_block_stop")

    @property
    def end(self) -> str:
        """The stop reason of the answers."""
        return "tool_use" if self.tool_calls else "end_turn"

    def open_message(self, model: str) -> bytes:
        """Return the `message_start` event."""
        message = {**self.write_whole(model), "content": [], "stop_reason": None}
        message["usage"] = {"input_tokens": 7, "output_tokens": 1}
        return write_event({"type": "message_start", "message": message}, "message_start")

    def write_whole(self, model: str) -> dict[str, Any]:
        """Return the body of an answer that is not streamed."""
        blocks: list[dict[str, Any]] = [{"type": block, field: text} for block, _, field, text in self._blocks()]
        if self.reasoning:
            blocks[0]["signature"] = self.signature
        calls = [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in self.tool_calls
        ]
        return {
            "id": "msg_fake",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [*blocks, *calls],
            "stop_reason": self.end,
            "stop_sequence": None,
            "usage": {"input_tokens": 7, "output_tokens": 5},
        }

    def _blocks(self) -> list[tuple[str, str, str, str]]:
        thinking = [("thinking", "thinking_delta", "thinking", self.reasoning)] if self.reasoning else []
        return [*thinking, ("text", "text_delta", "text", self.text)]
