"""What a blueprint may be, as a small tree that schema, reader, draw and count walk over."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ab.gpt.errors import NNCaptionError
from ab.gpt.propose.blueprint.blueprint import (
    Backbone,
    Blueprint,
    Items,
    OneOf,
    Recurrent,
    Stage,
    Stages,
    Training,
    Transformer,
)

Plain = str | int | float | bool


@dataclass(frozen=True)
class Values:
    """One of these."""

    values: tuple[Plain, ...]

    @property
    def are_sizes(self) -> bool:
        """True for whole numbers: what costs more the larger it is."""
        return all(type(value) is int for value in self.values)


@dataclass(frozen=True)
class Many:
    """A list of so many items."""

    item: Shape
    least: int
    most: int


@dataclass(frozen=True)
class Record:
    """An object with all of these fields, in this order."""

    of: type
    fields: tuple[tuple[str, Shape], ...]

    @property
    def first(self) -> tuple[str, Shape]:
        """The field by which it is told from its alternatives."""
        return self.fields[0]

    def narrowed(self, **shapes: Shape) -> Record:
        """The same with other shapes for some fields."""
        return replace(self, fields=tuple((name, shapes.get(name, shape)) for name, shape in self.fields))


@dataclass(frozen=True)
class Either:
    """One of several shapes; the shares say how often a draw takes each."""

    options: tuple[Shape, ...]
    shares: tuple[int, ...] = ()


Shape = Union[Values, Many, Record, Either]  # noqa: UP007 (the names on the right are needed first)


LIGHT: dict[type, dict[str, tuple[int, ...]]] = {
    Stage: {"width": (32, 64, 96, 128), "depth": (1,)},
    Recurrent: {"width": (640,), "layers": (1, 2)},
    Transformer: {"width": (640,), "layers": (1, 2)},
    Training: {"captions": (1,)},
}
"""The sizes that a processor trains in minutes an epoch: most of the time goes into the decoder's words."""

BACKBONES: tuple[str, ...]
BACKBONES, WEIGHTS, TRAINED = (get_args(get_type_hints(Backbone)[name]) for name in ("backbone", "weights", "trained"))


@dataclass(frozen=True)
class Space:
    """Which encoders may be chosen: own ones, and which of torchvision's, with which weights, trained how far.

    Of a light one only the networks that a processor trains in minutes.
    """

    own: bool = True
    backbones: tuple[str, ...] = BACKBONES
    weights: tuple[str, ...] = WEIGHTS
    trained: tuple[str, ...] = TRAINED
    light: bool = False

    def __post_init__(self) -> None:
        if unknown := [name for name in self.backbones if name not in BACKBONES]:
            raise NNCaptionError(f"There is no backbone {unknown[0]!r}.", f"There are {', '.join(BACKBONES)}.")
        if not self.own and not self.backbones:
            raise NNCaptionError("No encoder is left to choose.", "Allow own encoders or name a backbone.")
        ways = Backbone.allowed["trained"][1]
        if idle := [weights for weights in self.weights if not set(ways[weights]) & set(self.trained)]:
            raise NNCaptionError(
                f"With the weights {idle[0]!r} no encoder is {' or '.join(self.trained)}.",
                f"It is {' or '.join(ways[idle[0]])}.",
            )

    def holds(self, blueprint: Blueprint) -> bool:
        """True where the network is one of the space."""
        return self.has_encoder(blueprint.encoder) and not (self.light and self.too_large(blueprint))

    def too_large(self, blueprint: Blueprint) -> str:
        """The first size that is too large for a light network, with its name; nothing where there is none."""
        stages = blueprint.encoder.stages if isinstance(blueprint.encoder, Stages) else ()
        for part in (*stages, blueprint.decoder, blueprint.training):
            for name, allowed in LIGHT[type(part)].items():
                if getattr(part, name) not in allowed:
                    return f"{type(part).__name__.lower()} {name} {getattr(part, name)}"
        return ""

    def has_encoder(self, encoder: Stages | Backbone) -> bool:
        """True where the encoder is one of the space."""
        if isinstance(encoder, Stages):
            return self.own
        allowed = self.backbones, self.weights, self.trained
        chosen = encoder.backbone, encoder.weights, encoder.trained
        return all(choice in values for choice, values in zip(chosen, allowed, strict=True))

    def __str__(self) -> str:
        own = ["an encoder of its own"] * self.own
        pretrained = f"{' or '.join(self.backbones)}, {' or '.join(self.trained)}"
        return ", or ".join([*own, pretrained] if self.backbones else own)


