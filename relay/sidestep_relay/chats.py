"""Reads a chat request: which provider, which key, where, and what may be said to it.

OpenAI's own fields pass. For a provider that speaks OpenAI's wire so does any other field, into that provider's JSON
and nothing else. For a provider that LiteLLM translates, where an unknown field would become an argument of a LiteLLM
function, only the vendor fields listed in `fields` do. Names that steer LiteLLM are refused everywhere, by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sidestep.catalogue import CatalogueEntry
from sidestep_relay.errors import RelayError
from sidestep_relay.fields import KINDS_OF_JSON, MODEL, OPENAI_FIELDS, STEERING, VENDOR_FIELDS, is_kind
from sidestep_relay.grants import check_provider, find_own_key, list_addresses
from sidestep_relay.tokens import Token

__all__ = ["ChatCall", "choose_entry", "estimate_tokens", "find_key", "read_chat"]

_TAKE_DATA_ALONE = frozenset({"bedrock_converse"})
"""Dialects that know no address of an image, so that LiteLLM would fetch it."""

_LONGEST_KEY = 4096
_LONGEST_ANSWER = 1_000_000  # tokens; no model writes more, whatever number stands in the request
_FETCHED_URL = re.compile(r"(?:https?://|www\.)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A chat request that may be sent.

    Attributes:
        entry: the provider's row of the catalogue.
        model: its own name for the model, without the prefix.
        base_url: where to send it, without a trailing slash.
        key: the provider's key; empty if it needs none.
        messages: as they came.
        is_stream: whether the answer is wanted as a stream.
        stream_options: what is asked of the stream, such as token counts at its end.
        fields: everything else of the body that passes.
    """

    entry: CatalogueEntry
    model: str
    base_url: str
    key: str = field(repr=False)
    messages: list[dict[str, Any]] = field(repr=False)
    is_stream: bool = False
    stream_options: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_chat(
    body: Any,
    catalogue: Mapping[str, CatalogueEntry],
    *,
    key: str | None,
    base_url: str | None,
    own_keys: Mapping[str, str],
    token: Token,
) -> ChatCall:
    """Read a request's parsed *body* and its `X-Provider-Key` and `X-Provider-Base`.

    Args:
        body: anything JSON can be.
        catalogue: the providers that are known.
        key: the header, or None.
        base_url: the header, or None.
        own_keys: the relay's environment if its keys may be used, else empty.
        token: who asks.

    Raises:
        RelayError: 400, naming the field that is wrong; 403 if *token* may not do that.
    """
    if not isinstance(body, dict):
        raise _reject("The request's body must be a JSON object.")
    prefix, model = _read_model(body.get("model"))
    entry = choose_entry(prefix, base_url, catalogue)
    check_provider(token, entry, base_url)
    _check_fields(body, entry.relay_dialect)
    messages = _read_messages(body.get("messages"), entry.relay_dialect)
    options = body.get("stream_options") or {}
    _check_kind("include_usage", options.get("include_usage"), ("boolean",))
    own = ("model", "messages", "stream", "stream_options")
    return ChatCall(
        entry=entry,
        model=model,
        base_url=(base_url or entry.relay_base_url or entry.base_url).rstrip("/"),
        key=find_key(entry, key, base_url, own_keys, token),
        messages=messages,
        is_stream=bool(body.get("stream")),
        stream_options=options,
        fields={name: value for name, value in body.items() if name not in own and value is not None},
    )


def estimate_tokens(call: ChatCall) -> int:
    """Return about how many tokens *call* will use: four characters of text each, and the answer at its longest."""
    characters = 0
    for message in call.messages:
        content = message.get("content")
        texts = [part.get("text") for part in content] if isinstance(content, list) else [content]
        characters += sum(len(text) for text in texts if isinstance(text, str))
    longest = [call.fields.get(name) for name in ("max_completion_tokens", "max_tokens")]
    answer = max([most for most in longest if isinstance(most, int) and most > 0], default=0)
    return characters // 4 + min(answer, _LONGEST_ANSWER)


