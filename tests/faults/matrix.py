"""The matrix: what misbehaves, by which routes, at which moment; and for each cell what must come of it.

The expectations are those of docs/routing.md (*What may be sent twice*), docs/protocol.md (*Verdict*), decisions 0004
and 0011, and of what is known of browsers: where a browser cannot tell, the row says why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from sidestep import ConnectionLost, Provider, Relay, TransportTimeout
from tests.faults.worlds import Answer, Here, Host, Obstacle, RelayHost, World
from tests.unit.answers import delta, sse, usage

__all__ = ["LESSONS", "MOMENTS", "ROWS", "Cell", "RouteSet", "Row", "list_cells"]

MOMENTS = ("nothing leaves", "connecting", "preflight", "before the first byte", "mid-stream", "after the finish")
LESSONS = ("open", "blocked", "hides_errors", "nothing")
RouteSet = Literal["direct", "not allowed", "relay", "two relays", "program"]
"""The routes there are: the direct one alone; a relay that may not see the key yet; one relay; two; and, of a program
outside a browser, the direct one and a relay."""

DIRECT: Final = "direct"
NOT_ALLOWED: Final = "not allowed"
RELAY: Final = "relay"
TWO: Final = "two relays"
PROGRAM: Final = "program"
ALONE: tuple[RouteSet, ...] = (DIRECT, NOT_ALLOWED)
RELAYED: tuple[RouteSet, ...] = (RELAY, TWO)
PAGES: tuple[RouteSet, ...] = (*ALONE, *RELAYED)
ALL: tuple[RouteSet, ...] = (*PAGES, PROGRAM)

OPENAI = Provider("openai", api_key="openai-key-123")  # known to answer pages
ZAI = Provider("zai-coding", api_key="zai-key-123")  # known not to
CLAUDE = Provider("anthropic", api_key="claude-key-123")
MINE = Provider("mine", base_url="https://llm.example/v1", api_key="mine-key-123")  # nothing is known of it
PLAIN = Provider("plain", base_url="http://llm.example/v1", api_key="plain-key-123")
OLLAMA = Provider("ollama")
ATTIC = Relay("https://attic.example", token="attic-token-123", id="attic", name="Attic")
CELLAR = Relay("https://cellar.example", token="cellar-token-123", id="cellar", name="Cellar")
UNENCRYPTED = Relay("http://attic.example", token="attic-token-123", id="attic", name="Attic")
NEAR = Relay("http://127.0.0.1:8787", token="attic-token-123", id="attic", name="Attic")
UNCONNECTED: tuple[tuple[Obstacle, str], ...] = (("dns", "unreachable"), ("refused", "unreachable"), ("tls", "tls"))
OPEN, HERE, WELL = Host(), Here(), RelayHost()

SAME = "Connections that fail, calls that are blocked and certificates that are wrong look the same to a page."
HIDDEN = "A preflight that fails and a refusal without CORS headers look the same to a page."
ONLINE = "That a browser says it is online proves nothing."
LOCAL = "A local network that was not allowed and a server that does not run look the same to a page."
BILLED = "Whether good answers may be read shows only an answer that is billed."
GUARD = "A web page with a guard's status may come from the provider's guard or from one in between."
PASSED = "A refusal that is over when it is looked for, and a fault of the network, leave the same trace."


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what misbehaves, and for each of its *routes* what must come of it.

    Attributes:
        moment: one of `MOMENTS`.
        truth: what is really the matter, as a verdict would say it: `cause`, or `cause/behind`.
        certainty: how sure the diagnosis must be.
        sees: what the user gets: the badge of a good answer, or the type of the error.
        says: words that stand beside the badge, or in the error.
        chats: how many requests that can be billed reached the provider.
        learned: what is known of the direct way afterwards, one of `LESSONS`.
        excuse: why a browser cannot tell; then the verdict must be `cannot_tell`.
        relay: how the first relay behaves; the second, Cellar, is well unless *are_all_so*.
    """

    name: str
    moment: str
    routes: tuple[RouteSet, ...]
    truth: str
    certainty: str
    sees: str
    says: str
    chats: int
    learned: str
    excuse: str = ""
    provider: Provider = OPENAI
    host: Host = OPEN
    here: Here = HERE
    relay: RelayHost = WELL
    attic: Relay = ATTIC
    are_all_so: bool = False

    @property
    def expected(self) -> tuple[str, int, str, str, str]:
        """What must be seen: by the user, at the provider, the verdict and its certainty, and the lesson."""
        verdict = "cannot_tell" if self.excuse else self.truth
        return self.sees, self.chats, verdict, self.certainty, self.learned


