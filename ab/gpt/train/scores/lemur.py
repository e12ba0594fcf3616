"""LEMUR's own BLEU, to the last digit, without NLTK.

`ab.nn.metric.bleu` takes the mean of NLTK's sentence BLEU (smoothing method 1) over the images, on token ids of which
only the padding is dropped. Records are compared by it, and a figure that a candidate's process reports is believed
only where this one is equal to it. So the order of every floating-point operation here is NLTK's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ab.gpt.train.scores.captions import ORDERS, Caption, References, ScoringError
from ab.gpt.train.scores.ngrams import clipped_matches, closest_length

PAD = 0
_WEIGHT = 0.25
EPSILON = 0.1
"""NLTK's smoothing method 1 counts this much where nothing matched."""


def lemur_bleu(hypotheses: Sequence[Caption], references: References) -> float:
    """LEMUR's figure: equal, not only close, to `BLEUMetric.result()` for the same token ids."""
    return mean_as_lemur(lemur_scores(hypotheses, references))


def lemur_scores(hypotheses: Sequence[Caption], references: References) -> list[float | None]:
    """LEMUR's sentence BLEU of each image; None where all its references are padding, which LEMUR leaves out."""
    if len(hypotheses) != len(references):
        raise ScoringError(
            f"{len(hypotheses)} predicted captions for {len(references)} images.",
            "Give one caption for each image, in the images' order.",
        )
    return [_image_score(*image) for image in zip(hypotheses, references, strict=True)]


def mean_as_lemur(scores: Sequence[float | None]) -> float:
    """The mean over the images that LEMUR counts, added up as LEMUR does; 0 where there are none."""
    counted = [score for score in scores if score is not None]
    return float(sum(counted)) / max(len(counted), 1)


def sentence_bleu(hypothesis: Caption, references: Sequence[Caption]) -> float:
    """BLEU-4 of one caption as NLTK computes it with smoothing method 1; needs at least one reference."""
    length = len(hypothesis)
    matches = clipped_matches(hypothesis, references)
    if not matches[0]:
        return 0.0
    logs = [
        _WEIGHT * math.log((matched or EPSILON) / max(1, length - n + 1))
        for n, matched in zip(ORDERS, matches, strict=True)
    ]
    return brevity_penalty(length, closest_length(length, references)) * math.exp(math.fsum(logs))


def brevity_penalty(length: int, closest: int) -> float:
    """What a caption shorter than its closest reference loses, as NLTK computes it."""
    return 1.0 if length > closest else math.exp(1 - closest / length)


def without_padding(tokens: Caption) -> Caption:
    """All tokens but the padding, which is all that LEMUR drops."""
    return [token for token in tokens if token != PAD]


def counted_references(references: References) -> list[list[Caption]]:
    """The references that LEMUR compares with, of the images that it counts."""
    kept = [[caption for caption in map(without_padding, image) if caption] for image in references]
    return [captions for captions in kept if captions]


def _image_score(hypothesis: Caption, references: Sequence[Caption]) -> float | None:
    kept = [reference for reference in map(without_padding, references) if reference]
    return sentence_bleu(without_padding(hypothesis), kept) if kept else None
