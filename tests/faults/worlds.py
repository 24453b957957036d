"""A made-up world that misbehaves as it is told: a page, a provider and relays.

Only what is really the matter is laid down. What a page gets to see of it follows here by the rules of browsers (WHATWG
Fetch: a preflight that fails, an answer without `Access-Control-Allow-Origin` and a connection that fails are all one
and the same refusal) and by the relay's contract (docs/protocol.md). Nothing of the diagnosis is used for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from sidestep import (
    Client,
    Config,
    ConnectionFailed,
    ConnectionLost,
    Consent,
    FetchRejected,
    MockResponse,
    MockTransport,
    Provider,
    Relay,
    RetryPolicy,
    SidestepError,
    TransportTimeout,
)
from sidestep.addresses import is_mixed_content
from sidestep.transports import NullSurroundings, Surroundings
from sidestep.transports.mock import MockSurroundings
from sidestep.transports.surroundings import Permission, Reach
from sidestep.types import HttpRequest
from sidestep_relay.errors import RelayError, make_provider_error, read_provider_error
from tests.unit.answers import EVENT_STREAM, delta, sse, usage

__all__ = ["NOW", "PAGE", "Answer", "Here", "Host", "Obstacle", "RelayHost", "World", "is_unbillable"]

NOW = 1_790_000_000.0
PAGE = "https://page.test"

Obstacle = Literal["", "dns", "refused", "tls", "silence"]
"""What keeps a connection, or any answer, from coming about."""

_REJECTED = "The browser got no answer that it may show."
_DIAGNOSIS_MODEL = b"sidestep-diagnosis"
_OK = range(200, 300)
_MISSING = json.dumps({"error": {"message": "messages is missing", "type": "invalid_request_error"}}).encode()
_STEPS: Mapping[str, Mapping[str, Any]] = {
    "dns": {"dns": {"ok": False, "error": "unknown host", "ms": 1}, "tcp": None, "tls": None},
    "refused": {"tcp": {"ok": False, "error": "refused", "ms": 1}, "tls": None},
    "tls": {"tls": {"ok": False, "error": "untrusted", "ms": 1}},
    "silence": {},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answers to a chat.

    Attributes:
        body: of an answer in one piece.
        pieces: of a stream; an exception among them breaks it off at that point.
        is_for_body: whether only a real chat gets it. Otherwise whatever is asked there does, since the provider looks
            at something else first: the key, the limits, its own health.
    """

    status: int = 200
    body: bytes = b""
    pieces: tuple[bytes | Exception, ...] = (sse(delta("Hello"), delta(finish="stop"), usage(3, 2)),)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_for_body: bool = True

    @property
    def is_good(self) -> bool:
        """Whether its status says that it went well."""
        return self.status in _OK

    def make_response(self) -> MockResponse:
        """Return it as it would arrive."""
        if self.body:
            is_page = self.body.startswith(b"<")
            kind = {"content-type": "text/html" if is_page else "application/json"}
            return MockResponse(self.status, {**kind, **self.headers}, [self.body])
        return MockResponse(self.status, {**EVENT_STREAM, **self.headers}, list(self.pieces))


@dataclass(frozen=True, slots=True)
class Host:
    """How a provider behaves.

    Attributes:
        obstacle: why no answer comes from it at all.
        lets_ask: whether its preflight lets this page ask.
        shows_answers, shows_refusals: whether its good answers, and its refusals, let a page read them.
        answer: what it answers to a chat.
        elsewhere: what it answers to a chat that comes from a relay, if that is something else.
    """

    obstacle: Obstacle = ""
    lets_ask: bool = True
    shows_answers: bool = True
    shows_refusals: bool = True
    answer: Answer = Answer()
    elsewhere: Answer | None = None


@dataclass(frozen=True, slots=True)
class RelayHost:
    """How a relay behaves.

    Attributes:
        obstacle: why no answer comes from it at all.
        knows_page: whether its list of origins holds this page.
        refusal: the status and code of its own refusal, before it asks anybody.
        probe_refusal: the same for `/v1/probe` alone.
        step: what its probe says of a step that failed, in the place of what it is, such as `timed out`.
        page: what stands at its address in its place: another program's answer.
        loses: the chats that it takes and never answers: before it asked the provider, or after.
        starts_early: whether it begins an answer before the provider has, so that a refusal comes inside of it.
        cuts: whether its own connection breaks in the middle of an answer.
        sees_another: whether the provider's address is another computer's where it stands.
        ready: the status of its `/readyz`, true or not.
    """

    obstacle: Obstacle = ""
    knows_page: bool = True
    refusal: tuple[int, str] | None = None
    probe_refusal: tuple[int, str] | None = None
    step: str = ""
    page: bytes = b""
    loses: Literal["", "unasked", "asked"] = ""
    starts_early: bool = False
    cuts: bool = False
    sees_another: bool = False
    ready: int = 200


