"""Fix-ups mend what is certain, leave alone what is right, and come to rest."""

from __future__ import annotations

import ast
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ab.gpt.gate.fixups import FIXES, fix
from tests.gpt.gate.corpus.mutants import mutants
from tests.gpt.train.nets import net
from tests.gpt.train.test_train_command import CAPTIONERS


@pytest.mark.parametrize("name", CAPTIONERS)
def test_lemurs_captioners_are_not_touched(gate_home, torch_catalogue, name):
    [file] = gate_home.code_dir("nn").glob(f"{name}*.py")
    text = file.read_text()
    for torch in (None, torch_catalogue):
        assert fix(text, torch).code == text and fix(text, torch).applied == ()


def test_each_fix_up_has_a_name_of_its_own():
    assert len({name for name, _ in FIXES}) == len(FIXES)


@pytest.mark.parametrize(
    ("old", "new", "name", "shows"),
    [
        ("import torch.nn as nn\n", "", "missing imports", "import torch.nn as nn"),
        ("import torch.nn as nn\n", "import torch.nn as nn\n" * 2, "one import of torch.nn", "import torch.nn as nn"),
        ("{'lr', 'momentum'}", "{'lr'}", "hyper-parameters", "return {'lr', 'momentum'}"),
        ("{'lr', 'momentum'}", "{'lr', 'momentum', 'decay'}", "hyper-parameters", "return {'lr', 'momentum'}"),
        ("nn.AdaptiveAvgPool2d(1)\n", "nn.AdaptiveAvgPool2d(1\n", "brackets", "nn.AdaptiveAvgPool2d(1)"),
        ("nn.ReLU()", "nn.Relu()", "torch names", "nn.ReLU()"),
        ("super().__init__()", "pass", "super().__init__()", "super().__init__()"),
        ("prm['lr']", "prm['learning_rate']", "hyper-parameter keys", "prm['lr']"),
        ("class Net(nn.Module):", "class Net:", "module class", "class Net(nn.Module):"),
        ("class Net(nn.Module):", "class Net(nn.Module)", "colons", "class Net(nn.Module):"),
        ("class Net(nn.Module):", "class Captioner(nn.Module):", "class name", "class Net(nn.Module):"),
        ("out_shape, prm, device)", "out_shape, device, prm)", "signatures", "out_shape, prm, device)"),
        ("captions=None, hidden_state=None", "captions, hidden_state", "signatures", "captions=None, hidden_"),
        ("self.optimizer.step()", "optimizer.step()", "self", "self.optimizer.step()"),
    ],
)  # fmt: skip
def test_one_mend(torch_catalogue, old, new, name, shows):
    broken = net().replace(old, new)
    assert broken != net()
    fixed = fix(broken, torch_catalogue)
    assert name in fixed.applied and shows in fixed.code
    assert fixed.code.count("import torch.nn as nn") == 1
    ast.parse(fixed.code)


def test_a_restored_method_goes_by_what_the_network_has(torch_catalogue):
    """The loss in a tuple, other names, and targets that `forward` returns itself."""
    tree = ast.parse(net())
    [cls] = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    cls.body = [node for node in cls.body if getattr(node, "name", "") != "train_setup"]
    text = ast.unparse(tree).replace("self.criterion(", "self.criteria[0](").replace("self.optimizer", "self.optim")
    fixed = fix(text, torch_catalogue).code
    assert "self.criteria = (nn.CrossEntropyLoss(ignore_index=0, label_smoothing=0.1),)" in fixed
    assert "self.optim = torch.optim.AdamW(self.parameters(), lr=prm['lr'])" in fixed
    own_targets = "targets = captions\n            return states, targets"
    tree = ast.parse(net().replace("return self.out(states), hidden", own_targets))
    [cls] = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    cls.body = [node for node in cls.body if getattr(node, "name", "") != "learn"]
    assert "targets = outputs[1]" in fix(ast.unparse(tree), torch_catalogue).code


def test_multi_head_attention_is_known_without_asking_torch():
    fixed = fix(net(init="self.look = nn.MultiHeadAttention(64, 4)"))
    assert "nn.MultiheadAttention(64, 4)" in fixed.code and fixed.applied == ("torch names",)


def test_brackets_in_strings_and_comments_do_not_count():
    text = net(init='text = \'(((\'  # [[[ {{{\nother = """\n)))\n"""')
    assert fix(text).code == text


def test_what_is_read_stays_asked_for():
    wide = net(init="self.drop = nn.Dropout(prm.get('dropout', 0.1))").replace("'momentum'}", "'momentum', 'dropout'}")
    assert fix(wide).code == wide


def test_what_is_not_certain_is_left(torch_catalogue):
    for text in (net().replace("nn.ReLU()", "nn.SelfAttention()"), net().replace("def forward", "def backward")):
        fixed = fix(text, torch_catalogue)
        assert "nn.SelfAttention()" in fixed.code or "def forward" not in fixed.code


def _some_mutants(gate_home) -> list[str]:
    files = [next(gate_home.code_dir("nn").glob(f"{name}*.py")).read_text() for name in CAPTIONERS[:3]]
    texts = [mutant.reply for text in (net(), *files) for mutant in mutants("x", text)]
    return random.Random(1).sample(texts, 60)


def test_fix_ups_come_to_rest_on_every_kind_of_mutant(gate_home, torch_catalogue):
    for text in _some_mutants(gate_home):
        once = fix(text, torch_catalogue)
        again = fix(once.code, torch_catalogue)
        assert again.code == once.code, (once.applied, again.applied, text)


LINES = net().split("\n")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_fix_ups_never_raise_and_are_idempotent(data):
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        what = data.draw(st.sampled_from(["drop", "twice", "cut", "shift", "junk"]))
        if what == "drop":
            lines[at] = ""
        elif what == "twice":
            lines.insert(at, lines[at])
        elif what == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, 40))]
        elif what == "shift":
            lines[at] = "  " + lines[at]
        else:
            lines[at] += data.draw(st.text(alphabet="()[]{}:\"'`<>&;#\\\t\u00a0“ x=.,", max_size=5))
    once = fix("\n".join(lines))
    assert fix(once.code).code == once.code


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_fix_ups_never_raise_on_any_text(text):
    once = fix(text)
    assert fix(once.code).code == once.code


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["self.a = nn.Linear(3, 4)", "text = '```'", "x = 'a“b”'", "y = {'lr': [1, (2, 3)]}", "z = '&lt;t&gt;'",
             "'''</think>'''", "w = 1  # ) ] }", "def inner(a):\n    return a", "for i in range(3):\n    i += 1"]
        ),
        max_size=4,
    )
)  # fmt: skip
def test_fix_ups_never_change_a_good_file(lines):
    good = net(init="\n".join(lines))
    assert fix(good).code == good
