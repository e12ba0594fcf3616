"""Blocks are cut out whole, with what they need, without heads, and plainer than they were."""

from __future__ import annotations

import ast

import pytest

from ab.gpt.gate.check.code import Code
from ab.gpt.propose.plain import make_plain, without_comments, without_unused
from ab.gpt.propose.snippets.cut import cut
from ab.gpt.propose.snippets.family import encoders_of, family_of
from tests.gpt.propose.known import CLASSIFIERS, CONTRACT

HEADER = (
    "import os\nimport torch\nimport torch.nn as nn\nfrom typing import List, Optional\n\nWIDTH = 8\nUNUSED = 9\n\n"
)
BLOCK = '''
def conv(a: int, b: int) -> nn.Conv2d:
    """A convolution."""
    return nn.Conv2d(a, b, 3, padding=1)

class Block(nn.Module):
    """Two layers."""

    def __init__(self, width: int, hidden: Optional[int] = None) -> None:
        super().__init__()
        if width < 1:
            raise ValueError("too narrow")
        layers: List[nn.Module] = [conv(width, WIDTH), nn.BatchNorm2d(WIDTH)]
        self.layers = nn.Sequential(*layers)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.zeros_(m.bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        assert input.dim() == 4
        return self.layers(input)
'''
HEAD = """
class Head(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.a, self.b = nn.Conv2d(8, 8, 1), nn.Linear(8, num_classes)
"""
SPY = """
class Spy(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a, self.b = nn.Conv2d(width, 8, 1), nn.Conv2d(width, 8, 1)

    def forward(self, x):
        return eval("x")
"""
NET = """
class Net(nn.Module):
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        width = 4
        self.stem = nn.Sequential(nn.Conv2d(in_shape[1], width, 3), nn.ReLU())
        self.head = nn.Linear(4, out_shape[0])
"""


def test_a_block_brings_what_it_needs_and_nothing_else():
    part = cut(HEADER + BLOCK + HEAD, CONTRACT, 500)
    assert part is not None and part.blocks == ("Block",)
    tree = ast.parse(part.code)
    names = [getattr(node, "name", "") for node in tree.body]
    assert "conv" in names and "Block" in names and "Head" not in names
    assert "WIDTH = 8" in part.code and "UNUSED" not in part.code and "import os" not in part.code
    assert "import torch.nn as nn" in part.code


def test_a_block_is_shown_without_chores():
    part = cut(HEADER + BLOCK, CONTRACT, 500)
    assert part is not None
    for gone in ("Two layers", "typing", ": int", "-> ", "raise", "assert", "nn.init", "import torch\n"):
        assert gone not in part.code, gone
    for kept in ("def forward(self, input):", "layers = [conv(width, WIDTH)", "self.layers(input)"):
        assert kept in part.code, kept


def test_an_argument_may_be_called_as_a_forbidden_function_is_but_that_is_not_called():
    assert cut(HEADER + SPY, CONTRACT, 500) is None
    part = cut(HEADER + BLOCK + SPY, CONTRACT, 500)
    assert part is not None and "Spy" not in part.code and "input" in part.code


def test_heads_and_what_has_no_layers_are_no_blocks():
    assert cut(HEADER + HEAD, CONTRACT, 500) is None
    flat = "class Flat(nn.Module):\n    def forward(self, x):\n        return x.flatten(1)\n"
    assert cut(HEADER + flat, CONTRACT, 500) is None
    assert cut("def broken(:", CONTRACT, 500) is None


def test_the_budget_holds_and_the_stem_comes_where_there_is_room():
    whole = cut(HEADER + BLOCK + NET, CONTRACT, 500)
    assert whole is not None and whole.blocks == ("Block", "stem") and "out_shape" not in whole.code
    for budget in range(10, whole.tokens):
        part = cut(HEADER + BLOCK + NET, CONTRACT, budget)
        assert part is None or (part.tokens <= budget and len(part.blocks) == 1)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_lemurs_own_classifiers_have_blocks_that_stand_alone(installed_code, name):
    part = cut((installed_code / f"{name}.py").read_text(encoding="utf-8"), CONTRACT, 600)
    assert part is not None and part.tokens <= 600
    code = Code.parse(part.code, CONTRACT)
    assert isinstance(code, Code) and not code.unbound and "Net" not in code.classes
    assert any(block in (*code.classes, *code.functions) for block in part.blocks)


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("rl-bb-init-0123456789abcdef0123456789abcdef", "rl"),
        ("alt-nn1-0123456789abcdef0123456789abcdef", "alt"),
        ("ga-mut-1177", "ga"),
        ("DPN131-42be581b-a213-4e2d-8c64-51a614272cfa", "DPN"),
        ("MobileNetV2", "MobileNet"),
        ("InceptionV3-1", "Inception"),
        ("MoEv9-AlexNetv1", "MoE"),
        ("ConvNeXt", "ConvNeXt"),
        ("VGG", "VGG"),
        ("a16b25d485622212877ca354ebc2a363", "nameless"),
        ("16b25d485622212877ca354ebc2a3631", "nameless"),
    ],
)
def test_families(model, family):
    assert family_of(model) == family


def test_a_captioners_encoder_is_known_by_its_name_and_by_its_code():
    families = ["ResNet", "VGG", "ga", "MobileNet", "DenseNet"]
    assert encoders_of("RESNETLSTM", "", families) == {"ResNet"}
    code = "net = torchvision.models.mobilenet_v2(weights=None)\n# denser than DenseNetwork, gather"
    assert encoders_of("Captioner", code, families) == {"MobileNet"}


def test_plain_code_is_the_same_code():
    text = 'x = 1  # one\n\n\ndef f(a):\n    """Says a."""\n    # really\n    return a\n'
    assert without_comments(text) == "x = 1\n\ndef f(a):\n    return a\n"
    assert without_comments("not python (") == "not python ("
    tree = ast.parse("def f(a: int) -> int:\n    b: int\n    c: int = 2\n    return c\n")
    make_plain(tree)
    assert ast.unparse(tree) == "def f(a):\n    pass\n    c = 2\n    return c"


def test_unused_code_goes_and_what_it_alone_used_goes_with_it():
    text = (
        "def helper():\n    pass\n\ndef unused():\n    helper()\n    unused()\n\n"
        "class Net:\n    def forward(self):\n        return self.step()\n\n    def step(self):\n        pass\n\n"
        "    def extra(self):\n        pass\n\n    def learn(self, data):\n        pass\n"
    )
    left = without_unused(text, ["Net", "learn"])
    assert [gone for gone in ("helper", "unused", "extra") if gone in left] == []
    assert [kept for kept in ("Net", "forward", "step", "learn") if kept not in left] == []
    assert "extra" in without_unused(text + "getattr(Net, 'extra')\n", ["Net", "learn"])
