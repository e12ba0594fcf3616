"""A permutation test: do the networks of two groups score differently, or would any division of them look like this?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True)
class Gap:
    """By how much the first group's mean exceeds the second's, and a two-sided p-value."""

    first: float
    second: float
    p: float

    @property
    def mean(self) -> float:
        return self.first - self.second


def permutation_test(first: Sequence[float], second: Sequence[float], seed: int = 0, resamples: int = RESAMPLES) -> Gap:
    """The difference of two groups' means; the choice of the networks is what is uncertain.

    The p-value is the share of random divisions of all networks into groups of these sizes whose means differ at least
    as much, and never below what so many can show.
    """
    if not first or not second:
        raise ValueError("a group without networks cannot be compared")
    scores = np.asarray([*first, *second], dtype=np.float64)
    dice, size, total = np.random.default_rng(seed), len(first), scores.sum()
    gap = Gap(float(np.mean(first)), float(np.mean(second)), 1.0)
    as_far = 0
    for start in range(0, resamples, 500):
        count = min(500, resamples - start)
        sums = dice.permuted(np.tile(scores, (count, 1)), axis=1)[:, :size].sum(axis=1)
        gaps = sums / size - (total - sums) / len(second)
        as_far += int((np.abs(gaps) >= abs(gap.mean) - 1e-12).sum())
    return Gap(gap.first, gap.second, (as_far + 1) / (resamples + 1))
