"""What came out of a run, counted: success by what was asked, where candidates fell, what a network cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ab.gpt.candidate import Outcome
from ab.gpt.ledger import Ledger
from ab.gpt.report.facts import Facts, Network, Run, ranked, rows_of
from ab.gpt.report.intervals import Share
from ab.gpt.report.reading import networks_of


@dataclass(frozen=True)
class Success:
    """A group of candidates: how many passed the gate, how many trained."""

    group: str
    proposed: int
    runs: Share
    """Passed the gate: known to run."""
    trained: Share
    alive: Share
    """Trained, and better than the best blind caption beyond the interval."""
    tokens: int
    seconds: float
    cost: float
    rows: str = ""
    """The ids of the candidates."""

    @property
    def tokens_each(self) -> float | None:
        """Tokens that were written for each network that runs."""
        return self.tokens / self.runs.count if self.runs.count else None

    @property
    def seconds_each(self) -> float | None:
        """Seconds of proposing and of the gate for each network that runs."""
        return self.seconds / self.runs.count if self.runs.count else None


@dataclass(frozen=True)
class Score:
    """The best epoch of one network, or of a family's best network."""

    name: str
    candidate: int | str
    lemur_bleu: float
    low: float | None
    high: float | None
    bleu4: float | None
    collapsed: bool


@dataclass(frozen=True)
class Tables:
    """Everything that is counted of a run."""

    outcomes: dict[str, int]
    overall: Success
    by: dict[str, list[Success]]
    """Success by snippets, model, mode, prompt, baseline and run."""
    falls: list[tuple[str, str, int]]
    """Where candidates fell: stage, outcome, how many."""
    baselines: list[Score]
    families: list[Score]
    """The best of each family."""
    unfinished: int

    def as_json(self) -> dict[str, Any]:
        """The tables as plain values."""

        def success(one: Success) -> dict[str, Any]:
            return {
                "group": one.group,
                "proposed": one.proposed,
                **{
                    name: {"count": share.count, "of": share.of, "low": share.low, "high": share.high}
                    for name, share in (("runs", one.runs), ("trained", one.trained), ("alive", one.alive))
                },
                "tokens": one.tokens,
                "seconds": one.seconds,
                "cost": one.cost,
                "rows": one.rows,
            }

        return {
            "outcomes": self.outcomes,
            "overall": success(self.overall),
            "by": {name: [success(one) for one in groups] for name, groups in self.by.items()},
            "falls": [list(fall) for fall in self.falls],
            "baselines": [vars(score) for score in self.baselines],
            "families": [vars(score) for score in self.families],
            "unfinished": self.unfinished,
        }


GROUPS: dict[str, Callable[[Network], str]] = {
    "snippets": lambda network: str(network.n),
    "model": lambda network: network.model,
    "mode": lambda network: network.mode,
    "prompt": lambda network: network.prompt_version,
    "baseline": lambda network: network.baseline,
    "run": lambda network: network.run,
}


def make_tables(ledger: Ledger) -> Tables:
    """The tables of a run as it is now."""
    networks, blind = networks_of(ledger.db, ledger.folder.name)
    return tables_of(Facts(ledger.folder.name, [Run(ledger.folder.name, {})], networks, blind))


def tables_of(facts: Facts) -> Tables:
    """The tables of what was read."""
    ended = facts.ended
    falls: dict[tuple[str, str], int] = {}
    for network in ended:
        if not network.trained:
            fall = network.stage or "", network.outcome or ""
            falls[fall] = falls.get(fall, 0) + 1
    return Tables(
        outcomes={
            outcome.value: count
            for outcome in Outcome
            if (count := sum(network.outcome == outcome.value for network in facts.proposed))
        },
        overall=success_of("all", ended),
        by={name: [success_of(*pair) for pair in grouped(ended, key).items()] for name, key in GROUPS.items()},
        falls=sorted(((stage, outcome, count) for (stage, outcome), count in falls.items()), key=lambda f: -f[2]),
        baselines=[_score(network) for network in facts.baselines],
        families=[_score(network) for network in best_of_each(facts)],
        unfinished=sum(network.state in ("open", "gated") for network in facts.proposed),
    )


def grouped(networks: list[Network], key: Callable[[Network], str]) -> dict[str, list[Network]]:
    """The networks by a group's name; numbers in the order of numbers."""
    groups: dict[str, list[Network]] = {}
    for network in networks:
        groups.setdefault(key(network), []).append(network)
    return dict(sorted(groups.items(), key=lambda pair: (int(pair[0]) if pair[0].isdecimal() else -1, pair[0])))


def success_of(group: str, networks: list[Network]) -> Success:
    """How a group of candidates that have ended has fared."""
    of = len(networks)
    return Success(
        group,
        of,
        Share(sum(network.runs for network in networks), of),
        Share(sum(network.trained for network in networks), of),
        Share(sum(network.alive for network in networks), of),
        sum(network.tokens for network in networks),
        sum(network.propose_seconds + network.gate_seconds for network in networks),
        sum(network.cost for network in networks),
        rows_of(networks),
    )


def best_of_each(facts: Facts) -> list[Network]:
    """The best network of each family, best first."""
    bests: dict[str, Network] = {}
    for network in facts.trained:
        bests.setdefault(network.prefix, network)
    return ranked(bests.values())


def _score(network: Network) -> Score:
    best = network.best
    assert best is not None
    return Score(
        network.name or network.prefix,
        network.id,
        best.lemur_bleu,
        best.low,
        best.high,
        best.bleu4,
        network.collapsed,
    )
