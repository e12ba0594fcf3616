"""The arms of a study compared: success by exact tests, BLEU on the same images, corrected, and said in plain words."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

from ab.gpt.report.facts import Facts, Network, rows_of
from ab.gpt.report.intervals import Share
from ab.gpt.report.statistics.fisher import fisher_exact
from ab.gpt.report.statistics.holm import holm
from ab.gpt.report.statistics.paired import Difference, paired_bootstrap
from ab.gpt.report.statistics.permutation import Gap, permutation_test
from ab.gpt.report.study.study import Study, Value
from ab.gpt.report.summary import SIGNIFICANT, Said
from ab.gpt.report.table import NOTHING, Cell, Column, Table

ScoresOf = Callable[[Network], list[float] | None]
"""LEMUR's score of a network's best epoch on each image; None where it cannot be computed any more."""

_SHARES = (("runs", "run"), ("trained", "trained"), ("alive", "beat the blind caption"))
_AXIS = {"snippets": "snippets", "llm": "model", "mode": "mode", "baseline": "baseline", "seed": "seed"}


@dataclass(frozen=True)
class Group:
    """All candidates with one value of an axis, whatever else was varied."""

    value: Value
    networks: list[Network]

    def share(self, what: str) -> Share:
        """How many of those that ended run, trained, or beat the blind caption."""
        return Share(sum(getattr(network, what) for network in self.networks), len(self.networks))

    @property
    def scores(self) -> list[float]:
        """LEMUR's BLEU of the best epoch of each network that was trained."""
        return [network.best.lemur_bleu for network in self.networks if network.best]

    @property
    def best(self) -> Network | None:
        scored = [(network.best.lemur_bleu, network) for network in self.networks if network.best]
        return max(scored, key=lambda pair: pair[0])[1] if scored else None


@dataclass(frozen=True)
class Comparison:
    """One question about two groups, its answer, and how sure it is."""

    axis: str
    first: Group
    second: Group
    what: str
    p: float
    counts: tuple[Share, Share] | None = None
    difference: Difference | None = None
    """Of the two best networks, over the images that both were scored on."""
    means: Gap | None = None
    """Of all trained networks, over the networks."""
    corrected: float = 1.0

    @property
    def shown(self) -> bool:
        """True where the difference holds after the correction for all comparisons of the study."""
        return self.corrected < SIGNIFICANT

    @property
    def rows(self) -> str:
        """The rows that it stands on."""
        if self.counts or self.means:
            return rows_of([*self.first.networks, *self.second.networks])
        bests = [network.best for network in (self.first.best, self.second.best) if network]
        return rows_of([epoch for epoch in bests if epoch])

    def sentence(self, of: int) -> str:
        """The finding in plain words."""
        name = f"{_AXIS[self.axis]} {self.first.value} against {self.second.value}"
        many = f" after Holm's correction for {of} comparisons" if of > 1 else ""
        if self.counts:
            one, other = self.counts
            said = f"{one.count} of {one.of} ({one}) against {other.count} of {other.of} ({other}) {self.what}"
            test = f"Fisher's exact test, p = {self.corrected:.2g}{many}"
            verdict = _verdict(self.shown, one.mean > other.mean, self.first.value, self.second.value, "more often")
            return f"By {name}: {said}; {verdict} ({test})."
        if self.means:
            said = (
                f"{len(self.first.scores)} trained networks score {self.means.first:.4f} on average against"
                f" {self.means.second:.4f} of {len(self.second.scores)} in LEMUR's BLEU"
            )
            test = f"permutation test over the networks, p = {self.corrected:.2g}{many}"
            verdict = _verdict(self.shown, self.means.mean > 0, self.first.value, self.second.value, "better")
            return f"By {name}: {said}; {verdict} ({test})."
        gap = self.difference
        assert gap is not None
        said = f"the best networks differ by {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}] in LEMUR's BLEU"
        test = f"paired bootstrap over the same {gap.images} images, p = {self.corrected:.2g}{many}"
        better = self.first.value if gap.mean > 0 else self.second.value
        verdict = f"of these two networks that of {better} is better" if self.shown else "no difference shown"
        return f"By {name}: {said}; {verdict} ({test})."


def _verdict(shown: bool, first: bool, one: Value, other: Value, how: str) -> str:
    return f"{one if first else other} does {how}" if shown else "no difference shown"


def compare(study: Study, facts: Facts, scores_of: ScoresOf) -> list[Comparison]:
    """Each pair of values of each varied axis, by success and by what their networks score: all, and the best two."""
    arms = {arm.name: arm for arm in study.arms}
    found: list[Comparison] = []
    for axis in study.varied:
        groups = [
            Group(value, [n for n in facts.ended if n.run in arms and arms[n.run].at[axis] == value])
            for value in study.grid[axis]
        ]
        for first, second in itertools.combinations(groups, 2):
            found += _of_pair(axis, first, second, scores_of)
    corrected = holm([one.p for one in found])
    return [replace(one, corrected=p) for one, p in zip(found, corrected, strict=True)]


