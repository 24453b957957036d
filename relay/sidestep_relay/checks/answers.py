"""What the relay answers: to those who may ask, to those who may not, to pages, and to a large request.

Nothing here reaches a provider or costs anything.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from sidestep._version import __version__
from sidestep_relay.checks.findings import Finding
from sidestep_relay.headers import REQUEST_HEADERS

__all__ = [
    "Answer",
    "Ask",
    "NoAnswer",
    "check_body",
    "check_errors",
    "check_foreign_page",
    "check_health",
    "check_page",
    "check_readiness",
    "check_refusal",
    "check_token",
    "is_relay",
    "make_ask",
]

FOREIGN = "https://not-allowed.invalid"
"""An origin that nobody can have (RFC 6761)."""

_LARGE_BODY = 2 * 1024 * 1024  # bytes; nginx takes 1 MiB unless told otherwise
_CHAT = "/v1/chat/completions"


class NoAnswer(Exception):
    """The connection gave no answer; the message is half a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body's object; empty if it is none."""
        try:
            read = json.loads(self.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    @property
    def code(self) -> str:
        """The code of the relay's own error; empty if this is none."""
        error = self.json.get("error")
        is_ours = isinstance(error, dict) and error.get("origin") == "relay"
        return str(error.get("code", "")) if isinstance(error, dict) and is_ours else ""

    @property
    def allowed_origin(self) -> str:
        """Which page may read this answer; empty if none may."""
        return self.headers.get("access-control-allow-origin", "")


Ask = Callable[..., Answer]
"""Sends a request: method, path, `headers`, `content`; raises NoAnswer."""


def make_ask(client: httpx.Client) -> Ask:
    """Return a way to ask by *client*."""

    def ask(
        method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Answer:
        try:
            answer = client.request(method, path, headers=headers, content=content)
        except httpx.TimeoutException as error:
            raise NoAnswer("no answer came in time") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswer("the connection broke off") from error
        return Answer(answer.status_code, answer.headers, answer.content)

    return ask


def is_relay(health: Answer) -> bool:
    """Say whether *health*, the answer of `/healthz`, is a relay's."""
    return health.status == 200 and health.json == {"status": "ok"}  # noqa: PLR2004 - the wire's own number


def check_health(ask: Ask) -> Finding:
    """See whether a relay is there."""
    health = ask("GET", "/healthz")
    if is_relay(health):
        return Finding("relay", "ok", "A relay answers.")
    if 300 <= health.status < 400:  # noqa: PLR2004 - a class of statuses
        return Finding(
            "relay",
            "failure",
            f"It sends elsewhere: {health.headers.get('location', '')[:120]}. A page's request does not follow.",
            "Use that address in the page and here.",
        )
    if health.status in (502, 503, 504):
        return Finding(
            "relay",
            "failure",
            f"A proxy answers {health.status}: the relay behind it is not running, or not where the proxy looks.",
            "Look at the relay's log, and at the host and port in the proxy's settings.",
        )
    return Finding(
        "relay",
        "failure",
        f"This is no relay: /healthz answers {health.status}, {_describe_body(health)}.",
        "Check the address; the relay's own has no /v1 at its end.",
    )


def check_readiness(ask: Ask, wait: Callable[[], bool]) -> Finding:
    """See whether chats would be served at once; ask again as long as it is starting and *wait* says so."""
    while (status := ask("GET", "/readyz").json.get("status")) == "starting" and wait():
        pass
    if status == "ready":
        return Finding("ready", "ok", "It is ready to serve.")
    if status == "starting":
        remedy = "If it stays so, its log says why litellm is not loaded."
        return Finding("ready", "warning", "It is still starting.", remedy)
    return Finding("ready", "failure", "/readyz answers something else than the relay does.", _REWRITTEN)


def check_token(ask: Ask, token: str) -> Finding:
    """See whether *token* opens the relay."""
    answer = ask("GET", "/v1/relay", headers=_show(token))
    about = answer.json
    if answer.status == 200 and "version" in about:  # noqa: PLR2004 - the wire's own number
        if "age" in answer.headers:
            return Finding(
                "token",
                "failure",
                "A proxy keeps copies of answers (it sent Age): others could get what was meant for you.",
                "Turn caching off for this address.",
            )
        shown = f"The token opens it: {str(about.get('name'))[:60]!r}, version {str(about['version'])[:20]}."
        if about["version"] != __version__:
            return Finding("token", "warning", shown, f"This command is version {__version__}; bring both to one.")
        return Finding("token", "ok", shown)
    remedies = {
        "relay_token_missing": (
            "A proxy takes the Authorization header away, so no token ever arrives.",
            "Let it through (mod_wsgi: `WSGIPassAuthorization On`). A login of the proxy's own cannot share it.",
        ),
        "relay_token_wrong": (
            "The relay does not know this token.",
            "Check which relay and which token these are; `sidestep-relay pair` there prints a new link.",
        ),
        "relay_token_expired": (
            "This token has expired.",
            "Ask the relay's operator for another: `sidestep-relay token add NAME`.",
        ),
        "rate_limited": ("The relay is over its limit and did not answer this.", "Try again in a minute."),
    }
    if answer.code in remedies:
        return Finding("token", "failure", *remedies[answer.code])
    return Finding("token", "failure", f"The token got status {answer.status}, {_describe_body(answer)}.", _REWRITTEN)


_REWRITTEN = (
    "Something in between answers instead of the relay: turn off its error pages (nginx: proxy_intercept_errors off), "
    "its login and its bot protection for this address."
)


def check_refusal(ask: Ask, origin: str) -> Finding:
    """See whether everybody else is refused, by the relay itself, and whether the page may read that."""
    headers = {"Origin": origin} if origin else {}
    for shown, expected in ((None, "relay_token_missing"), (secrets.token_urlsafe(32), "relay_token_wrong")):
        answer = ask("GET", "/v1/relay", headers={**headers, **(_show(shown) if shown else {})})
        who = "with a wrong token" if shown else "without a token"
        if answer.status == 200:  # noqa: PLR2004 - the wire's own number
            return Finding(
                "refusal",
                "failure",
                f"A request {who} is answered. Anybody can use this relay, or a proxy shows others copies of answers.",
                "Take it off the network until this is found: a proxy must neither add the token nor keep answers.",
            )
        if answer.code != expected:
            message = (
                f"A request {who} gets status {answer.status}, {_describe_body(answer)}, not the relay's own refusal."
            )
            return Finding("refusal", "failure", message, _REWRITTEN)
        if origin and answer.allowed_origin != origin:
            return Finding(
                "refusal",
                "failure",
                f"Its refusal carries no CORS headers for {origin}: the page would see a network error instead.",
                f"Set SIDESTEP_ORIGINS={origin}; if it is set, a proxy removes the headers.",
            )
    return Finding("refusal", "ok", "Requests without a token and with a wrong one are refused by the relay itself.")


def check_page(ask: Ask, origin: str) -> Finding:
    """Ask what a browser asks before a page of *origin* may send a chat."""
    answer = _preflight(ask, origin)
    if answer.allowed_origin == "*":
        return Finding(
            "page",
            "failure",
            "Every page may use it: Access-Control-Allow-Origin is *, which the relay itself never sends.",
            "Remove that header from the proxy; the relay answers preflights itself.",
        )
    if answer.allowed_origin != origin:
        detail = f"with status {answer.status}" if answer.status >= 400 else "without its origin"  # noqa: PLR2004 - a class
        return Finding(
            "page",
            "failure",
            f"The page at {origin} may not use it: its preflight is answered {detail}.",
            f"Set SIDESTEP_ORIGINS={origin} and restart the relay; a proxy must pass OPTIONS on.",
        )
    allowed = {name.strip().lower() for name in answer.headers.get("access-control-allow-headers", "").split(",")}
    missing = [name for name in REQUEST_HEADERS if name.lower() not in allowed]
    if answer.status >= 300 or missing:  # noqa: PLR2004 - a class of statuses
        what = f"the headers {', '.join(missing)} are not allowed" if missing else f"its status is {answer.status}"
        return Finding("page", "failure", f"The preflight of {origin} fails: {what}.", "Let the relay answer OPTIONS.")
    return Finding("page", "ok", f"The page at {origin} may use it.")


def check_foreign_page(ask: Ask) -> Finding:
    """See that a page nobody named may not."""
    for origin in (FOREIGN, "null"):
        if allowed := _preflight(ask, origin).allowed_origin:
            return Finding(
                "foreign_page",
                "failure",
                f"A page that nobody named ({origin}) may use it: Access-Control-Allow-Origin is {allowed[:80]}.",
                "Remove the CORS headers that the proxy adds; the relay sends them for SIDESTEP_ORIGINS alone.",
            )
    return Finding("foreign_page", "ok", "Other pages are refused.")


def check_errors(ask: Ask, token: str, origin: str) -> Finding:
    """See whether an error arrives as the relay wrote it."""
    headers = {**_show(token), **({"Origin": origin} if origin else {})}
    answer = ask("GET", "/v1/no-such-thing", headers=headers)
    if answer.code != "http_404":
        message = f"An error of the relay arrives as {_describe_body(answer)}, status {answer.status}."
        return Finding("errors", "failure", message, _REWRITTEN)
    if origin and answer.allowed_origin != origin:
        return Finding(
            "errors", "failure", "Errors arrive without CORS headers; the page cannot read them.", _REWRITTEN
        )
    return Finding("errors", "ok", "Errors arrive as the relay writes them.")


def check_body(ask: Ask, token: str) -> Finding:
    """Send as much as a long conversation has, in a form that the relay refuses."""
    size = f"{_LARGE_BODY // 1024 // 1024} MiB"
    content = json.dumps({"padding": "a" * _LARGE_BODY}).encode()
    remedy = "Let the proxy take 32 MiB (nginx: client_max_body_size 32m)."
    try:
        answer = ask("POST", "/v1/probe", headers={**_show(token), "Content-Type": "application/json"}, content=content)
    except NoAnswer as error:
        return Finding("size", "failure", f"A request of {size} gets through to nobody: {error}.", remedy)
    if answer.code == "request_invalid":
        return Finding("size", "ok", f"Requests of {size} get through.")
    return Finding(
        "size", "failure", f"A request of {size} is stopped on its way, with status {answer.status}.", remedy
    )


def _preflight(ask: Ask, origin: str) -> Answer:
    wanted = ",".join(sorted(name.lower() for name in REQUEST_HEADERS))
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": wanted}
    return ask("OPTIONS", _CHAT, headers={"Origin": origin, **asked})


def _show(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _describe_body(answer: Answer) -> str:
    if answer.json:
        return "JSON of something else"
    return "a web page" if b"<" in answer.body[:200] else "no JSON"
