"""What is measured side by side: the provider itself, a bare pass-through, the relay, other projects' gateways."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field

from bench._askers import Asker, Side
from bench._processes import start_module
from bench._proxies import start_litellm, start_portkey
from tests.relay.servers import RunningRelay, run_relay

NO_LIMITS = {
    "SIDESTEP_STREAMS": "0",
    "SIDESTEP_ADDRESS_STREAMS": "0",
    "SIDESTEP_TOKENS_PER_MINUTE": "0",
}
_TRANSLATED = {"SIDESTEP_LANES": "openai=translate, custom=translate"}
_LOAD_SECONDS = 120.0

Start = Callable[[], AbstractContextManager[Side]]


@dataclass(frozen=True, slots=True)
class Stage:
    """The sides by name, and why some are not among them.

    Attributes:
        provider: what it takes is what nobody can do without.
        sides: those that stream.
        others: those that answer in one piece alone.
        missing: why a side is not there, or does not stream.
    """

    provider: Side
    sides: dict[str, Side]
    others: dict[str, Side] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, side: Side) -> None:
        """Take *side* as one that streams, if it does."""
        with closing(Asker(side)) as asker:
            answer = asker.ask(is_stream=True)[1]
        if answer.startswith(b"HTTP/1.1 200 "):
            self.sides[name] = side
        else:
            self.others[name] = side
            self.missing[name] = f"its streams are not measured, it answers {answer.split(b' ', 2)[1].decode()}"

    @property
    def origin(self) -> str:
        """Where the provider listens."""
        return f"http://127.0.0.1:{self.provider.port}"


@contextmanager
def start_provider() -> Iterator[Side]:
    """Run the provider."""
    with start_module("_provider") as (port, process):
        yield Side(port, process)


@contextmanager
def start_bare(origin: str, *, workers: int = 1) -> Iterator[Side]:
    """Run the bare pass-through in front of the provider at *origin*."""
    with start_module("_bare", f"{origin}/v1", str(workers)) as (port, process):
        yield Side(port, process)


@contextmanager
def start_relay(origin: str, *, workers: int = 1, translates: bool = False, has_limits: bool = True) -> Iterator[Side]:
    """Run the relay, and wait until each worker has loaded LiteLLM."""
    settings = {**(_TRANSLATED if translates else {}), **({} if has_limits else NO_LIMITS)}
    arguments = ["--workers", str(workers)]
    with run_relay(destinations=["127.0.0.1"], settings=settings, arguments=arguments) as relay:
        _wait_until_loaded(relay, workers)
        headers = {**relay.headers, "X-Provider-Key": "key", "X-Provider-Base": f"{origin}/v1"}
        yield Side(relay.port, relay.process.pid, headers=headers, prefix="openai/")


def _wait_until_loaded(relay: RunningRelay, workers: int) -> None:
    deadline = time.monotonic() + _LOAD_SECONDS
    while len([line for line in relay.log_lines() if line["event"] == "loaded"]) < workers:
        if time.monotonic() > deadline:
            raise TimeoutError("the relay did not load LiteLLM")
        time.sleep(0.1)


def ask_for_anthropic(relay: Side, origin: str) -> Side:
    """Return *relay*, asked for a model of Anthropic's wire."""
    return Side(relay.port, None, headers={**relay.headers, "X-Provider-Base": origin}, prefix="anthropic/")


@contextmanager
def start_all() -> Iterator[Stage]:
    """Run every side that can be had."""
    with ExitStack() as stack:
        provider = stack.enter_context(start_provider())
        stage = Stage(provider, {})
        stage.sides["bare"] = stack.enter_context(start_bare(stage.origin))
        stage.sides["relay"] = stack.enter_context(start_relay(stage.origin))
        stage.sides["relay, translating"] = stack.enter_context(start_relay(stage.origin, translates=True))
        others: dict[str, Start] = {
            "litellm": lambda: start_litellm(stage.origin, make_key()),
            "portkey": lambda: start_portkey(stage.origin),
        }
        for name, start in others.items():
            try:
                stage.add(name, stack.enter_context(start()))
            except OSError as error:
                stage.missing[name] = f"not measured: {error}"
        yield stage


def make_key() -> str:
    """Return a key for LiteLLM's proxy."""
    return f"sk-{secrets.token_hex(32)}"
