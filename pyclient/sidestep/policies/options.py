"""What the user switched on or off for all requests."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from sidestep.policies._fields import FieldReader, PolicyProblem

__all__ = ["Options", "load_options"]

_FIELDS = ("shares_requests", "caches_answers", "cache_lifetime")
_LONGEST_LIFETIME = 30 * 24 * 3600  # seconds


@dataclass(frozen=True, slots=True)
class Options:
    """What the user switched on or off.

    Attributes:
        shares_requests: whether identical requests that are under way share one call.
        caches_answers: whether an answer is kept and given again for the same request.
        cache_lifetime: seconds for which it is kept.
        raw: what the configuration holds, as it came; None for options that were made here.
    """

    shares_requests: bool = True
    caches_answers: bool = False
    cache_lifetime: float = 86400
    raw: Any = field(default=None, repr=False, compare=False)

    def to_dict(self) -> Any:
        """Return the options as the configuration holds them: to the letter as they came, unless changed since."""
        if self.raw is not None and _read_options(self.raw, "", []) == self:
            return copy.deepcopy(self.raw)
        return {name: getattr(self, name) for name in _FIELDS}


def load_options(row: Any, pointer: str = "/options") -> tuple[Options, tuple[PolicyProblem, ...]]:
    """Return the options that *row* describes, and what is wrong with them: such a field has its default."""
    problems: list[PolicyProblem] = []
    return _read_options(copy.deepcopy(row), pointer, problems), tuple(problems)


def _read_options(row: Any, pointer: str, problems: list[PolicyProblem]) -> Options:
    reader, usual = FieldReader(row, pointer, _FIELDS, problems), Options()
    return Options(
        shares_requests=reader.read_flag("shares_requests") is not False,
        caches_answers=reader.read_flag("caches_answers") is True,
        cache_lifetime=reader.read_amount("cache_lifetime", _LONGEST_LIFETIME, " seconds") or usual.cache_lifetime,
        raw=row,
    )
