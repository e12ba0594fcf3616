"""What the best networks have in common: the share of each ingredient among the best and among the worst."""

from __future__ import annotations

from dataclasses import dataclass

from ab.gpt.report.facts import Facts, Network, rows_of
from ab.gpt.report.inside import inside_of
from ab.gpt.report.intervals import Share

LEAST = 8
"""Fewer trained networks than this say nothing about what is good."""


@dataclass(frozen=True)
class Ingredient:
    """One ingredient, and how many of the best and of the worst have it."""

    name: str
    best: Share
    worst: Share
    best_rows: str
    worst_rows: str

    @property
    def differs(self) -> bool:
        """True where the intervals do not touch. A hint and no proof: many ingredients are looked at."""
        return self.best.low > self.worst.high or self.worst.low > self.best.high


@dataclass(frozen=True)
class Common:
    """The best and the worst quarter of the trained networks, ingredient by ingredient."""

    best: list[Network]
    worst: list[Network]
    ingredients: list[Ingredient]


def common_of(facts: Facts) -> Common | None:
    """The ingredients, those with the largest difference first; None where too few networks have trained."""
    trained = facts.trained
    if len(trained) < LEAST:
        return None
    quarter = max(4, len(trained) // 4)
    best, worst = trained[:quarter], trained[-quarter:]
    have = {network.row: inside_of(network).ingredients for network in (*best, *worst)}
    names = sorted({name for network in (*best, *worst) for name in have[network.row]})

    def one(name: str) -> Ingredient:
        good, bad = ([n for n in some if name in have[n.row]] for some in (best, worst))
        return Ingredient(name, Share(len(good), quarter), Share(len(bad), quarter), rows_of(good), rows_of(bad))

    every = [one(name) for name in names]
    # What all have, or all lack, tells nobody apart.
    telling = [one for one in every if not one.best.count == one.worst.count == quarter]
    return Common(best, worst, sorted(telling, key=lambda one: (one.worst.mean - one.best.mean, one.name)))
