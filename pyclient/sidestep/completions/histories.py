"""Messages as LiteLLM's answers write them, to the form that `sidestep.messages` reads. No IO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sidestep.messages import Messages
from sidestep.types import Message

__all__ = ["restore_messages"]


def restore_messages(messages: Messages) -> Messages:
    """Return *messages* with signed thoughts and signed tool calls where `sidestep.messages` looks for them.

    An answer's message can so be put into the next conversation as it is: ours, or LiteLLM's own object.
    """
    if isinstance(messages, str):
        return messages
    return [message if isinstance(message, Message) else _restore(message) for message in messages]


def _restore(message: Any) -> Mapping[str, Any]:
    row: dict[str, Any] = dict(message if isinstance(message, Mapping) else message.model_dump())
    if blocks := _read_rows(row.get("thinking_blocks")):
        row["reasoning_parts"] = [_restore_block(block) for block in blocks]
    if calls := _read_rows(row.get("tool_calls")):
        row["tool_calls"] = [_restore_call(call) for call in calls]
    return row


def _restore_block(block: Mapping[str, Any]) -> dict[str, Any]:
    if block.get("type") == "redacted_thinking":
        return {"signature": block.get("data"), "is_redacted": True}
    return {"text": block.get("thinking"), "signature": block.get("signature"), "id": block.get("id")}


def _restore_call(call: Mapping[str, Any]) -> dict[str, Any]:
    fields = call.get("provider_specific_fields")
    signature = fields.get("thought_signature") if isinstance(fields, Mapping) else None
    return {"signature": signature, **call}


def _read_rows(value: Any) -> list[Mapping[str, Any]]:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return [row for row in value if isinstance(row, Mapping)] if is_list else []
