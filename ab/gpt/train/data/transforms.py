"""How validation images are treated: the same way every time, and never mirrored."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import torch
from torchvision import transforms

_MIRRORS = (transforms.RandomHorizontalFlip, transforms.RandomVerticalFlip)


def lemur_transform(name: str) -> Any:
    """One of LEMUR's transforms, as its COCO loader asks for it."""
    from ab.nn.loader.coco_ import Caption
    from ab.nn.util.Loader import get_obj

    norm = tuple(getattr(Caption, f"__norm_{part}") for part in ("mean", "dev"))
    return get_obj(name, "transform")(norm)


def validation_transform(transform: Any) -> Any:
    """A transform without what mirrors; some of LEMUR's do the same to training and validation images."""
    steps = getattr(transform, "transforms", None)
    if steps is None:
        return transform
    return transforms.Compose([step for step in steps if not isinstance(step, _MIRRORS)])


class Fixed:
    """A transform that draws the same numbers for every image."""

    def __init__(self, transform: Callable[[Any], Any], seed: int) -> None:
        self.transform = transform
        self.seed = seed

    def __call__(self, image: Any) -> Any:
        python, state = random.getstate(), torch.get_rng_state()
        random.seed(self.seed)
        torch.default_generator.manual_seed(self.seed)  # a GPU's chance is the network's, and goes on
        try:
            return self.transform(image)
        finally:
            random.setstate(python)
            torch.set_rng_state(state)
