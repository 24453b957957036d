"""Amazon Bedrock's runtime: the Converse wire, whose streams are framed in Amazon's own way; closed to pages."""

import hmac
import json
from binascii import crc32
from collections.abc import Iterator, Mapping
from struct import pack
from typing import Any
from urllib.parse import unquote

from tests.fakes.providers import BaseProvider
from tests.fakes.servers import Answer, Recorded, Reply, Stream
from tests.fakes.wires import split_words

STREAM_TYPE = "application/vnd.amazon.eventstream"

_TEXT = 7
"""The type of a header whose value is text."""


class BedrockProvider(BaseProvider):
    """Answers `POST /model/MODEL/converse` and `…/converse-stream`, with a Bedrock API key as the bearer."""

    prefix = ""
    default_key = "bedrock-api-key-fake"
    default_models = ("anthropic.gull-v1:0",)
    stop_reason = "end_turn"

    def error(self, status: int, kind: str, message: str) -> Reply:
        """Return an error as the runtime gives it: its *kind*, such as `ThrottlingException`, stands in a header."""
        return Reply(status, {"message": message}, {"x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/coral/"})

    def refuse_field(self, place: str, words: str) -> Reply:
        return self.error(400, "ValidationException", f"{place}: {words}")

    def cors_headers(self, request: Recorded, status: int) -> Mapping[str, str]:
        return {}

    def preflight(self, request: Recorded) -> Answer:
        return Reply(403)

    def refuse(self, request: Recorded) -> Reply | None:
        if hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {self.key}"):
            return None
        return self.error(403, "UnrecognizedClientException", "The security token included in the request is invalid.")

    def respond(self, request: Recorded) -> Answer:
        if refusal := self.refuse(request):
            return refusal
        _, kind, model, verb = request.path.split("/")
        if (request.method, kind) != ("POST", "model"):
            return Reply(404, {"message": "UnknownOperationException"})
        if unquote(model) not in self.models:
            return self.error(400, "ValidationException", "The provided model identifier is invalid.")
        if verb == "converse-stream":
            return Stream(self.write_stream(), content_type=STREAM_TYPE)
        return Reply(200, self.write_whole())

    def write_whole(self) -> dict[str, Any]:
        """Return an answer in one piece."""
        calls = [
            {"toolUse": {"toolUseId": call.id, "name": call.name, "input": call.arguments}} for call in self.tool_calls
        ]
        message = {"role": "assistant", "content": [{"text": self.text}, *calls]}
        counts = {"inputTokens": 7, "outputTokens": 5, "totalTokens": 12}
        return {"output": {"message": message}, "stopReason": self.stop_reason, "usage": counts}

    def write_stream(self) -> Iterator[bytes]:
        """Yield the frames of a streamed answer."""
        yield write_frame("messageStart", {"role": "assistant"})
        for word in split_words(self.text):
            yield write_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}})
        yield write_frame("contentBlockStop", {"contentBlockIndex": 0})
        for index, call in enumerate(self.tool_calls, 1):
            start = {"toolUse": {"toolUseId": call.id, "name": call.name}}
            yield write_frame("contentBlockStart", {"contentBlockIndex": index, "start": start})
            for piece in call.pieces:
                delta = {"toolUse": {"input": piece}}
                yield write_frame("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
            yield write_frame("contentBlockStop", {"contentBlockIndex": index})
        yield write_frame("messageStop", {"stopReason": self.stop_reason})
        yield write_frame("metadata", {"usage": self.write_whole()["usage"], "metrics": {"latencyMs": 1}})


def write_frame(name: str, body: dict[str, Any] | bytes, *, kind: str = "event") -> bytes:
    """Return one frame of Amazon's event stream: *kind* `event` or `exception`, and its *name*."""
    headers = {":message-type": kind, f":{kind}-type": name, ":content-type": "application/json"}
    head = b"".join(
        pack("!B", len(key)) + key.encode() + pack("!BH", _TEXT, len(value)) + value.encode()
        for key, value in headers.items()
    )
    payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    # Two lengths and two checksums stand around them.
    prelude = pack("!II", len(head) + len(payload) + 16, len(head))
    frame = prelude + pack("!I", crc32(prelude)) + head + payload
    return frame + pack("!I", crc32(frame))
