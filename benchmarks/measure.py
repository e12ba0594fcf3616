"""What was measured of stock LEMUR and of ours, their ratio, and the table of it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Comparison:
    """The same work done by stock LEMUR and by this toolkit, a value of each run."""

    name: str
    stock: list[float]
    """Empty where only ours was measured."""
    ours: list[float]
    unit: str = "s"
    at_least: float | None = None
    """What the ratio should be."""
    at_most: float | None = None
    """What ours should be."""

    @property
    def ratio(self) -> float | None:
        """How many times stock's value is ours; None where stock was not measured."""
        return statistics.median(self.stock) / statistics.median(self.ours) if self.stock else None

    @property
    def holds(self) -> bool | None:
        """Whether it is as good as it should be; None where nothing was asked of it."""
        if self.at_most is not None:
            return statistics.median(self.ours) <= self.at_most
        if self.at_least is not None:
            return self.ratio is not None and self.ratio >= self.at_least
        return None

    def as_json(self) -> dict[str, object]:
        """Name, medians and ratio, with every run beside them."""
        return {
            "name": self.name,
            "stock": statistics.median(self.stock) if self.stock else None,
            "ours": statistics.median(self.ours),
            "ratio": self.ratio,
            "unit": self.unit,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "holds": self.holds,
            "stock_runs": self.stock,
            "ours_runs": self.ours,
        }


def seconds(code: str, cwd: Path, *arguments: str) -> float:
    """How long a new Python process takes for a piece of code, from its start to its end."""
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    taken = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{code!r} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return taken


def table(results: list[Comparison]) -> str:
    """The results as text, one line each: medians, with the least and the most of the runs."""
    width = max(len(result.name) for result in results)
    lines = [f"{'what':<{width}}  {'stock':>24}  {'ours':>24}  {'ratio':>7}  asked"]
    for result in results:
        ratio = "" if result.ratio is None else f"{result.ratio:.1f}"
        lines.append(
            f"{result.name:<{width}}  {_spread(result.stock, result.unit)}  {_spread(result.ours, result.unit)}"
            f"  {ratio:>7}  {_asked(result)}".rstrip()
        )
    return "\n".join(lines)


def _asked(result: Comparison) -> str:
    if result.holds is None:
        return ""
    limit = f"ratio ≥ {result.at_least:g}" if result.at_most is None else f"ours ≤ {result.at_most:g} {result.unit}"
    return f"{limit}: {'holds' if result.holds else 'MISSED'}"


def _spread(runs: list[float], unit: str) -> str:
    if not runs:
        return f"{'–':>24}"
    digits = {"MB": 0, "%": 1}.get(unit, 3)
    middle = f"{statistics.median(runs):.{digits}f}"
    spread = f" ({min(runs):.{digits}f}–{max(runs):.{digits}f})" if len(runs) > 1 else ""
    return f"{middle + spread + ' ' + unit:>24}"