def _of_pair(axis: str, first: Group, second: Group, scores_of: ScoresOf) -> list[Comparison]:
    found = []
    for field, what in _SHARES:
        one, other = first.share(field), second.share(field)
        if one.of and other.of:
            p = fisher_exact(one.count, one.of, other.count, other.of)
            found.append(Comparison(axis, first, second, what, p, counts=(one, other)))
    if first.scores and second.scores:
        means = permutation_test(first.scores, second.scores)
        found.append(Comparison(axis, first, second, "LEMUR BLEU of all trained", means.p, means=means))
    bests = (first.best, second.best)
    if bests[0] and bests[1]:
        mine, theirs = scores_of(bests[0]), scores_of(bests[1])
        if mine and theirs and len(mine) == len(theirs):
            gap = paired_bootstrap(mine, theirs)
            found.append(Comparison(axis, first, second, "best LEMUR BLEU", gap.p, difference=gap))
    return found


def sentences_of(study: Study, comparisons: list[Comparison]) -> list[Said]:
    """The findings, those that hold first."""
    said = [Said(study.question)] if study.question else []
    if not study.varied:
        return [*said, Said("The study varies nothing but seeds: there is nothing to compare.")]
    if not comparisons:
        return [*said, Said("There is nothing to compare yet.")]
    order = sorted(comparisons, key=lambda one: not one.shown)
    said += [Said(one.sentence(len(comparisons)), one.rows) for one in order]
    if not any(one.shown for one in comparisons):
        said.append(Said("No difference was shown. That is not the same as that there is none: the runs are few."))
    return said


def arms_table(study: Study, facts: Facts) -> Table:
    """How each arm fared."""
    told = [axis for axis, values in study.grid.items() if len(values) > 1]
    columns = [Column("Arm", True), *(Column(_AXIS[axis].capitalize(), True) for axis in told), Column("Ended")]
    columns += [Column("Run"), Column("Trained"), Column("Beat the blind caption"), Column("Best LEMUR BLEU")]
    table = Table("arms", "The arms of the study", columns, note="Shares with 95% intervals after Wilson.")
    for arm in study.arms:
        group = Group(arm.name, [network for network in facts.ended if network.run == arm.name])
        rows, best = rows_of(group.networks), group.best.best if group.best else None
        shares = [group.share(field) for field, _ in _SHARES]
        table.rows.append([
            Cell(arm.name), *(Cell(str(arm.at[axis]), arm.at[axis]) for axis in told),
            Cell(str(len(group.networks)), len(group.networks), rows),
            *(Cell(f"{s.count} · {s}" if s.of else NOTHING, s.mean if s.of else "", rows) for s in shares),
            Cell(f"{best.lemur_bleu:.4f}", best.lemur_bleu, best.row) if best else Cell(NOTHING, ""),
        ])  # fmt: skip
    return table


def comparisons_table(comparisons: list[Comparison]) -> Table:
    """Every comparison with its p-values."""
    names = ("Axis", "First", "Second", "Of", "First result", "Second result")
    columns = [*(Column(name, True) for name in names), Column("p"), Column("p, corrected"), Column("Finding", True)]
    note = (
        "Fisher's exact test for shares, a permutation of the networks for the BLEU of all, a paired bootstrap over"
        " images for the two best, whose finding is of these two alone; corrected after Holm."
    )
    table = Table("comparisons", "All comparisons of the study", columns, note=note)
    for one in comparisons:
        if one.counts:
            results = [Cell(f"{share.count} of {share.of}, {share}", share.mean, one.rows) for share in one.counts]
        elif one.means:
            both = ((one.first, one.means.first), (one.second, one.means.second))
            results = [Cell(f"{mean:.4f} (of {len(group.scores)})", mean, one.rows) for group, mean in both]
        else:
            bests = [group.best.best if group.best else None for group in (one.first, one.second)]
            results = [Cell(f"{b.lemur_bleu:.4f}", b.lemur_bleu, b.row) if b else Cell(NOTHING, "") for b in bests]
        table.rows.append([
            Cell(_AXIS[one.axis]), Cell(str(one.first.value)), Cell(str(one.second.value)), Cell(one.what), *results,
            Cell(f"{one.p:.2g}", one.p), Cell(f"{one.corrected:.2g}", one.corrected),
            Cell("a difference" if one.shown else "no difference shown"),
        ])  # fmt: skip
    return table
