"""Trials that cannot win are stopped by a rule, and what was saved and may have been lost is said."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from ab.gpt.candidate import Outcome
from ab.gpt.train.early import EarlyStop
from ab.gpt.train.settings import Settings
from ab.gpt.train.trainer import train
from tests.gpt.train.conftest import QUICK
from tests.gpt.train.nets import net


def epoch(number: int, score: float, high: float | None = None):
    interval = SimpleNamespace(low=score, high=score if high is None else high)
    scores = SimpleNamespace(intervals={"lemur_bleu": interval})
    return SimpleNamespace(number=number, lemur_bleu=score, scores=scores, learn_seconds=9.0, eval_seconds=1.0)


def ran(early: EarlyStop, name: str, *scores: float) -> str:
    ask = early.patience(name, 5)
    return next((why for number, score in enumerate(scores, start=1) if (why := ask(epoch(number, score)))), "")


@pytest.mark.parametrize(("rule", "stops"), [("none", False), ("median", True), ("halving", True)])
def test_the_weak_are_stopped_once_there_are_others(rule, stops):
    early = EarlyStop(rule, warm_up=3)
    assert not any(ran(early, f"first {score}", score) for score in (0.01, 0.2, 0.3))
    assert bool(ran(early, "weak", 0.02)) is stops
    assert not ran(early, "strong", 0.4)


def test_the_best_so_far_counts_and_halving_looks_at_its_rungs_only():
    early = EarlyStop("median", warm_up=2)
    assert not ran(early, "a", 0.1, 0.2) and not ran(early, "b", 0.1, 0.3)
    assert not ran(early, "fell", 0.5, 0.05)
    assert ran(early, "slow", 0.1, 0.11).startswith("its best 0.1100 is below 0.3000")
    halving = EarlyStop("halving", warm_up=1)
    assert not ran(halving, "a", 0.1, 0.2, 0.3)
    assert not ran(halving, "b", 0.1, 0.2, 0.1)
    assert ran(halving, "c", 0.1, 0.1)


def test_what_a_lost_attempt_said_counts_nowhere():
    early = EarlyStop("median", warm_up=1)
    ask = early.patience("lost", 5)
    for number, score in enumerate((0.1, 0.9), start=1):
        assert not ask(epoch(number, score))
    assert not ask(epoch(1, 0.2))  # the machine lost it, and it begins anew
    assert not ran(early, "other", 0.25)
    assert ran(early, "weak", 0.19)


def test_trials_of_an_earlier_process_count():
    early = EarlyStop("median", warm_up=2)
    for scores in ([0.1, 0.3, 0.2], [0.2, 0.2, 0.4]):
        early.seen(scores)
    assert ran(early, "late", 0.18, 0.2).startswith("its best 0.2000 is below 0.2500")


def test_what_was_saved_and_what_may_be_lost_is_said():
    early = EarlyStop("median", warm_up=1)
    assert early.report() == []
    ran(early, "good", 0.3)
    assert early.patience("far", 5)(epoch(1, 0.1, high=0.2))
    assert early.patience("near", 5)(epoch(1, 0.15, high=0.5))
    [saved, lost] = early.report()
    assert "2 trainings" in saved and "8 epochs, about 80 s" in saved
    assert "1 of them" in lost and "near (0.1500" in lost and "far" not in lost


def test_a_stopped_training_is_trained_with_its_true_epochs(ground, warm):
    settings = Settings(**{**vars(QUICK), "epochs": 3})
    trained = train(*ground, "Net", net(), settings, warm=warm, patience=lambda score: f"seen {score.number}")
    assert trained.ending.outcome is Outcome.TRAINED and len(trained.epochs) == 1
    assert trained.ending.reason == "1 of 3 epochs, stopped early: seen 1"
    assert trained.seconds > trained.epochs[0].learn_seconds > 0 and trained.peak_memory > 0


def test_speeds_that_are_asked_for_learn_the_same(ground, warm):
    """Over many steps: what half precision were to keep of the weights of the first would show in the losses."""
    settings = replace(QUICK, epochs=2, batch=4, lr=5e-3)
    speeds = frozenset({"bf16", "channels-last", "fused"})
    usual, fast = (
        train(*ground, "Net", net(), replace(settings, speed=one), warm=warm) for one in (frozenset(), speeds)
    )
    assert fast.ending.outcome is Outcome.TRAINED, fast
    first, last = (epoch.train_loss for epoch in usual.epochs)
    assert last < 0.9 * first
    assert [epoch.train_loss for epoch in fast.epochs] == pytest.approx([first, last], rel=0.03)