@dataclass(frozen=True, slots=True)
class Cell:
    """A row by one set of routes."""

    row: Row
    routes: RouteSet

    def __str__(self) -> str:
        return f"{self.row.name}, {self.routes}"

    def make_world(self) -> World:
        """Return a world in which it is so."""
        row, routes = self.row, self.routes
        relays = {} if routes == DIRECT else {row.attic: row.relay}
        if routes == TWO:
            relays[CELLAR] = row.relay if row.are_all_so else RelayHost()
        here = replace(row.here, is_page=False) if routes == PROGRAM else row.here
        return World(row.provider, row.host, relays, here=here, is_allowed=routes != NOT_ALLOWED)


def list_cells() -> Iterator[Cell]:
    """Yield every cell."""
    return (Cell(row, routes) for row in ROWS for routes in row.routes)


def refusal(status: int, code: str, message: str = "No.", *, is_for_body: bool = False, **headers: str) -> Answer:
    """Return a refusal in OpenAI's form."""
    body = json.dumps({"error": {"message": message, "code": code or None}}).encode()
    return Answer(status, body, (), {name.replace("_", "-"): value for name, value in headers.items()}, is_for_body)


def hidden(answer: Answer) -> Host:
    """Return a provider that lets pages ask and read good answers, and hides *answer*, a refusal."""
    return Host(shows_refusals=False, answer=answer)


def stream(*pieces: bytes | Exception) -> Answer:
    """Return an answer that comes in *pieces*."""
    return Answer(pieces=pieces)


BEGUN = sse(delta("Hel"), done=False)
FINISHED = sse(delta("Hello"), delta(finish="stop"), done=False)
ERROR_EVENT = sse({"error": {"message": "Overloaded.", "code": "engine_overloaded_error"}}, done=False)
LOST, SILENT = ConnectionLost("It broke."), TransportTimeout("Nothing came any more.")

WRONG_KEY = refusal(401, "invalid_api_key", "Incorrect API key provided.")
NO_BALANCE = refusal(429, "insufficient_quota", "You exceeded your current quota.")
BUSY = refusal(429, "rate_limit_exceeded", "Too many requests.", retry_after="7")
VERY_BUSY = refusal(429, "rate_limit_exceeded", "Too many requests.", retry_after="3600")
DOWN = refusal(529, "", "Overloaded.")
BROKEN = refusal(500, "", "Internal error.")
BAD = refusal(400, "invalid_value", "temperature is too high.", is_for_body=True)
NO_MODEL = refusal(404, "model_not_found", "No such model.", is_for_body=True)
UNSAFE = refusal(400, "content_filter", "Not this.", is_for_body=True)
NOT_FROM_A_PAGE = Answer(
    401,
    json.dumps(
        {
            "type": "error",
            "error": {
                "type": "authentication_error",
                "message": "CORS requests are not allowed for this Organization",
            },
        }
    ).encode(),
    (),
    is_for_body=False,
)
WEB_PAGE = Answer(body=b"<!doctype html><title>Sign in</title>", is_for_body=False)
GUARD_PAGE = replace(WEB_PAGE, status=403)
SIGN_IN = replace(WEB_PAGE, status=511)
CLOSED, UNREADABLE = Host(lets_ask=False), Host(shows_answers=False, shows_refusals=False)
LIAR = Here(is_online=False)
NO_PROBE = RelayHost(probe_refusal=(404, "http_404"))
REFUSED_CALL = "refused the browser's direct call"

