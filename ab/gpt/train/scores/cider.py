"""CIDEr-D as COCO's evaluation computes it, with document frequencies from the references at hand."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ab.gpt.train.scores.captions import ORDERS, Caption, References, check_images
from ab.gpt.train.scores.ngrams import grams

_SIGMA = 6.0
_SCALE = 10.0
_KEPT_IMAGES = 1_000
"""Of more images the weighed references would take hundreds of megabytes; they are weighed anew each time."""

Weights: TypeAlias = dict[Hashable, float]


class _Vector(NamedTuple):
    """A caption's n-grams of one order, each weighted by how often it occurs and how rare it is."""

    weights: Weights
    norm: float


def cider_d(hypotheses: Sequence[Caption], references: References) -> float:
    """The mean CIDEr-D over the images (10 times the similarity, as COCO gives it)."""
    return float(cider_d_scores(hypotheses, references).mean())


def cider_d_scores(hypotheses: Sequence[Caption], references: References) -> NDArray[np.float64]:
    """CIDEr-D of each image; how rare an n-gram is, is counted over the images given here."""
    check_images(hypotheses, references)
    return CiderReferences(references).scores(hypotheses)


class CiderReferences:
    """The references of all images, weighed once for all networks that are scored on them."""

    def __init__(self, references: References) -> None:
        check_images(references, references)
        self._references = references
        self._rarity = [_rarity(references, n) for n in ORDERS]
        self._unseen = math.log(len(references))
        few = len(references) <= _KEPT_IMAGES
        self._kept = [self._vectors(captions) for captions in references] if few else None

    def scores(self, hypotheses: Sequence[Caption]) -> NDArray[np.float64]:
        """CIDEr-D of one caption for each image."""
        check_images(hypotheses, self._references)
        return np.array([self._score(place, caption) for place, caption in enumerate(hypotheses)], dtype=np.float64)

    def _score(self, place: int, hypothesis: Caption) -> float:
        references = self._references[place]
        theirs = self._kept[place] if self._kept is not None else self._vectors(references)
        penalties = [_length_penalty(hypothesis, reference) for reference in references]
        total = 0.0
        for n, rare, vectors in zip(ORDERS, self._rarity, theirs, strict=True):
            mine = _vector(hypothesis, n, rare, self._unseen)
            for vector, penalty in zip(vectors, penalties, strict=True):
                total += penalty * _similarity(mine, vector)
        return _SCALE * total / len(ORDERS) / len(references)

    def _vectors(self, captions: Sequence[Caption]) -> list[list[_Vector]]:
        return [
            [_vector(caption, n, rare, self._unseen) for caption in captions]
            for n, rare in zip(ORDERS, self._rarity, strict=True)
        ]


def _rarity(references: References, n: int) -> Weights:
    """For each n-gram the log of the images divided by those in whose references it occurs."""
    images: Counter[Hashable] = Counter()
    for captions in references:
        images.update({gram for caption in captions for gram in grams(caption, n)})
    everywhere = math.log(len(references))
    logs = [everywhere - math.log(max(1, count)) for count in range(len(references) + 1)]
    return {gram: logs[count] for gram, count in images.items()}


def _vector(caption: Caption, n: int, rare: Weights, unseen: float) -> _Vector:
    weights = {gram: count * rare.get(gram, unseen) for gram, count in Counter(grams(caption, n)).items()}
    return _Vector(weights, math.sqrt(sum([weight * weight for weight in weights.values()])))


def _similarity(mine: _Vector, theirs: _Vector) -> float:
    """The cosine of two vectors, in which nothing counts more often than the reference holds it."""
    if not mine.norm or not theirs.norm:
        return 0.0
    product = 0.0
    for gram, weight in mine.weights.items():  # in the caption's order, so that the last digit is always the same
        other = theirs.weights.get(gram)
        if other is not None:
            product += min(weight, other) * other
    return product / (mine.norm * theirs.norm)


def _length_penalty(hypothesis: Caption, reference: Caption) -> float:
    # pycocoevalcap takes the number of 2-grams for the length
    difference = max(0, len(hypothesis) - 1) - max(0, len(reference) - 1)
    return math.exp(-(difference**2) / (2 * _SIGMA**2))
