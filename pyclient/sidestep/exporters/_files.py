"""What an export is, and what the formats share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidestep.config import Config
from sidestep.secret_names import is_secret_name

__all__ = ["Exported", "blank_secret_headers", "name_variables", "write_sidecar"]


@dataclass(frozen=True, slots=True)
class Exported:
    """A file.

    Attributes:
        name: what it is called.
        media_type: RFC 6838.
        notes: what a person should know of it.
    """

    text: str
    name: str
    media_type: str
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the file as the page's protocol writes it."""
        return {"text": self.text, "name": self.name, "media_type": self.media_type, "notes": list(self.notes)}


def blank_secret_headers(config: Config) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the document without the headers that may hold a secret, and a note for each provider that lost one."""
    document = config.to_dict()
    notes = []
    for row in document["providers"]:
        gone = [name for name in row["headers"] if is_secret_name(name)]
        row["headers"] = {name: value for name, value in row["headers"].items() if name not in gone}
        if gone:
            notes.append(f"{row['name']}: left out, since it may be a secret: {', '.join(gone)}.")
    return document, tuple(notes)


def write_sidecar(document: Mapping[str, Any]) -> str:
    """Return *document* in one line, to be carried where the format has no word for it."""
    return "sidestep: " + json.dumps(document, ensure_ascii=True, separators=(",", ":"))


def name_variables(config: Config) -> dict[str, str]:
    """Return the beginning of the environment variables of each provider, by its id; each its own."""
    names: dict[str, str] = {}
    for provider in config.providers:
        usual = provider.entry.key_env.removesuffix("_API_KEY") if provider.entry.key_env.endswith("_API_KEY") else ""
        own = re.sub(r"[^A-Z0-9]+", "_", provider.id.upper()).strip("_") or "PROVIDER"
        own = own if not own[0].isdigit() else f"P_{own}"
        wishes = [wish for wish in (usual, own) if wish] + [f"{own}_{number}" for number in range(2, 2000)]
        names[provider.id] = next(wish for wish in wishes if wish not in names.values())
    return names
