"""What people paste from a terminal: `.env` lines and a `curl` command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit, urlunsplit

from sidestep.catalogue import CatalogueEntry
from sidestep.importers._drafts import Collector, Draft
from sidestep.importers._kinds import find_by_env, find_by_name
from sidestep.importers._results import ImportProblem
from sidestep.importers._rows import Row
from sidestep.importers._texts import looks_like_json, parse_env, parse_json

__all__ = ["looks_like_curl", "looks_like_env", "read_curl", "read_env"]

_KEY_ENDS = ("_API_KEY", "_APIKEY", "_TOKEN", "_KEY")
_ADDRESS_ENDS = (
    "_API_BASE_URL",
    "_BASE_URL",
    "_API_BASE",
    "_BASEURL",
    "_API_URL",
    "_ENDPOINT",
    "_API_HOST",
    "_HOST",
    "_URL",
)
_MODEL_ENDS = ("_MODEL_NAME", "_MODELS", "_MODEL")
_MOST_NAMED = 20
_OTHER_KEYS = frozenset({"SIDESTEP", "AWS_SECRET_ACCESS", "GITHUB", "GH", "NPM", "SSH", "SECRET"})
"""Beginnings of names whose keys are not of providers."""


def looks_like_env(text: str) -> bool:
    """Say whether most lines of *text* set a variable."""
    lines = list(parse_env(text))
    set_lines = [name for _, name, value in lines if value is not None]
    return bool(set_lines) and len(set_lines) * 2 > len(lines)


def read_env(text: str, collector: Collector) -> None:
    """Give *collector* the providers that environment variables name; one of no known name needs an address."""
    groups: dict[str, dict[str, str]] = {}
    others: list[str] = []
    for number, name, value in parse_env(text):
        if value is None:
            collector.note("left_out", f"Line {number} sets nothing; it was left out.")
            continue
        prefix, part = _split_name(name)
        if part and prefix not in _OTHER_KEYS:
            held = groups.setdefault(prefix, {})
            if part in held and held[part] != value:
                collector.note("changed", f"“{name}” is set more than once; the last one counts.")
            held |= {part: value, f"{part}_name": name}
        else:
            others.append(name)
    for prefix, held in groups.items():
        others += _read_group(prefix, held, collector)
    if others:
        more = " and more" if len(others) > _MOST_NAMED else ""
        listed = ", ".join(f"“{name}”" for name in others[:_MOST_NAMED])
        collector.note("left_out", f"Not about providers, and not kept: {listed}{more}.")


def _split_name(name: str) -> tuple[str, str]:
    upper = name.upper()
    for part, ends in (("key", _KEY_ENDS), ("address", _ADDRESS_ENDS), ("model", _MODEL_ENDS)):
        for end in ends:
            if upper.endswith(end):
                return upper.removesuffix(end), part
    return upper, ""


def _read_group(prefix: str, held: Mapping[str, str], collector: Collector) -> list[str]:
    """Give one provider to *collector*; return the names of the variables that belong to none."""
    names = [value for part, value in held.items() if part.endswith("_name")]
    entry = _find_entry(prefix, held)
    key, address = held.get("key", ""), held.get("address", "")
    if entry is None and not address:
        if not key:
            return names
        said = "was left out: no provider is known by that name, and no address is given."
        collector.note("left_out", f"“{held['key_name']}” {said}")
        return []
    if entry is None and "key" not in held and not address.rstrip("/").endswith(("/v1", "/v4", "/v1beta")):
        # The address of something else: a database, a mail server.
        return names
    models = [model.strip() for model in held.get("model", "").split(",") if model.strip()]
    collector.add(
        Draft(
            "" if entry else prefix.replace("_", " ").capitalize(),
            kind=entry.id if entry else "",
            base_url=address,
            has_bare_host=entry is not None and entry.is_local,
            api_key=key,
            models=models,
        )
    )
    return []


def _find_entry(prefix: str, held: Mapping[str, str]) -> CatalogueEntry | None:
    by_key = find_by_env(held.get("key_name", "").upper())
    return by_key or find_by_name(prefix.lower().replace("_", "-")) or find_by_name(prefix.lower())


def looks_like_curl(text: str) -> bool:
    """Say whether *text* is a call of curl."""
    return re.match(r"\s*(?:[$>%]\s+)?curl(?:\.exe)?\s", text) is not None


_CURL_VALUES = {
    "-H": "header", "--header": "header", "-d": "data", "--data": "data", "--data-raw": "data", "--data-binary": "data",
    "--data-ascii": "data", "--json": "data", "--url": "url", "-u": "user", "--user": "user",
    "-X": "", "--request": "", "-o": "", "--output": "", "-m": "", "--max-time": "", "-A": "", "--user-agent": "",
    "-b": "", "--cookie": "", "-x": "", "--proxy": "", "-e": "", "--referer": "", "-w": "", "--write-out": "",
    "--connect-timeout": "", "--retry": "",
}  # fmt: skip
"""curl's options that take a value, and what of a provider it tells."""


