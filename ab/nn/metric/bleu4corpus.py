"""LEMUR metric: corpus BLEU-4 as COCO's evaluation computes it."""

from ab.gpt.train.scores import corpus_bleu
from ab.gpt.train.scores.metric import CaptionMetric


class CorpusBLEU(CaptionMetric):
    """Corpus BLEU-4, and BLEU-1 to BLEU-4 by `get_all()`."""

    def __init__(self) -> None:
        super().__init__(lambda captions, references: corpus_bleu(captions, references)[3])

    def get_all(self) -> dict[str, float]:
        """BLEU-1 to BLEU-4 by name, as LEMUR's own BLEU metric gives them."""
        captions, references = self.words()
        figures = corpus_bleu(captions, references) if captions else (0.0, 0.0, 0.0, 0.0)
        return {f"BLEU-{order}": figure for order, figure in enumerate(figures, start=1)}


def create_metric(out_shape: object = None) -> CaptionMetric:  # noqa: ARG001 (LEMUR's signature)
    """The metric that LEMUR asks for."""
    return CorpusBLEU()
