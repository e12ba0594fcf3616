"""A search among few encoders: what is asked for is what is drawn, written, allowed and looked for on the disk."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ab.gpt.errors import NNCaptionError, UsageError
from ab.gpt.plan import Plan
from ab.gpt.propose.blueprint.ask import messages
from ab.gpt.propose.blueprint.at_hand import FILES, space_asked, space_at_hand
from ab.gpt.propose.blueprint.blueprint import Backbone
from ab.gpt.propose.blueprint.count import backbones, count
from ab.gpt.propose.blueprint.draw import draw, mutate
from ab.gpt.propose.blueprint.narrow import idea
from ab.gpt.propose.blueprint.propose import Evolving, code_of
from ab.gpt.propose.blueprint.reading import BadBlueprint, to_json
from ab.gpt.propose.blueprint.schema import schema
from ab.gpt.propose.blueprint.shape import BACKBONES, EVERYTHING, Space
from ab.gpt.propose.llm.schema import misfit
from tests.gpt.propose.blueprint.samples import SMALL

MOBILE = Backbone("mobilenet_v2", "imagenet", "frozen")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty cache of torch's."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_what_is_asked_for_is_what_comes(folder):
    (folder / FILES["mobilenet_v2"]).touch()
    space = space_at_hand(True, asked=space_asked(["mobilenet_v2"], frozen=True))
    assert space == Space(False, ("mobilenet_v2",), ("imagenet",), ("frozen",)) and backbones(space) == 1
    rng = random.Random(0)
    drawn = [draw(rng, space) for _ in range(40)]
    grown = [mutate(blueprint, rng, space) for blueprint in drawn]
    assert {blueprint.encoder for blueprint in (*drawn, *grown)} == {MOBILE}
    assert len(set(grown)) > 35 and 1 < count(space) < count(EVERYTHING)
    for seed in range(5):
        held = idea(seed, space).schema
        assert not misfit(to_json(drawn[0]), schema(space))
        for other in (SMALL, *(replace(SMALL, encoder=replace(MOBILE, trained=how)) for how in ("partly", "wholly"))):
            assert misfit(to_json(other), held) and misfit(to_json(other), schema(space))
    assert "frozen" in messages(space)[1] and "partly" not in messages(space)[1] and "stem" not in messages(space)[1]
    wild = [(to_json(replace(SMALL, encoder=replace(MOBILE, trained="partly"))), 9.0), (to_json(drawn[0]), 1.0)]
    assert Evolving(lambda: wild, space).parents() == [drawn[0]]


def test_partly_and_wholly_stay_where_only_the_backbone_is_asked_for(folder):
    (folder / FILES["mobilenet_v2"]).touch()
    space = space_at_hand(True, asked=space_asked(["mobilenet_v2"]))
    drawn = {draw(random.Random(seed), space).encoder for seed in range(60)}
    assert drawn == {replace(MOBILE, trained=how) for how in ("frozen", "partly", "wholly")}
    scratch = space_at_hand(False, asked=space_asked(["resnet18"]))
    assert {draw(random.Random(seed), scratch).encoder for seed in range(9)} == {Backbone("resnet18", "none", "wholly")}


def test_a_reply_with_another_encoder_is_refused():
    asked = space_asked(["mobilenet_v2"], frozen=True)
    with pytest.raises(BadBlueprint, match="not one that was asked for") as caught:
        code_of(to_json(SMALL), asked)
    assert "mobilenet_v2, frozen" in caught.value.way_out
    assert code_of(to_json(replace(SMALL, encoder=MOBILE)), asked).code
    assert space_asked() is EVERYTHING and code_of(to_json(SMALL), space_asked()).code


@pytest.mark.parametrize(
    ("encoders", "frozen", "pretrained", "says", "do"),
    [
        (["mobilenet"], False, True, "--encoder: there is no backbone 'mobilenet'", "mobilenet_v2"),
        (["mobilenet_v2"], False, True, "mobilenet_v2-7ebf99e0.pth", "models/mobilenet_v2-7ebf99e0.pth .*--no-pretr"),
        (["resnet18", "mobilenet_v2"], True, True, "mobilenet_v2-7ebf99e0.pth", r"put it there\.$"),
        ([], True, True, "--frozen: resnet18's", "resnet18-f37072fd.pth"),
        (["mobilenet_v2"], True, False, "--frozen: .*needs weights", "--no-pretrained"),
    ],
)
def test_what_is_missing_is_named(folder, encoders, frozen, pretrained, says, do):
    if encoders:
        (folder / FILES["resnet18"]).touch()
    with pytest.raises(UsageError, match=says) as caught:
        space_at_hand(pretrained, asked=space_asked(encoders, frozen))
    assert re.search(do, caught.value.way_out), caught.value.way_out


def test_frozen_alone_takes_every_backbone_at_hand(folder):
    for name in ("resnet18", "squeezenet1_1"):
        (folder / FILES[name]).touch()
    assert space_at_hand(True, asked=space_asked(frozen=True)).backbones == ("resnet18", "squeezenet1_1")
    assert set(FILES) == set(BACKBONES)


def test_a_space_in_which_nothing_fits_is_refused():
    with pytest.raises(NNCaptionError, match="'none' no encoder is frozen"):
        Space(trained=("frozen",))


def test_the_plan_keeps_it():
    plan = Plan(modes=("blueprint",), encoders=("mobilenet_v2",), frozen=True, light=True).check()
    assert Plan.from_json(json.loads(json.dumps(plan.as_json()))) == plan
    for changes, flag in (
        ({"encoders": ("resnet18",)}, "--encoder"),
        ({"frozen": True}, "--frozen"),
        ({"light": True}, "--light"),
    ):
        with pytest.raises(UsageError, match=flag):
            Plan(**changes).check()


def test_light_networks_are_small_in_every_way_they_come_about(folder):
    own, mobile = space_at_hand(False, asked=space_asked(light=True)), space_asked(["mobilenet_v2"], True, light=True)
    (folder / FILES["mobilenet_v2"]).touch()
    assert space_at_hand(True, asked=mobile) == mobile and space_at_hand(True, asked=replace(own)).light
    for space in (own, mobile):
        rng = random.Random(0)
        drawn = [draw(rng, space) for _ in range(150)]
        grown = [mutate(blueprint, rng, space) for blueprint in drawn]
        assert all(map(space.holds, (*drawn, *grown))) and len(set(drawn)) > 140
        assert {blueprint.decoder.layers for blueprint in drawn} == {1, 2}
        assert count(replace(space, light=False)) > count(space) > 10**6
        large = to_json(replace(drawn[0], training=replace(drawn[0].training, captions=5)))
        assert misfit(large, schema(space)) and not misfit(to_json(drawn[0]), schema(space))
        with pytest.raises(BadBlueprint, match="light network was asked for, and this one has training captions 5"):
            code_of(large, space)
        assert code_of(large, replace(space, light=False)).code and code_of(to_json(drawn[0]), space).code
        assert Evolving(lambda: [(large, 9.0), (to_json(drawn[0]), 1.0)], space).parents() == [drawn[0]]  # noqa: B023
