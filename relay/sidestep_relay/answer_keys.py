"""Which answer is whose: a name that only the same tenant, with the same key, asking the same, can make.

The names and the keys of the encryption come from two secrets that are written down nowhere in the relay: the value of
the token that the client shows (the relay keeps its hash), and the provider's key. Somebody who reads the whole Redis,
and the relay's files too, can neither guess what was asked nor read what was answered.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field

from sidestep._version import __version__
from sidestep_relay.chats import ChatCall

__all__ = ["AnswerKey", "derive_key"]


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The name of an answer, in hexadecimal, and the 256 bits that encrypt it where others could read it."""

    name: str
    secret: bytes = field(repr=False)


def derive_key(call: ChatCall, *, token_name: str, token_value: str, lane: str, salt: bytes) -> AnswerKey:
    """Return the key of the answer to *call*.

    Everything counts that can change the answer, or that makes it somebody's. The order of the body's own fields does
    not, as nobody gives it a meaning; inside of them it does: a schema's order is the order in which models write.

    Args:
        call: the request as it goes to the provider.
        token_name: whose request it is.
        token_value: the token as the client showed it.
        lane: how it goes.
        salt: random, if no other process must derive the same; else empty.
    """
    # HMAC as in HKDF (RFC 5869, 2.2): the secrets are uniform enough, and their lengths keep them apart.
    shown, key = token_value.encode(), call.key.encode()
    root = hmac.digest(salt or b"sidestep", len(shown).to_bytes(4, "big") + shown + key, hashlib.sha256)
    asked = {
        "version": __version__,
        "token": token_name,
        "provider": call.entry.id,
        "base_url": call.base_url,
        "lane": lane,
        "model": call.model,
        "stream": call.is_stream,
        "stream_options": call.stream_options,
        "messages": call.messages,
        "fields": sorted(call.fields.items()),
    }
    name = hmac.digest(root, b"name" + json.dumps(asked).encode(), hashlib.sha256)
    return AnswerKey(name=name.hex(), secret=hmac.digest(root, b"encrypt" + name, hashlib.sha256))
