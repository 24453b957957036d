"""Counts right and wrong verdicts, by what was really the matter."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field

__all__ = ["PROPERTY", "Score", "Scores"]

PROPERTY = "score"
"""Under this name a test's report carries its scores out of the process that it ran in."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one cell came to.

    Attributes:
        name: of the cell.
        truth: what was really the matter, `cause` or `cause/behind`.
        verdict: what the diagnosis said, written the same way.
        certainty: how sure it said it was.
        excuse: why a browser cannot tell; empty where it can.
    """

    name: str
    truth: str
    verdict: str
    certainty: str
    excuse: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the diagnosis said that it cannot tell."""
        return self.verdict == "cannot_tell"

    @property
    def is_wrong(self) -> bool:
        """Whether it said something that is not the matter, or gave up where it could have told."""
        return not self.excuse if self.is_open else self.verdict != self.truth

    def to_dict(self) -> dict[str, str]:
        """Return what it is made of."""
        return asdict(self)


@dataclass
class Scores:
    """All cells of one run."""

    rows: list[Score] = field(default_factory=list)

    def note(self, score: Score) -> None:
        """Count one cell."""
        self.rows.append(score)

    @property
    def wrong(self) -> list[Score]:
        """The cells with a verdict that is wrong."""
        return [row for row in self.rows if row.is_wrong]

    def write_table(self) -> list[str]:
        """Return the table, a line for each truth; empty if nothing was counted."""
        if not self.rows:
            return []
        count = Counter((row.truth, _name_column(row)) for row in self.rows)
        truths = sorted({row.truth for row in self.rows})
        width = max(len(truth) for truth in [*truths, "what was the matter"])
        lines = [f"{'what was the matter':{width}}" + "".join(f"{column:>13}" for column in _COLUMNS)]
        lines += [
            f"{truth:{width}}" + "".join(f"{count[truth, column] or '·':>13}" for column in _COLUMNS)
            for truth in truths
        ]
        totals = Counter(_name_column(row) for row in self.rows)
        lines.append(f"{f'all {len(self.rows)} cells':{width}}" + "".join(f"{totals[name]:>13}" for name in _COLUMNS))
        lines += [f"WRONG {row.name}: {row.verdict} ({row.certainty}), and it was {row.truth}" for row in self.wrong]
        return lines


_COLUMNS = ("proven", "likely", "cannot tell", "WRONG")


def _name_column(row: Score) -> str:
    return "WRONG" if row.is_wrong else row.certainty.replace("_", " ")
