"""ROUGE-L as COCO's evaluation computes it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from ab.gpt.train.scores.captions import Caption, References, check_images

_BETA_SQUARED = 1.2**2
"""How much more the recall counts than the precision."""

_NOTHING: Caption = ("",)
"""What pycocoevalcap reads an empty caption as: one empty word."""


def rouge_l(hypotheses: Sequence[Caption], references: References) -> float:
    """The mean ROUGE-L over the images."""
    return float(rouge_l_scores(hypotheses, references).mean())


def rouge_l_scores(hypotheses: Sequence[Caption], references: References) -> NDArray[np.float64]:
    """ROUGE-L of each image: the best precision and the best recall, be they of two different references."""
    check_images(hypotheses, references)
    return np.array([_image_score(*image) for image in zip(hypotheses, references, strict=True)], dtype=np.float64)


def common_subsequence(caption: Caption, others: Sequence[Caption]) -> list[int]:
    """The length of the longest common subsequence of a caption and each of the others."""
    where: dict[Hashable, int] = {}
    for place, token in enumerate(caption):
        where[token] = where.get(token, 0) | 1 << place
    full = (1 << len(caption)) - 1
    lengths = []
    for other in others:
        # A row of the table of lengths rises by 0 or 1 from place to place. The bits that are 0 are where it rises, so
        # one addition with its carries makes the next row.
        flat = full
        for token in other:
            hits = flat & where.get(token, 0)
            flat = (flat + hits | flat - hits) & full
        lengths.append(len(caption) - flat.bit_count())
    return lengths


def _image_score(hypothesis: Caption, references: Sequence[Caption]) -> float:
    caption = hypothesis or _NOTHING
    others = [reference or _NOTHING for reference in references]
    common = common_subsequence(caption, others)
    precision = max(common) / len(caption)
    recall = max(length / len(other) for length, other in zip(common, others, strict=True))
    if not precision or not recall:
        return 0.0
    return (1 + _BETA_SQUARED) * precision * recall / (recall + _BETA_SQUARED * precision)
