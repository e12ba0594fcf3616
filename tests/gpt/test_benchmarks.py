"""`python -m benchmarks` at its smallest: both sides give the same, and what is written can be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from PIL import Image

from ab.gpt.train.words import tokenizer
from benchmarks.measure import Comparison, table
from benchmarks.nets import computed, share_of_the_rest, write_nets
from benchmarks.picture import draw
from tests.conftest import REPO


def test_vocabulary_batches_and_bleu_are_compared(tmp_path):
    """The benchmarks themselves fail where words, batches or figures differ."""
    if tokenizer()[0] != "punkt_tab":
        pytest.skip("stock LEMUR cannot cut captions without NLTK's punkt_tab, which NLTK_DATA has to name")
    file, picture = tmp_path / "figures.json", tmp_path / "figures.png"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "vocabulary", "bleu", "--smoke", "--json", file, "--picture", picture],
        cwd=REPO, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(file.read_text())
    assert figures[0]["name"] == "vocabulary, first time" and len(figures) == 4
    assert all(one["ratio"] == one["stock"] / one["ours"] and one["ours"] > 0 for one in figures)
    assert Image.open(picture).size[0] > 500


def test_ratios_and_what_was_asked_of_them():
    faster = Comparison("faster", [4.0, 2.0, 3.0], [1.0], at_least=3)
    slower = Comparison("slower", [1.0], [2.0], at_least=1)
    share = Comparison("share", [90.0], [16.0], unit="%", at_most=15)
    alone = Comparison("alone", [], [2.0])
    assert (faster.ratio, faster.holds, slower.holds, share.holds, alone.ratio, alone.holds) == (
        3.0, True, False, False, None, None,
    )  # fmt: skip
    lines = table([faster, slower, share, alone]).splitlines()
    assert "3.000 (2.000–4.000) s" in lines[1] and lines[1].endswith("holds") and lines[2].endswith("MISSED")


def test_the_picture_shows_growth_too(tmp_path):
    ratios = Comparison("ratio", [3.0], [1.0])
    growths = [Comparison(f"growth: {n:,} images, later epochs", [n / 100], [n / 1000]) for n in (1000, 8000)]
    draw([ratios], tmp_path / "small.png")
    draw([ratios, *growths], tmp_path / "large.png")
    assert Image.open(tmp_path / "large.png").size[1] > Image.open(tmp_path / "small.png").size[1] + 200


def test_nets_are_different_and_their_computing_is_read(tmp_path):
    files = write_nets(tmp_path, 10)
    codes = [file.read_text() for file in files]
    assert len(set(codes)) == 10
    for code in codes:
        compile(code, "net", "exec")
    seconds = computed("computed 0 1.5\nother\ncomputed 1 0.25\ncomputed 1 3.0\n")
    assert seconds == {0: 1.5, 1: 3.0}
    assert share_of_the_rest([10.0, 14.0], seconds) == [0.25]
