"""The best blind caption is the one that brute force finds."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ab.gpt.train.scores import ScoringError, best_blind_by_lemur, best_blind_caption, corpus_bleu, lemur_bleu
from ab.gpt.train.scores.blind import _lemur_bounds, _lemur_mean
from ab.gpt.train.scores.ngrams import clipped_matches, closest_length
from ab.gpt.train.scores.tables import ReferenceTables

tokens = st.integers(1, 6)
captions = st.lists(tokens, min_size=1, max_size=10)
written = st.lists(st.lists(captions, min_size=1, max_size=4), min_size=1, max_size=6)
candidates = st.lists(st.lists(st.integers(1, 8), min_size=1, max_size=12), min_size=1, max_size=12)


def by_force(candidates, score):
    """The first candidate with the highest score, each scored by itself."""
    best = max(candidates, key=score)
    return tuple(best), score(best)


@settings(max_examples=200, deadline=None)
@given(candidates, written)
def test_the_best_by_corpus_bleu(candidates, references):
    found = best_blind_caption(candidates, references)
    assert (found.tokens, found.score) == by_force(
        candidates, lambda caption: corpus_bleu([caption] * len(references), references)[3]
    )


@settings(max_examples=200, deadline=None)
@given(candidates, written)
def test_the_best_by_lemurs_figure(candidates, references):
    found = best_blind_by_lemur(candidates, references)
    assert (found.tokens, found.score) == by_force(
        candidates, lambda caption: lemur_bleu([caption] * len(references), references)
    )


@settings(max_examples=200, deadline=None)
@given(candidates, written)
def test_the_bound_is_one(candidates, references):
    tables = ReferenceTables(references)
    for caption in map(tuple, candidates):
        exact = lemur_bleu([caption] * len(references), references)
        assert _lemur_mean(tables, caption) == pytest.approx(exact, abs=1e-12)
        assert _lemur_bounds(tables, [caption], len(caption))[0] >= exact - 1e-12


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 8), min_size=1, max_size=12), st.lists(st.lists(captions | st.just([])), min_size=1))
def test_the_tables_hold_every_images_counts(caption, references):
    references = [image or [[]] for image in references]
    tables = ReferenceTables(references)
    length = len(caption)
    assert tables.closest_lengths(length).tolist() == [closest_length(length, image) for image in references]
    matched = [clipped_matches(caption, image) for image in references]
    for n, slots in enumerate(tables.slots([caption], length), start=1):
        assert tables.matches(n, slots[:, 0]).tolist() == [counts[n - 1] for counts in matched]
        assert tables.image_counts[n - 1][slots].sum() == sum(counts[n - 1] for counts in matched)


def test_of_equals_the_first_given_wins():
    references = [[["a", "b", "c", "d"], ["d", "c", "b", "a"]]]
    for order in (["a b c d", "d c b a"], ["d c b a", "a b c d"]):
        assert best_blind_caption([text.split() for text in order], references).tokens == tuple(order[0].split())
        assert best_blind_by_lemur([text.split() for text in order], references).tokens == tuple(order[0].split())


def test_padding_is_no_token_for_lemur():
    references = [[[1, 5, 6, 7, 2, 0, 0], [0, 0, 0]], [[0, 0]]]
    found = best_blind_by_lemur([[1, 5, 6, 7, 2, 0], [1, 5, 2]], references)
    assert found.tokens == (1, 5, 6, 7, 2)
    assert found.score == 1.0


@pytest.mark.parametrize("search", [best_blind_caption, best_blind_by_lemur])
def test_without_candidates_there_is_none(search):
    with pytest.raises(ScoringError, match="training captions"):
        search([[]], [[[1]]])


def test_many_candidates_take_seconds():
    rng = np.random.default_rng(0)
    drawn = random.Random(0)
    frequency = 1 / np.arange(1, 2001)
    words = rng.choice(np.arange(1, 2001), size=700_000, p=frequency / frequency.sum()).tolist()
    texts = [words[start : start + drawn.randint(7, 16)] for start in range(0, 650_000, 13)]
    references = [texts[place : place + 5] for place in range(0, 1500, 5)]
    began = time.process_time()
    best_blind_caption(texts, references)
    best_blind_by_lemur(texts, references)
    assert time.process_time() - began < 10  # a second for these 50,000; brute force takes minutes
