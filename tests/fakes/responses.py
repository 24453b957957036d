"""OpenAI's responses wire: named events that each carry their place, and the whole response at the end."""

from collections.abc import Iterator
from typing import Any

from tests.fakes.providers import FakeCall, OpenProvider
from tests.fakes.servers import Answer, Recorded, Reply, Stream
from tests.fakes.wires import split_words, write_event


class ResponsesProvider(OpenProvider):
    """Like OpenAI at `/v1/responses`."""

    schema = "openai_responses"
    is_strict = True
    chat_path = "/responses"
    default_key = "sk-responses"
    encrypted = "ZW5jcnlwdGVkLXJlYXNvbmluZw=="

    def complete(self, request: Recorded) -> Answer:
        asked = request.json
        if asked.get("model") not in self.models:
            return self.error(
                400, f"The requested model '{asked.get('model')}' does not exist.", code="model_not_found"
            )
        if asked.get("stream"):
            return Stream(self.write_events(asked["model"]))
        return Reply(200, self.write_response(asked["model"]))

    def write_events(self, model: str) -> Iterator[bytes]:
        """Yield the events of a streamed answer, numbered."""
        for number, event in enumerate(self._events(model)):
            yield write_event({**event, "sequence_number": number}, event["type"])

    def write_response(self, model: str, status: str = "completed") -> dict[str, Any]:
        """Return the whole response."""
        is_open = status != "completed"
        usage = {
            "input_tokens": 7,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 12,
        }
        return {
            "id": "resp_fake",
            "object": "response",
            "created_at": 1_760_000_000,
            "status": status,
            "model": model,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "output": [] if is_open else [item for item, _ in self._items()],
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": None if is_open else usage,
        }

    def _items(self) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Return each item of the output, whole, with the events between its opening and its end."""
        items = [self._reasoning()] if self.reasoning else []
        return [*items, self._message(), *(self._call(call) for call in self.tool_calls)]

    def _reasoning(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        part = {"type": "summary_text", "text": self.reasoning}
        item = {"id": "rs_fake", "type": "reasoning", "summary": [part], "encrypted_content": self.encrypted}
        name = "response.reasoning_summary_text"
        return item, [
            {"type": "response.reasoning_summary_part.added", "summary_index": 0, "part": {**part, "text": ""}},
            *({"type": f"{name}.delta", "summary_index": 0, "delta": word} for word in split_words(self.reasoning)),
            {"type": f"{name}.done", "summary_index": 0, "text": self.reasoning},
            {"type": "response.reasoning_summary_part.done", "summary_index": 0, "part": part},
        ]

    def _message(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        part = {"type": "output_text", "text": self.text, "annotations": [], "logprobs": []}
        item = {
            "id": "msg_fake",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }
        place: dict[str, Any] = {"content_index": 0}
        name = "response.output_text"
        pieces = split_words(self.text)
        return item, [
            {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
            *({"type": f"{name}.delta", **place, "delta": word, "logprobs": []} for word in pieces),
            {"type": f"{name}.done", **place, "text": self.text, "logprobs": []},
            {"type": "response.content_part.done", **place, "part": part},
        ]

    def _call(self, call: FakeCall) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        item = {
            "id": f"fc_{call.id}",
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.text,
            "status": "completed",
        }
        name = "response.function_call_arguments"
        return item, [
            *({"type": f"{name}.delta", "delta": text} for text in call.pieces),
            {"type": f"{name}.done", "arguments": call.text, "name": call.name},
        ]

    def _events(self, model: str) -> Iterator[dict[str, Any]]:
        for word in ("created", "in_progress"):
            yield {"type": f"response.{word}", "response": self.write_response(model, "in_progress")}
        for index, (item, events) in enumerate(self._items()):
            opened = {name: _empty(value) if name in _FILLED else value for name, value in item.items()}
            yield {"type": "response.output_item.added", "output_index": index, "item": opened}
            for event in events:
                yield {**event, "output_index": index, "item_id": item["id"]}
            yield {"type": "response.output_item.done", "output_index": index, "item": item}
        yield {"type": "response.completed", "response": self.write_response(model)}


_FILLED = frozenset({"content", "summary", "arguments"})


def _empty(value: Any) -> Any:
    return type(value)()
