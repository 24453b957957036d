"""Whatever bytes come: events and our errors come out of them, nothing else, and nothing that was read is lost.

Examples are derived from the tests themselves, so that a run says the same everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidestep import Event, Finished, SidestepError, StreamIncomplete, TextDelta, UnexpectedResponse
from sidestep.catalogue import load_catalogue
from sidestep.collectors import AnswerCollector
from sidestep.dialects import DIALECTS
from tests.wire.reading import describe_error, describe_events, join, read
from tests.wire.test_written_streams import EXPECTATIONS, load

FIXTURES = [load(path) for path in EXPECTATIONS]
PROVIDERS = sorted({expected["provider"] for expected, _ in FIXTURES})
DIALECT_NAMES = sorted(DIALECTS)
# What is cut off inside a tag of reasoning cannot be known as one, and is shown as it stands.
_TORN_TAG = re.compile(r"</?t?h?i?n?k?\Z")

bounded = settings(
    max_examples=1000, derandomize=True, database=None, deadline=5000, suppress_health_check=[HealthCheck.too_slow]
)
fixtures = st.sampled_from(FIXTURES)


def hold(provider: str, *pieces: bytes) -> tuple[list[Event], SidestepError | None]:
    """Read *pieces* and gather the turn, as a client does; an exception that is not ours fails the test by itself."""
    events, error = read(provider, pieces)
    collector = AnswerCollector()
    for event in events:
        collector.add(event)
    shown = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert collector.message.text == shown
    ends = [event for event in events if isinstance(event, Finished)]
    # Either it ended well, once, at the very end, or it ended with an error that says so.
    assert (ends == events[-1:] and ends) if error is None else not ends
    assert error is None or (error.message and isinstance(error.to_dict(), dict))
    return events, error


def is_beginning(part: list[Event], whole: list[Event]) -> bool:
    """Say whether the answer that *part* tells is the beginning of the one that *whole* tells."""
    told, full = tell(part), tell(whole)
    return all(full.get(name, "").startswith(_TORN_TAG.sub("", text)) for name, text in told.items())


def tell(events: list[Event]) -> dict[str, str]:
    """Return all that was said, by what it is; usage and signatures are left out, as they stand at the end."""
    said: dict[str, str] = {}
    for row in describe_events(events):
        if row[0] in {"text", "reasoning"}:
            said[row[0]] = said.get(row[0], "") + row[1]
        elif row[0] == "call":
            said[f"call {row[1]}"] = said.get(f"call {row[1]}", "") + row[4]
    return said


@bounded
@given(fixture=fixtures, data=st.data())
def test_a_stream_cut_short_says_the_beginning_of_what_it_says(fixture: tuple[Any, bytes], data: st.DataObject) -> None:
    expected, body = fixture
    size = data.draw(st.integers(0, len(body)))
    whole, _ = read(expected["provider"], [body])
    events, error = hold(expected["provider"], body[:size])
    # Nothing is made up, and what was read is kept.
    assert is_beginning(events, whole)
    if size < len(body) and not expected["error"] and error is not None:
        assert isinstance(error, UnexpectedResponse | StreamIncomplete)


@bounded
@given(provider=st.sampled_from([*PROVIDERS, *DIALECT_NAMES]), pieces=st.lists(st.binary(max_size=200), max_size=5))
def test_any_bytes(provider: str, pieces: list[bytes]) -> None:
    hold(provider, *pieces)


@bounded
@given(fixture=fixtures, data=st.data())
def test_a_changed_fixture(fixture: tuple[Any, bytes], data: st.DataObject) -> None:
    """Bytes replaced, put in and taken out, at places that shrink to the fixture itself."""
    expected, body = fixture
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(changed)))
        length = data.draw(st.integers(0, 12))
        changed[start : start + length] = data.draw(st.binary(max_size=12))
    cut = data.draw(st.integers(0, len(changed)))
    whole, error = hold(expected["provider"], bytes(changed))
    events, other = hold(expected["provider"], bytes(changed[:cut]), bytes(changed[cut:]))
    assert (join(events), describe_error(other)) == (join(whole), describe_error(error))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["error", "response.completed", "tool_use", "thinking", "STOP", "\ud83d"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def list_places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value in *value*."""
    rows: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for name, row in rows for found in list_places(row, (*place, name)))]


