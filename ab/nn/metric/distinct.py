"""LEMUR metric: the share of different captions among the predicted ones; near 0 for a collapsed network."""

from ab.gpt.train.scores import distinct_share
from ab.gpt.train.scores.metric import CaptionMetric


def create_metric(out_shape: object = None) -> CaptionMetric:  # noqa: ARG001 (LEMUR's signature)
    """The metric that LEMUR asks for."""
    return CaptionMetric(lambda captions, _: distinct_share(captions))