# fmt: off
ROWS: tuple[Row, ...] = (
    # name, moment, routes, truth, certainty, what is seen, what is said, chats, what is learned

    # The browser itself
    Row("offline", "nothing leaves", ALONE, "offline", "proven", "RoutesFailed", "got no answer", 0, "nothing",
        here=Here(is_online=False, says_online=False)),
    Row("offline", "nothing leaves", RELAYED, "offline", "proven", "RoutesFailed", "by any route", 0, "nothing",
        here=Here(is_online=False, says_online=False)),
    Row("no network, and the browser says there is", "nothing leaves", ALONE, "offline", "cannot_tell",
        "RoutesFailed", "got no answer", 0, "nothing", here=LIAR, excuse=ONLINE),
    Row("no network, and the browser says there is", "nothing leaves", RELAYED, "offline", "cannot_tell",
        "RoutesFailed", "by any route", 0, "nothing", here=LIAR, excuse=ONLINE),
    Row("mixed content", "nothing leaves", ALONE, "mixed_content", "proven", "RoutesFailed", "got no answer", 0,
        "nothing", provider=PLAIN),
    Row("mixed content", "nothing leaves", RELAYED, "mixed_content", "proven", "relay Attic", REFUSED_CALL, 1,
        "blocked", provider=PLAIN),
    Row("the relay is mixed content", "nothing leaves", (RELAY,), "mixed_content", "proven", "RoutesFailed",
        "by any route", 0, "nothing", provider=ZAI, host=CLOSED, attic=UNENCRYPTED),
    Row("the page's policy", "nothing leaves", ALONE, "content_policy", "proven", "RoutesFailed", "got no answer", 0,
        "nothing", here=Here(policy="connect-src")),
    Row("the page's policy", "nothing leaves", RELAYED, "content_policy", "proven", "relay Attic", REFUSED_CALL, 1,
        "blocked", here=Here(policy="connect-src")),
    Row("the local network is denied", "nothing leaves", ALONE, "local_network_permission", "proven", "RoutesFailed",
        "got no answer", 0, "nothing", provider=OLLAMA, here=Here(permission="denied")),
    Row("the local network is denied, and the relay is elsewhere", "nothing leaves", (RELAY,),
        "local_network_permission", "proven", "RelayRefused", "refused", 0, "nothing", provider=OLLAMA,
        here=Here(permission="denied"), relay=RelayHost(refusal=(403, "destination_refused"))),
    Row("the local network is denied, the relay too", "nothing leaves", (RELAY,), "local_network_permission", "proven",
        "RoutesFailed", "by any route", 0, "nothing", provider=OLLAMA, here=Here(permission="denied"), attic=NEAR),
    Row("the relay of this computer is denied", "nothing leaves", (RELAY,), "local_network_permission", "proven",
        "RoutesFailed", "by any route", 0, "nothing", provider=ZAI, host=CLOSED, here=Here(permission="denied"),
        attic=NEAR),
    Row("the local network was not asked for", "nothing leaves", ALONE, "local_network_permission", "cannot_tell",
        "RoutesFailed", "got no answer", 0, "nothing", provider=OLLAMA, here=Here(permission="prompt"), excuse=LOCAL),
    Row("the relay of this computer was not asked for", "nothing leaves", (RELAY,), "local_network_permission",
        "cannot_tell", "RoutesFailed", "by any route", 0, "nothing", provider=ZAI, host=CLOSED,
        here=Here(permission="prompt"), attic=NEAR, excuse=LOCAL),
    Row("an extension", "nothing leaves", ALONE, "blocked_here", "cannot_tell", "RoutesFailed", "got no answer", 0,
        "nothing", here=Here(blocks=True), excuse=SAME),
    # Decision 0004: what counts is that the browser was refused and the same request was answered by way of a relay.
    Row("an extension", "nothing leaves", RELAYED, "blocked_here", "likely", "relay Attic", REFUSED_CALL, 1, "blocked",
        here=Here(blocks=True)),
    Row("a firewall", "connecting", (PROGRAM,), "blocked_here", "likely", "relay Attic", "The direct call failed", 1,
        "nothing", here=Here(blocks=True)),

    # No connection
    *(Row(f"no connection ({obstacle}, {provider.id})", "connecting", ALONE, truth, "cannot_tell", "RoutesFailed",
          "got no answer", 0, "nothing", provider=provider, host=Host(obstacle=obstacle), excuse=SAME)
      for obstacle, truth in UNCONNECTED
      for provider in (OPENAI, MINE)),
    Row("no connection (dns)", "connecting", RELAYED, "unreachable", "proven", "ServerError", "does not answer", 0,
        "nothing", host=Host(obstacle="dns")),
    Row("no connection (refused)", "connecting", RELAYED, "unreachable", "likely", "ServerError", "does not answer", 0,
        "nothing", host=Host(obstacle="refused")),
    Row("no connection (tls)", "connecting", RELAYED, "tls", "proven", "ServerError", "does not answer", 0, "nothing",
        host=Host(obstacle="tls")),
    *(Row(f"no connection ({obstacle}), and the relay's look {step}", "connecting", RELAYED, truth, "likely",
          "ServerError", "does not answer", 0, "nothing", host=Host(obstacle=obstacle), relay=RelayHost(step=step))
      for obstacle, truth in UNCONNECTED
      for step in ("timed out", "failed")),
    Row("no connection (dns)", "connecting", (PROGRAM,), "unreachable", "proven", "ServerError", "does not answer", 0,
        "nothing", host=Host(obstacle="dns")),
    Row("no connection (refused)", "connecting", (PROGRAM,), "unreachable", "proven", "ServerError", "does not answer",
        0, "nothing", host=Host(obstacle="refused")),
    Row("no connection (tls)", "connecting", (PROGRAM,), "tls", "proven", "ServerError", "does not answer", 0,
        "nothing", host=Host(obstacle="tls")),
    Row("a server of this computer that does not run", "connecting", ALONE, "unreachable", "cannot_tell",
        "RoutesFailed", "got no answer", 0, "nothing", provider=OLLAMA, here=Here(permission="granted"),
        host=Host(obstacle="refused"), excuse=SAME),
    Row("silence", "before the first byte", ALONE, "timeout", "proven", "TransportTimeout", "Nothing came", 0,
        "nothing", host=Host(obstacle="silence")),
    # After a silence nothing is sent again: a long answer looks the same.
    Row("silence", "before the first byte", (*RELAYED, PROGRAM), "timeout", "likely", "TransportTimeout",
        "Nothing came", 0, "nothing", host=Host(obstacle="silence")),

    # CORS
    Row("closed to pages, as is known", "preflight", ALONE, "cors_blocked", "likely", "RoutesFailed", "got no answer",
        0, "nothing", provider=ZAI, host=CLOSED),
    Row("closed to pages, and was open", "preflight", ALONE, "cors_blocked", "cannot_tell", "RoutesFailed",
        "got no answer", 0, "nothing", host=CLOSED, excuse=HIDDEN),
    Row("closed to pages, nothing is known", "preflight", ALONE, "cors_blocked", "cannot_tell", "RoutesFailed",
        "got no answer", 0, "nothing", provider=MINE, host=CLOSED, excuse=HIDDEN),
    *(Row(f"closed to pages ({provider.id})", "preflight", RELAYED, "cors_blocked", "proven", "relay Attic",
          REFUSED_CALL, 1, "blocked", provider=provider, host=CLOSED) for provider in (ZAI, OPENAI, MINE)),
    Row("closed to pages, and to a program it is not", "preflight", (PROGRAM,), "ok", "likely", "direct",
        "Nothing stood in between", 1, "nothing", provider=ZAI, host=CLOSED),
    Row("closed to pages, and the relay is an older one", "preflight", RELAYED, "cors_blocked", "likely",
        "relay Attic", REFUSED_CALL, 1, "blocked", provider=ZAI, host=CLOSED, relay=NO_PROBE, are_all_so=True),
    Row("closed to pages, and the browser hides what is opaque", "preflight", RELAYED, "cors_blocked", "proven",
        "relay Attic", REFUSED_CALL, 1, "blocked", host=CLOSED, here=Here(hides_opaque=True)),
    Row("closed to pages, and the key is wrong", "preflight", RELAYED, "auth", "proven", "AuthenticationError",
        "refused the key", 1, "nothing", provider=ZAI, host=replace(CLOSED, answer=WRONG_KEY)),
    Row("a server of this computer closed to pages", "preflight", ALONE, "cors_blocked", "likely", "RoutesFailed",
        "got no answer", 0, "nothing", provider=OLLAMA, here=Here(permission="granted"), host=CLOSED),
    Row("answers that no page may read", "before the first byte", ALONE, "cors_blocked", "cannot_tell", "RoutesFailed",
        "got no answer", 1, "nothing", host=UNREADABLE, excuse=HIDDEN),
    # May have arrived, so it is sent again once, and the badge says so.
    Row("answers that no page may read", "before the first byte", RELAYED, "cors_blocked", "cannot_tell",
        "relay Attic", REFUSED_CALL, 2, "blocked", host=UNREADABLE, excuse=BILLED),
    Row("refusals are hidden, and nothing is wrong", "before the first byte", ALONE, "ok", "cannot_tell", "direct",
        "Nothing stood in between", 1, "open", host=hidden(Answer()), excuse=HIDDEN),
    Row("refusals are hidden, and nothing is wrong", "before the first byte", RELAYED, "ok", "cannot_tell", "direct",
        "Nothing stood in between", 1, "open", host=hidden(Answer()), excuse=BILLED),

    # Refusals that the provider hides from pages
    *(Row(f"a wrong key, hidden ({provider.id})", "before the first byte", ALONE, "cors_hidden_errors/auth",
          "cannot_tell", "RoutesFailed", "got no answer", 1, "nothing", provider=provider, host=hidden(WRONG_KEY),
          excuse=HIDDEN) for provider in (OPENAI, MINE)),
    *(Row(f"a wrong key, hidden ({provider.id})", "before the first byte", RELAYED, "cors_hidden_errors/auth",
          "proven", "AuthenticationError", "refused the key", 2, "hides_errors", provider=provider,
          host=hidden(WRONG_KEY)) for provider in (OPENAI, MINE)),
    Row("a wrong key, hidden, and the relay begins early", "before the first byte", RELAYED,
        "cors_hidden_errors/auth", "proven", "AuthenticationError", "refused the key", 2, "hides_errors",
        host=hidden(WRONG_KEY), relay=RelayHost(starts_early=True), are_all_so=True),
    Row("no balance, hidden", "before the first byte", RELAYED, "cors_hidden_errors/quota", "proven", "QuotaExceeded",
        "used up", 2, "hides_errors", host=hidden(NO_BALANCE)),
    Row("too many requests, hidden", "before the first byte", RELAYED, "cors_hidden_errors/rate_limit", "likely",
        "RateLimited", "too many requests", 4, "nothing", host=hidden(BUSY)),
    Row("overloaded, hidden", "before the first byte", RELAYED, "cors_hidden_errors/overloaded", "likely",
        "Overloaded", "overloaded", 4, "nothing", host=hidden(DOWN)),
    Row("broken, hidden", "before the first byte", RELAYED, "cors_hidden_errors/server_error", "likely",
        "ServerError", "failed", 4, "nothing", host=hidden(BROKEN)),
    Row("a bad request, hidden", "before the first byte", RELAYED, "cors_hidden_errors/bad_request", "likely",
        "BadRequest", "temperature is too high", 2, "nothing", host=hidden(BAD)),
    Row("no such model, hidden", "before the first byte", RELAYED, "cors_hidden_errors/model_unknown", "likely",
        "ModelNotFound", "does not know this model", 2, "nothing", host=hidden(NO_MODEL)),
    Row("a refused content, hidden", "before the first byte", RELAYED, "cors_hidden_errors/content_refused", "likely",
        "ContentRefused", "will not answer this content", 2, "nothing", host=hidden(UNSAFE)),
    *(Row(f"{name}, hidden", "before the first byte", ALONE, f"cors_hidden_errors/{behind}", "cannot_tell",
          "RoutesFailed", "got no answer", 1, "nothing", host=hidden(answer), excuse=HIDDEN)
      for name, behind, answer in (("no balance", "quota", NO_BALANCE), ("too many requests", "rate_limit", BUSY),
                                   ("overloaded", "overloaded", DOWN), ("a bad request", "bad_request", BAD),
                                   ("no such model", "model_unknown", NO_MODEL))),

    # Refusals that a page may read: what a provider says is final, by whatever route
    Row("the organisation forbids browsers", "before the first byte", ALONE, "browser_forbidden", "proven",
        "RoutesFailed", "CORS requests are not allowed", 1, "nothing", provider=CLAUDE,
        host=Host(answer=NOT_FROM_A_PAGE, elsewhere=Answer())),
    # The one answer that another route can change.
    Row("the organisation forbids browsers", "before the first byte", RELAYED, "browser_forbidden", "proven",
        "relay Attic", "went through the relay", 2, "blocked", provider=CLAUDE,
        host=Host(answer=NOT_FROM_A_PAGE, elsewhere=Answer())),
    *(Row(name, "before the first byte", PAGES, truth, certainty, sees, says, chats, learned, host=Host(answer=answer))
      for name, truth, certainty, sees, says, chats, learned, answer in (
        ("a wrong key", "auth", "proven", "AuthenticationError", "refused the key", 1, "open", WRONG_KEY),
        ("no balance", "quota", "proven", "QuotaExceeded", "used up", 1, "open", NO_BALANCE),
        ("no balance (402)", "quota", "proven", "QuotaExceeded", "used up", 1, "open", refusal(402, "")),
        # A bare status may come from somebody in between, so nothing is learned from it.
        ("a bare 403", "permission", "likely", "PermissionDenied", "does not allow", 1, "nothing", refusal(403, "")),
        # Said "not now": sent again after the wait that it asks for, twice at most.
        ("too many requests", "rate_limit", "proven", "RateLimited", "too many requests", 3, "open", BUSY),
        ("far too many requests", "rate_limit", "proven", "RateLimited", "asks for a wait of 3600 s", 1, "open",
         VERY_BUSY),
        ("a bare 429", "rate_limit", "likely", "RateLimited", "too many requests", 3, "nothing", refusal(429, "")),
        ("overloaded", "overloaded", "proven", "Overloaded", "overloaded", 3, "open", DOWN),
        ("a bare 503", "overloaded", "likely", "Overloaded", "overloaded", 3, "nothing", refusal(503, "")),
        ("broken", "server_error", "proven", "ServerError", "failed", 3, "open", BROKEN),
        ("a bad request", "bad_request", "proven", "BadRequest", "temperature is too high", 1, "open", BAD),
        ("no such model", "model_unknown", "proven", "ModelNotFound", "does not know this model", 1, "open", NO_MODEL),
        ("a refused content", "content_refused", "proven", "ContentRefused", "will not answer", 1, "open", UNSAFE),
      )),
    Row("a wrong key", "before the first byte", (PROGRAM,), "auth", "proven", "AuthenticationError", "refused the key",
        1, "nothing", host=Host(answer=WRONG_KEY)),
    Row("overloaded", "before the first byte", (PROGRAM,), "overloaded", "proven", "Overloaded", "overloaded", 3,
        "nothing", host=Host(answer=DOWN)),

    # What answers is not the API
    Row("a network's sign-in page", "before the first byte", ALONE, "captive_portal", "likely", "UnexpectedResponse",
        "a web page", 1, "nothing", host=Host(answer=WEB_PAGE)),
    Row("a network's sign-in page", "before the first byte", (*RELAYED, PROGRAM), "captive_portal", "likely",
        "UnexpectedResponse", "a web page", 1, "nothing", host=Host(answer=WEB_PAGE, elsewhere=Answer())),
    Row("a network's sign-in page before one's own server", "before the first byte", RELAYED, "captive_portal",
        "likely", "UnexpectedResponse", "a web page", 1, "nothing", provider=MINE,
        host=Host(answer=WEB_PAGE, elsewhere=Answer())),
    Row("a sign-in page that says so", "before the first byte", PAGES, "captive_portal", "proven", "ServerError",
        "failed", 1, "nothing", host=Host(answer=SIGN_IN, elsewhere=Answer())),
    Row("a guard's page", "before the first byte", ALONE, "permission", "cannot_tell", "UnexpectedResponse",
        "a web page", 1, "nothing", host=Host(answer=GUARD_PAGE), excuse=GUARD),
    Row("the address of a web page", "before the first byte", ALL, "wrong_address", "likely", "UnexpectedResponse",
        "Check the base URL", 1, "nothing", provider=MINE, host=Host(answer=WEB_PAGE)),
    Row("a provider that answers everybody with a web page", "before the first byte", RELAYED, "server_error",
        "likely", "UnexpectedResponse", "a web page", 1, "nothing", host=Host(answer=WEB_PAGE)),

    # In the middle of an answer nothing is ever sent again
    Row("cut", "mid-stream", PAGES, "incomplete", "proven", "ConnectionLost", "It broke", 1, "open",
        host=Host(answer=stream(BEGUN, LOST))),
    Row("cut", "mid-stream", (PROGRAM,), "incomplete", "proven", "ConnectionLost", "It broke", 1, "nothing",
        host=Host(answer=stream(BEGUN, LOST))),
    Row("cut before the relay", "mid-stream", RELAYED, "incomplete", "proven", "ServerError", "It broke off", 1,
        "blocked", provider=ZAI, host=replace(CLOSED, answer=stream(BEGUN, LOST))),
    Row("cut behind the relay", "mid-stream", RELAYED, "incomplete", "proven", "ConnectionLost", "It broke", 1,
        "blocked", provider=ZAI, host=replace(CLOSED, answer=stream(BEGUN, FINISHED)), relay=RelayHost(cuts=True)),
    Row("an end without a finish", "mid-stream", PAGES, "incomplete", "proven", "StreamIncomplete", "", 1, "open",
        host=Host(answer=stream(BEGUN))),
    Row("an error in the stream", "mid-stream", PAGES, "overloaded", "proven", "Overloaded", "overloaded", 1, "open",
        host=Host(answer=stream(BEGUN, ERROR_EVENT))),
    Row("an error as the whole stream", "before the first byte", PAGES, "overloaded", "proven", "Overloaded",
        "overloaded", 1, "open", host=Host(answer=stream(ERROR_EVENT))),
    Row("silence", "mid-stream", PAGES, "timeout", "proven", "TransportTimeout", "Nothing came any more", 1, "open",
        host=Host(answer=stream(BEGUN, SILENT))),
    Row("silence, and the browser hides what is opaque", "mid-stream", RELAYED, "timeout", "proven",
        "TransportTimeout", "Nothing came any more", 1, "open", host=Host(answer=stream(BEGUN, SILENT)),
        here=Here(hides_opaque=True)),

    # After the finish nothing can go wrong any more
    Row("cut", "after the finish", PAGES, "ok", "likely", "direct", "Nothing stood in between", 1, "open",
        host=Host(answer=stream(FINISHED, LOST))),
    Row("cut", "after the finish", (PROGRAM,), "ok", "likely", "direct", "Nothing stood in between", 1, "nothing",
        host=Host(answer=stream(FINISHED, LOST))),
    Row("cut behind the relay", "after the finish", RELAYED, "cors_blocked", "proven", "relay Attic", REFUSED_CALL, 1,
        "blocked", provider=ZAI, host=replace(CLOSED, answer=stream(FINISHED, sse(usage(3, 2)))),
        relay=RelayHost(cuts=True)),
    Row("no last line", "after the finish", PAGES, "ok", "likely", "direct", "Nothing stood in between", 1, "open",
        host=Host(answer=stream(FINISHED))),

    # Relays: the provider is closed to pages, so everything depends on them
    *(Row(f"the relay {name}", moment, (RELAY,), truth, certainty, sees, says, chats, "nothing", provider=ZAI,
          host=CLOSED, relay=relay)
      for name, moment, truth, certainty, sees, says, chats, relay in (
        ("is down", "connecting", "relay_down", "likely", "RoutesFailed", "“Attic” does not answer", 0,
         RelayHost(obstacle="refused")),
        ("is silent", "before the first byte", "relay_down", "likely", "TransportTimeout", "Nothing came", 0,
         RelayHost(obstacle="silence")),
        ("does not know the page", "preflight", "relay_refused", "likely", "RoutesFailed", "SIDESTEP_ORIGINS", 0,
         RelayHost(knows_page=False)),
        ("refuses its token", "before the first byte", "relay_auth", "proven", "RelayAuthenticationError",
         "refused its token", 0, RelayHost(refusal=(401, "relay_token_wrong"))),
        ("refuses the destination", "before the first byte", "relay_refused", "proven", "RelayRefused", "It said no",
         0, RelayHost(refusal=(403, "destination_refused"))),
        ("is over its limit", "before the first byte", "relay_refused", "proven", "RelayRefused", "It said no", 0,
         RelayHost(refusal=(429, "rate_limited"))),
        ("is another program", "before the first byte", "relay_down", "likely", "UnexpectedResponse",
         "Check the relay's address", 0, RelayHost(page=b'{"hello": "world"}')),
        ("is a web page", "before the first byte", "relay_down", "likely", "UnexpectedResponse",
         "Check the relay's address", 0, RelayHost(page=b"<!doctype html>")),
        ("loses the request", "before the first byte", "relay_down", "likely", "RoutesFailed",
         "“Attic” does not answer", 0, RelayHost(loses="unasked")),
        ("loses the answer", "before the first byte", "relay_down", "likely", "RoutesFailed",
         "“Attic” does not answer", 1, RelayHost(loses="asked")),
      )),
    # The other relay takes over where it is certain that nothing was asked, or once where it is not.
    *(Row(f"the first relay {name}", moment, (TWO,), "cors_blocked", "proven", "relay Cellar",
          "Attic did not answer", 1, "blocked", provider=ZAI, host=CLOSED, relay=relay)
      for name, moment, relay in (
        ("is down", "connecting", RelayHost(obstacle="refused")),
        ("is silent", "connecting", RelayHost(obstacle="silence")),
        ("does not know the page", "preflight", RelayHost(knows_page=False)),
        ("refuses its token", "before the first byte", RelayHost(refusal=(401, "relay_token_wrong"))),
        ("refuses the destination", "before the first byte", RelayHost(refusal=(403, "destination_refused"))),
        ("is over its limit", "before the first byte", RelayHost(refusal=(429, "rate_limited"))),
        ("says that it is not ready", "before the first byte", RelayHost(ready=502)),
      )),
    Row("the first relay loses the request", "before the first byte", (TWO,), "relay_down", "likely", "RoutesFailed",
        "may have arrived twice already", 0, "nothing", provider=ZAI, host=CLOSED, relay=RelayHost(loses="unasked")),
    Row("the first relay loses the answer", "before the first byte", (TWO,), "relay_down", "likely", "RoutesFailed",
        "may have arrived twice already", 1, "nothing", provider=ZAI, host=CLOSED, relay=RelayHost(loses="asked")),
    Row("the first relay is another program", "before the first byte", (TWO,), "relay_down", "likely",
        "UnexpectedResponse", "Check the relay's address", 0, "nothing", provider=ZAI, host=CLOSED,
        relay=RelayHost(page=b'{"hello": "world"}')),
    Row("both relays are down", "connecting", (TWO,), "relay_down", "likely", "RoutesFailed", "by any route", 0,
        "nothing", provider=ZAI, host=CLOSED, relay=RelayHost(obstacle="refused"), are_all_so=True),
    Row("both relays refuse their token", "before the first byte", (TWO,), "relay_auth", "proven",
        "RelayAuthenticationError", "refused its token", 0, "nothing", provider=ZAI, host=CLOSED,
        relay=RelayHost(refusal=(401, "relay_token_wrong")), are_all_so=True),
    Row("a relay is down that is not needed", "connecting", RELAYED, "ok", "likely", "direct",
        "Nothing stood in between", 1, "open", relay=RelayHost(obstacle="refused")),
    Row("the relay is down, and a program is told so", "connecting", (PROGRAM,), "relay_down", "proven",
        "RoutesFailed", "“Attic” does not answer", 0, "nothing", host=Host(obstacle="silence"),
        provider=Provider("zai-coding", api_key="zai-key-123", route="relay"), relay=RelayHost(obstacle="refused")),
)
# fmt: on