def replace_at(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """Return *value* with what stands at *place* replaced."""
    if not place:
        return new
    changed = value.copy()
    changed[place[0]] = replace_at(value[place[0]], place[1:], new)
    return changed


def change_documents(body: bytes, change: Callable[[Any], Any]) -> bytes:
    """Return *body* with each JSON document in it changed; what is none stays."""
    lines = []
    for line in body.decode("utf-8", "replace").split("\n"):
        head, data = ("data: ", line[6:]) if line.startswith("data: ") else ("", line)
        try:
            lines.append(head + json.dumps(change(json.loads(data))))
        except ValueError:
            lines.append(line)
    return "\n".join(lines).encode()


@bounded
@given(fixture=fixtures, data=st.data())
def test_a_value_of_another_type_anywhere(fixture: tuple[Any, bytes], data: st.DataObject) -> None:
    expected, body = fixture

    def change(document: Any) -> Any:
        if data.draw(st.booleans()):
            return document
        place = data.draw(st.sampled_from(list_places(document)))
        return replace_at(document, place, data.draw(json_values))

    hold(expected["provider"], change_documents(body, change))


@bounded
@given(name=st.sampled_from(DIALECT_NAMES), document=st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_a_list_of_models_of_any_shape(name: str, document: dict[str, Any]) -> None:
    row = {"id": "a", "name": "models/a", **document}
    for listed in (document, {"data": [row, document]}, {"models": [row, document]}, {"models": document}):
        DIALECTS[name].decode_models(listed)


@pytest.mark.parametrize("key", ["supportedGenerationMethods", "architecture", "pricing", "top_provider"])
@pytest.mark.parametrize("value", [1, "x", [1], {"a": 1}, None, True])
def test_a_model_of_any_shape(key: str, value: Any) -> None:
    for dialect in DIALECTS.values():
        dialect.decode_models({"data": [{"id": "a", key: value}], "models": [{"name": "models/a", key: value}]})


@pytest.mark.parametrize("name", PROVIDERS)
def test_deeply_nested_json(name: str) -> None:
    nested = b"[" * 200_000 + b"]" * 200_000
    for body in (b'data: {"a": ' + nested + b"}\n\n", b'{"a": ' + nested + b"}"):
        events, error = hold(name, body)
        assert events == []
        assert isinstance(error, UnexpectedResponse)


def test_a_number_too_long_to_read() -> None:
    body = b'data: {"usage": {"prompt_tokens": ' + b"9" * 10_000 + b"}}\n\n"
    assert isinstance(hold("openai", body)[1], UnexpectedResponse)


PIECE = b"x" * 65_536


def wrap(text: bytes) -> bytes:
    return b'data: {"choices": [{"delta": {"content": "' + text + b'"}}]}\n\n'


def test_ten_megabytes_in_one_event_are_read() -> None:
    text = PIECE * 160
    body = wrap(b"first") + wrap(text) + b"data: [DONE]\n\n"
    pieces = [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
    events, error = hold("openai", *pieces)
    assert error is None
    assert events[1] == TextDelta(text.decode())


@pytest.mark.parametrize("end", [b"", b'"}}]}\n\n'], ids=["never-ends", "ends"])
def test_one_event_without_end_is_an_error_that_keeps_what_came(end: bytes) -> None:
    opened = wrap(b"first") + b'data: {"choices": [{"delta": {"content": "'
    taken = 0

    def endless() -> Any:
        nonlocal taken
        yield opened
        for _ in range(600):
            taken += 1
            yield PIECE
        yield end

    events, error = read("openai", endless())
    assert events == [TextDelta("first")]
    assert isinstance(error, UnexpectedResponse)
    assert "characters" in error.message
    assert taken < 300, "what is too large is not read to its end"


def test_what_stands_before_a_too_large_event_in_the_same_piece_is_kept() -> None:
    events, error = hold("openai", wrap(b"first") + wrap(PIECE * 300) + wrap(b"last"))
    assert events == [TextDelta("first")]
    assert isinstance(error, UnexpectedResponse)


def test_a_document_without_end_is_an_error() -> None:
    events, error = hold("openai", b'{"choices": "', *[PIECE] * 600)
    assert events == []
    assert isinstance(error, UnexpectedResponse)


def test_a_million_empty_lines_and_comments() -> None:
    body = b"\n" * 500_000 + b": x\n" * 100_000 + b"data:\n\n" * 10 + wrap(b"late") + b"data: [DONE]\n\n"
    events, error = hold("openai", *[body[at : at + 65_536] for at in range(0, len(body), 65_536)])
    assert events == []
    assert isinstance(error, UnexpectedResponse), "an empty event is not JSON"


def test_many_stray_pieces_of_calls_take_no_quadratic_time() -> None:
    rows = [{"index": at, "function": {"arguments": "["}} for at in range(3000)]
    body = b"".join(f"data: {json.dumps({'choices': [{'delta': {'tool_calls': [row]}}]})}\n\n".encode() for row in rows)
    events, _ = hold("openai", body)
    assert len(events) == len(rows)


def test_the_fuzz_knows_every_provider_with_rules_of_its_own() -> None:
    assert set(PROVIDERS) <= set(load_catalogue())
    assert {load_catalogue()[name].dialect for name in PROVIDERS} == set(DIALECTS)


# Words that also stand elsewhere in a piece, and signs that JSON writes in another way.
_words = st.one_of(
    st.sampled_from(
        ["content", "assistant", "a", "m", "null", "0", '"', "\\", "\\n", "\n", "\t", "\x7f", "\u2028", "}", "✓", ""]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)


@bounded
@given(texts=st.lists(_words, max_size=12), is_ascii=st.booleans(), padding=st.booleans(), cut=st.integers(1, 4000))
def test_pieces_that_differ_in_their_text_alone_are_read_as_if_each_were_parsed(
    texts: list[str], is_ascii: bool, padding: bool, cut: int
) -> None:
    lines = []
    for number, text in enumerate(texts):
        chunk = {"model": "m", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        padded = chunk | ({"obfuscation": "x" * (number % 3)} if padding else {})
        lines.append(f"data: {json.dumps(padded, ensure_ascii=is_ascii)}\n\n")
    body = "".join([*lines, "data: [DONE]\n\n"]).encode()
    events, error = read("openai", [body[:cut], body[cut:]])
    assert error is None
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "".join(texts)