def read_curl(text: str, collector: Collector) -> None:
    """Give the provider that a `curl` command calls to *collector*.

    Raises:
        ImportProblem: a quote is not closed, or no address is called.
    """
    told: dict[str, list[str]] = {"url": [], "header": [], "data": [], "user": [], "other": []}
    for part, value in _read_options(_split_command(text)):
        told[part or "other"].append(value)
    if not told["url"]:
        raise ImportProblem("This is a curl command, but it calls no address.")
    address, query_key = _take_query_key(told["url"][0])
    headers = dict(_split_header(line) for line in told["header"] if ":" in line)
    dialect, model = _read_call(address, "".join(told["data"]))
    sent = {
        name: value
        for name, value in headers.items()
        if name.lower() not in {"content-type", "accept", "anthropic-version"}
    }
    collector.add(
        Draft(
            "",
            base_url=_strip_endpoint(address),
            api_key=query_key,
            headers=sent,
            dialect=dialect,
            models=[model] if model else [],
        )
    )
    if told["data"]:
        collector.note("left_out", "What it asks was not kept, only the model's name.")
    if told["other"] or told["user"] or len(told["url"]) > 1:
        collector.note("left_out", "Options of curl that say nothing of a provider were left out.")


def _split_command(text: str) -> list[str]:
    joined = re.sub(r"[\\^`]\s*\n", " ", text.strip())
    try:
        words = shlex.split(re.sub(r"^\s*[$>%]\s+", "", joined))
    except ValueError:
        raise ImportProblem("This curl command ends in the middle: a quote in it is not closed.") from None
    # What follows on a pipe or after a semicolon is another command.
    return words[1 : next((place for place, word in enumerate(words) if word in {"|", ";", "&&", ">"}), len(words))]


def _read_options(words: list[str]) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(words):
        word = words[place]
        name, equals, joined = word.partition("=") if word.startswith("--") else (word[:2], word[2:] and "=", word[2:])
        place += 1
        if not word.startswith("-"):
            yield "url", word
        elif name in _CURL_VALUES:
            if not equals:
                joined = words[place] if place < len(words) else ""
                place += 1
            yield _CURL_VALUES[name], joined


def _split_header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _take_query_key(address: str) -> tuple[str, str]:
    """Return *address* without its query, and the key that stood in it."""
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
    except ValueError:
        return address, ""
    key = next(iter(parse_qs(parts.query).get("key", [])), "")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")), key


def _read_call(address: str, body: str) -> tuple[str, str]:
    """Return the dialect and the model that a call names."""
    path = urlsplit(address).path if "://" in address else address
    if match := re.search(r"/models/([^/:]+):(?:stream)?[gG]enerateContent$", path):
        return "gemini", match[1]
    endings = {"/chat/completions": "openai_chat", "/responses": "openai_responses", "/messages": "anthropic"}
    dialect = next((wire for ending, wire in endings.items() if path.endswith(ending)), "")
    try:
        model = Row(parse_json(body)).text("model") if looks_like_json(body) else ""
    except ImportProblem:
        model = ""
    return dialect, model


def _strip_endpoint(address: str) -> str:
    return re.sub(r"/models/[^/]+:\w+$", "", address)
