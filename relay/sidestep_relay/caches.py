"""Answers that are kept for who asks the very same again; only whole, finished ones. Here they are kept in memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sidestep_relay.answer_keys import AnswerKey
from sidestep_relay.chats import ChatCall
from sidestep_relay.observations import Observer

__all__ = ["LARGEST_ANSWER", "Answer", "Cache", "MemoryCache", "Recorder", "is_fresh"]

LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes of an answer that is kept, or replayed to who joins it."""

_GOOD_ENDS = frozenset({"stop", "length", "tool_calls", "function_call"})
_OVERHEAD = 512  # bytes that an entry costs beside the answer


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was kept: the bytes of a stream or of one document, and when it was made in Unix time."""

    body: bytes = field(repr=False)
    is_stream: bool
    made_at: float


class Cache(Protocol):
    """Keeps answers for some time."""

    def find(self, key: AnswerKey) -> Answer | None:
        """Return the answer of *key*, if there is one that is not too old."""

    def keep(self, key: AnswerKey, answer: Answer) -> None:
        """Keep *answer* for *key*."""


class MemoryCache:
    """Keeps answers in memory; if there are too many bytes, those that were not asked for longest go first."""

    def __init__(self, seconds: float, most_bytes: int, clock: Callable[[], float] = time.time) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._clock = clock
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, key: AnswerKey) -> Answer | None:
        """See `Cache`."""
        with self._lock:
            answer = self._answers.get(key.name)
            if answer is None:
                return None
            if not is_fresh(answer, self._seconds, self._clock()):
                self._drop(key.name)
                return None
            self._answers.move_to_end(key.name)
            return answer

    def keep(self, key: AnswerKey, answer: Answer) -> None:
        """See `Cache`."""
        if _weigh(answer) > self._most_bytes:
            return
        with self._lock:
            if key.name in self._answers:
                self._drop(key.name)
            self._answers[key.name] = answer
            self._bytes += _weigh(answer)
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._answers)))

    def _drop(self, name: str) -> None:
        self._bytes -= _weigh(self._answers.pop(name))


class Recorder:
    """Listens to an answer to *call*, in OpenAI's form, as it passes, and tells in the end whether to keep it."""

    def __init__(self, call: ChatCall, *, is_stream: bool) -> None:
        count = call.fields.get("n", 1)
        self._choices = count if isinstance(count, int) else 1
        self._observer = Observer("openai_chat", is_stream=is_stream)
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._size += len(data)
        if self._size > LARGEST_ANSWER:
            self._pieces.clear()
            return
        self._pieces.append(data)
        # Now and not in the end, when it would keep a whole process from all else.
        self._observer.feed(data)

    def finish(self) -> bytes | None:
        """Return the answer, if it was whole, without an error, ended well and was not too long."""
        self._observer.finish()
        seen = self._observer.seen
        ends = seen.finish_reasons.values()
        is_good = not seen.error and len(ends) >= self._choices and _GOOD_ENDS.issuperset(ends)
        return b"".join(self._pieces) if is_good and self._size <= LARGEST_ANSWER else None


def is_fresh(answer: Answer, seconds: float, now: float) -> bool:
    """Say whether *answer* is less than so many *seconds* old *now*, in Unix time."""
    return now - answer.made_at < seconds


def _weigh(answer: Answer) -> int:
    return len(answer.body) + _OVERHEAD
