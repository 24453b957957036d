"""What a check found, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TextIO

__all__ = ["STATUSES", "Finding", "Verdict", "find_worst", "write_finding", "write_report"]

Verdict = Literal["ok", "warning", "failure"]

STATUSES: dict[Verdict, int] = {"ok": 0, "warning": 1, "failure": 2}
"""The command's exit status, by the worst that it found."""

_MARKS: dict[Verdict, str] = {"ok": "✓", "warning": "!", "failure": "✗"}
_PLAIN_MARKS: dict[Verdict, str] = {"ok": "+", "warning": "!", "failure": "x"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what it was; stable, programs may branch on it.
        message: what was seen, for a person.
        remedy: what to do; empty if all is well.
    """

    name: str
    verdict: Verdict
    message: str
    remedy: str = ""


def find_worst(findings: Iterable[Finding]) -> Verdict:
    """Return the worst verdict of *findings*."""
    return max((finding.verdict for finding in findings), key=STATUSES.__getitem__, default="ok")


def write_finding(finding: Finding, file: TextIO) -> None:
    """Write *finding* for a person."""
    marks = _MARKS if _can_write("".join(_MARKS.values()), file) else _PLAIN_MARKS
    lines = [f"{marks[finding.verdict]} {finding.name}: {finding.message}"]
    lines += [f"    {finding.remedy}"] if finding.remedy else []
    file.write("\n".join(lines) + "\n")
    file.flush()


def write_report(url: str, findings: Sequence[Finding], file: TextIO) -> None:
    """Write *findings* as one JSON document."""
    report = {"url": url, "verdict": find_worst(findings), "findings": [asdict(finding) for finding in findings]}
    file.write(json.dumps(report, indent=2) + "\n")


def _can_write(text: str, file: TextIO) -> bool:
    try:
        text.encode(file.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
