"""Misbehaving hosts with real ports: what `tests.faults.worlds` makes up, for a real browser and a real relay."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from tests.fakes.providers import AnthropicProvider, BaseProvider, OpenProvider
from tests.fakes.servers import CUT, FakeServer, Hold, Recorded, Reply, Stream
from tests.fakes.servers import Answer as FakeAnswer
from tests.faults.worlds import Answer, Host

__all__ = ["Misbehaves", "OtherProgram", "hold_closed_port", "run_host"]


class Misbehaves(BaseProvider):
    """A provider that behaves as *host* says; to be mixed into one that would behave well.

    Attributes:
        failed_preflights: how many preflights it answered in a way that ends the call.
        break_off: where its answers stand before they break off. A browser drops what it has not handed over yet when a
            connection breaks, so a test lets go once the page has what came.
    """

    def __init__(self, host: Host) -> None:
        super().__init__()
        self.host = host
        self.failed_preflights = 0
        self.break_off = Hold()
        self.behaviour = self._misbehave

    @property
    def breaks_off(self) -> bool:
        """Whether its answers break off."""
        return any(isinstance(piece, Exception) for piece in self.host.answer.pieces)

    @property
    def billed(self) -> list[Recorded]:
        """The chats that it could bill."""
        return [chat for chat in self.chats if is_billed(chat)]

    def preflight(self, request: Recorded) -> FakeAnswer:
        if self.host.lets_ask:
            return super().preflight(request)
        self.failed_preflights += 1
        return Reply(200)

    def cors_headers(self, request: Recorded, status: int) -> Mapping[str, str]:
        is_shown = self.host.shows_answers if status < 400 else self.host.shows_refusals
        return super().cors_headers(request, status) if is_shown else {}

    def _misbehave(self, request: Recorded) -> FakeAnswer | None:
        # Only a page's calls carry an origin.
        is_from_page = "origin" in request.headers
        answer = self.host.answer if is_from_page or not self.host.elsewhere else self.host.elsewhere
        if request.method != "POST" or answer == Answer() or (answer.is_for_body and not is_billed(request)):
            return None
        return _write(answer, self.break_off)


class MisbehavingOpenAI(Misbehaves, OpenProvider):
    """Speaks OpenAI's wire."""


class MisbehavingAnthropic(Misbehaves, AnthropicProvider):
    """Speaks Anthropic's wire."""


class BehindTls(MisbehavingOpenAI):
    """Speaks OpenAI's wire behind TLS, with the certificate in a file."""

    def __init__(self, host: Host, certificate: Path) -> None:
        super().__init__(host)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self.port}"


class OtherProgram(FakeServer):
    """Something that is no relay, stands where one is expected, and answers every page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self._page = page

    def preflight(self, request: Recorded) -> FakeAnswer:
        allowed = request.headers.get("access-control-request-headers", "")
        return Reply(204, headers={"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": allowed})

    def cors_headers(self, request: Recorded, status: int) -> Mapping[str, str]:
        return {"Access-Control-Allow-Origin": "*"}

    def respond(self, request: Recorded) -> FakeAnswer:
        return _write(Answer(body=self._page), Hold())


@contextmanager
def run_host(host: Host, dialect: str, certificate: Path) -> Iterator[tuple[str, Misbehaves]]:
    """Run *host* until the end of the block; yield its base URL, and the server that counts.

    Args:
        host: how it behaves.
        dialect: which wire it speaks.
        certificate: the file of one that nobody trusts.
    """
    plain = MisbehavingAnthropic if dialect == "anthropic" else MisbehavingOpenAI
    with BehindTls(host, certificate) if host.obstacle == "tls" else plain(host) as server:
        if host.obstacle == "refused":
            with hold_closed_port() as port:
                yield f"http://127.0.0.1:{port}/v1", server
        elif host.obstacle == "dns":
            yield "https://nowhere.invalid/v1", server
        else:
            yield server.base_url, server


@contextmanager
def hold_closed_port() -> Iterator[int]:
    """Yield a port of this computer at which nobody listens, nor will until the end of the block."""
    with socket.socket() as holder:
        # Bound, so that nobody else gets it; without `listen` a connection to it is refused.
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def is_billed(chat: Recorded) -> bool:
    """Say whether a chat asks for something, so that a provider could bill it."""
    messages: list[dict[str, Any]] = (json.loads(chat.body) if chat.body else {}).get("messages", [])
    return any(message.get("role") == "user" for message in messages)


def _write(answer: Answer, break_off: Hold) -> FakeAnswer:
    if answer.body.startswith(b"<"):
        return Reply(answer.status, answer.body.decode(), answer.headers)
    if answer.body:
        return Reply(answer.status, json.loads(answer.body), answer.headers)
    pieces = [(piece,) if isinstance(piece, bytes) else (break_off, CUT) for piece in answer.pieces]
    return Stream(list(chain.from_iterable(pieces)))
