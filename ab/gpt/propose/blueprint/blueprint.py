"""A captioning network as a description: what a model, a draw or a person may choose, and nothing else.

Everything else here is made from these classes: the JSON schema, the reading of replies, the draws, the count of the
space. The order of the fields is the order in which a model writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple


class OneOf(NamedTuple):
    """The numbers that a field may take; `Literal` holds no fractions."""

    values: tuple[float, ...]


class Items(NamedTuple):
    """How many items a list may have."""

    least: int
    most: int


@dataclass(frozen=True)
class Stem:
    """What takes the image in. `conv` and `deep` halve its sides, `pool` and `patch` quarter them."""

    kind: Literal["conv", "deep", "pool", "patch"]
    width: Literal[32, 64]


@dataclass(frozen=True)
class Stage:
    """Some blocks of one kind, the first of them with the stride, and channel attention after the last."""

    block: Literal["plain", "bottleneck", "inverted", "convnext", "dense", "inception", "fire", "vit", "swin"]
    width: Literal[32, 64, 96, 128, 192, 256]
    depth: Literal[1, 2, 3]
    stride: Literal[1, 2]
    gate: Literal["none", "se", "cbam", "eca"]


@dataclass(frozen=True)
class Stages:
    """An encoder of its own, trained from the first step on."""

    stem: Stem
    stages: Annotated[tuple[Stage, ...], Items(2, 4)]


@dataclass(frozen=True)
class Backbone:
    """An encoder of torchvision's, with ImageNet's weights or without."""

    backbone: Literal[
        "resnet18", "resnet34", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large",
        "efficientnet_b0", "shufflenet_v2_x1_0", "regnet_y_400mf", "squeezenet1_1", "densenet121", "convnext_tiny",
    ]  # fmt: skip
    weights: Literal["imagenet", "none"]
    trained: Literal["frozen", "partly", "wholly"]

    allowed: ClassVar = {"trained": ("weights", {"imagenet": ("frozen", "partly", "wholly"), "none": ("wholly",)})}
    """Which values of a field go with which of another, earlier one."""


@dataclass(frozen=True)
class Pooled:
    """The whole image as one vector, [B, 1, width]."""

    form: Literal["pooled"] = "pooled"


@dataclass(frozen=True)
class Tokens:
    """The image as at most side x side vectors: places of the feature map, or patches of two by two places."""

    form: Literal["grid", "patch"]
    side: Literal[3, 4, 6, 8]
    positions: Literal["none", "learned", "sinusoidal"]


@dataclass(frozen=True)
class Recurrent:
    """An LSTM or GRU. The image's mean starts it, is fed with every word, or both; it may attend over the memory."""

    family: Literal["LSTM", "GRU"]
    width: Literal[640, 768, 1024]
    layers: Literal[1, 2, 3]
    attention: Literal["none", "additive", "dot", "multihead4", "multihead8"]
    feature: Literal["init", "feed", "both"]
    tied: bool


@dataclass(frozen=True)
class Transformer:
    """A Transformer decoder; `expand` is how much wider than the rest its feed-forward part is."""

    family: Literal["Transformer"]
    width: Literal[640, 768, 1024]
    heads: Literal[4, 5, 6, 8, 10, 12, 16]
    layers: Literal[1, 2, 3, 4, 6]
    expand: Literal[2, 3, 4]
    norm: Literal["pre", "post"]
    positions: Literal["learned", "sinusoidal"]
    tied: bool

    allowed: ClassVar = {"heads": ("width", {640: (4, 5, 8, 10), 768: (4, 6, 8, 12), 1024: (4, 8, 16)})}


@dataclass(frozen=True)
class Training:
    """How it learns. Warm-up is in epochs, `captions` is how many of an image's five one step uses.

    There is no plain SGD: with the learning rates that LEMUR gives to all, it would not get anywhere.
    """

    optimizer: Literal["adamw", "adam", "nadam", "radam"]
    schedule: Literal["constant", "cosine", "sqrt", "stairs"]
    warmup: Annotated[float, OneOf((0.1, 0.3, 1.0))]
    smoothing: Annotated[float, OneOf((0.0, 0.05, 0.1))]
    clip: Annotated[float, OneOf((0.5, 1.0, 3.0))]
    captions: Literal[1, 2, 3, 5]
    amp: bool
    """Half precision where the device is made for it."""


@dataclass(frozen=True)
class Greedy:
    """The likeliest word at every step."""

    beams: Literal[1]
    length: Literal[20, 25, 30]


@dataclass(frozen=True)
class Beam:
    """The likeliest captions of so many followed side by side; scores are divided by length ** penalty."""

    beams: Literal[2, 3, 4, 5]
    penalty: Annotated[float, OneOf((0.0, 0.5, 0.7, 1.0))]
    length: Literal[20, 25, 30]


@dataclass(frozen=True)
class Blueprint:
    """A whole captioning network."""

    encoder: Stages | Backbone
    memory: Pooled | Tokens
    decoder: Recurrent | Transformer
    dropout: Annotated[float, OneOf((0.0, 0.1, 0.2, 0.3))]
    training: Training
    decoding: Greedy | Beam
