"""What one candidate begins from, chosen by its seed: so that a small model's favourites are not all that it writes."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from ab.gpt.propose.blueprint.names import BLOCKS, GATES
from ab.gpt.propose.blueprint.schema import Schema, schema, schema_of
from ab.gpt.propose.blueprint.shape import EVERYTHING, Either, Many, Plain, Record, Shape, Space, Values, root

FEWEST = 3
"""Lists of values that are shorter stay whole."""
DECODERS = ("an LSTM decoder", "a GRU decoder", "a Transformer decoder")
MEMORIES = ("the image as one vector", "a grid of places of the image", "patches of the image")


@dataclass(frozen=True)
class Idea:
    """Ingredients that the prompt suggests, and the schema that the model is held to."""

    hints: tuple[str, ...]
    schema: Schema


def idea(seed: int, space: Space = EVERYTHING, narrow: bool = True) -> Idea:
    """What a candidate begins from: the same for the same seed.

    A model of 135M parameters falls for few values: held to the whole schema it took one optimizer in twelve of
    fourteen replies, and three of nine kinds of blocks. So three ingredients are drawn and suggested, and of every list
    of three or more values the schema keeps one half, by chance. Everything is still chosen by the model: between own
    encoder, backbone, memories and decoders freely, elsewhere among the two or more values that are left; and every
    blueprint of the space can come about under some seed. Models that vary by themselves need no narrowing.
    """
    rng = random.Random(f"idea/{seed}")
    tree: Shape = root(space)
    if narrow:
        tree = _halved(tree, rng, {})
    return Idea(_hints(tree, rng), schema_of(tree) if narrow else schema(space))


def _halved(shape: Shape, rng: random.Random, done: dict[Shape, Shape]) -> Shape:
    """The shape with half of each list of values; what was the same before is the same after."""
    if shape in done:
        return done[shape]
    narrower: Shape
    if isinstance(shape, Values):
        narrower = Values(_half(shape.values, rng)) if len(shape.values) >= FEWEST else shape
    elif isinstance(shape, Many):
        narrower = replace(shape, item=_halved(shape.item, rng, done))
    elif isinstance(shape, Either):
        narrower = replace(shape, options=tuple(_halved(option, rng, done) for option in shape.options))
    else:
        narrower = shape.narrowed(**{name: _halved(inner, rng, done) for name, inner in shape.fields})
    done[shape] = narrower
    return narrower


def _half(values: tuple[Plain, ...], rng: random.Random) -> tuple[Plain, ...]:
    """Half of the values, rounded up, in their order."""
    kept = set(rng.sample(range(len(values)), (len(values) + 1) // 2))
    return tuple(value for number, value in enumerate(values) if number in kept)


def _hints(tree: Shape, rng: random.Random) -> tuple[str, ...]:
    """Three ingredients, each of which the shape allows."""
    encoders = [f"{BLOCKS[str(block)]} blocks" for block in _values(tree, "block")]
    encoders += [f"{GATES[str(gate)]}" for gate in _values(tree, "gate") if gate in GATES]
    encoders += [f"the backbone {name}" for name in _values(tree, "backbone")]
    return tuple(rng.choice(choices) for choices in (encoders, MEMORIES, DECODERS))


def _values(shape: Shape, field: str) -> list[Plain]:
    """Every value that fields of this name may have, in their order."""
    if isinstance(shape, Values):
        return []
    if isinstance(shape, Record):
        found: list[Plain] = []
        for name, inner in shape.fields:
            found += inner.values if name == field and isinstance(inner, Values) else _values(inner, field)
    elif isinstance(shape, Either):
        found = [value for option in shape.options for value in _values(option, field)]
    else:
        found = _values(shape.item, field)
    return list(dict.fromkeys(found))
