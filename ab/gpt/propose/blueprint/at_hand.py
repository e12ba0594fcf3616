"""Which pretrained backbones can be used here: those whose weights lie in torch's cache."""

from __future__ import annotations

import os
from pathlib import Path

from ab.gpt.propose.blueprint.shape import OWN_ENCODERS, Space

FILES = {
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-11ad3fa6.pth",
    "mobilenet_v2": "mobilenet_v2-7ebf99e0.pth",
    "mobilenet_v3_small": "mobilenet_v3_small-047dcff4.pth",
    "mobilenet_v3_large": "mobilenet_v3_large-5c1a4163.pth",
    "efficientnet_b0": "efficientnet_b0_rwightman-7f5810bc.pth",
    "shufflenet_v2_x1_0": "shufflenetv2_x1-5666bf0f80.pth",
    "regnet_y_400mf": "regnet_y_400mf-e6988f5f.pth",
    "squeezenet1_1": "squeezenet1_1-b8a52dc0.pth",
    "densenet121": "densenet121-a639ec97.pth",
    "convnext_tiny": "convnext_tiny-983f1562.pth",
}
"""The file in which torchvision keeps a backbone's usual weights."""


def cache() -> Path:
    """The folder in which torch keeps weights that it has fetched."""
    home = os.environ.get("TORCH_HOME")
    if not home:
        home = str(Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "torch")
    return Path(home) / "hub" / "checkpoints"


def space_at_hand(pretrained: bool, folder: Path | None = None) -> Space:
    """The blueprints that can be trained here without fetching anything.

    Without pretrained weights that is own encoders: torchvision's are too large to learn from few pictures.
    """
    folder = folder or cache()
    backbones = tuple(name for name, file in FILES.items() if (folder / file).is_file()) if pretrained else ()
    return Space(backbones=backbones, weights=("imagenet",)) if backbones else OWN_ENCODERS
