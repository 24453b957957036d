"""Streams written for the project, one for each peculiarity that a client must bear: exactly these events come of them.

Each `streams/NAME.json` says what its fixture is about, whose it is, and what is read from it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidestep.catalogue import load_catalogue
from sidestep.dialects import DIALECTS
from tests.wire.reading import choose_cuts, describe_error, describe_events, read

FOLDER = Path(__file__).parent / "streams"
EXPECTATIONS = sorted(FOLDER.glob("*.json"))
KINDS = (".sse", ".ndjson", ".body")


def load(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return the expectation at *path* and the bytes it is about."""
    body = next(found for kind in KINDS if (found := path.with_suffix(kind)).exists())
    return json.loads(path.read_text(encoding="utf-8")), body.read_bytes()


def see(provider: str, pieces: list[bytes]) -> tuple[list[list[Any]], list[Any] | None]:
    events, error = read(provider, pieces)
    return describe_events(events), describe_error(error)


@pytest.mark.parametrize("path", EXPECTATIONS, ids=lambda path: path.stem)
def test_a_stream_says_exactly_this(path: Path) -> None:
    expected, body = load(path)
    events, error = see(expected["provider"], [body])
    assert events == expected["events"]
    if expected["error"] is None:
        assert error is None
    else:
        assert error is not None
        kind, code, words = expected["error"]
        assert error[:2] == [kind, code]
        assert words in error[2]


@pytest.mark.parametrize("path", EXPECTATIONS, ids=lambda path: path.stem)
def test_where_the_bytes_are_cut_changes_nothing(path: Path) -> None:
    expected, body = load(path)
    provider = expected["provider"]
    whole = see(provider, [body])
    assert see(provider, [bytes([byte]) for byte in body]) == whole
    for cut in choose_cuts(len(body)):
        assert see(provider, [body[:cut], body[cut:]]) == whole, f"cut at byte {cut}"


def test_every_wire_and_every_kind_of_body_has_fixtures() -> None:
    wires = [load_catalogue()[load(path)[0]["provider"]].dialect for path in EXPECTATIONS]
    assert set(wires) == set(DIALECTS)
    assert min(wires.count(wire) for wire in DIALECTS) >= 10
    bodies = {path for kind in KINDS for path in FOLDER.glob(f"*{kind}")}
    assert {path.stem for path in bodies} == {path.stem for path in EXPECTATIONS}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("eos", "stop"),
        ("eos_token", "stop"),
        ("COMPLETE", "stop"),
        ("STOP", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_calls", "tool_calls"),
        ("tool_use", "tool_calls"),
        ("function_call", "tool_calls"),
        ("TOOL_CALL", "tool_calls"),
        ("content_filter", "content_filter"),
        ("sensitive", "content_filter"),
        ("unknown", "unknown"),
        ("A_word_of_tomorrow", "A_word_of_tomorrow"),
    ],
)
def test_every_odd_word_for_the_end(word: str, reason: str) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": word}]}
    body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
    assert see("custom", [body]) == ([["text", "x"], ["finished", reason]], None)


@pytest.mark.parametrize("word", ["network_error", "error", "ERROR", "insufficient_system_resource"])
def test_every_word_for_an_end_that_is_a_failure(word: str) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": word}]}
    events, error = see("custom", [f"data: {json.dumps(chunk)}\n\n".encode()])
    assert events == [["text", "x"]]
    assert error is not None
    assert error[:2] == ["ServerError", word]
