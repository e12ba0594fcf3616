"""From values to places: linear and logarithmic scales with round ticks, and numbers as people write them."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A range of values on a range of places."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high = self._of(self.low), self._of(self.high)
        share = (self._of(value) - low) / (high - low) if high > low else 0.5
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def _of(self, value: float) -> float:
        return math.log10(max(value, 1e-300)) if self.log else value

    def ticks(self, about: int = 5) -> list[float]:
        """Round values within the range."""
        if self.log:
            return self._log_ticks(about)
        step = _round_step((self.high - self.low) / max(1, about))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(place * step, 12) for place in range(first, last + 1)]

    def _log_ticks(self, about: int) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        factors = (1, 2, 5) if len(decades) <= max(2, about // 2) else (1,)
        every = max(1, len(decades) // (about + 1))
        ticks = [f * 10.0**decade for decade in decades[::every] for f in factors]
        return [tick for tick in ticks if self.low * (1 - 1e-9) <= tick <= self.high * (1 + 1e-9)]


def linear(values: list[float], start: float, end: float, from_zero: bool = True) -> Scale:
    """A linear scale with a little room around the values."""
    low = 0.0 if from_zero else min(values, default=0.0)
    high = max(values, default=1.0)
    if high <= low:
        high = low + (abs(low) or 1.0)
    room = (high - low) * 0.06
    return Scale(low if from_zero else low - room, high + room, start, end)


def logarithmic(values: list[float], start: float, end: float) -> Scale:
    """A logarithmic scale over positive values, with a little room around them."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = min(positive), max(positive)
    room = max((high / low) ** 0.06, 1.15)
    return Scale(low / room, high * room, start, end, log=True)


def _round_step(rough: float) -> float:
    if rough <= 0 or not math.isfinite(rough):
        return 1.0
    base = 10.0 ** math.floor(math.log10(rough))
    return next(base * f for f in (1, 2, 2.5, 5, 10) if base * f >= rough * (1 - 1e-9))


def short(value: float) -> str:
    """A number with as few signs as tell it: 12.3 M, 4,500, 0.05."""
    for limit, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= limit:
            size = limit if limit != 1e4 else 1e3
            return f"{value / size:.3g}{unit}"
    if value == int(value):
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 0.95:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
