"""Gemini's native wire, as a page meets it: open, but to three request headers only."""

import hmac
from collections.abc import Iterator, Mapping
from typing import Any

from tests.fakes.providers import BaseProvider
from tests.fakes.servers import Answer, Recorded, Reply, Stream
from tests.fakes.wires import split_words, write_event

_LET_PASS = frozenset({"", "content-type", "x-goog-api-key", "x-goog-api-client"})


class GeminiProvider(BaseProvider):
    """Like Gemini: the model in the address, no `[DONE]`, usage in every chunk, any other header 403 at preflight."""

    schema = "gemini"
    is_strict = True
    prefix = "/v1beta"
    default_key = "AIza-fake-key"
    default_models = ("gemini-fake", "gemini-fake-pro")
    signature = "Z2VtaW5pLXNpZ25lZA=="

    def error(self, status: int, word: str, message: str) -> Reply:
        """Return an error in Google's shape, such as *word* `INVALID_ARGUMENT`."""
        return Reply(status, {"error": {"code": status, "message": message, "status": word}})

    def preflight(self, request: Recorded) -> Answer:
        asked = request.headers.get("access-control-request-headers", "").lower().replace(" ", "")
        if not {*asked.split(",")} <= _LET_PASS:
            return Reply(403)
        allowed = {"Access-Control-Allow-Methods": "GET, POST, OPTIONS", "Access-Control-Allow-Headers": asked}
        return Reply(200, headers={**self.cors_headers(request, 200), **allowed})

    def cors_headers(self, request: Recorded, status: int) -> Mapping[str, str]:
        origin = request.headers.get("origin", "")
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin else {}

    def refuse(self, request: Recorded) -> Reply | None:
        if hmac.compare_digest(request.headers.get("x-goog-api-key", ""), self.key):
            return None
        return self.error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")

    def refuse_field(self, place: str, words: str) -> Reply:
        return self.error(400, "INVALID_ARGUMENT", f"Invalid JSON payload received at '{place}': {words}")

    def respond(self, request: Recorded) -> Answer:
        """Answer at the paths of this wire: the method stands behind the model's name."""
        name, _, method = request.path.removeprefix(f"{self.prefix}/models/").partition(":")
        if request.method == "GET" or method not in {"generateContent", "streamGenerateContent"}:
            return super().respond(request)
        if refusal := self.refuse(request) or self.check(request):
            return refusal
        if name not in self.models:
            return self.error(404, "NOT_FOUND", f"models/{name} is not found for API version v1beta.")
        if method == "generateContent":
            return Reply(200, self.write_whole(name))
        if request.query != "alt=sse":
            return Reply(200, [self.write_whole(name)])
        return Stream(self.write_stream(name))

    def list_models(self) -> dict[str, Any]:
        methods = ["generateContent", "countTokens"]
        rows = [
            {"name": f"models/{name}", "displayName": name.title(), "supportedGenerationMethods": methods}
            for name in self.models
        ]
        embedder = {"name": "models/embed-fake", "supportedGenerationMethods": ["embedContent"]}
        return {"models": [*rows, embedder]}

    def write_stream(self, model: str) -> Iterator[bytes]:
        """Yield the events of a streamed answer."""
        parts: list[dict[str, Any]] = [{"text": word, "thought": True} for word in split_words(self.reasoning) if word]
        for part in [*parts, *({"text": word} for word in split_words(self.text)), *self._call_parts()]:
            yield write_event(self._chunk(model, [part]))
        last = [{"text": "", "thoughtSignature": self.signature}] if self.reasoning else [{"text": ""}]
        yield write_event(self._chunk(model, last, finish="STOP"))

    def write_whole(self, model: str) -> dict[str, Any]:
        """Return the body of an answer that is not streamed."""
        thoughts = [{"text": self.reasoning, "thought": True}] if self.reasoning else []
        signed = {"thoughtSignature": self.signature} if self.reasoning else {}
        return self._chunk(model, [*thoughts, {"text": self.text, **signed}, *self._call_parts()], finish="STOP")

    def _call_parts(self) -> list[dict[str, Any]]:
        return [{"functionCall": {"name": call.name, "args": call.arguments}} for call in self.tool_calls]

    def _chunk(self, model: str, parts: list[dict[str, Any]], finish: str = "") -> dict[str, Any]:
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        usage = {"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": "fake"}
