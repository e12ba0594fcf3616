"""A network is known again when only its names, comments, types or order have changed, and not otherwise."""

from __future__ import annotations

import ast
import re

import pytest

from ab.gpt.gate.check.code import Code
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.normal import normal_digest
from ab.gpt.gate.novelty import Novelty
from tests.gpt.train.nets import net
from tests.gpt.train.test_train_command import CAPTIONERS


def digest(text: str) -> str:
    code = Code.parse(text, CAPTIONING)
    assert isinstance(code, Code)
    return normal_digest(code)


SAME = {
    "white space": lambda text: text.replace("    ", "  "),
    "comments": lambda text: "# a comment\n" + text.replace("class Net", "# another\nclass Net"),
    "docstrings": lambda text: text.replace(
        "def learn(self, train_data):", 'def learn(self, train_data):\n        "Learns."'
    ),
    "a variable": lambda text: re.sub(r"\bloss\b", "cost", text),
    "an attribute": lambda text: re.sub(r"\bencoder\b", "eye", text),
    "an alias": lambda text: text.replace("import torch.nn as nn", "from torch import nn"),
    "types": lambda text: text.replace("(self, train_data)", "(self, train_data: object) -> None"),
    "order of methods": lambda text: reordered(text, ast.ClassDef),
    "order of definitions": lambda text: reordered(text, ast.Module),
}
OTHER = {
    "a size": lambda text: text.replace("nn.Linear(32, 64)", "nn.Linear(32, 65)"),
    "a layer": lambda text: text.replace("nn.ReLU()", "nn.GELU()", 1),
    "an operator": lambda text: text.replace("loss.backward()", "(loss * 2).backward()"),
    "a library's argument": lambda text: text.replace("ignore_index=0", "ignore_index=1"),
    "a method's body": lambda text: text.replace("        for images", "        self.train()\n        for images", 1),
}


def reordered(text: str, kind: type[ast.AST]) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, kind):
            definitions = [part for part in node.body if isinstance(part, (ast.ClassDef, ast.FunctionDef))]
            node.body = [part for part in node.body if part not in definitions] + definitions[::-1]
    return ast.unparse(tree)


@pytest.mark.parametrize("name", SAME)
def test_the_same_network(name):
    changed = SAME[name](net())
    assert changed != net()
    assert digest(changed) == digest(net())


@pytest.mark.parametrize("name", OTHER)
def test_another_network(name):
    changed = OTHER[name](net())
    assert changed != net()
    assert digest(changed) != digest(net())


def test_lemurs_captioners_differ_and_are_known_again(gate_home):
    novelty = Novelty.of_lemur(gate_home, CAPTIONING)
    files = [next(gate_home.code_dir("nn").glob(f"{name}*.py")) for name in CAPTIONERS]
    assert len({digest(file.read_text()) for file in files}) == len(files)
    for file in files:
        text = file.read_text()
        as_is = novelty.check(Code.parse(text, CAPTIONING))
        assert as_is.code == "D001" and file.stem in as_is.sentence
        changed = novelty.check(Code.parse(reordered(text, ast.Module), CAPTIONING))
        assert changed.code == "D002" and file.stem in changed.sentence


def test_a_run_knows_its_own():
    novelty = Novelty(CAPTIONING)
    code = Code.parse(net(), CAPTIONING)
    assert novelty.check(code) is None and novelty.check_structure(code, "abc") is None
    novelty.add("C5C-First-1", net(), "abc")
    assert novelty.check(code).code == "D001"
    assert novelty.check(Code.parse(SAME["a variable"](net()), CAPTIONING)).code == "D002"
    assert "C5C-First-1" in novelty.check_structure(code, "abc").sentence
    assert novelty.check_structure(code, "abd") is None
