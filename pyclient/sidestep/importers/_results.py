"""What an import finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sidestep.errors import ConfigurationError

__all__ = ["Finding", "FindingKind", "ImportProblem", "Imported"]

FindingKind = Literal["key_needed", "changed", "set_aside", "kept", "left_out", "off", "code"]


class ImportProblem(ConfigurationError):
    """Nothing of it can be imported; the message says where it went wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know before anything is saved.

    Attributes:
        kind: a key has to be typed; something was put right; a header was set aside; something has no place here and is
            kept beside (`kept`) or is not (`left_out`); it was switched off there; it runs code.
        item: key of the item, as `sidestep.merging` makes it (`provider/ID`, `relay/ID`, `rule/ID`); empty for the
            document.
        message: a sentence, without a secret.
    """

    kind: FindingKind
    item: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the finding as the page's protocol writes it."""
        return {"kind": self.kind, "item": self.item, "message": self.message}


@dataclass(frozen=True, slots=True)
class Imported:
    """Another document, as one of ours.

    Attributes:
        format: which it was, by its id.
        title: what a person calls that.
        document: providers, relays, consents, rules, groups, options and extras, in the present version.
        secrets: `{"providers": {id: key}, "relays": {id: token}}`.
        findings: what a person should know.
        sealed: what has to be opened with a passphrase before anything else is known; then all the rest is empty.
    """

    format: str
    title: str
    document: Mapping[str, Any]
    secrets: Mapping[str, Mapping[str, str]] = field(repr=False)
    findings: tuple[Finding, ...] = ()
    sealed: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as the page's protocol writes it (docs/protocol.md, *Imported*)."""
        return {
            "format": self.format,
            "title": self.title,
            "document": dict(self.document),
            "secrets": {kind: dict(values) for kind, values in self.secrets.items()},
            "findings": [finding.to_dict() for finding in self.findings],
            "sealed": dict(self.sealed) if self.sealed is not None else None,
        }
