"""The real relay with bugs built in, each of which holds a secret in its words and in its variables.

Run like `sidestep-relay`. `FAKE_OPENAI` and `FAKE_ANTHROPIC` name addresses that take the place of those providers' own
in the catalogue, so that the relay lends its keys to fakes. `POST /v1/faults/<kind>` sets a bug off; its body is the
secret. A chat with the model `faulty-before` or `faulty-after` finds the bug in its lane.
"""

from __future__ import annotations

import dataclasses
import importlib
import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Flask, Response, request

from sidestep.catalogue import CatalogueEntry, load_catalogue
from sidestep_relay import cli
from sidestep_relay.chats import ChatCall
from sidestep_relay.config import RelayConfig
from sidestep_relay.deadlines import Drain
from sidestep_relay.lanes import Whole
from sidestep_relay.loading import Spawn
from sidestep_relay.upstreams import Upstream

ERROR_CODES = {"its_policy": "content", "its_load": "overloaded"}
_ADDRESSES = {"openai": "FAKE_OPENAI", "anthropic": "FAKE_ANTHROPIC"}


class FaultyError(Exception):
    """A bug."""


def fail(secret: str) -> None:
    local = f"in a variable: {secret}"
    raise FaultyError(local)


class Unraisable:
    """Fails where nobody can catch it."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __del__(self) -> None:
        fail(self._secret)


def iterate(secret: str) -> Response:
    def write() -> Iterator[bytes]:
        yield b"begun\n"
        fail(secret)

    return Response(write())


def run_in_thread(secret: str) -> None:
    thread = threading.Thread(target=fail, args=(secret,))
    thread.start()
    thread.join()


def run_in_hub(secret: str) -> None:
    if "gevent" in sys.modules:
        import gevent  # type: ignore[import-untyped]  # noqa: PLC0415 - only in gevent's workers

        gevent.get_hub().loop.run_callback(fail, secret)
        gevent.joinall([gevent.spawn(fail, secret)])


def leave_unraisable(secret: str) -> None:
    Unraisable(secret)


def warn(secret: str) -> None:
    warnings.warn(secret, stacklevel=1)


def write_out(secret: str) -> None:
    sys.stdout.write(secret + "\n")
    sys.stderr.write(secret + "\n")
    request.environ["wsgi.errors"].write(secret + "\n")
    try:
        fail(secret)
    except FaultyError:
        traceback.print_exc()


def log_it(secret: str) -> None:
    for name in (None, "httpx", "LiteLLM", "gunicorn.error", "gunicorn.access", "waitress", "py.warnings"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        logger.debug("a constant with %s", secret)
        logger.error("a constant with %s", secret)
        logger.error(secret)
        logger.warning(f"no constant: {secret}")
        logger.error(*("wrong number of places", secret))
        try:
            fail(secret)
        except FaultyError:
            logger.exception("a constant before a traceback")


FAULTS: Mapping[str, Callable[[str], Any]] = {
    "raise": fail,
    "iterate": iterate,
    "thread": run_in_thread,
    "hub": run_in_hub,
    "unraisable": leave_unraisable,
    "warn": warn,
    "write": write_out,
    "log": log_it,
}


def add_faults(app: Flask, spawn: Spawn) -> None:
    def post_fault(kind: str) -> Response:
        secret = request.get_data(as_text=True)
        if kind == "spawn":
            spawn(lambda: fail(secret))
            return Response("spawned")
        answer = FAULTS[kind](secret)
        return answer if isinstance(answer, Response) else Response("done")

    app.post("/v1/faults/<kind>")(post_fault)


def add_faulty_lane(lane: Any) -> Any:
    """Return a class of *lane* that fails with what the chat says."""

    class Faulty(lane):  # type: ignore[misc]  # whichever it is
        def complete(self, call: ChatCall, upstream: Upstream) -> Whole:
            if call.model.startswith("faulty"):
                fail(f"{call.messages} {call.key}")
            whole: Whole = super().complete(call, upstream)
            return whole

        def stream(self, call: ChatCall, upstream: Upstream) -> Iterator[bytes | Whole]:
            if call.model == "faulty-before":
                fail(f"{call.messages} {call.key}")
            yield from super().stream(call, upstream)
            if call.model == "faulty-after":
                fail(f"{call.messages} {call.key}")

    return Faulty


def list_rows() -> dict[str, CatalogueEntry]:
    rows = dict(load_catalogue())
    for name, variable in _ADDRESSES.items():
        address = os.environ[variable]
        rows[name] = dataclasses.replace(
            rows[name], base_url=address, relay_base_url="", alternatives={}, error_codes=ERROR_CODES
        )
    return rows


def make_app(config: RelayConfig, spawn: Spawn, drain: Drain, **options: Any) -> Flask:
    # As in `cli`: not before the server has prepared.
    services: Any = importlib.import_module("sidestep_relay.services")
    services.load_catalogue = list_rows
    services.PipeLane = add_faulty_lane(services.PipeLane)
    services.TranslateLane = add_faulty_lane(services.TranslateLane)
    app: Flask = importlib.import_module("sidestep_relay.app").create_app(config, spawn=spawn, drain=drain, **options)
    add_faults(app, spawn)
    return app


if __name__ == "__main__":
    cli._make_app = make_app
    sys.exit(cli.main())
