"""What routing may look at of a request. Never its words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from sidestep.types import ChatRequest, FilePart, ImagePart, Message, Part, ReasoningPart, TextPart, Tool

__all__ = ["RequestFacts", "describe_request"]

_BYTES_PER_TOKEN = 4
_TOKENS_PER_IMAGE = 1_000
_TOKENS_PER_FILE = 2_000


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What is known of a request before it is sent.

    Attributes:
        provider: the id of the user's provider.
        model: the provider's own model id.
        estimated_tokens: how large the request is, an estimate; see `describe_request`.
        attachments: the kinds of attachment in the conversation, `image` and `file`.
        has_tools: whether tools are offered to the model.
        is_stream: whether the answer should come as it is made.
        tags: what the caller calls the request.
        conversation: the caller's id of the conversation; empty if there is none.
        turn_count: how many messages of the user it holds.
    """

    provider: str
    model: str
    estimated_tokens: int = 0
    attachments: frozenset[str] = frozenset()
    has_tools: bool = False
    is_stream: bool = True
    tags: frozenset[str] = frozenset()
    conversation: str = ""
    turn_count: int = 1


def describe_request(
    provider_id: str, request: ChatRequest, tags: Iterable[str] = (), conversation: str = ""
) -> RequestFacts:
    """Return what routing may know of *request*.

    Its tokens are estimated: four bytes of UTF-8 a token, which is near the truth for English and too much for most
    other scripts, 1,000 for an image and 2,000 for a file whatever their size. Only the provider can count them.
    """
    parts = [part for message in request.messages for part in message.parts]
    return RequestFacts(
        provider=provider_id,
        model=request.model,
        estimated_tokens=sum(map(_estimate_part, parts)) + _estimate_calls(request.messages, request.tools),
        attachments=frozenset(_ATTACHMENTS[type(part)] for part in parts if type(part) in _ATTACHMENTS),
        has_tools=bool(request.tools),
        is_stream=request.is_stream,
        tags=frozenset(tags),
        conversation=conversation,
        turn_count=sum(message.role == "user" for message in request.messages),
    )


_ATTACHMENTS: dict[type[Part], str] = {ImagePart: "image", FilePart: "file"}


def _estimate_part(part: Part) -> int:
    match part:
        case TextPart(text) | ReasoningPart(text):
            return _estimate_text(text)
        case ImagePart():
            return _TOKENS_PER_IMAGE
        case FilePart():
            return _TOKENS_PER_FILE


def _estimate_calls(messages: Iterable[Message], tools: Iterable[Tool]) -> int:
    called = sum(_estimate_text(call.name + call.arguments) for message in messages for call in message.tool_calls)
    offered = (json.dumps(dict(tool.parameters), default=str) for tool in tools)
    described = sum(_estimate_text(tool.name + tool.description) for tool in tools)
    return called + described + sum(map(_estimate_text, offered))


def _estimate_text(text: str) -> int:
    # Half a surrogate pair cannot be sent, and that is for the dialect to say.
    size = len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
    return -(-size // _BYTES_PER_TOKEN)
