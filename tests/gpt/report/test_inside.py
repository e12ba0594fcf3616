"""What is read from a network's code and blueprint: its decoder, its ingredients, its parts."""

from __future__ import annotations

import random

import pytest

from ab.gpt.propose.blueprint.draw import draw
from ab.gpt.propose.blueprint.reading import to_json
from ab.gpt.report.facts import Network
from ab.gpt.report.inside import decoder, inside_of
from tests.gpt.report.made import code_of
from tests.gpt.train.nets import net


def network(code: str, **more) -> Network:
    return Network("candidate:1", "run", 1, "proposed", 0, "C5C-X", "X", code=code, **more)


@pytest.mark.parametrize(
    ("name", "kind", "some"),
    [
        ("RESNETLSTM", "LSTM", {"ResNet of torchvision", "pretrained weights"}),
        ("ResNetTransformer", "Transformer", {"multi-head attention", "positional encoding", "beam search"}),
        (
            "C10C-RESNETLSTM-6a517327bf0ef897a22186a2061e85b3",
            "GRU (attention)",
            {"squeeze and excitation", "additive attention"},
        ),
        ("C8C-ResNetTransformer-7730b6eb6979d27e2e1bbc7d05255dff", "GRU", {"CBAM"}),
    ],
)
def test_lemurs_models(name, kind, some):
    about = network(code_of(name))
    assert decoder(about) == kind and some <= inside_of(about).ingredients
    parts = inside_of(about).anatomy
    assert parts.encoder and parts.decoder
    assert any(part.label == "Embedding" or "Embedding" in str(part.inside) for part in parts.decoder)


def test_parts_stand_in_their_order_on_their_side():
    parts = inside_of(network(net())).anatomy
    assert [part.label for part in parts.encoder] == ["5 in a row", "Linear"]
    assert [part.label for part in parts.encoder[0].inside][:2] == ["Conv2d", "ReLU"]
    assert [part.label for part in parts.decoder] == ["Embedding", "GRU", "Linear"]


@pytest.mark.parametrize("code", ["", "class Net(:", "x = 1", "(" * 300, "\x00"])
def test_what_is_no_network_has_nothing_inside(code):
    assert not inside_of(network(code)).ingredients and not inside_of(network(code)).anatomy


def test_blueprints():
    import json

    for seed in range(30):
        blueprint = json.loads(to_json(draw(random.Random(seed))))
        about = network("", blueprint=blueprint)
        found = inside_of(about)
        assert f"decoder: {blueprint['decoder']['family']}" in found.ingredients
        assert len(found.anatomy.decoder) == 3 and found.anatomy.encoder and found.anatomy.memory
        assert decoder(about).partition(" ")[0] == blueprint["decoder"]["family"]
