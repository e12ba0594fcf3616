"""Each breach of the contract is found by reading, with its line and what to do; what LEMUR accepts is no error."""

from __future__ import annotations

import time

import pytest

from ab.gpt.candidate import Outcome
from ab.gpt.gate.check import Code, check_code, read_code
from ab.gpt.gate.check.changes import structural_changes
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.finding import Finding, ending_of
from tests.gpt.train.nets import net
from tests.gpt.train.test_train_command import CAPTIONERS


@pytest.fixture
def errors(torch_catalogue):
    """The codes of the errors in a text, with the findings."""

    def check(text: str, baseline: str = "") -> dict[str, Finding]:
        findings = check_code(text, CAPTIONING, torch_catalogue, baseline)
        return {finding.code: finding for finding in reversed(findings) if finding.is_error}

    return check


def test_the_good_net_is_good(torch_catalogue):
    assert [f for f in check_code(net(), CAPTIONING, torch_catalogue) if f.is_error] == []


@pytest.mark.parametrize("name", CAPTIONERS)
def test_lemurs_captioners_have_no_errors_and_take_no_time(gate_home, torch_catalogue, name):
    [file] = gate_home.code_dir("nn").glob(f"{name}*.py")
    text = file.read_text()
    started = time.perf_counter()
    findings = check_code(text, CAPTIONING, torch_catalogue)
    assert time.perf_counter() - started < 0.3
    assert not [str(finding) for finding in findings if finding.is_error]


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("class Net(nn.Module):", "class Network(nn.Module):", "C001", "class Net"),
        ("class Net(nn.Module):", "class Net:", "C002", "nn.Module"),
        ("    def train_setup(self, prm):", "    def setup(self, prm):", "C003", "train_setup"),
        ("    def learn(self, train_data):", "    def fit(self, train_data):", "C003", "learn"),
        ("def supported_hyperparameters():", "def hyperparameters():", "C003", "supported_hyperparameters"),
        ("out_shape, prm, device)", "out_shape, prm)", "C004", "3 of the 4"),
        ("out_shape, prm, device)", "out_shape, device, prm)", "C004", "order"),
        ("out_shape, prm, device)", "out_shape, prm, device, vocab)", "C004", "vocab"),
        ("out_shape, prm, device)", "out_shape, prm, device, *, v)", "C004", "v"),
        ("def learn(self, train_data)", "def learn(self, train_data, epochs)", "C004", "epochs"),
        ("captions=None", "captions", "C004", "captions"),
        ("{'lr', 'momentum'}", "{'lr'}", "C005", "momentum"),
        ("super().__init__()", "pass", "C007", "super"),
        ("nn.Conv2d(", "nn.Conv2D(", "U002", "Conv2d"),
        ("nn.AdaptiveAvgPool2d", "nn.AdaptativeAvgPool2d", "U002", "AdaptiveAvgPool2d"),
        ("import torch\n", "import torch\nfrom torch.nn import MultiHeadAttention\n", "U002", "MultiheadAttention"),
        ("nn.Linear(32, 64)", "nn.Linear(in_feature=32, out_features=64)", "U003", "in_features"),
        ("nn.Linear(32, 64)", "nn.Linear(32)", "U003", "out_features"),
        ("nn.Linear(32, 64)", "nn.Linear(32, 64, in_features=3)", "U003", "twice"),
        ("nn.Linear(32, 64)", "nn.Linear(32, 64, True, None, None, 5, 6)", "U003", "by position"),
        ("import torch.nn as nn", "import torch", "U001", "import torch.nn as nn"),
        ("nn.Linear(32, 64)", "Linear(32, 64)", "U001", "Linear"),
    ],
)  # fmt: skip
def test_a_breach_is_found(errors, old, new, code, says):
    assert old in net()
    found = errors(net().replace(old, new))
    assert code in found, found
    assert says in str(found[code])
    assert found[code].line > 0 or code in ("C001", "C003")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("import os\nos.getcwd()", "P001"),
        ("import subprocess\nsubprocess.run(['x'])", "P001"),
        ("from socket import socket\nsocket()", "P001"),
        ("import ab.nn.api as api\napi.data()", "P001"),
        ("from . import other\nother.x", "P001"),
        ("torch.load('x')", "P002"),
        ("torch.hub.load('x', 'y')", "P002"),
        ("open('x')", "P002"),
        ("exec('x')", "P002"),
        ("eval('x')", "P002"),
        ("__import__('os')", "P002"),
        ("nn.Linear.forward = None", "P003"),
        ("torch.Tensor.backward = None", "P003"),
        ("setattr(torch, 'no_grad', None)", "P003"),
        ("del nn.Linear.forward", "P003"),
        ("().__class__.__subclasses__", "P004"),
        ("getattr(nn, '__globals__')", "P004"),
        ("DATA = " + repr("x" * 30_000), "P005"),
        ("TABLE = " + repr(list(range(3000))), "P005"),
    ],
)
def test_what_a_network_has_no_business_with(errors, line, code):
    found = errors(net() + line + "\n")
    assert found[code].outcome is Outcome.FORBIDDEN, found
    assert ending_of(found.values(), "check").outcome is Outcome.FORBIDDEN


