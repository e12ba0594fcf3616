"""How sure a figure is: 95% intervals by bootstrap over the images.

All figures here follow from sums over images. A resample draws as many images as there are, with replacement, so its
sums are the images' rows times how often each was drawn, and a thousand resamples are one product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ab.gpt.train.scores.bleu import bleu_figures, bleu_of
from ab.gpt.train.scores.captions import ORDERS, ScoringError
from ab.gpt.train.scores.lemur import mean_as_lemur

Floats: TypeAlias = NDArray[np.float64]

RESAMPLES = 1000
CONFIDENCE = 0.95
_AT_ONCE = 100
"""Resamples that are held as floats together, which bounds the memory."""


@dataclass(frozen=True)
class Interval:
    """A figure on all images (`mean`) between the ends of its interval."""

    low: float
    mean: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """The three numbers by name."""
        return {"low": self.low, "mean": self.mean, "high": self.high}


@dataclass(frozen=True)
class Statistic:
    """A figure, with what is needed to compute it again for any choice of the images."""

    value: float
    """The figure on all images."""
    rows: Floats
    """One row for each image, to be added up over those chosen."""
    figure: Callable[[Floats], Floats]
    """The figures of several choices from their added rows."""


def mean_of(scores: ArrayLike) -> Statistic:
    """The mean of a score that each image has (ROUGE-L, CIDEr-D, a caption's length)."""
    values = np.asarray(scores, dtype=np.float64)
    return Statistic(float(values.mean()), np.stack([values, np.ones_like(values)], axis=1), _ratio)


def lemur_mean_of(scores: Sequence[float | None]) -> Statistic:
    """LEMUR's figure from its score of each image; None for the images that it leaves out."""
    rows = np.array([(0.0, 0.0) if score is None else (score, 1.0) for score in scores])
    return Statistic(mean_as_lemur(scores), rows, _ratio)


def bleu_from(counts: Floats, order: int = 4) -> Statistic:
    """Corpus BLEU of an order from the images' rows of `bleu_counts`."""
    column = ORDERS.index(order)
    return Statistic(bleu_of(counts.sum(axis=0))[column], counts, lambda sums: bleu_figures(sums)[:, column])


class Resamples:
    """The same draws of images for every figure, so that figures can be compared draw by draw."""

    def __init__(self, images: int, *, seed: int = 0, resamples: int = RESAMPLES) -> None:
        if images < 1 or resamples < 1:
            raise ScoringError(f"No interval from {images} images and {resamples} resamples.", "Give at least one.")
        generator = np.random.default_rng(seed)
        self._drawn = np.empty((resamples, images), dtype=np.int32)
        for draw in self._drawn:
            draw[:] = np.bincount(generator.integers(0, images, images), minlength=images)

    def interval(self, statistic: Statistic, *, confidence: float = CONFIDENCE) -> Interval:
        """The figure with its interval."""
        return _interval(statistic.value, self._figures(statistic), confidence)

    def paired_difference(self, a: Statistic, b: Statistic, *, confidence: float = CONFIDENCE) -> Interval:
        """By how much the first figure exceeds the second on the same images, with the interval of the difference."""
        return _interval(a.value - b.value, self._figures(a) - self._figures(b), confidence)

    def _figures(self, statistic: Statistic) -> Floats:
        if len(statistic.rows) != self._drawn.shape[1]:
            raise ScoringError(
                f"A figure of {len(statistic.rows)} images cannot be compared on {self._drawn.shape[1]} images.",
                "Give figures of the same images.",
            )
        # Not `@`: what BLAS adds up depends on its number of threads in the last digit.
        sums = [
            np.einsum("ri,ic->rc", self._drawn[start : start + _AT_ONCE].astype(np.float64), statistic.rows)
            for start in range(0, len(self._drawn), _AT_ONCE)
        ]
        return statistic.figure(np.concatenate(sums))


def interval(
    statistic: Statistic, *, seed: int = 0, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> Interval:
    """The figure with its interval: a percentile bootstrap over the images."""
    draws = Resamples(len(statistic.rows), seed=seed, resamples=resamples)
    return draws.interval(statistic, confidence=confidence)


def paired_difference(
    a: Statistic, b: Statistic, *, seed: int = 0, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> Interval:
    """By how much the first figure exceeds the second on the same images, with the interval of the difference.

    The whole interval above zero: the first is better by more than the choice of the images explains.
    """
    draws = Resamples(len(a.rows), seed=seed, resamples=resamples)
    return draws.paired_difference(a, b, confidence=confidence)


def _interval(value: float, figures: Floats, confidence: float) -> Interval:
    low, high = np.quantile(figures, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    return Interval(low, value, high)


def _ratio(sums: Floats) -> Floats:
    return np.asarray(sums[:, 0] / np.maximum(sums[:, 1], 1), dtype=np.float64)
