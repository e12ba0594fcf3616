"""LEMUR loader: COCO's captions as LEMUR's own loader gives them, bit for bit, from what is kept between runs.

`python -m ab.nn.train -c img-captioning_coco-cached_bleu_RESNETLSTM` takes it. Pictures are decoded and resized once,
captions cut into words once; whatever of a transform draws at random is drawn anew each time. A transform that does not
begin with a resize to a fixed size has nothing that could be kept, and its pictures are opened each time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ab.nn.loader.coco_ import Caption

MINIMUM_ACCURACY = Caption.MINIMUM_ACCURACY
VALIDATION_IMAGES = 300
"""As many as LEMUR's own loader validates on."""


def loader(transform_fn: Callable[[Any], Any], task: str) -> tuple[tuple[int], float, Any, Any]:
    """What LEMUR asks of a loader: the shape of what is predicted, the minimum accuracy, both data sets."""
    if task != "img-captioning":
        raise ValueError(f"coco-cached is a data set for img-captioning, not for {task!r}.")
    from ab.gpt.train.data.whole import whole_split  # only now: LEMUR imports loaders just to read a number

    norm = tuple(getattr(Caption, f"__norm_{part}") for part in ("mean", "dev"))
    transform = transform_fn(norm)
    words, train = whole_split("train", transform)
    _, val = whole_split("val", transform)
    places = list(range(len(val)))
    random.shuffle(places)  # as LEMUR shuffles the ids, and with the same numbers
    val.choose(places[:VALIDATION_IMAGES])
    Caption.GLOBAL_CAPTION_VOCAB.update(word2idx=train.word2idx, idx2word=train.idx2word)
    return (len(words),), MINIMUM_ACCURACY, train, val
