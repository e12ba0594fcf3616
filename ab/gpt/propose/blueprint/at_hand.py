"""Which pretrained backbones can be used here: those whose weights lie in torch's cache."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ab.gpt.errors import UsageError
from ab.gpt.propose.blueprint.shape import BACKBONES, EVERYTHING, TRAINED, Space
from ab.gpt.train.checkpoints import checkpoints

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


URL = "https://download.pytorch.org/models/"


def how_to_fetch(file: str, folder: Path | None = None) -> str:
    """The command that puts one of torchvision's files of weights where torch looks for it."""
    return f"curl -L --create-dirs -o {(folder or checkpoints()) / file} {URL}{file}"


def missing_weights(code: str) -> str | None:
    """The file of ImageNet's weights that a network's code asks torchvision for and that is not here."""
    asked = (file for name, file in FILES.items() if re.search(rf"\b{name}\([^)]*weights", code))
    return next((file for file in asked if not (checkpoints() / file).is_file()), None)


def space_asked(encoders: Sequence[str] = (), frozen: bool = False, light: bool = False) -> Space:
    """The blueprints that were asked for: all, or those with some backbones, or with one that stays as it is."""
    if unknown := [name for name in encoders if name not in BACKBONES]:
        raise UsageError(f"--encoder: there is no backbone {unknown[0]!r}.", f"There are {', '.join(BACKBONES)}.")
    if not encoders and not frozen:
        return replace(EVERYTHING, light=True) if light else EVERYTHING
    weights = ("imagenet",) if frozen else EVERYTHING.weights
    return Space(False, tuple(encoders) or BACKBONES, weights, ("frozen",) if frozen else TRAINED, light)


def space_at_hand(pretrained: bool, folder: Path | None = None, asked: Space = EVERYTHING) -> Space:
    """The blueprints that can be trained here without fetching anything, of those that were asked for.

    Without pretrained weights that is own encoders, if nothing else is asked for: torchvision's are too large to learn
    from few pictures.
    """
    folder = folder or checkpoints()
    at_hand = tuple(name for name in asked.backbones if (folder / FILES[name]).is_file()) if pretrained else ()
    if not asked.own:
        return _just_asked(asked, pretrained, folder, at_hand)
    return replace(asked, backbones=at_hand, weights=("imagenet",)) if at_hand else replace(asked, backbones=())


def _just_asked(asked: Space, pretrained: bool, folder: Path, at_hand: tuple[str, ...]) -> Space:
    """The space without own encoders; `UsageError` where its weights are not at hand."""
    if not pretrained:
        if "none" not in asked.weights:
            raise UsageError("--frozen: an encoder that never learns needs weights.", "Leave out --no-pretrained.")
        return replace(asked, weights=("none",), trained=TRAINED)
    flag = "--frozen" if asked.backbones == BACKBONES else "--encoder"
    missing = [name for name in asked.backbones if name not in at_hand]
    if missing and (flag == "--encoder" or not at_hand):
        file = FILES[missing[0]]
        scratch = ", or train from scratch with --no-pretrained" if "none" in asked.weights else ""
        raise UsageError(
            f"{flag}: {missing[0]}'s ImageNet weights are not at hand: there is no {folder / file}.",
            f"Fetch {URL}{file} and put it there{scratch}.",
        )
    return replace(asked, backbones=at_hand, weights=("imagenet",))