@dataclass(frozen=True, slots=True)
class Here:
    """What is the matter where the request comes from.

    Attributes:
        is_page: whether it is a page in a browser; a program otherwise, which is told why a connection failed.
        is_online, says_online: whether there is a network, and what the browser says of it.
        policy: the directive of the page's own policy that forbids calls to the provider.
        permission: what the browser was told about calls to this computer and its network.
        blocks: whether something here (an extension, a firewall) keeps calls from the provider.
        hides_opaque: whether the browser hides what a look without CORS brought (opaque-response blocking).
    """

    is_page: bool = True
    page_origin: str = PAGE
    is_online: bool = True
    says_online: bool = True
    policy: str = ""
    permission: Permission = "unknown"
    blocks: bool = False
    hides_opaque: bool = False


class World:
    """One provider, some relays and a client in the middle of them.

    Attributes:
        chats: how many chats the provider got that it could bill.
        looks: how many requests it got that nobody bills.
        preflights: how many failed preflights there were.
        sent: what was sent by the client, in order.
    """

    def __init__(
        self,
        provider: Provider,
        host: Host,
        relays: Mapping[Relay, RelayHost] | None = None,
        *,
        here: Here = Here(),
        is_allowed: bool = True,
    ) -> None:
        self.provider, self.host, self.here, self.relays = provider, host, here, dict(relays or {})
        self.now = NOW
        self.chats = self.looks = self.preflights = 0
        self.waits: list[float] = []
        self.transport = MockTransport(self._send)
        consents = frozenset(Consent(relay.id, "*") for relay in self.relays) if is_allowed else frozenset()
        self.client = Client(
            config=Config((provider,), tuple(self.relays), consents),
            transport=self.transport,
            surroundings=self._surround(),
            page_origin=here.page_origin if here.is_page else "",
            retries=RetryPolicy(attempts=2),
            clock=lambda: self.now,
            sleep=self._sleep,
            draw=lambda: 0.0,
        )

    @property
    def sent(self) -> list[HttpRequest]:
        """What the client sent, in order."""
        return self.transport.requests

    def count_sent(self, relay: Relay, path: str = "") -> int:
        """Return how many requests went to *relay*, to *path* if given."""
        return sum(request.url.startswith(relay.url + path) for request in self.sent)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    # the place it is seen from

    def _surround(self) -> Surroundings:
        here = self.here
        if not here.is_page:
            return NullSurroundings()
        return MockSurroundings(
            page_origin=here.page_origin,
            online=here.says_online,
            directive=here.policy,
            permissions={"loopback": here.permission, "local": here.permission},
            answer=self._reach,
        )

    def _reach(self, url: str) -> Reach:
        relay = self._find_relay(url)
        obstacle = self.relays[relay].obstacle if relay else self.host.obstacle
        passes = self._leaves(url) and not obstacle and not self.here.hides_opaque
        return "reachable" if passes else "inconclusive"

    def _leaves(self, url: str) -> bool:
        """Say whether a call leaves the browser and gets to the network's other side."""
        here = self.here
        is_near = (urlsplit(url).hostname or "") in {"localhost", "127.0.0.1"}
        is_asking = is_near and here.is_page and not here.page_origin.startswith("http://localhost")
        is_mixed = here.is_page and is_mixed_content(here.page_origin, url, can_target=True)
        is_stopped = not self._find_relay(url) and (here.blocks or bool(here.policy))
        return (
            (here.is_online or is_near)
            and not is_mixed
            and not is_stopped
            and not (is_asking and here.permission in {"denied", "prompt"})
        )

    def _find_relay(self, url: str) -> Relay | None:
        return next((relay for relay in self.relays if url.startswith(relay.url)), None)

    # what comes of a request

    def _send(self, request: HttpRequest) -> MockResponse | Exception:
        relay = self._find_relay(request.url)
        obstacle = self.relays[relay].obstacle if relay else self.host.obstacle
        if not self._leaves(request.url):
            return FetchRejected(_REJECTED) if self.here.is_page else _fail_to_connect("")
        if obstacle:
            return self._miss(obstacle)
        return self._send_to_relay(request, relay) if relay else self._send_directly(request)

    def _miss(self, obstacle: Obstacle) -> SidestepError:
        if obstacle == "silence":
            return TransportTimeout("Nothing came.")
        return FetchRejected(_REJECTED) if self.here.is_page else _fail_to_connect(obstacle)

    def _send_directly(self, request: HttpRequest) -> MockResponse | Exception:
        if self.here.is_page and not self.host.lets_ask:
            self.preflights += 1
            return FetchRejected(_REJECTED)
        answer = self._ask_provider(request, self.host.answer)
        is_shown = self.host.shows_answers if answer.is_good else self.host.shows_refusals
        return answer.make_response() if is_shown or not self.here.is_page else FetchRejected(_REJECTED)

    def _ask_provider(self, request: HttpRequest, answer: Answer) -> Answer:
        if not is_unbillable(request):
            self.chats += 1
            return answer
        self.looks += 1
        return Answer(400, _MISSING) if answer.is_for_body else answer

    def _send_to_relay(self, request: HttpRequest, relay: Relay) -> MockResponse | Exception:
        behaves = self.relays[relay]
        if self.here.is_page and not behaves.knows_page:
            return FetchRejected(_REJECTED)
        path = urlsplit(request.url).path
        if path in {"/readyz", "/healthz"}:
            return MockResponse(behaves.ready, {"content-type": "application/json"}, [b"{}"])
        if behaves.page:
            return Answer(body=behaves.page).make_response()
        if behaves.refusal:
            return _refuse(*behaves.refusal)
        return self._answer_probe(behaves) if path == "/v1/probe" else self._pass_on(request, behaves)

    def _answer_probe(self, relay: RelayHost) -> MockResponse:
        if relay.probe_refusal:
            return _refuse(*relay.probe_refusal)
        return Answer(body=json.dumps(self._view(relay)).encode()).make_response()

    def _pass_on(self, request: HttpRequest, relay: RelayHost) -> MockResponse | Exception:
        if relay.loses == "unasked":
            return FetchRejected(_REJECTED)
        if self.host.obstacle:
            is_silence = self.host.obstacle == "silence"
            return _write_failure(
                make_provider_error("timeout" if is_silence else "unreachable", "It does not answer.")
            )
        answer = self._ask_provider(request, self.host.elsewhere or self.host.answer)
        if relay.loses == "asked":
            return FetchRejected(_REJECTED)
        response = self._translate(answer)
        if relay.starts_early and response.status not in _OK:
            [body] = response.pieces
            return MockResponse(200, EVENT_STREAM, [b"event: error\ndata: " + _read(body) + b"\n\n"])
        if relay.cuts and response.status in _OK:
            response.pieces = [next(iter(response.pieces)), ConnectionLost("It broke.")]
        return response

    def _translate(self, answer: Answer) -> MockResponse:
        """Return *answer* as the relay passes it on."""
        if answer.body.startswith(b"<"):
            return _write_failure(make_provider_error("answer", "It answered with a web page instead of data."))
        if not answer.is_good:
            failure = read_provider_error(
                answer.body,
                name=self.provider.name,
                status=answer.status,
                error_codes=self.provider.entry.error_codes,
                headers=answer.headers,
            )
            return _write_failure(failure)
        response = answer.make_response()
        if any(isinstance(piece, Exception) for piece in answer.pieces):
            whole = [piece for piece in answer.pieces if isinstance(piece, bytes)]
            ending = json.dumps(make_provider_error("incomplete", "It broke off.").to_dict("1")).encode()
            response.pieces = [*whole, b"event: error\ndata: " + ending + b"\n\n"]
        return response

    def _view(self, relay: RelayHost) -> dict[str, Any]:
        """Return what the relay's `/v1/probe` answers."""
        host = self.host
        step = {"ok": True, "error": None, "ms": 1}
        view: dict[str, Any] = {"dns": step, "tcp": step, "tls": step, "preflight": None, "answer": None}
        if relay.sees_another:
            return view | {"tcp": {"ok": False, "error": "refused", "ms": 1}, "tls": None}
        if host.obstacle:
            told = {name: row and dict(row) for name, row in _STEPS[host.obstacle].items()}
            for row in filter(None, told.values()):
                row["error"] = relay.step or row["error"]
            return view | told
        missing = {"origin": not host.lets_ask, "method": False, "headers": [] if host.lets_ask else ["authorization"]}
        answer = host.elsewhere or host.answer
        status = answer.status if not answer.is_for_body and answer.body.startswith(b"<") else 401
        is_readable = host.shows_answers if status in _OK else host.shows_refusals
        return view | {
            "preflight": {"ok": host.lets_ask, "status": 200, "missing": missing},
            "answer": {"status": status, "is_readable": is_readable, "content_type": "application/json"},
        }


def is_unbillable(request: HttpRequest) -> bool:
    """Say whether a chat asks for nothing that anybody bills."""
    body = request.body or b""
    return body == b"{}" or _DIAGNOSIS_MODEL in body


def _fail_to_connect(reason: str) -> ConnectionFailed:
    error = ConnectionFailed("No connection.")
    error.reason = reason
    return error


def _refuse(status: int, code: str) -> MockResponse:
    return _write_failure(RelayError(code, "It said no.", status=status))


def _write_failure(error: RelayError) -> MockResponse:
    body = json.dumps(error.to_dict("1")).encode()
    return MockResponse(error.status, {"content-type": "application/json", **_lower(error.headers)}, [body])


def _read(piece: bytes | Exception) -> bytes:
    assert isinstance(piece, bytes)
    return piece


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
