"""Tests of significance against values known from elsewhere, and sentences that claim no more than they may."""

from __future__ import annotations

import math
import random

import pytest

from ab.gpt.report.intervals import Share
from ab.gpt.report.statistics.fisher import fisher_exact
from ab.gpt.report.statistics.holm import holm
from ab.gpt.report.statistics.paired import paired_bootstrap
from ab.gpt.report.statistics.permutation import permutation_test


@pytest.mark.parametrize(
    ("table", "p"),
    [
        # scipy.stats.fisher_exact([[a, n - a], [b, m - b]])[1], scipy 1.17.1
        ((8, 10, 1, 6), 0.034965034965034965),
        ((4, 5, 3, 5), 1.0),  # the papers' 4 of 5 against 3 of 5
        ((40, 50, 30, 50), 0.04858163161294097),
        ((0, 12, 9, 9), 3.4021705848331236e-06),
        ((7, 7, 7, 7), 1.0),
        ((3, 17, 10, 21), 0.08626284794249199),
    ],
)
def test_fishers_exact_test(table, p):
    assert fisher_exact(*table) == pytest.approx(p, rel=1e-9)
    success, of, other, other_of = table
    assert fisher_exact(other, other_of, success, of) == pytest.approx(p, rel=1e-9)


def test_fisher_of_nothing():
    assert fisher_exact(0, 0, 3, 5) == 1.0


def test_holm():
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []


def test_wilson():
    # Wilson's interval for 4 of 5 and 0 of 10: scipy.stats.binomtest(…).proportion_ci(method="wilson")
    assert (Share(4, 5).low, Share(4, 5).high) == pytest.approx((0.3755343, 0.9637758), abs=1e-6)
    assert (Share(0, 10).low, Share(0, 10).high) == pytest.approx((0.0, 0.2775328), abs=1e-6)


def test_paired_bootstrap_sees_what_is_the_same_on_every_image():
    first = [0.1 + 0.01 * (image % 7) for image in range(200)]
    better = paired_bootstrap([score + 0.02 for score in first], first)
    assert better.mean == pytest.approx(0.02) and better.low == pytest.approx(0.02) and better.p < 0.001
    same = paired_bootstrap(first, first)
    assert (same.mean, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)


def test_paired_bootstrap_has_the_width_of_the_normal_interval():
    """With many images the interval is the mean plus and minus 1.96 standard errors of the differences."""
    gaps = [((image * 37) % 101 - 50) / 100 for image in range(404)]
    found = paired_bootstrap(gaps, [0.0] * len(gaps), seed=3)
    mean = sum(gaps) / len(gaps)
    error = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5 / len(gaps) ** 0.5
    assert found.low == pytest.approx(mean - 1.96 * error, abs=0.1 * error)
    assert found.high == pytest.approx(mean + 1.96 * error, abs=0.1 * error)
    assert found == paired_bootstrap(gaps, [0.0] * len(gaps), seed=3)
    assert found.p > 0.05


def test_scores_of_different_images_are_not_compared():
    with pytest.raises(ValueError):
        paired_bootstrap([1.0], [1.0, 2.0])


def test_a_permutation_finds_what_is_there_and_seldom_what_is_not():
    apart = permutation_test([0.3, 0.31, 0.32, 0.33, 0.34], [0.1, 0.11, 0.12, 0.13, 0.14])
    assert apart.mean == pytest.approx(0.2) and apart.p == pytest.approx(2 / math.comb(10, 5), rel=0.3)
    assert permutation_test([0.2, 0.2], [0.2, 0.2, 0.2]).p == 1
    assert permutation_test([0.5], [0.1]).p == 1  # two networks can be divided in two ways, which look the same
    dice = random.Random(3)
    false = 0
    for _ in range(200):
        first, second = ([dice.gauss(0.15, 0.02) for _ in range(count)] for count in (10, 4))
        false += permutation_test(first, second, resamples=500).p < 0.05
    assert false <= 20  # ten are to be expected
    with pytest.raises(ValueError, match="without networks"):
        permutation_test([], [0.1])
