"""How much is allowed: the figures alone, so that reading settings imports nothing that counts."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["LIMIT_NAMES", "Allowance"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much is allowed; 0 has no limit.

    Attributes:
        requests_per_minute: of every kind.
        streams: answers that are under way at a time.
        tokens_per_minute: of models, asked and answered together.
    """

    requests_per_minute: int = 600
    streams: int = 64
    tokens_per_minute: int = 5_000_000


LIMIT_NAMES = tuple(field.name for field in fields(Allowance))
