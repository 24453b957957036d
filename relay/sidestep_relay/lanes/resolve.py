"""Turns a chat into the request that its provider gets: URL, headers, body. For providers of OpenAI's chat wire.

Everything comes from the catalogue, nothing from LiteLLM (docs/decisions/0012): its `openai/` route, which the
translate lane uses for these providers, adds nothing to a base URL, a key and a body, and its other routes change the
messages. That both lanes send the same is held by a test over every row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sidestep._version import __version__
from sidestep.catalogue import CatalogueEntry
from sidestep_relay.chats import ChatCall

__all__ = ["ProviderRequest", "resolve", "write_auth"]

_PATH = "/chat/completions"
_HEADERS: Mapping[str, str] = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": f"sidestep-relay/{__version__}",
}


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """What is sent with POST."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def resolve(call: ChatCall) -> ProviderRequest:
    """Return the request for *call*, whose provider speaks OpenAI's chat wire.

    Raises:
        ValueError: the body has a number that JSON has not.
        RecursionError: the body is nested too deeply.
    """
    return ProviderRequest(
        url=call.base_url + _PATH,
        headers={**_HEADERS, **write_auth(call.entry, call.key)},
        body=_write_json(_build_body(call)),
    )


def write_auth(entry: CatalogueEntry, key: str) -> dict[str, str]:
    """Return the header that shows *key* on OpenAI's wire; none without a key."""
    if not key:
        return {}
    if entry.dialect != entry.relay_dialect:
        # The row's header belongs to the provider's own wire; beside it OpenAI's is spoken with OpenAI's header.
        return {"Authorization": f"Bearer {key}"}
    return {entry.auth_header: f"{entry.auth_scheme} {key}".strip()}


def _build_body(call: ChatCall) -> dict[str, Any]:
    body: dict[str, Any] = {**call.fields, "model": call.model, "messages": call.messages}
    if call.is_stream:
        body["stream"] = True
        if call.stream_options:
            body["stream_options"] = dict(call.stream_options)
    return body


def _write_json(body: Mapping[str, Any]) -> bytes:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair is no character, and escaped it is JSON all the same.
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
