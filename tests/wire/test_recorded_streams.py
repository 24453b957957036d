"""Real providers' streams, where they lie beside the project: each must say what its recording is known to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidestep import Event, Finished, ReasoningDelta, TextDelta, Usage
from sidestep.dialects import DIALECTS
from tests.wire.reading import choose_cuts, describe_error, describe_events, read, read_arguments

FOLDER = Path(__file__).parents[3] / "shared" / "fixtures" / "streams"
RECORDINGS = sorted(path for wire in DIALECTS for path in FOLDER.glob(f"{wire}--*.sse"))

# The recording's description holds the count of `message_start`; `message_delta` then raises it by what the server's
# own tools read, and its usage is cumulative (docs.claude.com, *Streaming Messages*), so the last word counts.
REVISED_INPUT = {"anthropic--api.anthropic.com--anthropic_mcp_servers_stream-0": 3042}

# The provider's word for the end, and ours; a turn that calls tools ends with `tool_calls` on every wire.
REASONS = {"STOP": "stop", "end_turn": "stop", "completed": "stop", "tool_calls": "tool_calls", "stop": "stop"}

if not RECORDINGS:
    pytest.skip(f"no recorded streams at {FOLDER.name}/ beside the project", allow_module_level=True)


def load(path: Path) -> tuple[str, dict[str, Any], bytes]:
    """Return a recording's wire, what is known of it, and its bytes."""
    description = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return description["wire"], description["expected"], path.read_bytes()


def join_text(events: list[Event], kind: type[TextDelta | ReasoningDelta]) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_stream_says_what_it_said(path: Path) -> None:
    wire, expected, recorded = load(path)
    events, error = read(wire, [recorded])
    assert join_text(events, TextDelta) == expected["text"]
    assert join_text(events, ReasoningDelta) == expected["reasoning"]
    tools = [(tool["name"], json.loads(tool["arguments"])) for tool in expected["tools"]]
    assert read_arguments(events) == tools
    if expected["error"]:
        assert error is not None
        assert expected["error"][:40] in error.message
        return
    assert error is None
    usage = next((event for event in events if isinstance(event, Usage)), Usage())
    assert usage.input_tokens == REVISED_INPUT.get(path.stem, expected["input_tokens"])
    assert usage.output_tokens == expected["output_tokens"]
    assert events[-1] == Finished("tool_calls" if tools else REASONS[expected["finish"]])


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_where_a_recorded_stream_is_cut_changes_nothing(path: Path) -> None:
    wire, _, recorded = load(path)

    def see(*pieces: bytes) -> tuple[object, object]:
        events, error = read(wire, pieces)
        return describe_events(events), describe_error(error)

    whole = see(recorded)
    assert see(*(bytes([byte]) for byte in recorded)) == whole
    for cut in choose_cuts(len(recorded), samples=100):
        assert see(recorded[:cut], recorded[cut:]) == whole, f"cut at byte {cut}"
