"""Corpus BLEU-1 to BLEU-4 as COCO's evaluation computes them, from counts that can be added up over images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ab.gpt.train.scores.captions import ORDERS, Caption, References, check_images
from ab.gpt.train.scores.ngrams import clipped_matches, closest_length

Floats: TypeAlias = NDArray[np.float64]

LENGTH, CLOSEST, GUESSED, MATCHED = 0, 1, slice(2, 6), slice(6, 10)
"""The columns of a row of counts: tokens of the caption and of its closest reference, then 1- to 4-grams."""

_TINY, _SMALL = 1e-15, 1e-9
"""pycocoevalcap keeps from dividing by zero with them; they show in the figures of captions that match nothing."""


def corpus_bleu(hypotheses: Sequence[Caption], references: References) -> tuple[float, float, float, float]:
    """BLEU-1 to BLEU-4 of all captions together, as pycocoevalcap computes them on the same tokens."""
    return bleu_of(bleu_counts(hypotheses, references).sum(axis=0))


def bleu_counts(hypotheses: Sequence[Caption], references: References) -> Floats:
    """A row of counts for each image; BLEU of any choice of images follows from the sum of their rows."""
    check_images(hypotheses, references)
    return np.array([_row(*image) for image in zip(hypotheses, references, strict=True)], dtype=np.float64)


def bleu_of(counts: Floats) -> tuple[float, float, float, float]:
    """BLEU-1 to BLEU-4 of one row of added counts."""
    one, two, three, four = bleu_figures(counts[np.newaxis])[0].tolist()
    return one, two, three, four


def bleu_figures(counts: Floats) -> Floats:
    """BLEU-1 to BLEU-4 of each row of added counts."""
    precisions = (counts[:, MATCHED] + _TINY) / (counts[:, GUESSED] + _SMALL)
    means = np.cumprod(precisions, axis=1) ** (1 / np.array(ORDERS))
    ratio = (counts[:, LENGTH] + _TINY) / (counts[:, CLOSEST] + _SMALL)
    penalty = np.exp(np.minimum(0, 1 - 1 / ratio))
    return np.asarray(means * penalty[:, np.newaxis], dtype=np.float64)


def guesses(length: int) -> list[int]:
    """How many 1- to 4-grams a caption of this length has."""
    return [max(0, length - n + 1) for n in ORDERS]


def _row(hypothesis: Caption, references: Sequence[Caption]) -> list[int]:
    length = len(hypothesis)
    closest = closest_length(length, references)
    return [length, closest, *guesses(length), *clipped_matches(hypothesis, references)]
