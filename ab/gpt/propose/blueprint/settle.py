"""What a schema cannot say: rules by which any blueprint becomes one whose parts fit, always in the same way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ab.gpt.propose.blueprint.blueprint import (
    Backbone,
    Blueprint,
    Pooled,
    Recurrent,
    Stage,
    Stages,
    Tokens,
    Transformer,
)

Part = TypeVar("Part", Backbone, Recurrent, Stage, Tokens, Transformer)

STEM_STRIDE = {"conv": 2, "deep": 2, "pool": 4, "patch": 4}
LEAST_STRIDE, MOST_STRIDE = 8, 16
"""An own encoder makes 4 x 4 to 8 x 8 places of a 64-pixel image and 2 x 2 or more of 32 pixels, which batch
normalisation can learn from even where a batch is one image."""
WIDEST = {2: 64, 4: 128}
"""How wide a stage may be while the image is still large; else one stage takes most of the time."""
VIT_STRIDE = 8
"""Attention of every place to every other is too dear on more than 32 x 32 places, which is 256 pixels at stride 8."""
BACKBONE_PATCHES = 4
"""A backbone leaves 8 x 8 places of 256 pixels: four by four patches."""


@dataclass(frozen=True)
class Settled:
    """A blueprint whose parts fit, and what was changed for that, as sentences for the record."""

    blueprint: Blueprint
    changes: tuple[str, ...] = ()


def settle(blueprint: Blueprint) -> Settled:
    """The nearest blueprint that makes a network: the same for the same blueprint, and unchanged if settled again."""
    changes: list[str] = []
    encoder = blueprint.encoder
    encoder = _stages(encoder, changes) if isinstance(encoder, Stages) else _backbone(encoder, changes)
    decoder, memory = blueprint.decoder, blueprint.memory
    if isinstance(decoder, Transformer):
        fitting = decoder.allowed["heads"][1][decoder.width]
        decoder = _changed(decoder, "decoder", changes, heads=_nearest(decoder.heads, fitting))
    else:
        decoder = _attention(decoder, pooled=isinstance(memory, Pooled), changes=changes)
    if isinstance(memory, Tokens) and memory.form == "patch" and isinstance(encoder, Backbone):
        memory = _changed(memory, "memory", changes, side=min(memory.side, BACKBONE_PATCHES))
    settled = replace(blueprint, encoder=encoder, memory=memory, decoder=decoder)
    return Settled(settled, tuple(changes))


def stage_fits(block: str, width: int, stride: int) -> bool:
    """True where a stage may be so wide and of this kind at a stride against the image."""
    return width <= WIDEST.get(stride, width) and (block != "vit" or stride >= VIT_STRIDE)


def strides_fit(stem: str, strides: tuple[int, ...]) -> bool:
    """True where the feature map of an own encoder is neither too large nor too small."""
    return LEAST_STRIDE <= _product(stem, strides) <= MOST_STRIDE


def _stages(encoder: Stages, changes: list[str]) -> Stages:
    strides = [stage.stride for stage in encoder.stages]
    kind = encoder.stem.kind
    for number in reversed(range(len(strides))):  # too small a map: the last halvings go
        if _product(kind, tuple(strides)) > MOST_STRIDE:
            strides[number] = 1
    for number in range(len(strides)):  # too large a map: the first stages halve it
        if _product(kind, tuple(strides)) < LEAST_STRIDE:
            strides[number] = 2
    stages: list[Stage] = []
    for number, (stage, stride) in enumerate(zip(encoder.stages, strides, strict=True)):
        at = _product(kind, tuple(strides[: number + 1]))
        stages.append(
            _changed(
                stage,
                f"stage {number + 1}",
                changes,
                block="swin" if stage.block == "vit" and at < VIT_STRIDE else stage.block,
                width=min(stage.width, WIDEST.get(at, stage.width)),
                stride=stride,
            )
        )
    return replace(encoder, stages=tuple(stages))


def _backbone(encoder: Backbone, changes: list[str]) -> Backbone:
    allowed = encoder.allowed["trained"][1][encoder.weights]
    trained = encoder.trained if encoder.trained in allowed else allowed[0]
    return _changed(encoder, "encoder", changes, trained=trained)


def _attention(decoder: Recurrent, pooled: bool, changes: list[str]) -> Recurrent:
    if pooled:
        return _changed(decoder, "decoder", changes, attention="none")
    if decoder.attention == "none":
        return _changed(decoder, "decoder", changes, attention="additive")
    return decoder


def _changed(part: Part, name: str, changes: list[str], **values: Any) -> Part:
    """The part with these values, each real change told."""
    for field, value in values.items():
        if (before := getattr(part, field)) != value:
            changes.append(f"{name}: {field} {before} became {value}")
    return replace(part, **values)


def _product(stem: str, strides: tuple[int, ...]) -> int:
    product = STEM_STRIDE[stem]
    for stride in strides:
        product *= stride
    return product


def _nearest(value: int, allowed: tuple[int, ...]) -> int:
    """The largest allowed number that is no larger, else the smallest."""
    return max((one for one in allowed if one <= value), default=min(allowed))
