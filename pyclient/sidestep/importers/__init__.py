"""Other clients' configurations, read into a document of ours: recognised, never asked for (docs/importing.md). No IO.

Example::

    imported = sidestep.importers.read_import(Path("opencode.json").read_text())
    for finding in imported.findings:
        print(finding.item, finding.message)
    config, problems = sidestep.Config.load(imported.document, imported.secrets)
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sidestep.importers._apps import BIG_AGI, JUPYTERLITE, LOBECHAT, NEXTCHAT, OPEN_WEBUI, read_lobe_link
from sidestep.importers._drafts import Collector
from sidestep.importers._formats import Format
from sidestep.importers._gateways import LITELLM, OPENCODE, PORTKEY
from sidestep.importers._own import is_own, read_own
from sidestep.importers._results import Finding, FindingKind, Imported, ImportProblem
from sidestep.importers._shells import looks_like_curl, looks_like_env, read_curl, read_env
from sidestep.importers._sidecars import fill_from_sidecar, find_sidecar
from sidestep.importers._simple_lists import CHATBOX, CHERRY, HOLLAMA, PAGE_ASSIST, PREDECESSOR
from sidestep.importers._texts import LONGEST, looks_like_json, parse_json, parse_yaml

__all__ = ["FORMATS", "Finding", "FindingKind", "ImportProblem", "Imported", "read_import", "read_storage"]

FORMATS: tuple[Format, ...] = (
    PREDECESSOR, OPENCODE, LITELLM, OPEN_WEBUI, NEXTCHAT, LOBECHAT, CHERRY, CHATBOX, PAGE_ASSIST, HOLLAMA, BIG_AGI,
    PORTKEY, JUPYTERLITE,
)  # fmt: skip
"""Those that are objects or lists; our own, `.env` lines and `curl` are told by their text."""

_KNOWN = ", ".join((
    "Sidestep", "opencode.json", "LiteLLM's config.yaml", "Portkey", "Open WebUI", "NextChat", "LobeChat",
    "Cherry Studio", "Chatbox", "Page Assist", "Hollama", "big-AGI", "JupyterLite AI", "the OpenCode web UI",
    ".env lines", "a curl command",
))  # fmt: skip
_FRAGMENT = re.compile(r"#import=([A-Za-z0-9_%=+/-]+)\s*$")


def read_import(text: str) -> Imported:
    """Return what *text* holds, whichever client wrote it. Nothing is fetched, saved or run.

    Args:
        text: a file's contents, a link, or what was copied somewhere.

    Raises:
        ImportProblem: it cannot be read, is of no known format, or there is nothing in it; says where it went wrong.
    """
    if len(text) > LONGEST:
        raise ImportProblem(
            f"It is longer than anything that is imported here: {LONGEST // 1_000_000} million characters."
        )
    text = text.lstrip("\ufeff").strip()
    if not text:
        raise ImportProblem("It is empty.")
    text = _open_link(text)
    if looks_like_curl(text):
        return _read_lines("curl", "a curl command", text, read_curl)
    sidecar = find_sidecar(text)
    if looks_like_json(text):
        return fill_from_sidecar(_read_value(parse_json(text)), sidecar)
    if re.search(r"(?m)^(?:model_list|litellm_settings|general_settings|router_settings)\s*:", text):
        return fill_from_sidecar(_read_value(parse_yaml(text)), sidecar)
    if looks_like_env(text):
        return fill_from_sidecar(_read_lines("env", "an environment file", text, read_env), sidecar)
    raise ImportProblem(f"Nothing here is a configuration that Sidestep knows. It reads: {_KNOWN}.")


def read_storage(entries: Mapping[str, str]) -> Imported | None:
    """Return what other apps of the same origin left in the browser's storage, or None where they left nothing of use.

    Args:
        entries: names and texts of localStorage.
    """
    for known in FORMATS:
        held = {name: _parse_entry(entries[name]) for name in known.storage if name in entries}
        if held and known.recognise(held):
            try:
                # One app at a time: the next one is offered when this one's is settled.
                return _collect(known, held)
            except ImportProblem:
                # Somebody else's leftovers are no error of the reader's.
                continue
    return None


def _parse_entry(text: str) -> Any:
    try:
        return parse_json(text) if looks_like_json(text) else text
    except ImportProblem:
        return text


def _read_lines(format_id: str, title: str, text: str, read: Any) -> Imported:
    collector = Collector(format_id, title)
    read(text, collector)
    return collector.finish()


def _read_value(value: Any) -> Imported:
    if is_own(value):
        return read_own(value)
    sure, known = max(((known.recognise(value), known) for known in FORMATS), key=lambda pair: pair[0])
    if not sure:
        raise ImportProblem(f"It can be read, but is no configuration that Sidestep knows. It reads: {_KNOWN}.")
    return _collect(known, value)


def _collect(known: Format, value: Any) -> Imported:
    collector = Collector(known.id, known.title)
    known.read(value, collector)
    return collector.finish()


def _open_link(text: str) -> str:
    """Return what a link carries; any other text as it is.

    Raises:
        ImportProblem: what it carries cannot be read.
    """
    if match := _FRAGMENT.search(text):
        return _decode(unquote(match[1]))
    if text.startswith("cherrystudio://"):
        data = parse_qs(urlsplit(text).query.replace("+", "%2B")).get("data", [""])[0]
        return json.dumps({"cherrystudio": parse_json(_decode(data), "The link")})
    if re.match(r"https?://\S+\?\S*settings=", text):
        return read_lobe_link(text) or text
    return text


def _decode(data: str) -> str:
    padded = data.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        raise ImportProblem("The link is incomplete; copy it again, the whole of it.") from None
