"""Blueprints from JSON and back, with errors that name the field at fault."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

from ab.gpt.errors import NNCaptionError
from ab.gpt.propose.blueprint.blueprint import Blueprint
from ab.gpt.propose.blueprint.shape import Either, Many, Plain, Record, Shape, Values, record


class BadBlueprint(NNCaptionError):
    """A text that describes no network."""


def from_json(text: str | Mapping[str, Any]) -> Blueprint:
    """The blueprint that a JSON text or object describes; `BadBlueprint` for the first field that is wrong.

    What goes with what across fields is not looked at here: `settle` does that.
    """
    if isinstance(text, str):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadBlueprint(
                f"The blueprint is no JSON: {error}.", "Give one JSON object and nothing else."
            ) from None
    else:
        value = text
    blueprint = _read(record(Blueprint), value, "")
    assert isinstance(blueprint, Blueprint)
    return blueprint


def to_json(blueprint: Blueprint) -> str:
    """The blueprint as the shortest JSON, fields in their order."""
    return json.dumps(asdict(blueprint), separators=(",", ":"))


def digest(blueprint: Blueprint) -> str:
    """A name for what the blueprint says: equal blueprints have the same one, on every machine."""
    return hashlib.md5(to_json(blueprint).encode()).hexdigest()


def _read(shape: Shape, value: Any, path: str) -> Any:
    if isinstance(shape, Values):
        return _value(shape, value, path)
    if isinstance(shape, Many):
        if not isinstance(value, (list, tuple)) or not shape.least <= len(value) <= shape.most:
            what = f"{len(value)} items" if isinstance(value, (list, tuple)) else _shown(value)
            raise BadBlueprint(f"{path} has {what}.", f"It is a list of {shape.least} to {shape.most}.")
        return tuple(_read(shape.item, item, f"{path}[{number}]") for number, item in enumerate(value))
    if not isinstance(value, Mapping):
        raise BadBlueprint(f"{path or 'The blueprint'} is {_shown(value)}.", "It is an object with fields.")
    if isinstance(shape, Either):
        shape = _meant(shape, value, path)
    wanted = dict(shape.fields)
    if unknown := [name for name in value if name not in wanted]:
        near = get_close_matches(str(unknown[0]), wanted, n=1)
        advice = f"Do you mean {near[0]}?" if near else f"It has {', '.join(wanted)}."
        raise BadBlueprint(f"{_join(path, unknown[0])} is not a field.", advice)
    if missing := [name for name in wanted if name not in value]:
        raise BadBlueprint(f"{_join(path, missing[0])} is missing.", _allowed(wanted[missing[0]]))
    return shape.of(**{name: _read(inner, value[name], _join(path, name)) for name, inner in wanted.items()})


def _value(shape: Values, value: Any, path: str) -> Plain:
    for allowed in shape.values:
        same_kind = type(allowed) is type(value) or (isinstance(allowed, float) and type(value) is int)
        if same_kind and allowed == value:
            return allowed
    raise BadBlueprint(f"{path} is {_shown(value)}.", _allowed(shape))


def _meant(shape: Either, value: Mapping[str, Any], path: str) -> Record:
    """The alternative that the value is: they are told apart by their first fields."""
    options = [option for option in shape.options if isinstance(option, Record)]
    for option in options:
        name, inner = option.first
        if name in value and (not isinstance(inner, Values) or value[name] in _hashable(inner.values, value[name])):
            return option
    first = dict(option.first for option in options)
    for option in options:
        name, inner = option.first
        if name in value and isinstance(inner, Values):
            known = [v for o in options if o.first[0] == name for v in getattr(o.first[1], "values", ())]
            raise BadBlueprint(f"{_join(path, name)} is {_shown(value[name])}.", _allowed(Values(tuple(known))))
    raise BadBlueprint(f"{path} lacks its first field.", f"It begins with {' or '.join(first)}.")


def _hashable(values: tuple[Plain, ...], value: Any) -> tuple[Plain, ...]:
    """The values of the same type: True is no 1."""
    return tuple(one for one in values if type(one) is type(value))


def _allowed(shape: Shape) -> str:
    if isinstance(shape, Values):
        return f"It is one of {', '.join(json.dumps(value) for value in shape.values)}."
    if isinstance(shape, Many):
        return f"It is a list of {shape.least} to {shape.most}."
    return "It is an object with fields."


def _join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _shown(value: Any) -> str:
    """A value as it may stand in a sentence."""
    text = json.dumps(value, default=str) if not isinstance(value, Mapping) else "an object"
    return text if len(text) <= 60 else f"{text[:57]}…"
