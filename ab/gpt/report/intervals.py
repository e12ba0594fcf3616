"""How sure one can be of a share."""

from __future__ import annotations

import math
from dataclasses import dataclass

_Z = 1.959963984540054
"""The normal distribution's point for 95%."""


@dataclass(frozen=True)
class Share:
    """How many of how many, with a 95% interval after Wilson, which is honest for few and for extreme ones."""

    count: int
    of: int

    @property
    def mean(self) -> float:
        """The share itself; nan of nothing."""
        return self.count / self.of if self.of else math.nan

    @property
    def low(self) -> float:
        return self._bound(-1)

    @property
    def high(self) -> float:
        return self._bound(+1)

    def _bound(self, side: int) -> float:
        if not self.of:
            return 0.0 if side < 0 else 1.0
        n, share = self.of, self.mean
        centre = share + _Z**2 / (2 * n)
        spread = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
        return min(1.0, max(0.0, (centre + side * spread) / (1 + _Z**2 / n)))

    def __str__(self) -> str:
        if not self.of:
            return "–"
        return f"{self.mean:.0%} [{self.low:.0%}, {self.high:.0%}]"
