"""Server-sent events: the specification's own examples, its nasty cases, and what providers do."""

import pytest

from sidestep import UnexpectedResponse
from sidestep.sse import ServerSentEvent, SSEDecoder


def decode(*pieces: bytes) -> list[tuple[str, str]]:
    decoder = SSEDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [(event.event, event.data) for event in [*events, *decoder.flush()]]


# WHATWG HTML, 9.2.6: the examples of the section.
@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("", "YHOO\n+2\n10")]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            [("", "first event"), ("", "second event"), ("", " third event")],
        ),
        (b"data\n\ndata\ndata\n\n", [("", ""), ("", "\n")]),
        (b"data:test\n\ndata: test\n\n", [("", "test"), ("", "test")]),
    ],
)
def test_the_specifications_examples(stream: bytes, events: list[tuple[str, str]]) -> None:
    assert decode(stream) == events


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end_split_at_every_byte(line_end: bytes) -> None:
    stream = "event: söme\ndata: ein\ndata: zwei 🎈\n\n: comment\n\ndata: drei\n\n".encode().replace(b"\n", line_end)
    whole = [("söme", "ein\nzwei 🎈"), ("", "drei")]
    for cut in range(len(stream) + 1):
        assert decode(stream[:cut], stream[cut:]) == whole
    assert decode(*(bytes([byte]) for byte in stream)) == whole


def test_a_byte_order_mark_is_read_past_once() -> None:
    assert decode(b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n") == [("", "a")]
    assert decode(b"\xef", b"\xbb", b"\xbf", b"data: a\n\n") == [("", "a")]


def test_line_separators_of_unicode_end_no_line() -> None:
    assert decode("data: a\u2028b\u0085c\n\n".encode()) == [("", "a\u2028b\u0085c")]


def test_an_event_that_the_end_cuts_off_is_kept() -> None:
    assert decode(b"data: last") == [("", "last")]
    assert decode(b"data: last\n") == [("", "last")]


def test_half_a_character_at_the_end_becomes_a_replacement() -> None:
    assert decode("data: é".encode()[:-1]) == [("", "\ufffd")]


def test_an_event_name_without_data_is_no_event() -> None:
    assert decode(b"event: ping\n\ndata: a\n\n") == [("", "a")]


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 200, b"data: xxxxxxxxxx\n" * 20])
def test_one_event_may_not_grow_without_end(stream: bytes) -> None:
    decoder = SSEDecoder(largest_event=100)
    with pytest.raises(UnexpectedResponse, match="100 characters"):
        decoder.feed(stream)


def test_many_comments_are_not_one_large_event() -> None:
    decoder = SSEDecoder(largest_event=100)
    for _ in range(100):
        assert decoder.feed(b": keep") == []
        assert decoder.feed(b"-alive\n") == []
    assert decoder.feed(b"data: a\n\n") == [ServerSentEvent("", "a")]
