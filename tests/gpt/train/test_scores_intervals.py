"""Intervals are repeatable, cover what they should, and compare figures image by image."""

from __future__ import annotations

import numpy as np
import pytest

from ab.gpt.train.scores import (
    Resamples,
    ScoringError,
    Statistic,
    bleu_counts,
    bleu_from,
    corpus_bleu,
    interval,
    lemur_mean_of,
    mean_of,
    paired_difference,
)


def some_captions(images, rate, seed):
    """Hypotheses that have each word of their reference with this probability."""
    rng = np.random.default_rng(seed)
    references = rng.integers(0, 50, (images, 10)).tolist()
    kept = rng.random((images, 10)) < rate
    said = [[w if k else 99 for w, k in zip(*pair, strict=True)] for pair in zip(references, kept, strict=True)]
    return said, [[reference] for reference in references]


def test_the_same_seed_gives_the_same_interval():
    counts = bleu_counts(*some_captions(80, 0.8, 1))
    assert interval(bleu_from(counts), seed=3) == interval(bleu_from(counts), seed=3)
    assert interval(bleu_from(counts), seed=3) != interval(bleu_from(counts), seed=4)


def test_more_resamples_than_are_held_at_once_are_the_same_draws():
    scores = np.arange(20.0)
    drawn = [Resamples(20, seed=5, resamples=number) for number in (100, 250)]
    assert np.array_equal(drawn[0]._figures(mean_of(scores)), drawn[1]._figures(mean_of(scores))[:100])


def test_a_mean_is_covered_about_as_often_as_promised():
    rng = np.random.default_rng(7)
    covered = 0
    for trial in range(300):
        found = interval(mean_of(rng.normal(3.0, 2.0, 100)), seed=trial, resamples=400)
        covered += found.low <= 3.0 <= found.high
    assert 0.90 <= covered / 300 <= 0.985


def test_the_interval_of_a_mean_is_as_wide_as_theory_says():
    found = interval(mean_of(np.random.default_rng(2).normal(0, 1, 2000)), resamples=2000)
    assert found.high - found.low == pytest.approx(2 * 1.96 / 2000**0.5, rel=0.1)


def test_bleu_of_a_resample_is_the_bleu_of_its_images():
    said, references = some_captions(12, 0.9, 3)
    statistic = bleu_from(bleu_counts(said, references), 3)
    draws = Resamples(12, seed=9, resamples=5)
    for drawn, figure in zip(draws._drawn, draws._figures(statistic), strict=True):
        images = np.repeat(np.arange(12), drawn)
        assert figure == pytest.approx(corpus_bleu([said[i] for i in images], [references[i] for i in images])[2])


def test_a_resample_draws_as_many_images_as_there_are():
    drawn = Resamples(30, resamples=50)._drawn
    assert (drawn.sum(axis=1) == 30).all()
    assert len({tuple(draw) for draw in drawn.tolist()}) == 50


def test_lemurs_mean_leaves_images_out():
    found = interval(lemur_mean_of([0.5, None] * 20))
    assert (found.low, found.mean, found.high) == (0.5, 0.5, 0.5)


def test_a_figure_does_not_differ_from_itself():
    statistic = bleu_from(bleu_counts(*some_captions(40, 0.8, 4)))
    found = paired_difference(statistic, statistic)
    assert (found.low, found.mean, found.high) == (0, 0, 0)


def test_pairing_finds_a_small_difference_that_separate_intervals_hide():
    rng = np.random.default_rng(11)
    hard = rng.normal(0, 1, 200)
    better, worse = mean_of(hard + 0.1 + rng.normal(0, 0.05, 200)), mean_of(hard)
    assert interval(better).low < interval(worse).high
    assert paired_difference(better, worse).low > 0
    assert paired_difference(worse, better).high < 0


def test_figures_of_different_images_are_not_compared():
    with pytest.raises(ScoringError, match="same images"):
        paired_difference(mean_of([1.0, 2.0]), mean_of([1.0]))
    with pytest.raises(ScoringError, match="at least one"):
        interval(Statistic(0.0, np.zeros((0, 2)), lambda sums: sums[:, 0]))