@pytest.mark.parametrize(
    "line",
    [
        "import os",  # not used
        "import copy, math, random, collections\nfrom typing import Optional",
        "import numpy as np\nnp.zeros(3)",
        "from torchvision import models\nmodels.resnet18(weights=None)",
        "torch.backends.cudnn.benchmark = True",
        "input = 3\nprint(input)",
        "def compile(x):\n    return x\ncompile(3)",
        "from ab.nn.loader.coco_.Caption import GLOBAL_CAPTION_VOCAB\nGLOBAL_CAPTION_VOCAB.get('word2idx')",
        "class Other(Net):\n    pass",
        "try:\n    import os\nexcept ImportError:\n    pass",
        "for name, module in Net(1, 2, 3, 4).named_modules():\n    print(name, [m for m in module.modules()])",
        "F = nn.functional\nF.relu(torch.zeros(1))",
        "def later():\n    return defined_below\ndefined_below = 3",
        "squares = [x * y for x in range(3) for y in range(3)]\nprint((lambda a, *b, **c: a)(1))",
        "class Meta(type):\n    pass\nprint(__name__)",
        "def star(*a, **k):\n    return nn.Linear(*a, **k)",
    ],
)
def test_what_is_fine(errors, line):
    assert errors(net() + line + "\n") == {}


def test_inherited_methods_and_aliases_count(errors):
    whole = net().replace("class Net(nn.Module):", "class Base(nn.Module):")
    assert errors(whole + "\nclass Net(Base):\n    pass\n") == {}
    assert errors(whole + "\nNet = Base\n") == {}


def test_hyperparameters_inside_the_class(errors):
    inside = (
        net().replace("def supported_hyperparameters():\n    return {'lr', 'momentum'}\n", "")
        + "\n    def supported_hyperparameters(self):\n        return {'lr', 'momentum'}\n"
    )
    assert "C006" in errors(inside)


def test_an_attribute_that_nobody_sets_is_a_note(torch_catalogue):
    findings = check_code(net(learn="self.optimiser.zero_grad()"), CAPTIONING, torch_catalogue)
    [note] = [finding for finding in findings if finding.code == "U004"]
    assert "self.optimiser" in note.sentence and not note.is_error


def test_changes_are_counted_and_named(errors, gate_home):
    base = (gate_home.code_dir("nn") / "RESNETLSTM.py").read_text()
    assert "0 structural changes" in str(errors(base, base)["D004"])
    one = base.replace("nn.LSTM(", "nn.GRU(")
    assert "D004" in errors(one, base) or base == one
    [c5c] = gate_home.code_dir("nn").glob("C5C-RESNETLSTM-c425*.py")
    parsed = [Code.parse(text, CAPTIONING) for text in (base, c5c.read_text())]
    changes = structural_changes(*parsed)
    assert len(changes) >= 3 and all(isinstance(change, str) and change for change in changes)
    assert errors(c5c.read_text(), base) == {}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def f(:\n", "S001"),
        ("x = (1,\n", "S001"),
        ("  x = 1\n y = 2\n", "S001"),
        ("(" * 500 + ")" * 500, "S002"),
        ("-" * 100_000 + "1", "S002"),
        ("x = " + "a." * 5000 + "b", "S002"),
        ("x = " + "+".join("1" * 5000), "S002"),
        ("x" * 2_000_000, "N002"),
        ("x = '\ud800'", "S001"),
        ("\0", "S001"),
    ],
)
def test_what_cannot_be_parsed(torch_catalogue, text, code):
    [finding] = check_code(text, CAPTIONING, torch_catalogue)
    assert finding.code == code and finding.is_error


def test_files_that_are_none(tmp_path):
    (tmp_path / "empty.py").write_text("  \n")
    (tmp_path / "binary.py").write_bytes(bytes(range(256)))
    (tmp_path / "zeros.py").write_bytes(b"x = 1\0")
    (tmp_path / "latin.py").write_bytes("# é".encode("latin-1"))
    (tmp_path / "large.py").write_bytes(b"x" * (50 << 20))
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nothing")
    for name, says in {
        "empty": "is empty", "binary": "not text", "zeros": "zero bytes", "latin": "UTF-8", "large": "52,428,800 bytes",
        "folder": "is no file", "dangling": "not there", "absent": "not there",
    }.items():  # fmt: skip
        finding = read_code(tmp_path / f"{name}.py", CAPTIONING)
        assert isinstance(finding, Finding) and finding.code == "N002" and says in finding.sentence, finding
    (tmp_path / "bom.py").write_bytes(b"\xef\xbb\xbfx = 1")
    assert read_code(tmp_path / "bom.py", CAPTIONING) == "x = 1"


def test_every_code_of_the_contract_is_told_apart():
    codes = [rule.code for rule in CAPTIONING.rules]
    assert len(codes) == len(set(codes))
    assert all(rule.sentence and rule.advice for rule in CAPTIONING.rules)


def test_signatures_as_they_are_written():
    assert CAPTIONING.function("forward").signature == "def forward(self, images, captions=None, hidden_state=None)"
    assert CAPTIONING.function("supported_hyperparameters").signature == "def supported_hyperparameters()"
