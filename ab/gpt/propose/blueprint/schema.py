"""The JSON schema that a model is held to while it writes a blueprint."""

from __future__ import annotations

from typing import Any

from ab.gpt.propose.blueprint.shape import EVERYTHING, Either, Many, Record, Shape, Space, Values, root

Schema = dict[str, Any]


def schema(space: Space = EVERYTHING) -> Schema:
    """The schema of every blueprint in a space, fields in the order of the classes.

    Sizes are lists of allowed numbers, never free ones. What goes with what is said by alternatives: heads with each
    width, attention with a memory of tokens, frozen weights with pretrained ones. A part that occurs twice is defined
    once.
    """
    return schema_of(root(space))


def schema_of(tree: Shape) -> Schema:
    """The schema of everything that a shape allows."""
    seen: dict[Shape, int] = {}
    _tally(tree, seen)
    names = {shape: f"p{number}" for number, shape in enumerate(shape for shape, times in seen.items() if times > 1)}
    definitions = {
        name: _schema(shape, {k: v for k, v in names.items() if k != shape}) for shape, name in names.items()
    }
    return {**_schema(tree, names), "$defs": definitions}


def _tally(shape: Shape, seen: dict[Shape, int]) -> None:
    """How often each composite part occurs, outermost occurrences only."""
    if isinstance(shape, Values):
        return
    seen[shape] = seen.get(shape, 0) + 1
    if seen[shape] > 1:
        return
    for inner in _parts(shape):
        _tally(inner, seen)


def _parts(shape: Shape) -> tuple[Shape, ...]:
    if isinstance(shape, Record):
        return tuple(inner for _, inner in shape.fields)
    if isinstance(shape, Either):
        return shape.options
    return (shape.item,) if isinstance(shape, Many) else ()


def _schema(shape: Shape, names: dict[Shape, str]) -> Schema:
    if shape in names:
        return {"$ref": f"#/$defs/{names[shape]}"}
    if isinstance(shape, Values):
        return {"enum": list(shape.values)}
    if isinstance(shape, Many):
        items = _schema(shape.item, names)
        return {"type": "array", "items": items, "minItems": shape.least, "maxItems": shape.most}
    if isinstance(shape, Either):
        return {"anyOf": [_schema(option, names) for option in shape.options]}
    return {
        "type": "object",
        "properties": {name: _schema(inner, names) for name, inner in shape.fields},
        "required": [name for name, _ in shape.fields],
        "additionalProperties": False,
    }
