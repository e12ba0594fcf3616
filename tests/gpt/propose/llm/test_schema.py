"""Whether a text is JSON that fits a schema."""

from __future__ import annotations

import json

import pytest

from ab.gpt.propose.llm.protocol import answer_of
from ab.gpt.propose.llm.schema import misfit

SCHEMA = {
    "$defs": {"size": {"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 2}},
    "type": "object",
    "properties": {
        "kind": {"enum": ["a", "b"]},
        "size": {"$ref": "#/$defs/size"},
        "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "list": {
            "type": "array",
            "items": {"type": "string", "maxLength": 3, "pattern": "^x"},
            "minItems": 1,
            "maxItems": 2,
        },
        "one": {"oneOf": [{"type": "integer"}, {"type": "number"}]},
        "any": {"anyOf": [{"const": True}, {"type": "null"}]},
        "all": {"allOf": [{"type": "string"}, {"minLength": 2}]},
        "pair": {"prefixItems": [{"type": "integer"}], "items": False},
    },
    "required": ["kind"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("part", "fits"),
    [
        ({}, True), ({"kind": "c"}, False), ({"size": 4}, True), ({"size": 4.0}, True), ({"size": 3}, False),
        ({"size": 0}, False), ({"size": 10}, False), ({"size": True}, False), ({"size": "4"}, False),
        ({"share": 0.5}, True), ({"share": 0}, False), ({"share": 1}, False), ({"list": ["x"]}, True),
        ({"list": []}, False), ({"list": ["x", "x", "x"]}, False), ({"list": ["y"]}, False),
        ({"list": ["xxxx"]}, False),
        ({"list": "x"}, False),
        ({"one": 1.5}, True), ({"one": 1}, False), ({"any": True}, True), ({"any": None}, True), ({"any": 1}, False),
        ({"all": "ab"}, True), ({"all": "a"}, False), ({"pair": [1]}, True), ({"pair": [1, 2]}, False),
        ({"more": 1}, False), ({"kind": None}, False),
    ],
)  # fmt: skip
def test_values(part, fits):
    why = misfit(json.dumps({"kind": "a", **part}), SCHEMA)
    assert (why == "") is fits, why
    assert "\n" not in why


def test_texts():
    assert misfit("{}", SCHEMA) == "reply has no 'kind'"
    assert misfit("Sure: {}", SCHEMA).startswith("not JSON")
    assert misfit("[" * 100_000, SCHEMA).startswith("not JSON")
    assert misfit("[1]", SCHEMA).startswith("reply is [1]")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("plain", "plain"), ("<think>\na\n</think>\n\nb", "b"), ("  <think>a</think>b", "b"), ("<think>never ends", ""),
        ("b <think>a</think>", "b <think>a</think>"), ("", ""), ("<think>a</think>", ""),
    ],
)  # fmt: skip
def test_an_answer_is_what_stands_behind_the_thinking(text, answer):
    assert answer_of(text) == answer
