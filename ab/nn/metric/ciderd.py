"""LEMUR metric: CIDEr-D as COCO's evaluation computes it (0 to 10), rarity counted over the validation captions."""

from ab.gpt.train.scores import cider_d
from ab.gpt.train.scores.metric import CaptionMetric


def create_metric(out_shape: object = None) -> CaptionMetric:  # noqa: ARG001 (LEMUR's signature)
    """The metric that LEMUR asks for."""
    return CaptionMetric(cider_d)
