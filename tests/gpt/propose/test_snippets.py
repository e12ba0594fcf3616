"""A sample of classifiers: of many families, of the better ones rather, and the same wherever it is drawn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter

import pytest

from ab.gpt.gate.check.code import Code
from ab.gpt.lemur.home import Home
from ab.gpt.propose.snippets import Snippet, rank, sample
from ab.gpt.propose.snippets.cut import Cut
from ab.gpt.propose.snippets.rank import Classifier, _ranked, ranked_classifiers
from ab.gpt.propose.snippets.sample import USUAL_TOKENS
from tests.conftest import child_environment
from tests.gpt.propose.known import BASELINES, CLASSIFIERS, CONTRACT


@pytest.mark.parametrize("n", [0, 1, 3, 5, 10, 50])
def test_so_many_of_distinct_families_without_the_baselines_own(lemur, n):
    found = sample(lemur, n, 0, leave_out="RESNETLSTM")
    assert len(found) == min(n, 5)  # the small LEMUR has six classifiers, one of them a ResNet
    assert len({one.family for one in found}) == len(found) and "ResNet" not in {one.family for one in found}
    assert sum(one.tokens for one in found) <= USUAL_TOKENS * n
    for one in found:
        code = Code.parse(one.code, CONTRACT)
        assert isinstance(code, Code) and not code.unbound
        assert 0 < one.accuracy <= 1 and one.blocks


@pytest.mark.parametrize("baseline", BASELINES)
def test_the_encoder_of_both_baselines_is_left_out(lemur, baseline):
    assert {one.family for one in sample(lemur, 9, 1)} >= {"ResNet", "VGG"}
    assert "ResNet" not in {one.family for one in sample(lemur, 9, 1, leave_out=baseline)}


def test_the_same_seed_gives_the_same_in_any_process(lemur):
    code = (
        "import json, sys\nfrom dataclasses import asdict\nfrom pathlib import Path\n"
        "from ab.gpt.lemur.home import Home\nfrom ab.gpt.propose.snippets import sample\n"
        "home = Home(Path(sys.argv[1]), Path(sys.argv[2]), '2.1.2')\n"
        "print(json.dumps([asdict(one) for one in sample(home, 3, 5, leave_out='RESNETLSTM', budget_tokens=900)]))\n"
        "assert not {'torch', 'ab.nn', 'jinja2'} & set(sys.modules)"
    )
    here = sample(lemur, 3, 5, leave_out="RESNETLSTM", budget_tokens=900)
    for hashes in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(lemur.root), str(lemur.package)],
            env={**child_environment(lemur.package.parent.parent), "PYTHONHASHSEED": hashes},
            cwd=lemur.root, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        there = [Snippet(**{**one, "blocks": tuple(one["blocks"])}) for one in json.loads(done.stdout)]
        assert there == here
    assert any(sample(lemur, 3, seed, leave_out="RESNETLSTM", budget_tokens=900) != here for seed in range(6, 12))


def test_a_tight_budget_is_kept(lemur):
    for budget in (0, 200, 700):
        assert sum(one.tokens for one in sample(lemur, 5, 3, budget_tokens=budget)) <= budget


@pytest.fixture
def many(installed_code, monkeypatch, tmp_path) -> Home:
    """The installed LEMUR with made-up ranks, as if it had a database."""
    names = [file.stem for file in sorted(installed_code.glob("alt-nn1-*.py"))[:40]] + list(CLASSIFIERS)
    known = [Classifier(name, 0.9, 90 if name == "VGG" else 10) for name in sorted(names)]
    monkeypatch.setattr(sys.modules["ab.gpt.propose.snippets.sample"], "ranked_classifiers", lambda home: list(known))
    return Home(tmp_path, installed_code.parent, "2.1.2")


@pytest.fixture
def all_fit(many, monkeypatch) -> Home:
    """The same, with every classifier cut to one made-up block."""
    module = sys.modules["ab.gpt.propose.snippets.sample"]
    monkeypatch.setattr(
        module, "cut", lambda text, contract, room: Cut(str(hash(text)), ("block",), 150) if room >= 150 else None
    )
    return many


def test_families_come_again_only_when_all_have_come(all_fit):
    counted = Counter(one.family for one in sample(all_fit, 40, 2, leave_out="RESNETLSTM"))
    assert len(counted) > 15 and counted["alt"] > 5
    first = sample(all_fit, 15, 2, leave_out="RESNETLSTM")
    assert len({one.family for one in first}) == 15
    assert len({one.code for one in first}) == 15


def test_better_models_come_more_often(all_fit):
    firsts = Counter(one.family for seed in range(200) for one in sample(all_fit, 1, seed))
    others = [firsts[family] for family in ("AlexNet", "BagNet", "DarkNet", "MNASNet", "GoogLeNet")]
    assert firsts["VGG"] > sum(others) / len(others)


def test_a_sample_takes_no_time(many):
    sample(many, 10, 0, leave_out="RESNETLSTM")
    started = time.process_time()
    sample(many, 10, 1, leave_out="RESNETLSTM")
    assert time.process_time() - started < 2.0  # about half a second where nothing else runs


def test_a_classifier_is_ranked_among_those_on_the_same_data():
    ranked = _ranked(
        [("a", "easy", "acc", 0.99), ("b", "easy", "acc", 0.98), ("a", "hard", "acc", 0.1), ("c", "hard", "acc", 0.4)]
    )
    assert ranked == [Classifier("a", 0.99, 25), Classifier("b", 0.98, 0), Classifier("c", 0.4, 50)]


def test_the_ranks_are_kept_until_lemur_knows_more(home, monkeypatch):
    first = ranked_classifiers(home)
    assert {one.name for one in first} == {"AlexNet", "ResNet", "SqueezeNet-1", "VGG", "MobileNetV2", "DenseNet"}
    file = home.out / "nncaption" / rank.FILE
    asked = []
    real = rank.best_accuracies
    monkeypatch.setattr(rank, "best_accuracies", lambda *a, **k: asked.append(a) or real(*a, **k))
    assert ranked_classifiers(home) == first and not asked
    for broken in ("", "{}", "[1]", '{"key": 1, "classifiers": [[]]}', file.read_text()[:-20]):
        file.write_text(broken)
        assert ranked_classifiers(home) == first
    assert len(asked) == 5
    import sqlite3

    with sqlite3.connect(home.db_file) as db:
        db.execute("INSERT INTO stat (id, task, dataset, metric, nn, epoch, accuracy) VALUES"
                   " ('x', 'img-classification', 'cifar-10', 'acc', 'AlexNet', 9, 0.9999)")  # fmt: skip
    db.close()
    assert {one.name: one.accuracy for one in ranked_classifiers(home)}["AlexNet"] == 0.9999


def test_ranks_that_cannot_be_kept_are_made_anew(home):
    first = ranked_classifiers(home)
    file = home.out / "nncaption" / rank.FILE
    file.unlink()
    os.rmdir(file.parent)
    os.rmdir(home.out)
    home.out.write_text("in the way")
    assert ranked_classifiers(home) == first
