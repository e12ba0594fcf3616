"""How many networks a space holds."""

from __future__ import annotations

from itertools import product
from math import prod

from ab.gpt.propose.blueprint.blueprint import Blueprint, Stage, Stages, Stem, Tokens
from ab.gpt.propose.blueprint.settle import BACKBONE_PATCHES, STEM_STRIDE, stage_fits, strides_fit
from ab.gpt.propose.blueprint.shape import EVERYTHING, Either, Many, Record, Shape, Space, Values, record, root


def count(space: Space = EVERYTHING) -> int:
    """How many different blueprints of a space are settled, which is how many networks can be rendered."""
    total = 0
    for branch in root(space).options:
        assert isinstance(branch, Record) and branch.of is Blueprint
        parts = dict(branch.fields)
        rest = prod(combinations(shape) for name, shape in parts.items() if name not in ("encoder", "memory"))
        memory = combinations(parts["memory"])
        if space.own:
            total += own_encoders(space) * memory * rest
        if space.backbones:
            total += backbones(space) * (memory - _too_many_patches(parts["memory"])) * rest
    return total


def own_encoders(space: Space = EVERYTHING) -> int:
    """How many encoders of its own are settled: every row of strides, with what fits at each of them."""
    stage, stem = record(Stage, space.light), record(Stem)
    stages = dict(record(Stages).fields)["stages"]
    assert isinstance(stages, Many)
    total = 0
    for kind, halvings in STEM_STRIDE.items():
        widths = len(_values(stem, "width"))
        for depth in range(stages.least, stages.most + 1):
            for strides in product((1, 2), repeat=depth):
                if strides_fit(kind, strides):
                    at = [halvings * prod(strides[: number + 1]) for number in range(depth)]
                    total += widths * prod(_stages_at(stage, stride) for stride in at)
    return total


def _stages_at(stage: Record, stride: int) -> int:
    kinds = product(_values(stage, "block"), _values(stage, "width"))
    fitting = sum(stage_fits(str(block), int(width), stride) for block, width in kinds)
    return fitting * len(_values(stage, "depth")) * len(_values(stage, "gate"))


def backbones(space: Space) -> int:
    """How many encoders of torchvision's a space holds."""
    whole = root(space).options[0]
    assert isinstance(whole, Record)
    every = combinations(dict(whole.fields)["encoder"])
    return every - (combinations(record(Stages, space.light)) if space.own else 0)


def _too_many_patches(memory: Shape) -> int:
    """How many of the memories are cut down behind a backbone."""
    if not isinstance(memory, Record) or memory.of is not Tokens:
        return 0
    sides = [side for side in _values(memory, "side") if int(side) > BACKBONE_PATCHES]
    return len(sides) * len(_values(memory, "positions"))


def combinations(shape: Shape) -> int:
    """How many values a shape allows."""
    if isinstance(shape, Values):
        return len(shape.values)
    if isinstance(shape, Either):
        return sum(map(combinations, shape.options))
    if isinstance(shape, Many):
        return sum(combinations(shape.item) ** length for length in range(shape.least, shape.most + 1))
    return prod(combinations(inner) for _, inner in shape.fields)


def _values(shape: Record, field: str) -> tuple[str | int | float | bool, ...]:
    values = dict(shape.fields)[field]
    assert isinstance(values, Values)
    return values.values
