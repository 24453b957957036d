"""The streams that the provider of `relay.py` answers with, by the model that is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from bench._measures import CHUNKS
from tests.fakes.wires import DONE, write_chunk, write_event

FAST, PACED, SILENT = "m", "paced", "silent"
"""Models: as fast as it goes; one chunk after another at `PACE`; nothing at all until the client leaves."""

PACE = 20
"""Chunks a second of one paced stream."""

PACED_CHUNKS = 200

_LABEL = "stream "


def name_stream(number: int) -> str:
    """Return the message that asks for the stream *number*."""
    return f"{_LABEL}{number}"


def read_number(message: str) -> int:
    """Return the number of the stream that *message* asks for; 0 if it names none."""
    label, _, number = message.rpartition(_LABEL)
    return int(number) if not label and number.isdecimal() else 0


def write_paced(number: int) -> Iterator[bytes]:
    """Yield the events of a paced stream. No two streams, and no two chunks of one, are alike."""
    yield write_chunk({"role": "assistant", "content": ""})
    before, after = write_chunk({"content": "@"}, system_fingerprint="fp_1").split(b"@")
    for place in range(PACED_CHUNKS):
        yield b"%bWort %d-%d %b" % (before, number, place, after)
    yield write_chunk({}, finish_reason="stop") + DONE


def read_text(number: int) -> bytes:
    """Return the text of that stream."""
    return "".join(f"Wort {number}-{place} " for place in range(PACED_CHUNKS)).encode()


def write_anthropic(chunks: int = CHUNKS) -> Iterator[bytes]:
    """Yield the events of an answer of Anthropic's."""
    usage = {"input_tokens": 7, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    yield write_event({"type": "message_start", "message": {**message, "stop_reason": None}}, "message_start")
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield write_event(block, "content_block_start")
    for number in range(chunks):
        delta = {"type": "text_delta", "text": f"Wort {number} "}
        yield write_event({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")
    yield write_event({"type": "content_block_stop", "index": 0}, "content_block_stop")
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}}
    yield write_event({**end, "usage": {"output_tokens": chunks}}, "message_delta")
    yield write_event({"type": "message_stop"}, "message_stop")
