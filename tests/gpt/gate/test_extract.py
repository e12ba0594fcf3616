"""The code comes out of any reply, whatever stands around it, and out of garbage comes nothing, quickly."""

from __future__ import annotations

import ast
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ab.gpt.gate.extract import extract
from tests.gpt.gate.corpus.mutants import fences, thoughts
from tests.gpt.train.nets import net

GARBAGE = {
    "backticks": "`" * 10_000_000,
    "fences": "```\n" * 2_500_000,
    "Python fences": "```python\n" * 1_000_000,
    "thoughts": "<think>" * 1_400_000,
    "ends of thoughts": "</think>" * 1_250_000,
    "one line": "x" * 10_000_000,
    "empty lines": "\n" * 10_000_000,
    "carriage returns": "\r" * 10_000_000,
    "hunks": "@@ -1,2 +1,2 @@\n" * 625_000,
    "searches": "<<<<<<< SEARCH\n" * 666_000,
    "classes": "class Net(nn.Module):\n" * 450_000,
    "imports": "import torch\n" * 770_000,
    "quotes": '"""' * 3_300_000,
    "brackets": "(" * 10_000_000,
    "prose": "The network is good.\n" * 476_000,
    "a long block": "```python\nclass Net(nn.Module):\n" + "x = 1\n" * 1_660_000,
    "whole files": ("```python\n" + net() + "```\n") * 4_500,
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_ten_megabytes_of_garbage_take_no_time(kind):
    started = time.process_time()
    extract(GARBAGE[kind], net())
    assert time.process_time() - started < 2


def test_a_file_within_ten_megabytes_of_talk_is_found():
    talk = "And so on and so forth.\n" * 200_000
    assert extract(f"{talk}```python\n{net()}```\n{talk}").code == net()
    assert extract(f"<think>{talk}</think>\n```python\n{net()}```").code == net()


@pytest.mark.parametrize(
    "mutant", [*fences(net()), *thoughts(net())], ids=lambda mutant: f"{mutant.kind} {mutant.name}"
)
def test_what_stands_around_a_file_goes(mutant):
    assert ast.dump(ast.parse(extract(mutant.reply).code)) == ast.dump(ast.parse(net()))


def test_a_good_file_is_not_touched():
    assert extract(net()).code == net() and extract(net()).how == ()
    assert extract(net().replace("\n", "\r\n")).code == net()


def test_the_whole_file_wins_over_a_longer_piece():
    piece = "class Net(nn.Module):\n    pass\n" + "# much talk\n" * 500
    assert extract(f"```python\n{piece}```\n```python\n{net()}```").code == net()


def test_the_better_of_two_whole_files_is_the_one_that_parses():
    broken = net().replace("def learn(self, train_data):", "def learn(self, train_data:") + "# longer\n" * 9
    assert extract(f"```python\n{broken}```\nBetter:\n```python\n{net()}```").code == net()


DIFFS = {
    "unified": "```diff\n--- a\n+++ b\n@@ -3,1 +3,1 @@\n         self.start = nn.Linear(32, 64)\n-        self.embed = "
    "nn.Embedding(self.vocab_size, 64)\n+        self.embed = nn.Embedding(self.vocab_size, 65)\n```",
    "without a fence": "--- a/net.py\n+++ b/net.py\n@@ -20 +20 @@\n"
    "-        self.embed = nn.Embedding(self.vocab_size, 64)\n"
    "+        self.embed = nn.Embedding(self.vocab_size, 65)\n",
    "without indentation": "```diff\n@@ @@\n-self.embed = nn.Embedding(self.vocab_size, 64)\n"
    "+self.embed = nn.Embedding(self.vocab_size, 65)\n```",
    "search and replace": "<<<<<<< SEARCH\n        self.embed = nn.Embedding(self.vocab_size, 64)\n=======\n"
    "        self.embed = nn.Embedding(self.vocab_size, 65)\n>>>>>>> REPLACE\n",
}


@pytest.mark.parametrize("kind", DIFFS)
def test_a_diff_is_applied_to_the_baseline(kind):
    found = extract(DIFFS[kind], net())
    assert "diff applied" in found.how
    assert found.code.rstrip() == net().replace("vocab_size, 64)", "vocab_size, 65)").rstrip()


def test_a_diff_that_does_not_fit_is_no_code():
    assert extract("```diff\n@@ -1 +1 @@\n-what is nowhere\n+what is new\n```", net()).code == ""
    assert extract(DIFFS["unified"]).code == ""


def test_a_diff_that_makes_a_file():
    new = "--- /dev/null\n+++ b/net.py\n@@ -0,0 +1,60 @@\n" + "".join(f"+{line}\n" for line in net().splitlines())
    assert extract(f"```diff\n{new}```").code.strip() == net().strip()


NOTHING = ("", "  \n", "I cannot do that.", "```bash\nls\n```", "<think>Hm.", "{}", "\0", "\ud800")


@pytest.mark.parametrize("reply", NOTHING)
def test_no_code(reply):
    assert extract(reply).code == ""


PIECES = st.sampled_from(
    ["```", "```python\n", "~~~", "<think>", "</think>", "@@ -1 +1 @@\n", "+", "-", " ", "\n", "\t", "\r\n", '"""', "'",
     "(", ")", "class Net(nn.Module):\n", "    def forward(self):\n", "import torch\n", "&lt;", "“", "\\", "\0",
     "\ud800", "{", "#"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=40).map("".join), st.sampled_from(["", net()]))
def test_extraction_never_raises(reply, baseline):
    found = extract(reply, baseline)
    assert isinstance(found.code, str) and all(isinstance(how, str) for how in found.how)
