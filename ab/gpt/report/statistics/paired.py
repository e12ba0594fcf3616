"""The paired bootstrap: two networks' scores on the same images, resampled together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True)
class Difference:
    """By how much the first mean exceeds the second, with a 95% interval and a two-sided p-value."""

    mean: float
    low: float
    high: float
    p: float
    images: int


def paired_bootstrap(
    first: Sequence[float], second: Sequence[float], seed: int = 0, resamples: int = RESAMPLES
) -> Difference:
    """The difference of two means over the same images; the choice of the images is what is uncertain.

    The p-value is twice the smaller share of resamples on one side of zero, and never below what so many can show.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"{len(first)} and {len(second)} scores are not of the same images")
    gaps = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    dice = np.random.default_rng(seed)
    means = np.empty(resamples)
    for start in range(0, resamples, 500):
        count = min(500, resamples - start)
        means[start : start + count] = gaps[dice.integers(0, len(gaps), (count, len(gaps)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975]).tolist()
    below, above = int((means <= 0).sum()), int((means >= 0).sum())
    p = min(1.0, 2 * (min(below, above) + 1) / (resamples + 1))
    return Difference(float(gaps.mean()), low, high, p, len(gaps))
