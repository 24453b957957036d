"""Messages and tools as callers write them, to our records: text, our own, or OpenAI's shapes. No IO."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sidestep.errors import ConfigurationError
from sidestep.types import (
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    Tool,
    ToolCall,
)

__all__ = ["Messages", "read_messages", "read_tool", "write_message"]

Messages = str | Sequence[Message | Mapping[str, Any]]

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def read_messages(messages: Messages) -> tuple[Message, ...]:
    """Return the conversation; plain text is one question.

    Raises:
        ConfigurationError: a message is not one.
    """
    if isinstance(messages, str):
        return (Message("user", messages),)
    return tuple(message if isinstance(message, Message) else _read_message(message) for message in messages)


def read_tool(tool: Tool | Mapping[str, Any]) -> Tool:
    """Return a tool from our record or from OpenAI's `{"type": "function", "function": {…}}`.

    Raises:
        ConfigurationError: it has no name.
    """
    if isinstance(tool, Tool):
        return tool
    function = tool.get("function") if isinstance(tool.get("function"), Mapping) else tool
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str) or not function["name"]:
        raise ConfigurationError("A tool needs a name.", field="tools")
    parameters = function.get("parameters")
    return Tool(
        function["name"],
        str(function.get("description") or ""),
        parameters if isinstance(parameters, Mapping) else {"type": "object", "properties": {}},
    )


def write_message(message: Message) -> dict[str, Any]:
    """Return a message in the form that `read_messages` takes: OpenAI's, with `reasoning_parts` beside it."""
    shown = [part for part in message.parts if not isinstance(part, ReasoningPart)]
    reasoning = [asdict(part) for part in message.parts if isinstance(part, ReasoningPart)]
    is_text = all(isinstance(part, TextPart) for part in shown)
    written: dict[str, Any] = {
        "role": message.role,
        "content": message.text if is_text else [_write_part(part) for part in shown],
    }
    if reasoning:
        written["reasoning_parts"] = reasoning
    if message.tool_calls:
        written["tool_calls"] = [_write_call(call) for call in message.tool_calls]
    if message.tool_call_id:
        written["tool_call_id"] = message.tool_call_id
    return written


def _write_part(part: Part) -> dict[str, Any]:
    match part:
        case ImagePart(url):
            return {"type": "image_url", "image_url": {"url": url}}
        case FilePart(name, url):
            return {"type": "file", "file": {"filename": name, "file_data": url}}
        case _:
            return {"type": "text", "text": part.text}


def _write_call(call: ToolCall) -> dict[str, Any]:
    written = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
    return written | ({"signature": call.signature} if call.signature else {})


def _read_message(row: Mapping[str, Any]) -> Message:
    role = _ROLES.get(str(row.get("role")))
    content = row.get("content")
    calls = row.get("tool_calls") or []
    if role is None or not (isinstance(content, str | list) or (content is None and calls)):
        raise ConfigurationError(
            "A message needs a role (system, user, assistant or tool) and its content: text, or a list of parts.",
            field="messages",
        )
    parts: str | tuple[Part, ...] = content if isinstance(content, str) else tuple(map(_read_part, content or []))
    message = Message(
        role,
        parts,
        tuple(_read_call(call) for call in calls),
        str(row.get("tool_call_id") or ""),
    )
    reasoning = _read_reasoning(row)
    return replace(message, content=(*reasoning, *message.parts)) if reasoning else message


def _read_part(row: Any) -> Part:
    match row:
        case str(text) | {"type": "text", "text": str(text)}:
            return TextPart(text)
        case {"type": "image_url", "image_url": {"url": str(url)} | str(url)}:
            return ImagePart(url)
        case {"type": "file", "file": {"file_data": str(url), **rest}}:
            return FilePart(str(rest.get("filename") or "file"), url)
        case _:
            raise ConfigurationError(
                "A part of a message must be a text, an image_url or a file, in OpenAI's form.", field="messages"
            )


def _read_reasoning(row: Mapping[str, Any]) -> tuple[ReasoningPart, ...]:
    """Return what an assistant thought, as the page keeps it (`reasoning_parts`) or as LiteLLM does."""
    kept = row.get("reasoning_parts")
    if isinstance(kept, list):
        return tuple(
            ReasoningPart(
                str(part.get("text") or ""),
                str(part.get("signature") or ""),
                str(part.get("id") or ""),
                bool(part.get("is_redacted")),
            )
            for part in kept
            if isinstance(part, Mapping)
        )
    text = row.get("reasoning_content")
    return (ReasoningPart(text),) if isinstance(text, str) and text else ()


def _read_call(row: Any) -> ToolCall:
    function = row.get("function") if isinstance(row, Mapping) else None
    if not isinstance(function, Mapping) or not function.get("name"):
        raise ConfigurationError("A tool call needs the name of its function.", field="messages")
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return ToolCall(str(row.get("id") or ""), str(function["name"]), text, str(row.get("signature") or ""))
