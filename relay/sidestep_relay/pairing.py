"""The link that adds a relay to a page."""

from __future__ import annotations

import base64
import json

__all__ = ["make_pairing_link"]


def make_pairing_link(page: str, url: str, token: str, name: str) -> str:
    """Return the link that adds a relay to a page (docs/protocol.md, *Pairing*). It holds the token."""
    pairing = json.dumps({"url": url, "token": token, "name": name}, separators=(",", ":"))
    return f"{page}#relay={base64.urlsafe_b64encode(pairing.encode()).rstrip(b'=').decode()}"
