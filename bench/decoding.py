"""Decoding an OpenAI stream in CPython: our reader against the OpenAI SDK's own, on the same bytes and transport."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import openai

from bench._measures import CHUNKS, ROUNDS, count_characters, report, time_in_turn, write_stream
from sidestep import TextDelta
from sidestep.answers import AnswerReader
from sidestep.dialects import DIALECTS
from sidestep.dialects.failures import FailureReader

WANTED = 0.5
_PIECES = write_stream()
_HEADERS = {"content-type": "text/event-stream"}


class _Body(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield from _PIECES


def _open_http() -> httpx.Client:
    """Return a client whose every call is answered with the stream; no network."""
    answer = httpx.MockTransport(lambda _: httpx.Response(200, headers=_HEADERS, stream=_Body()))
    return httpx.Client(transport=answer)


def read_with_sidestep(http: httpx.Client) -> int:
    """Return how many characters of text our reader finds."""
    reader = AnswerReader(DIALECTS["openai_chat"], FailureReader("OpenAI"))
    size = 0
    with http.stream("POST", "https://api.test/v1/chat/completions") as response:
        for piece in response.iter_bytes():
            for event in reader.feed(piece):
                if isinstance(event, TextDelta):
                    size += len(event.text)
    return size + sum(len(event.text) for event in reader.finish() if isinstance(event, TextDelta))


def read_with_openai(client: openai.OpenAI) -> int:
    """Return how many characters of text the SDK finds."""
    stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)
    return sum(len(chunk.choices[0].delta.content or "") for chunk in stream if chunk.choices)


def main() -> int:
    """Measure and print; return 1 if what is wanted was not reached."""
    with _open_http() as http, _open_http() as inner:
        client = openai.OpenAI(api_key="none", base_url="https://api.test/v1", http_client=inner)
        sides = {"sidestep": lambda: read_with_sidestep(http), "openai": lambda: read_with_openai(client)}
        seconds = time_in_turn(sides, count_characters())
    ratio = seconds["sidestep"] / seconds["openai"]
    return report(
        bench="decoding a stream in CPython",
        chunks=CHUNKS,
        rounds=ROUNDS,
        median_seconds={name: round(value, 5) for name, value in seconds.items()},
        openai_version=openai.__version__,
        ratio=round(ratio, 3),
        wanted=f"at most {WANTED} times the SDK's time",
        is_reached=ratio <= WANTED,
    )


if __name__ == "__main__":
    raise SystemExit(main())
