"""The nouns of a report: runs, the networks in them, their epochs, attempts and replies, each with its row's id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from ab.gpt.candidate import Outcome

GATE_STAGES = ("extract", "parse", "check", "novelty", "smoke")


@dataclass(frozen=True)
class Epoch:
    """One trained epoch: the two figures with their intervals, and what it took."""

    row: str
    number: int
    lemur_bleu: float
    low: float | None = None
    high: float | None = None
    bleu4: float | None = None
    bleu4_low: float | None = None
    bleu4_high: float | None = None
    train_loss: float | None = None
    lr: float | None = None
    learn_seconds: float | None = None
    eval_seconds: float | None = None
    distinct: float | None = None
    cider_d: float | None = None
    rouge_l: float | None = None
    mean_length: float | None = None
    collapsed: bool = False
    """True where it does not beat the best blind caption beyond the interval."""


@dataclass(frozen=True)
class Attempt:
    """One reply at the gate: what was taken from it and what was found."""

    row: str
    number: int
    code: str
    extracted: list[str]
    fixes: list[str]
    stage: str
    findings: list[dict[str, Any]]
    smoke: dict[str, Any] | None
    counts: bool

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [finding for finding in self.findings if finding["severity"] == "error"]


@dataclass(frozen=True)
class Reply:
    """One question to a language model, and what it said."""

    row: str
    attempt: int
    prompt: list[list[str]]
    prompt_version: str
    left_out: list[str]
    text: str
    model: str
    finish: str
    prompt_tokens: int
    tokens: int
    seconds: float
    cost: float


@dataclass(frozen=True)
class Network:
    """One network, proposed or a baseline, and everything that is known of it."""

    row: str
    run: str
    id: int | str
    kind: str
    number: int
    prefix: str
    baseline: str
    mode: str = "code"
    model: str = ""
    n: int | None = None
    seed: int | None = None
    snippets: list[str] = field(default_factory=list)
    prompt_version: str = ""
    state: str = "done"
    outcome: str | None = None
    stage: str | None = None
    reason: str = ""
    evidence: str = ""
    name: str = ""
    code: str = ""
    hyper: dict[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    blueprint: dict[str, Any] | None = None
    uid: str | None = None
    collapsed: bool = False
    """As its best epoch is."""
    batch: int | None = None
    notes: list[str] = field(default_factory=list)
    log: str = ""
    peak_memory: int | None = None
    quality: float | None = None
    propose_seconds: float = 0.0
    gate_seconds: float = 0.0
    train_seconds: float = 0.0
    began: float | None = None
    ended: float | None = None
    epochs: tuple[Epoch, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    replies: tuple[Reply, ...] = ()

    @property
    def proposed(self) -> bool:
        return self.kind == "proposed"

    @property
    def has_ended(self) -> bool:
        """True where it counts: it has ended, and not by a fault of the machine."""
        return self.outcome is not None and self.outcome != Outcome.INFRASTRUCTURE.value

    @property
    def trained(self) -> bool:
        return self.outcome == Outcome.TRAINED.value

    @property
    def alive(self) -> bool:
        """Trained, and beyond the interval better than the best blind caption."""
        return self.trained and not self.collapsed

    @property
    def runs(self) -> bool:
        """Passed the gate: known to run."""
        return self.parameters is not None and self.stage not in GATE_STAGES

    @property
    def best(self) -> Epoch | None:
        """The epoch with the highest LEMUR figure of a network that has trained."""
        return max(self.epochs, key=lambda epoch: epoch.lemur_bleu, default=None) if self.trained else None

    @property
    def counted(self) -> Attempt | None:
        """The attempt whose code went on."""
        return next((attempt for attempt in self.attempts if attempt.counts), None)

    @property
    def repairs(self) -> int:
        return sum(reply.attempt > 0 for reply in self.replies)

    @property
    def tokens(self) -> int:
        return sum(reply.tokens for reply in self.replies)

    @property
    def prompt_tokens(self) -> int:
        return sum(reply.prompt_tokens for reply in self.replies)

    @property
    def cost(self) -> float:
        return sum(reply.cost for reply in self.replies)

    @property
    def seconds(self) -> float:
        """Of proposing, of the gate and of training."""
        return self.propose_seconds + self.gate_seconds + self.train_seconds

    @property
    def title(self) -> str:
        """What people call it: its short name, or its number where it has none."""
        if self.name:
            head, _, tail = self.name.rpartition("-")
            return f"{head}-{tail[:6]}" if head and len(tail) == 32 else self.name
        return f"{self.prefix} no. {self.number}"


@dataclass(frozen=True)
class Run:
    """A run as a whole: where it lies, and what was written down about it."""

    name: str
    about: dict[str, Any]
    file: Path | None = None


@dataclass(frozen=True)
class Facts:
    """Everything that a report is made from, as it was at one moment."""

    title: str
    runs: list[Run]
    networks: list[Network]
    blind: dict[str, Any] | None = None
    """The best blind caption by each figure, where it is known."""
    notes: list[str] = field(default_factory=list)
    """What a reader must know before any figure."""
    from_lemur: bool = False

    @property
    def proposed(self) -> list[Network]:
        return [network for network in self.networks if network.proposed]

    @property
    def ended(self) -> list[Network]:
        """The proposed ones that count: what is nobody's fault counts neither for nor against a model."""
        return [network for network in self.proposed if network.has_ended]

    @property
    def baselines(self) -> list[Network]:
        """The baselines that have trained."""
        return [network for network in self.networks if not network.proposed and network.best]

    @property
    def trained(self) -> list[Network]:
        """The proposed networks that have trained, best first."""
        return ranked(network for network in self.proposed if network.best)


def ranked(networks: Iterable[Network]) -> list[Network]:
    """Trained networks, best first."""
    scored = [(network.best.lemur_bleu, network) for network in networks if network.best]
    return [network for _, network in sorted(scored, key=lambda pair: -pair[0])]


def rows_of(things: Iterable[Network | Epoch]) -> str:
    """The ids of rows, short: `candidate:1-4,7`."""
    rows = [thing.row for thing in things]
    tables: dict[str, list[str]] = {}
    for row in rows:
        table, _, key = row.rpartition(":")
        tables.setdefault(table, []).append(key)
    return " ".join(f"{table}:{_ranges(keys)}" for table, keys in tables.items())


def _ranges(keys: list[str]) -> str:
    numbers = sorted({int(key) for key in keys if key.isdecimal()})
    parts = []
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        parts.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    return ",".join([*parts, *(key for key in keys if not key.isdecimal())])
