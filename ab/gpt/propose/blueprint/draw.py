"""Blueprints without a model: drawn by chance, changed a little, or crossed. The control that a model must beat."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from ab.gpt.propose.blueprint.blueprint import Blueprint, Stages
from ab.gpt.propose.blueprint.settle import settle
from ab.gpt.propose.blueprint.shape import (
    EVERYTHING,
    Either,
    Many,
    Record,
    Shape,
    Space,
    Values,
    record,
    root,
)

MOST_TRIES = 20


def draw(rng: random.Random, space: Space = EVERYTHING) -> Blueprint:
    """A settled blueprint by chance, choice by choice.

    Every name is as likely as the others, and a size as likely as it is small: counted by networks, nearly all of the
    space are large encoders of four stages, and nothing else would ever be drawn.
    """
    return settle(_drawn(root(space), rng)).blueprint


def mutate(blueprint: Blueprint, rng: random.Random, space: Space = EVERYTHING) -> Blueprint:
    """A settled blueprint that differs from the given one in one or two choices."""
    for _ in range(MOST_TRIES):
        changed = blueprint
        for _ in range(rng.choice((1, 1, 2))):
            changed = _mutated(changed, rng, space)
        changed = settle(changed).blueprint
        if changed != blueprint:
            return changed
    return draw(rng, space)  # every change was settled away


def cross(one: Blueprint, other: Blueprint, rng: random.Random) -> Blueprint:
    """A settled blueprint with each of its parts from one of two; two own encoders share out their stages."""
    parts = {field.name: getattr(rng.choice((one, other)), field.name) for field in fields(Blueprint)}
    if isinstance(one.encoder, Stages) and isinstance(other.encoder, Stages):
        longer = rng.choice((one.encoder, other.encoder))
        shorter = other.encoder if longer is one.encoder else one.encoder
        stages = tuple(
            rng.choice((stage, shorter.stages[number] if number < len(shorter.stages) else stage))
            for number, stage in enumerate(longer.stages)
        )
        parts["encoder"] = Stages(rng.choice((one, other)).encoder.stem, stages)  # type: ignore[union-attr]
    return settle(Blueprint(**parts)).blueprint


def _drawn(shape: Shape, rng: random.Random) -> Any:
    if isinstance(shape, Values):
        weights = [1 / int(value) for value in shape.values] if shape.are_sizes else None
        return rng.choices(shape.values, weights)[0]
    if isinstance(shape, Either):
        return _drawn(rng.choices(shape.options, shape.shares or None)[0], rng)
    if isinstance(shape, Many):
        return tuple(_drawn(shape.item, rng) for _ in range(rng.randint(shape.least, shape.most)))
    return shape.of(**{name: _drawn(inner, rng) for name, inner in shape.fields})


def _mutated(blueprint: Blueprint, rng: random.Random, space: Space) -> Blueprint:
    """One choice made anew: any of them, each as likely as the others, or a whole part, or a stage more or less."""
    changes: list[Callable[[], Blueprint]] = []
    if isinstance(blueprint.encoder, Stages):
        changes += [lambda: replace(blueprint, encoder=_other_stages(blueprint.encoder, rng, space))] * 2  # type: ignore[arg-type]
    fresh = draw(rng, space)
    changes += [
        lambda: replace(blueprint, encoder=fresh.encoder),
        lambda: replace(blueprint, memory=fresh.memory),
        lambda: replace(blueprint, decoder=fresh.decoder),
        lambda: replace(blueprint, decoding=fresh.decoding),
    ]
    changes += [lambda: _other_value(blueprint, rng, space)] * 12
    return rng.choice(changes)()


def _other_stages(encoder: Stages, rng: random.Random, space: Space) -> Stages:
    """The encoder with one stage more, or less, or another one in its place."""
    limits = dict(record(Stages, space.light).fields)["stages"]
    assert isinstance(limits, Many)
    stages, at = list(encoder.stages), rng.randrange(len(encoder.stages))
    ways = ["other"]
    ways += ["more"] if len(stages) < limits.most else []
    ways += ["less"] if len(stages) > limits.least else []
    way = rng.choice(ways)
    if way == "less":
        del stages[at]
    else:
        stages[at : at + (way == "other")] = [_drawn(limits.item, rng)]
    return replace(encoder, stages=tuple(stages))


def _other_value(blueprint: Blueprint, rng: random.Random, space: Space) -> Blueprint:
    """One plain value somewhere replaced by another that is allowed there."""
    places: list[tuple[tuple[str | int, ...], tuple[Any, ...]]] = []
    _places(record(Blueprint, space.light), blueprint, (), places, space)
    path, values = rng.choice(places)
    changed = _put(blueprint, path, rng.choice(values))
    assert isinstance(changed, Blueprint)
    return changed


def _places(shape: Shape, part: Any, path: tuple[str | int, ...], found: list[Any], space: Space) -> None:
    """Every plain value of a part that could be another, with its path."""
    if isinstance(shape, Values):
        values = shape.values
        if path[-1] == "backbone":
            values = space.backbones
        elif path[-1] == "weights":
            values = space.weights
        elif path[-1] == "trained":
            values = space.trained
        if others := tuple(value for value in values if value != part):
            found.append((path, others))
    elif isinstance(shape, Many):
        for number, item in enumerate(part):
            _places(shape.item, item, (*path, number), found, space)
    else:
        if isinstance(shape, Either):
            shape = record(type(part), space.light)
        assert isinstance(shape, Record) and is_dataclass(part)
        for name, inner in shape.fields:
            _places(inner, getattr(part, name), (*path, name), found, space)


def _put(part: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The part with one value replaced."""
    if not path:
        return value
    step, *rest = path
    if isinstance(step, int):
        return (*part[:step], _put(part[step], tuple(rest), value), *part[step + 1 :])
    return replace(part, **{step: _put(getattr(part, step), tuple(rest), value)})
