"""A plugin as an operator writes one: a provider that answers with what it was told, and some that go wrong.

It imports nothing of the relay's. What it should do is the model's name.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from typing import Any

from litellm import CustomLLM  # type: ignore[attr-defined]
from litellm.llms.custom_llm import CustomLLMError
from litellm.types.utils import ModelResponse

CANARY = "canary-of-the-plugin"
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def note(event: str, model: str) -> None:
    """Tell the test what happened, where it reads the relay's own log; what is printed does not come there."""
    os.write(2, (json.dumps({"event": event, "model": model}) + "\n").encode())


class Acme(CustomLLM):
    """Says again what it is told."""

    display_name = "Acme"
    models = ("echo", "shout")

    def completion(self, **given: Any) -> ModelResponse:  # type: ignore[override]
        act(given["model"])
        text = f"{given['messages'][-1]['content']} {given['optional_params'].get('temperature')} {given['api_key']}"
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return ModelResponse(model=given["model"], choices=[choice], usage=USAGE)

    def streaming(self, **given: Any) -> Iterator[Any]:  # type: ignore[override]
        act(given["model"])
        return Told(self._write(given))

    def _write(self, given: Any) -> Iterator[Any]:
        model = given["model"]
        try:
            for word in str(given["messages"][-1]["content"]).split():
                yield {"text": word, "is_finished": False, "finish_reason": "", "usage": None}
            if model == "breaks-off":
                return
            if model == "raises-late":
                raise RuntimeError(CANARY)
            if model == "garbage-late":
                yield {"text": 5}
            while model == "endless":
                yield {"text": "more ", "is_finished": False, "finish_reason": "", "usage": None}
                threading.Event().wait(0.02)
            yield {"text": "", "is_finished": True, "finish_reason": "length", "usage": USAGE}
        finally:
            note("acme_closed", model)


class Told:
    """An iterator that does not end with the last reference to it, as a generator does: it has to be closed."""

    def __init__(self, made: Iterator[Any]) -> None:
        self._made = made

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._made)

    def close(self) -> None:
        note("acme_told", "any")


class Locked(Acme):
    """Wants a key."""

    display_name = "Acme with a key"
    needs_key = True


class Declares(Acme):
    """Gives a text in the place of a list."""

    models = "echo"  # type: ignore[assignment]


class Starts(Acme):
    """Fails before it is asked anything."""

    def __init__(self) -> None:
        raise RuntimeError(CANARY)


class Plain:
    """Not a CustomLLM."""


def act(model: str) -> None:
    """Go wrong as *model* says."""
    if model == "raises":
        raise RuntimeError(CANARY)
    if model == "exits":
        raise SystemExit(CANARY)
    if model == "forbids":
        raise CustomLLMError(status_code=401, message=CANARY)  # type: ignore[no-untyped-call]
