"""The scores behind LEMUR's metric interface, for the thin files in `ab/nn/metric/`.

LEMUR calls `create_metric(out_shape)`, then for each batch the metric with the network's outputs and the labels, then
`result()`. Tensors are only asked to turn themselves into lists, so torch is not imported here.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

from ab.gpt.train.scores.captions import Caption, References, ScoringError
from ab.gpt.train.scores.lemur import lemur_scores, mean_as_lemur, without_padding
from ab.gpt.train.scores.vocabulary import Vocabulary

LOADER = "ab.nn.loader.coco_.Caption"
"""LEMUR's captioning loader; it leaves the vocabulary in `GLOBAL_CAPTION_VOCAB`."""

Figure: TypeAlias = Callable[[Sequence[Caption], References], float]


class CaptionMetric:
    """One figure over all batches of an evaluation, on words as COCO's evaluation looks at them."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self.reset()

    def reset(self) -> None:
        """Forgets all captions."""
        self._predicted: list[list[int]] = []
        self._references: list[list[list[int]]] = []

    def __call__(self, outputs: Any, labels: Any) -> None:
        """Takes in a batch: logits [B, T, V] or ids [B, T], and references [B, C, T] or [B, T]."""
        if outputs.dim() not in (2, 3) or labels.dim() not in (2, 3):
            raise ScoringError(
                f"Outputs of shape {tuple(outputs.shape)} and labels of shape {tuple(labels.shape)} are no captions.",
                "Return logits [batch, time, vocabulary] or token ids [batch, time] from the network in evaluation.",
            )
        ids = outputs.argmax(-1) if outputs.dim() == 3 else outputs
        references = labels if labels.dim() == 3 else labels.unsqueeze(1)
        if len(ids) != len(references):
            raise ScoringError(
                f"{len(ids)} captions for a batch of {len(references)} images.",
                "Return one caption for each image from the network in evaluation.",
            )
        for predicted, written in zip(ids.cpu().tolist(), references.cpu().tolist(), strict=True):
            kept = [reference for reference in written if without_padding(reference)]
            if kept:  # like LEMUR's BLEU: an image that nobody described is left out
                self._predicted.append(predicted)
                self._references.append(kept)

    def words(self) -> tuple[list[list[int]], list[list[list[int]]]]:
        """The predicted captions and their references so far, cleaned."""
        clean = loaded_vocabulary().clean
        captions = [clean(predicted) for predicted in self._predicted]
        return captions, [[clean(reference) for reference in image] for image in self._references]

    def result(self) -> float:
        """The figure over all batches since the last reset; 0 where there were none."""
        return float(self._figure(*self.words())) if self._predicted else 0.0


class LemurBleu:
    """LEMUR's own metric but for the time it takes: the one figure that is asked for, without NLTK, equal to it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets all captions."""
        self._scores: list[float | None] = []

    def __call__(self, outputs: Any, labels: Any) -> None:
        """Takes in a batch as `ab.nn.metric.bleu` does: logits [B, T, V] or ids [B, T], and references."""
        if outputs.dim() not in (2, 3):
            raise ValueError(f"Preds shape not supported for BLEUMetric: {outputs.shape}")
        ids = (outputs.argmax(-1) if outputs.dim() == 3 else outputs).cpu().tolist()
        references = (labels if labels.dim() == 3 else labels.unsqueeze(1)).cpu().tolist()
        pairs = list(zip(ids, references, strict=False))  # LEMUR leaves out what has no counterpart
        self._scores += lemur_scores([one for one, _ in pairs], [others for _, others in pairs])

    def result(self) -> float:
        """LEMUR's figure over all batches since the last reset."""
        return mean_as_lemur(self._scores)


def loaded_vocabulary() -> Vocabulary:
    """The vocabulary that LEMUR's loader holds in this process; without one, LEMUR's special ids and no punctuation."""
    words = getattr(sys.modules.get(LOADER), "GLOBAL_CAPTION_VOCAB", {}).get("idx2word")
    if words:
        return Vocabulary.of(words)
    _say_that_punctuation_counts()
    return Vocabulary()


@cache
def _say_that_punctuation_counts() -> None:
    warnings.warn(
        f"Punctuation is counted as words, because {LOADER} has not loaded a vocabulary in this process: the figures "
        "are not comparable with COCO's. Load the captions through LEMUR's loader before they are scored.",
        stacklevel=4,
    )
