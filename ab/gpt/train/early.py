"""Trials that cannot win, stopped early: a median rule or successive halving, and what was saved by it.

A trial that is stopped is `trained`, with fewer epochs and the reason; its epochs are true and are recorded. What it
would have reached is not known, so the report says how close the calls were instead of guessing.
"""

from __future__ import annotations

import itertools
import statistics
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ab.gpt.train.judge import EpochScore

WARM_UP = 4
"""Trials that must have come as far before any is stopped: a median of fewer says nothing."""
KEPT_SHARE = 2
"""Halving lets one in so many go on."""


@dataclass(frozen=True)
class Stopped:
    """One trial that was stopped: where, at what score, and the bar that it did not reach."""

    name: str
    epoch: int
    epochs: int
    score: float
    bar: float
    close: bool
    """The bar lies within the score's 95% interval: it may have been a mistake."""
    seconds_saved: float

    @property
    def epochs_saved(self) -> int:
        """The epochs that were asked for and not trained."""
        return self.epochs - self.epoch


class EarlyStop:
    """Decides for all trials of a pool, which run at once; `rule` is `none`, `median` or `halving`."""

    def __init__(self, rule: str, warm_up: int = WARM_UP) -> None:
        self.rule = rule
        self.warm_up = warm_up
        self.stopped: list[Stopped] = []
        self._best: dict[int, list[float]] = {}
        self._lock = threading.Lock()

    def seen(self, scores: Sequence[float]) -> None:
        """Takes in a trial of an earlier process, by its score after each epoch."""
        with self._lock:
            for epoch, best in enumerate(itertools.accumulate(scores, max), start=1):
                self._best.setdefault(epoch, []).append(best)

    def patience(self, name: str, epochs: int) -> Callable[[EpochScore], str]:
        """What a trial asks after each epoch: why it should end, or an empty text."""
        scores: list[float] = []

        def ask(score: EpochScore) -> str:
            with self._lock:
                if score.number <= len(scores):  # the training began anew: what the lost attempt said counts nowhere
                    for epoch, best in enumerate(itertools.accumulate(scores, max), start=1):
                        self._best[epoch].remove(best)
                    scores.clear()
                scores.append(score.lemur_bleu)
                earlier = self._best.setdefault(score.number, [])
                bar = self._bar(score.number, earlier)
                earlier.append(max(scores))
                if bar is None or max(scores) >= bar:
                    return ""
                interval = score.scores.intervals["lemur_bleu"]
                left = (epochs - score.number) * (score.learn_seconds + score.eval_seconds)
                self.stopped.append(Stopped(name, score.number, epochs, max(scores), bar, interval.high >= bar, left))
            return f"its best {max(scores):.4f} is below {bar:.4f}, the {self.rule} rule's bar after this epoch"

        return ask

    def _bar(self, epoch: int, earlier: list[float]) -> float | None:
        """The score that a trial must have at this epoch, by the trials that were there before it."""
        if self.rule == "none" or len(earlier) < self.warm_up:
            return None
        if self.rule == "median":
            return statistics.median(earlier)
        if epoch & (epoch - 1):  # halving looks after epochs 1, 2, 4, 8, …
            return None
        return sorted(earlier, reverse=True)[max(0, len(earlier) // KEPT_SHARE - 1)]

    def report(self) -> list[str]:
        """What was saved and what may have been lost, in sentences; nothing where nothing was stopped."""
        if not self.stopped:
            return []
        epochs = sum(one.epochs_saved for one in self.stopped)
        seconds = sum(one.seconds_saved for one in self.stopped)
        close = [one for one in self.stopped if one.close]
        said = [
            f"{len(self.stopped)} trainings stopped early ({self.rule}): {epochs} epochs, about {seconds:.0f} s saved"
        ]
        if close:
            names = ", ".join(f"{one.name} ({one.score:.4f}, bar {one.bar:.4f})" for one in close[:3])
            said.append(f"{len(close)} of them might have been lost, the bar lies within their 95% interval: {names}")
        return said
