"""What the relay reads along on the wire must survive whatever a provider writes."""

import pytest

from sidestep_relay.observations import Observer

ODD = (
    '{"choices": 5}',
    '{"choices": {"a": 1}}',
    '{"choices": [5]}',
    '{"choices": [{"index": [], "finish_reason": "stop"}]}',
    '{"usage": 3, "error": 7}',
    '{"delta": 4, "stop_reason": 5}',
    "[1]",
)


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic"])
@pytest.mark.parametrize("body", ODD)
def test_a_body_of_another_shape_is_no_error(body: str, dialect: str) -> None:
    stream, whole = Observer(dialect, is_stream=True), Observer(dialect, is_stream=False)
    stream.feed(f"data: {body}\n\n".encode())
    stream.finish()
    whole.feed(body.encode())
    whole.finish()