EVERYTHING = Space()
OWN_ENCODERS = Space(backbones=())
"""What runs anywhere: no weights have to be fetched."""


@cache
def shape_of(kind: Any) -> Shape:
    """What a type allows, field by field; what goes with what across fields is left out."""
    if kind is bool:
        return Values((False, True))
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return Values(arguments)
    if origin is Annotated:
        about = arguments[1]
        if isinstance(about, OneOf):
            return Values(about.values)
        assert isinstance(about, Items)
        return Many(shape_of(get_args(arguments[0])[0]), about.least, about.most)
    if origin in (Union, types.UnionType):
        return Either(tuple(map(shape_of, arguments)))
    assert isinstance(kind, type) and is_dataclass(kind), kind
    hints = get_type_hints(kind, include_extras=True)
    return Record(kind, tuple((field.name, shape_of(hints[field.name])) for field in fields(kind)))


@cache
def root(space: Space = EVERYTHING) -> Either:
    """Every blueprint whose parts go together, as far as a shape can say it.

    Heads divide the width; only pretrained weights are frozen; a recurrent decoder attends over a memory of tokens and
    has nothing to attend over where the image is one vector.
    """
    whole = record(Blueprint, space.light)
    encoder, memory, decoder = (_options(shape) for _, shape in whole.fields[:3])
    own, backbone = encoder
    encoders: list[tuple[Shape, int]] = [(own, 2)] if space.own else []
    if space.backbones:
        narrow = backbone.narrowed(
            backbone=Values(space.backbones), weights=Values(space.weights), trained=Values(space.trained)
        )
        encoders.append((_joined(narrow), 1))
    pooled, tokens = memory
    recurrent, transformer = decoder
    _, attention = recurrent.fields[3]
    assert isinstance(attention, Values)
    branches = []
    for form, kinds in ((pooled, ("none",)), (tokens, attention.values[1:])):
        decoders = Either((recurrent.narrowed(attention=Values(kinds)), _joined(transformer)), (2, 1))
        branches.append(whole.narrowed(encoder=_either(encoders), memory=form, decoder=decoders))
    return Either(tuple(branches), (1, 2))


def record(kind: type, light: bool = False) -> Record:
    """The shape of one of the blueprint's classes."""
    shape = shape_of(kind)
    if light:
        shape = _lightened(shape)
    assert isinstance(shape, Record)
    return shape


def _lightened(shape: Shape) -> Shape:
    """The shape with the sizes of light networks."""
    if isinstance(shape, Many):
        return replace(shape, item=_lightened(shape.item))
    if isinstance(shape, Either):
        return replace(shape, options=tuple(map(_lightened, shape.options)))
    if isinstance(shape, Record):
        sizes = {name: Values(values) for name, values in LIGHT.get(shape.of, {}).items()}
        return shape.narrowed(**{name: _lightened(inner) for name, inner in shape.fields}).narrowed(**sizes)
    return shape


def _options(shape: Shape) -> list[Record]:
    assert isinstance(shape, Either)
    return [option for option in shape.options if isinstance(option, Record)]


def _either(options: list[tuple[Shape, int]]) -> Shape:
    return options[0][0] if len(options) == 1 else Either(*(tuple(part) for part in zip(*options, strict=True)))


def _joined(shape: Record) -> Shape:
    """One record for each value of the field that another one hangs on."""
    options = tuple(_splits(shape))
    return options[0] if len(options) == 1 else Either(options)


def _splits(shape: Record) -> Iterator[Record]:
    [(dependent, (decisive, table))] = shape.of.allowed.items()  # type: ignore[attr-defined]
    values, others = dict(shape.fields)[decisive], dict(shape.fields)[dependent]
    assert isinstance(values, Values) and isinstance(others, Values)
    for value in values.values:
        fitting = tuple(other for other in table[value] if other in others.values)
        yield shape.narrowed(**{decisive: Values((value,)), dependent: Values(fitting)})
