"""What a foreign format has no word for, carried beside it as a comment or a field: written by the exporters.

The foreign part comes first: who edits it by hand means it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sidestep.config import Config
from sidestep.errors import ConfigurationError
from sidestep.importers._results import Imported

__all__ = ["fill_from_sidecar", "find_sidecar"]

_LINE = re.compile(r"(?m)^\s*(?://|#)\s*sidestep:\s*(\{.*\})\s*$")
_FIELD = re.compile(r'"sidestep"\s*:\s*(?=\{)')
# What each format says of a provider by itself; all else of it is the sidecar's.
_SAID: Mapping[str, tuple[str, ...]] = {
    "opencode": ("name", "base_url", "headers", "models"),
    "litellm": ("base_url", "models"),
    "open-webui": ("base_url", "models"),
    "env": ("base_url",),
}


def find_sidecar(text: str) -> Mapping[str, Any] | None:
    """Return the document that *text* carries for us, or None."""
    match = _LINE.search(text)
    try:
        if match:
            found = json.loads(match[1])
        elif field := _FIELD.search(text):
            found, _ = json.JSONDecoder().raw_decode(text, field.end())
        else:
            return None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def fill_from_sidecar(imported: Imported, sidecar: Mapping[str, Any] | None) -> Imported:
    """Return *imported* with what its *sidecar* adds: what the format itself does not say."""
    said = _SAID.get(imported.format)
    if sidecar is None or said is None:
        return imported
    try:
        config, _ = Config.load(sidecar, imported.secrets)
    except ConfigurationError:
        return imported
    ours = config.to_dict()
    unmatched = list(imported.document["providers"])
    renamed: dict[str, str] = {}
    providers: list[dict[str, Any]] = []
    for row in ours["providers"]:
        found = _find(row, unmatched)
        if found is None:
            # Whoever took it out of the foreign part meant it.
            continue
        unmatched.remove(found)
        renamed[found["id"]] = row["id"]
        providers.append({**row, **{name: found[name] for name in said if not _is_alike(name, found, row)}})
    document = {**ours, "providers": [*providers, *unmatched]}
    keys = {renamed.get(name, name): key for name, key in imported.secrets["providers"].items()}
    items = {f"provider/{before}": f"provider/{after}" for before, after in renamed.items()}
    findings = tuple(
        replace(finding, item=items.get(finding.item, finding.item))
        for finding in imported.findings
        if finding.kind != "kept"
    )
    return replace(imported, document=document, secrets={**imported.secrets, "providers": keys}, findings=findings)


def _find(row: Mapping[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    by_id = (other for other in rows if other["id"] == row["id"])
    by_address = (other for other in rows if _is_alike("base_url", other, row) or other["base_url"] == row["base_url"])
    return next(by_id, None) or next(by_address, None)


def _is_alike(name: str, found: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Say whether two addresses differ only by the `/v1` that a program puts behind one by itself."""
    mine, theirs = row["base_url"], found["base_url"]
    return name == "base_url" and (mine == f"{theirs}/v1" or theirs == f"{mine}/v1")
