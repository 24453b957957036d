"""The link that adds a relay to a page."""

from __future__ import annotations

import base64
import json

from sidestep.envelopes import encode

__all__ = ["make_pairing_link"]


def make_pairing_link(page: str, url: str, token: str, name: str, *, sealing_key: bytes = b"") -> str:
    """Return the link that adds a relay to a page (docs/protocol.md, *Pairing*). It holds the token.

    Args:
        page: the page's address.
        url: the relay's.
        token: what opens it.
        name: what people see.
        sealing_key: the public key that the page shall seal to, and to no other.
    """
    sealing = {"key": encode(sealing_key)} if sealing_key else {}
    pairing = json.dumps({"url": url, "token": token, "name": name, **sealing}, separators=(",", ":"))
    return f"{page}#relay={base64.urlsafe_b64encode(pairing.encode()).rstrip(b'=').decode()}"
