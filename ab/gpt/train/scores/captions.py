"""What the scores are computed from: captions as tokens, several references for each image."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeAlias

from ab.gpt.errors import NNCaptionError

Caption: TypeAlias = Sequence[Hashable]
"""Tokens of one kind: ids or words."""

References: TypeAlias = Sequence[Sequence[Caption]]
"""For each image the captions that people wrote."""

ORDERS = (1, 2, 3, 4)
"""The lengths of n-grams that BLEU-4 and CIDEr-D look at."""


class ScoringError(NNCaptionError):
    """Captions that no score can be computed from."""


def check_images(hypotheses: Sequence[object], references: Sequence[Sequence[object]]) -> None:
    """Raises `ScoringError` unless there is one hypothesis for each image, and a reference for every image."""
    if len(hypotheses) != len(references):
        raise ScoringError(
            f"{len(hypotheses)} predicted captions for {len(references)} images.",
            "Give one caption for each image, in the images' order.",
        )
    if not references:
        raise ScoringError("No image to score.", "Give at least one predicted caption with its references.")
    for image, captions in enumerate(references):
        if not captions:
            raise ScoringError(f"Image {image} has no reference caption.", "Leave such images out.")
