"""The standard figures are pycocoevalcap's on the same tokens."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ab.gpt.train.scores import (
    ScoringError,
    bleu_counts,
    cider_d,
    cider_d_scores,
    corpus_bleu,
    rouge_l,
    rouge_l_scores,
)
from ab.gpt.train.scores.rouge import common_subsequence

REPO = Path(__file__).resolve().parents[3]
CASES = json.loads((REPO / "tests" / "data" / "parity" / "cases.json").read_text(encoding="utf-8"))["cases"]
SHARED = Path(os.environ.get("NNCAPTION_SHARED_DATA", REPO.parent / "shared" / "data")) / "parity.json"
CLOSE = {"abs": 1e-6, "rel": 0}


@pytest.fixture(params=list(CASES))
def case(request):
    """A case that the project carries, its captions as words."""
    return CASES[request.param]


def split(case):
    """Hypotheses and references of a case as words."""
    return [text.split() for text in case["hypotheses"]], [[t.split() for t in refs] for refs in case["references"]]


def test_bleu(case):
    assert corpus_bleu(*split(case)) == pytest.approx(case["bleu"], **CLOSE)


def test_cider_d(case):
    assert cider_d(*split(case)) == pytest.approx(case["cider_d"], **CLOSE)
    assert cider_d_scores(*split(case)).tolist() == pytest.approx(case["cider_d_of_images"], **CLOSE)


def test_rouge_l(case):
    assert rouge_l(*split(case)) == pytest.approx(case["rouge_l"], **CLOSE)
    assert rouge_l_scores(*split(case)).tolist() == pytest.approx(case["rouge_l_of_images"], **CLOSE)


def test_ids_score_as_their_words_do(case):
    hypotheses, references = split(case)
    ids: dict[str, int] = {}
    as_ids = [[ids.setdefault(word, len(ids)) for word in said] for said in hypotheses]
    refs = [[[ids.setdefault(word, len(ids)) for word in text] for text in image] for image in references]
    assert corpus_bleu(as_ids, refs) == corpus_bleu(hypotheses, references)
    assert cider_d(as_ids, refs) == cider_d(hypotheses, references)
    assert rouge_l(as_ids, refs) == rouge_l(hypotheses, references)


@pytest.mark.skipif(not SHARED.exists(), reason=f"{SHARED} is not here: 1,000 Flickr8k captions with their figures")
def test_a_thousand_photographs():
    known = json.loads(SHARED.read_text(encoding="utf-8"))
    tokens = known["tokens"]
    hypotheses = [tokens["hyp"][str(image)].split() for image in known["ids"]]
    references = [[text.split() for text in tokens["refs"][str(image)]] for image in known["ids"]]
    assert corpus_bleu(hypotheses, references) == pytest.approx(known["BLEU"], **CLOSE)
    assert rouge_l(hypotheses, references) == pytest.approx(known["ROUGE_L"], **CLOSE)
    assert cider_d(hypotheses, references) == pytest.approx(known["CIDEr"], **CLOSE)


def test_the_carried_cases_hold_the_edges():
    hypotheses, references = split(CASES["edges"])
    assert [] in hypotheses
    assert any(len(said) == 1 for said in hypotheses)
    assert any(said in written for said, written in zip(hypotheses, references, strict=True))
    assert any(len(said) > max(map(len, written)) for said, written in zip(hypotheses, references, strict=True))
    assert any(len(set(said)) == 1 < len(said) for said in hypotheses)


words = st.lists(st.sampled_from("abcd"), max_size=9)


@given(words, words)
def test_the_common_subsequence_is_the_longest(one, other):
    assert common_subsequence(one, [other]) == [longest(tuple(one), tuple(other))]


def longest(one, other):
    """The length of the longest common subsequence, by the table everybody knows."""
    row = [0] * (len(other) + 1)
    for token in one:
        before = row
        row = [0]
        for place, candidate in enumerate(other):
            row.append(before[place] + 1 if token == candidate else max(before[place + 1], row[place]))
    return row[-1]


images = st.lists(st.tuples(words, st.lists(words, min_size=1, max_size=4)), min_size=1, max_size=6)


@settings(deadline=None)
@given(images)
def test_figures_stay_in_their_range(some):
    hypotheses, references = [said for said, _ in some], [written for _, written in some]
    assert all(-1e-9 <= figure <= 1 + 1e-9 for figure in corpus_bleu(hypotheses, references))
    assert all(0 <= figure <= 1 + 1e-9 for figure in rouge_l_scores(hypotheses, references))
    assert all(-1e-9 <= figure <= 10 + 1e-9 for figure in cider_d_scores(hypotheses, references))


@settings(deadline=None)
@given(images, st.randoms(use_true_random=False))
def test_the_order_of_images_does_not_matter(some, rng: random.Random):
    mixed = rng.sample(some, len(some))
    one, other = ([list(part) for part in zip(*these, strict=True)] for these in (some, mixed))
    assert corpus_bleu(*one) == corpus_bleu(*other)
    assert cider_d(*one) == pytest.approx(cider_d(*other))
    assert rouge_l(*one) == pytest.approx(rouge_l(*other))


def test_what_cannot_be_scored_is_said():
    with pytest.raises(ScoringError, match="Image 1 has no reference"):
        bleu_counts([["a"], ["a"]], [[["a"]], []])
    with pytest.raises(ScoringError, match="No image"):
        rouge_l([], [])
    with pytest.raises(ScoringError, match="1 predicted captions for 2 images"):
        cider_d([["a"]], [[["a"]], [["b"]]])