def choose_entry(prefix: str, base_url: str | None, catalogue: Mapping[str, CatalogueEntry]) -> CatalogueEntry:
    """Return the catalogue's row for a LiteLLM *prefix* at *base_url*.

    Several rows can share a prefix: the one with that base URL wins, then one whose base URL the user gives.

    Raises:
        RelayError: 400 `provider_unknown`, or `provider_base_missing` if only the user can know the address.
    """
    rows = [entry for entry in catalogue.values() if entry.litellm_prefix == prefix]
    if not rows:
        known = ", ".join(sorted({f"{entry.litellm_prefix}/" for entry in catalogue.values()}))
        raise RelayError(
            "provider_unknown",
            f"This relay knows no provider {prefix[:60]!r}; a model's name begins with one of {known}.",
            status=400,
            param="model",
        )
    wanted = (base_url or "").rstrip("/")
    exact = [entry for entry in rows if wanted and wanted in list_addresses(entry)]
    # The catalogue's last row is the one for an address that nobody knows.
    fitting = [entry for entry in rows if not entry.base_url][-1:] if wanted else [row for row in rows if row.base_url]
    entry = (exact or fitting or rows)[0]
    if not wanted and not entry.base_url:
        raise RelayError("provider_base_missing", f"{entry.name} needs its base URL in X-Provider-Base.", status=400)
    return entry


def find_key(
    entry: CatalogueEntry, key: str | None, base_url: str | None, own_keys: Mapping[str, str], token: Token
) -> str:
    """Return the key to use with *entry*: the request's, else the relay's own if *token* may use it.

    Raises:
        RelayError: 400 `provider_key_missing` or `provider_key_invalid`, 403 `own_key_not_allowed`.
    """
    if key:
        # A comma is where a server joined two such headers (RFC 9110, 5.3), and nobody could say which was meant.
        is_one = key.isascii() and key.isprintable() and not {" ", ","} & {*key.strip()}
        if not is_one or len(key) > _LONGEST_KEY:
            raise RelayError("provider_key_invalid", "X-Provider-Key holds characters that no key has.", status=400)
        return key.strip()
    own = find_own_key(token, entry, base_url, own_keys)
    if not own and entry.key_required:
        raise RelayError(
            "provider_key_missing",
            f"{entry.name} needs its key in X-Provider-Key; this relay lends none of its own.",
            status=400,
            type="authentication_error",
        )
    return own


def _read_model(model: Any) -> tuple[str, str]:
    if not isinstance(model, str) or not MODEL.fullmatch(model):
        raise _reject('model must be "provider/model", such as "zai/glm-4.6".', "model")
    prefix, _, name = model.partition("/")
    return prefix, name


def _read_messages(messages: Any, dialect: str) -> list[dict[str, Any]]:
    if not isinstance(messages, list) or not messages:
        raise _reject("messages must be a list with at least one message.", "messages")
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise _reject("Every message must be an object with a role.", "messages")
        content = message.get("content")
        if not isinstance(content, str | list | None):
            raise _reject("A message's content must be a text or a list of parts.", "messages")
        for part in content if isinstance(content, list) else []:
            _check_part(part, dialect)
    return messages


def _check_part(part: Any, dialect: str) -> None:
    """Refuse parts that name a URL LiteLLM would fetch from where the relay stands (CWE-918)."""
    if not isinstance(part, dict):
        raise _reject("Every part of a message must be an object.", "messages")
    file = part.get("file")
    named = [file.get("file_id"), file.get("file_data")] if isinstance(file, dict) else []
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if isinstance(url, str) and (dialect in _TAKE_DATA_ALONE or url.lower().startswith("http://")):
        named.append(url)
    if any(isinstance(value, str) and _FETCHED_URL.match(value) for value in named):
        allowed = "" if dialect in _TAKE_DATA_ALONE else "an https image URL or "
        raise _reject(f"This relay fetches no files: send {allowed}the data itself.", "messages")


def _check_fields(body: Mapping[str, Any], dialect: str) -> None:
    for name, value in body.items():
        if name in OPENAI_FIELDS:
            _check_kind(name, value, OPENAI_FIELDS[name])
            continue
        if STEERING.fullmatch(name) and name not in VENDOR_FIELDS.get(dialect, ()):
            raise _reject(f"The field {name[:60]!r} is not accepted: it would steer the relay.", name)
        if dialect in VENDOR_FIELDS and name not in VENDOR_FIELDS[dialect]:
            raise _reject(f"The field {name[:60]!r} is not known for this provider.", name)


def _check_kind(name: str, value: Any, kinds: Iterable[str]) -> None:
    if value is not None and not any(is_kind(value, kind) for kind in kinds):
        raise _reject(f"{name} must be {' or '.join(KINDS_OF_JSON[kind] for kind in kinds)}.", name)


def _reject(message: str, param: str | None = None) -> RelayError:
    return RelayError("request_invalid", message, status=400, param=param[:60] if param else None)
