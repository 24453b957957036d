"""The cells in which a real browser is the judge.

The page, the relays and each provider are origins of their own on this computer. Where a row needs a host elsewhere,
because no network and no such name say nothing of this computer, it names one that does not exist.
"""

from __future__ import annotations

from dataclasses import replace

from tests.faults.matrix import (
    ALONE,
    BAD,
    BEGUN,
    BILLED,
    CLAUDE,
    CLOSED,
    DIRECT,
    ERROR_EVENT,
    FINISHED,
    GUARD,
    GUARD_PAGE,
    HIDDEN,
    LOST,
    MINE,
    NO_BALANCE,
    NO_MODEL,
    NOT_ALLOWED,
    NOT_FROM_A_PAGE,
    REFUSED_CALL,
    RELAY,
    SAME,
    TWO,
    UNREADABLE,
    WEB_PAGE,
    WRONG_KEY,
    ZAI,
    Cell,
    RouteSet,
    Row,
    hidden,
    refusal,
    stream,
)
from tests.faults.worlds import Answer, Here, Host, RelayHost

__all__ = ["BROWSER_CELLS"]

BOTH: tuple[RouteSet, ...] = (DIRECT, RELAY)
# Asks for no wait, so that nobody waits here.
BUSY = refusal(429, "rate_limit_exceeded", "Too many requests.", retry_after="0")
DOWN = refusal(529, "", "Overloaded.", retry_after="0")
BARE_503 = refusal(503, "", "Overloaded.", retry_after="0")
STRICT = Here(policy="connect-src")
OFFLINE = Here(is_online=False, says_online=False)

