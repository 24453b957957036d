"""What the relay reads along on the wire must survive whatever a provider writes."""

import json

import pytest

from sidestep_relay.observations import Observer
from tests.fakes.wires import write_event

ODD = (
    '{"choices": 5}',
    '{"choices": {"a": 1}}',
    '{"choices": [5]}',
    '{"choices": [{"index": [], "finish_reason": "stop"}]}',
    '{"usage": 3, "error": 7}',
    '{"delta": 4, "stop_reason": 5}',
    "[1]",
)


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic", "bedrock_converse"])
@pytest.mark.parametrize("body", ODD)
def test_a_body_of_another_shape_is_no_error(body: str, dialect: str) -> None:
    stream, whole = Observer(dialect, is_stream=True), Observer(dialect, is_stream=False)
    stream.feed(f"data: {body}\n\n".encode())
    stream.finish()
    whole.feed(body.encode())
    whole.finish()


def test_what_anthropic_counts_is_added_up() -> None:
    question = {"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": None}
    stream = Observer("anthropic", is_stream=True)
    stream.feed(write_event({"type": "message_start", "message": {"usage": {**question, "output_tokens": 1}}}))
    stream.feed(write_event({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5}}))
    whole = Observer("anthropic", is_stream=False)
    whole.feed(json.dumps({"stop_reason": "end_turn", "usage": {**question, "output_tokens": 5}}).encode())
    whole.finish()
    assert (stream.seen.total_tokens, whole.seen.total_tokens) == (112, 112)
