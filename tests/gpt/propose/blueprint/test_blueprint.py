"""The space itself: its schema, its reader, its draws and its size."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ab.gpt.propose.blueprint.blueprint import Blueprint, Pooled, Recurrent, Stages, Tokens
from ab.gpt.propose.blueprint.count import count
from ab.gpt.propose.blueprint.draw import cross, draw, mutate
from ab.gpt.propose.blueprint.reading import BadBlueprint, digest, from_json, to_json
from ab.gpt.propose.blueprint.schema import schema
from ab.gpt.propose.blueprint.settle import MOST_STRIDE, settle
from ab.gpt.propose.blueprint.shape import EVERYTHING, OWN_ENCODERS, Space
from ab.gpt.propose.llm.schema import misfit
from tests.gpt.propose.blueprint.samples import SMALL, drawn

WHOLE = schema(EVERYTHING)


def test_there_are_more_than_a_thousand_million_networks():
    assert count(EVERYTHING) >= count(OWN_ENCODERS) >= 10**9
    print(f"{count(EVERYTHING):.3e} networks, {count(OWN_ENCODERS):.3e} with own encoders")


def test_the_count_is_right_where_it_can_be_checked():
    """Of torchvision's encoders alone, a part of the space, every blueprint is made and counted."""
    space = Space(own=False, backbones=("resnet18",))
    parts = {(b.encoder, b.memory) for b in (draw(random.Random(seed), space) for seed in range(3000))}
    encoders = {encoder for encoder, _ in parts}
    memories = {memory for _, memory in parts}
    assert len(encoders) == 4  # three with weights, one without
    assert len(memories) == 1 + 3 * 4 + 3 * 2  # pooled; grids; patches of at most four by four
    other = Space(own=False, backbones=("resnet18", "resnet50"))
    assert count(other) == 2 * count(space)
    assert count(EVERYTHING) == count(OWN_ENCODERS) + 12 * count(space)


@settings(max_examples=200, deadline=None)
@given(some.integers(0, 2**32))
def test_draws_fit_the_schema_and_are_settled(seed):
    blueprint = draw(random.Random(seed))
    text = to_json(blueprint)
    assert misfit(text, WHOLE) == ""
    assert from_json(text) == blueprint and settle(blueprint).changes == ()
    assert digest(from_json(json.loads(text))) == digest(blueprint)
    assert draw(random.Random(seed)) == blueprint


@settings(max_examples=100, deadline=None)
@given(some.integers(0, 2**32))
def test_children_are_new_and_settled(seed):
    rng = random.Random(seed)
    one, other = draw(rng), draw(rng)
    child, both = mutate(one, rng), cross(one, other, rng)
    assert child != one
    for blueprint in (child, both):
        assert settle(blueprint).changes == () and misfit(to_json(blueprint), WHOLE) == ""


def test_own_encoders_leave_a_map_of_a_fitting_size():
    for blueprint in drawn(200):
        if isinstance(blueprint.encoder, Stages):
            stride = {"conv": 2, "deep": 2, "pool": 4, "patch": 4}[blueprint.encoder.stem.kind]
            for stage in blueprint.encoder.stages:
                stride *= stage.stride
            assert 8 <= stride <= MOST_STRIDE


def test_what_goes_with_what():
    for blueprint in drawn(300):
        decoder = blueprint.decoder
        if isinstance(decoder, Recurrent):
            assert (decoder.attention == "none") == isinstance(blueprint.memory, Pooled)
        else:
            assert decoder.width % decoder.heads == 0
    settled = settle(replace(SMALL, decoder=replace(SMALL.decoder, attention="none"), memory=Tokens("grid", 4, "none")))
    assert settled.changes == ("decoder: attention none became additive",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("decoder", "width", 641), "decoder.width is 641.*640, 768, 1024"),
        (("decoder", "family", "RNN"), "family"),
        (("decoder", "wdth", 640), "wdth.*width"),
        (("training", "captions", True), "captions is true"),
        (("encoder", "stages", []), "stages has 0 items"),
        (("memory", "form", None), "form"),
    ],
)
def test_errors_name_the_field(change, says):
    part, field, value = change
    blueprint = json.loads(to_json(SMALL))
    blueprint[part][field] = value
    with pytest.raises(BadBlueprint, match=says):
        from_json(blueprint)
    del blueprint[part]
    with pytest.raises(BadBlueprint, match=f"{part} is missing"):
        from_json(blueprint)


@settings(max_examples=200, deadline=None)
@given(
    some.recursive(
        some.none() | some.booleans() | some.floats() | some.text(),
        lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    )
)
def test_nonsense_is_refused_and_nothing_worse(value):
    with pytest.raises(BadBlueprint):
        from_json(json.dumps(value))


def test_a_schema_for_each_space():
    assert "backbone" not in json.dumps(schema(OWN_ENCODERS))
    only = json.dumps(schema(Space(own=False, backbones=("resnet18",))))
    assert "resnet18" in only and "resnet50" not in only and "stages" not in only
    assert isinstance(from_json(to_json(SMALL)), Blueprint)
