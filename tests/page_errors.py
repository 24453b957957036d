"""What goes wrong in a page without a test asking for it."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

_POLICY_WORDS = re.compile(r"Content Security Policy|Trusted ?Types?|TrustedHTML|TrustedScript", re.IGNORECASE)


@dataclass
class PageErrors:
    """What went wrong in the test's pages without the test asking: the test fails if anything is left."""

    found: list[str] = field(default_factory=list)
    _allowed: list[str] = field(default_factory=list)

    def allow(self, pattern: str) -> None:
        """Expect problems whose words contain the regular expression *pattern*."""
        self._allowed.append(pattern)

    @property
    def unexpected(self) -> list[str]:
        """The problems that were not allowed."""
        return [problem for problem in self.found if not any(re.search(p, problem) for p in self._allowed)]

    def watch(self, context: "BrowserContext") -> None:
        """Listen to everything in *context*, pages opened later included."""
        context.on("weberror", self._note_error)
        context.on("console", self._note_message)
        context.on("request", self._note_request)

    def _note_error(self, error: "WebError") -> None:
        self.found.append(f"uncaught error: {error.error}")

    def _note_message(self, message: "ConsoleMessage") -> None:
        if message.type == "error" and _POLICY_WORDS.search(message.text):
            self.found.append(f"policy violation: {message.text}")

    def _note_request(self, request: "Request") -> None:
        address = urlsplit(request.url)
        host = address.hostname or ""
        is_local = host in {"127.0.0.1", "localhost"} or host.endswith(".localhost")
        if address.scheme in {"http", "https"} and not is_local:
            self.found.append(f"request to another host: {request.url}")