# fmt: off
ROWS: tuple[Row, ...] = (
    # name, moment, routes, truth, certainty, what is seen, what is said, chats, what is learned
    Row("nothing is wrong", "after the finish", BOTH, "ok", "likely", "direct", "Nothing stood in between", 1, "open"),
    Row("offline", "nothing leaves", (DIRECT,), "offline", "proven", "RoutesFailed", "got no answer", 0, "nothing",
        here=OFFLINE, host=Host(obstacle="dns")),
    Row("offline", "nothing leaves", (RELAY,), "offline", "proven", "RoutesFailed", "by any route", 0, "nothing",
        here=OFFLINE, host=Host(obstacle="dns")),

    Row("the page's policy", "nothing leaves", ALONE, "content_policy", "proven", "RoutesFailed", "got no answer", 0,
        "nothing", here=STRICT),
    Row("the page's policy", "nothing leaves", (RELAY,), "content_policy", "proven", "relay Attic", REFUSED_CALL, 1,
        "blocked", here=STRICT),

    Row("no connection (dns)", "connecting", (DIRECT,), "unreachable", "cannot_tell", "RoutesFailed", "got no answer",
        0, "nothing", host=Host(obstacle="dns"), excuse=SAME),
    Row("no connection (refused)", "connecting", ALONE, "unreachable", "cannot_tell", "RoutesFailed", "got no answer",
        0, "nothing", host=Host(obstacle="refused"), excuse=SAME),
    Row("no connection (refused)", "connecting", (RELAY,), "unreachable", "likely", "ServerError", "cannot be reached",
        0, "nothing", host=Host(obstacle="refused")),
    Row("no connection (tls)", "connecting", ALONE, "tls", "cannot_tell", "RoutesFailed", "got no answer", 0,
        "nothing", host=Host(obstacle="tls"), excuse=SAME),
    Row("no connection (tls)", "connecting", (RELAY,), "tls", "proven", "ServerError", "cannot be reached", 0,
        "nothing", host=Host(obstacle="tls")),

    Row("closed to pages, as is known", "preflight", ALONE, "cors_blocked", "likely", "RoutesFailed", "got no answer",
        0, "nothing", provider=ZAI, host=CLOSED),
    Row("closed to pages, nothing is known", "preflight", ALONE, "cors_blocked", "cannot_tell", "RoutesFailed",
        "got no answer", 0, "nothing", provider=MINE, host=CLOSED, excuse=HIDDEN),
    *(Row(f"closed to pages ({provider.id})", "preflight", (RELAY,), "cors_blocked", "proven", "relay Attic",
          REFUSED_CALL, 1, "blocked", provider=provider, host=CLOSED) for provider in (ZAI, MINE)),
    Row("closed to pages, and the key is wrong", "preflight", (RELAY,), "auth", "proven", "AuthenticationError",
        "refused the key", 1, "nothing", provider=ZAI, host=replace(CLOSED, answer=WRONG_KEY)),
    Row("answers that no page may read", "before the first byte", ALONE, "cors_blocked", "cannot_tell", "RoutesFailed",
        "got no answer", 1, "nothing", provider=MINE, host=UNREADABLE, excuse=HIDDEN),
    Row("answers that no page may read", "before the first byte", (RELAY,), "cors_blocked", "cannot_tell",
        "relay Attic", REFUSED_CALL, 2, "blocked", provider=MINE, host=UNREADABLE, excuse=BILLED),

    Row("refusals are hidden, and nothing is wrong", "before the first byte", (RELAY,), "ok", "cannot_tell", "direct",
        "Nothing stood in between", 1, "open", provider=MINE, host=hidden(Answer()), excuse=BILLED),
    Row("a wrong key, hidden", "before the first byte", ALONE, "cors_hidden_errors/auth", "cannot_tell",
        "RoutesFailed", "got no answer", 1, "nothing", provider=MINE, host=hidden(WRONG_KEY), excuse=HIDDEN),
    Row("a wrong key, hidden", "before the first byte", (RELAY,), "cors_hidden_errors/auth", "proven",
        "AuthenticationError", "refused the key", 2, "hides_errors", provider=MINE, host=hidden(WRONG_KEY)),
    Row("no balance, hidden", "before the first byte", (RELAY,), "cors_hidden_errors/quota", "proven",
        "QuotaExceeded", "used up", 2, "hides_errors", host=hidden(NO_BALANCE)),
    Row("too many requests, hidden", "before the first byte", (RELAY,), "cors_hidden_errors/rate_limit", "likely",
        "RateLimited", "too many requests", 4, "nothing", host=hidden(BUSY)),
    Row("no such model, hidden", "before the first byte", (RELAY,), "cors_hidden_errors/model_unknown", "likely",
        "ModelNotFound", "does not know this model", 2, "nothing", host=hidden(NO_MODEL)),

    Row("the organisation forbids browsers", "before the first byte", ALONE, "browser_forbidden", "proven",
        "RoutesFailed", "CORS requests are not allowed", 1, "nothing", provider=CLAUDE,
        host=Host(answer=NOT_FROM_A_PAGE, elsewhere=Answer())),
    Row("the organisation forbids browsers", "before the first byte", (RELAY,), "browser_forbidden", "proven",
        "relay Attic", "went through the relay", 2, "blocked", provider=CLAUDE,
        host=Host(answer=NOT_FROM_A_PAGE, elsewhere=Answer())),
    *(Row(name, "before the first byte", BOTH, truth, certainty, sees, says, chats, learned, host=Host(answer=answer))
      for name, truth, certainty, sees, says, chats, learned, answer in (
        ("a wrong key", "auth", "proven", "AuthenticationError", "refused the key", 1, "open", WRONG_KEY),
        ("no balance (402)", "quota", "proven", "QuotaExceeded", "used up", 1, "open", refusal(402, "")),
        ("too many requests", "rate_limit", "proven", "RateLimited", "too many requests", 3, "open", BUSY),
        ("overloaded", "overloaded", "proven", "Overloaded", "overloaded", 3, "open", DOWN),
        ("a bare 503", "overloaded", "likely", "Overloaded", "overloaded", 3, "nothing", BARE_503),
        ("a bad request", "bad_request", "proven", "BadRequest", "temperature is too high", 1, "open", BAD),
        ("no such model", "model_unknown", "proven", "ModelNotFound", "does not know this model", 1, "open", NO_MODEL),
      )),

    Row("the address of a web page", "before the first byte", BOTH, "wrong_address", "likely", "UnexpectedResponse",
        "Check the base URL", 1, "nothing", provider=MINE, host=Host(answer=WEB_PAGE)),
    Row("a network's sign-in page", "before the first byte", (RELAY,), "captive_portal", "likely",
        "UnexpectedResponse", "a web page", 1, "nothing", provider=MINE,
        host=Host(answer=WEB_PAGE, elsewhere=Answer())),
    Row("a guard's page", "before the first byte", (DIRECT,), "permission", "cannot_tell", "UnexpectedResponse",
        "a web page", 1, "nothing", host=Host(answer=GUARD_PAGE), excuse=GUARD),

    Row("cut", "mid-stream", BOTH, "incomplete", "proven", "ConnectionLost", "broke", 1, "open",
        host=Host(answer=stream(BEGUN, LOST))),
    Row("cut before the relay", "mid-stream", (RELAY,), "incomplete", "proven", "ServerError", "broke", 1, "blocked",
        provider=ZAI, host=replace(CLOSED, answer=stream(BEGUN, LOST))),
    Row("an end without a finish", "mid-stream", BOTH, "incomplete", "proven", "StreamIncomplete", "", 1, "open",
        host=Host(answer=stream(BEGUN))),
    Row("an error in the stream", "mid-stream", BOTH, "overloaded", "proven", "Overloaded", "overloaded", 1, "open",
        host=Host(answer=stream(BEGUN, ERROR_EVENT))),
    Row("an error as the whole stream", "before the first byte", BOTH, "overloaded", "proven", "Overloaded",
        "overloaded", 1, "open", host=Host(answer=stream(ERROR_EVENT))),
    Row("cut", "after the finish", BOTH, "ok", "likely", "direct", "Nothing stood in between", 1, "open",
        host=Host(answer=stream(FINISHED, LOST))),

    *(Row(f"the relay {name}", moment, (RELAY,), truth, certainty, sees, says, 0, "nothing", provider=ZAI,
          host=CLOSED, relay=relay)
      for name, moment, truth, certainty, sees, says, relay in (
        ("is down", "connecting", "relay_down", "likely", "RoutesFailed", "“Attic” does not answer",
         RelayHost(obstacle="refused")),
        ("does not know the page", "preflight", "relay_refused", "likely", "RoutesFailed", "SIDESTEP_ORIGINS",
         RelayHost(knows_page=False)),
        ("refuses its token", "before the first byte", "relay_auth", "proven", "RelayAuthenticationError",
         "refused its token", RelayHost(refusal=(401, "relay_token_wrong"))),
        ("is another program", "before the first byte", "relay_down", "likely", "UnexpectedResponse",
         "Check the relay's address", RelayHost(page=b'{"hello": "world"}')),
        ("is a web page", "before the first byte", "relay_down", "likely", "UnexpectedResponse",
         "Check the relay's address", RelayHost(page=b"<!doctype html>")),
      )),
    *(Row(f"the first relay {name}", moment, (TWO,), "cors_blocked", "proven", "relay Cellar",
          "Attic did not answer", 1, "blocked", provider=ZAI, host=CLOSED, relay=relay)
      for name, moment, relay in (
        ("is down", "connecting", RelayHost(obstacle="refused")),
        ("does not know the page", "preflight", RelayHost(knows_page=False)),
        ("refuses its token", "before the first byte", RelayHost(refusal=(401, "relay_token_wrong"))),
      )),
    Row("a relay is down that is not needed", "connecting", (RELAY, TWO), "ok", "likely", "direct",
        "Nothing stood in between", 1, "open", relay=RelayHost(obstacle="refused")),
    Row("a relay that is not allowed", "nothing leaves", (NOT_ALLOWED,), "ok", "likely", "direct",
        "Nothing stood in between", 1, "open"),
)
# fmt: on

BROWSER_CELLS = tuple(Cell(row, routes) for row in ROWS for routes in row.routes)
