"""Ollama on one's own computer: two wires, no key, and no answer to pages from elsewhere."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.providers import OpenProvider
from tests.fakes.servers import Answer, Recorded, Reply, Stream
from tests.fakes.wires import split_words, write_line

_OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "0.0.0.0"})  # noqa: S104 - names in an Origin, nothing is bound


class OllamaProvider(OpenProvider):
    """Like Ollama: OpenAI's wire under `/v1`, its own lines of JSON under `/api`; a foreign origin gets a bare 403."""

    default_key = ""
    default_models = ("gull:1b",)

    def __init__(self, key: str | None = None) -> None:
        super().__init__(key)
        self.allowed_origins: set[str] = set()
        """What `OLLAMA_ORIGINS` would hold."""

    def preflight(self, request: Recorded) -> Answer:
        if self._is_foreign(request):
            return Reply(403)
        headers = "Authorization, Content-Type, User-Agent, Accept, X-Requested-With"
        allowed = {"Access-Control-Allow-Methods": "GET, POST, OPTIONS", "Access-Control-Allow-Headers": headers}
        return Reply(204, headers={**self.cors_headers(request, 204), **allowed})

    def cors_headers(self, request: Recorded, status: int) -> Mapping[str, str]:
        origin = request.headers.get("origin", "")
        return {} if not origin or self._is_foreign(request) else {"Access-Control-Allow-Origin": origin}

    def refuse(self, request: Recorded) -> Reply | None:
        return Reply(403) if self._is_foreign(request) else None

    def respond(self, request: Recorded) -> Answer:
        """Answer at the paths of both wires."""
        if not request.path.startswith("/api/"):
            return super().respond(request)
        if refusal := self.refuse(request):
            return refusal
        match request.method, request.path:
            case "GET", "/api/tags":
                return Reply(200, {"models": [{"name": name, "model": name, "size": 1} for name in self.models]})
            case "POST", "/api/chat":
                return self._chat(request.json)
            case _:
                return Reply(404, b"404 page not found")

    def _is_foreign(self, request: Recorded) -> bool:
        origin = request.headers.get("origin", "")
        return bool(origin) and urlsplit(origin).hostname not in _OWN_HOSTS and origin not in self.allowed_origins

    def _chat(self, asked: dict[str, Any]) -> Answer:
        if asked.get("model") not in self.models:
            return Reply(404, {"error": f"model '{asked.get('model')}' not found"})
        if asked.get("stream", True):
            return Stream(self.write_lines(asked["model"]), content_type="application/x-ndjson")
        message = {"content": self.text, **({"thinking": self.reasoning} if self.reasoning else {})}
        return Reply(200, self._line(asked["model"], {**message, **self._calls()}, is_last=True))

    def write_lines(self, model: str) -> Iterator[bytes]:
        """Yield the lines of a streamed answer."""
        for word in split_words(self.reasoning) if self.reasoning else []:
            yield write_line(self._line(model, {"content": "", "thinking": word}))
        for word in split_words(self.text):
            yield write_line(self._line(model, {"content": word}))
        if self.tool_calls:
            yield write_line(self._line(model, {"content": "", **self._calls()}))
        yield write_line(self._line(model, {"content": ""}, is_last=True))

    def _calls(self) -> dict[str, Any]:
        rows = [{"function": {"name": call.name, "arguments": call.arguments}} for call in self.tool_calls]
        return {"tool_calls": rows} if rows else {}

    def _line(self, model: str, message: dict[str, Any], *, is_last: bool = False) -> dict[str, Any]:
        line = {"model": model, "message": {"role": "assistant", **message}, "done": is_last}
        return {**line, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 5} if is_last else line
