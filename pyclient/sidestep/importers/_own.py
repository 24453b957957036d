"""Our own document, in any of its versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidestep.config import Config
from sidestep.errors import ConfigurationError
from sidestep.importers._results import Finding, Imported, ImportProblem

__all__ = ["is_own", "read_own"]

_FORMAT_ID = "sidestep"
_TITLE = "a Sidestep configuration"
_FORMATS = frozenset({"sidestep-config", "sidestep-data", "sidestep-backup"})


def is_own(value: Any) -> bool:
    """Say whether *value* is a document of ours, or holds one."""
    if not isinstance(value, Mapping):
        return False
    is_bare = (
        "version" in value and isinstance(value.get("providers"), list) and ("relays" in value or "consents" in value)
    )
    return value.get("format") in _FORMATS or is_bare


def read_own(value: Mapping[str, Any]) -> Imported:
    """Return what a document of ours holds.

    Raises:
        ImportProblem: it is of a later version, or holds no configuration.
    """
    sealed = value.get("sealed")
    if isinstance(sealed, Mapping):
        return Imported(_FORMAT_ID, _TITLE, {}, {}, sealed=sealed)
    inner = value.get("config") if "format" in value else value
    if not isinstance(inner, Mapping):
        raise ImportProblem("This is a file of Sidestep's, but there is no configuration in it.")
    secrets = _read_secrets(value.get("secrets"))
    try:
        config, problems = Config.load(inner, secrets)
    except ConfigurationError as error:
        raise ImportProblem(error.message, remedy=error.remedy) from None
    findings = [
        Finding("left_out" if problem.item else "changed", "", f"{problem.item or problem.field}: {problem.message}")
        for problem in problems
    ]
    findings += [Finding("code", f"rule/{rule.id}", "This rule is Python code, which can do what this page can.")
                 for rule in config.policies.rules if rule.python]  # fmt: skip
    wants = [provider for provider in config.providers if provider.entry.key_required and not provider.api_key]
    findings += [
        Finding("key_needed", f"provider/{provider.id}", "There was no key with it: type it here.")
        for provider in wants
    ]
    findings += [Finding("key_needed", f"relay/{relay.id}", "A relay asks for its token: pair it by its link.")
                 for relay in config.relays if not relay.token]  # fmt: skip
    if isinstance(value.get("chats"), list) and value["chats"]:
        count = len(value["chats"])
        findings.append(
            Finding("left_out", "", f"{count} chats are in it: “Restore a backup” in Settings brings them back.")
        )
    return Imported(_FORMAT_ID, _TITLE, config.to_dict(), config.secrets_by_id, tuple(findings))


def _read_secrets(value: Any) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {"providers": {}, "relays": {}}
    if isinstance(value, Mapping):
        for kind, held in found.items():
            given = value.get(kind)
            if isinstance(given, Mapping):
                held |= {str(name): secret for name, secret in given.items() if isinstance(secret, str)}
    return found
