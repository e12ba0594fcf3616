"""Whether a JSON value fits a JSON schema, for servers that may have ignored it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}


def misfit(text: str, schema: Mapping[str, Any]) -> str:
    """Why a text is not JSON that fits the schema, in one line; empty if it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return next(_misfits(value, schema, schema, "reply"), "")


def _misfits(value: Any, schema: Any, root: Mapping[str, Any], at: str) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        if schema is False:
            yield f"{at} may not be there"
        return
    if "$ref" in schema:
        yield from _misfits(value, _look_up(str(schema["$ref"]), root), root, at)
    if "type" in schema and not _is_a(value, schema["type"]):
        yield f"{at} is {_short(value)}, not of type {schema['type']}"
        return
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        yield f"{at} is {_short(value)}, none of {_short(schema['enum'])}"
    if "const" in schema and not _same(value, schema["const"]):
        yield f"{at} is {_short(value)}, not {_short(schema['const'])}"
    for part in schema.get("allOf", ()):
        yield from _misfits(value, part, root, at)
    for word, right in (("anyOf", range(1, 10_000)), ("oneOf", range(1, 2))):
        if word in schema:
            fitting = sum(next(_misfits(value, part, root, at), None) is None for part in schema[word])
            if fitting not in right:
                yield f"{at} fits {fitting} of the alternatives of {word}"
    if isinstance(value, dict):
        yield from _object(value, schema, root, at)
    elif isinstance(value, list):
        yield from _array(value, schema, root, at)
    elif isinstance(value, str):
        yield from _bounds(len(value), schema.get("minLength"), schema.get("maxLength"), f"the length of {at}")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at} does not match {schema['pattern']}"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _number(value, schema, at)


def _object(value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at} has no {name!r}"
    for name, one in value.items():
        yield from _misfits(one, known.get(name, schema.get("additionalProperties", True)), root, f"{at}.{name}")


def _array(value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _bounds(len(value), schema.get("minItems"), schema.get("maxItems"), f"the length of {at}")
    first = schema.get("prefixItems", ())
    for number, one in enumerate(value):
        rule = first[number] if number < len(first) else schema.get("items", True)
        yield from _misfits(one, rule, root, f"{at}[{number}]")


def _number(value: float, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _bounds(value, schema.get("minimum"), schema.get("maximum"), at)
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"{at} is {value}, not above {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield f"{at} is {value}, not below {schema['exclusiveMaximum']}"
    step = schema.get("multipleOf")
    if step and abs(value / step - round(value / step)) > 1e-9:
        yield f"{at} is {value}, no multiple of {step}"


def _bounds(value: float, low: float | None, high: float | None, at: str) -> Iterator[str]:
    if low is not None and value < low:
        yield f"{at} is {value}, below {low}"
    if high is not None and value > high:
        yield f"{at} is {value}, above {high}"


def _is_a(value: Any, kinds: str | list[str]) -> bool:
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind in ("integer", "number") and isinstance(value, bool):
            continue
        if isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, float) and value.is_integer()):
            return True
    return False


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: `true` is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _look_up(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")] if part else found
    return found


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
