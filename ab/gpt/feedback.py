"""What earlier candidates of a run have taught: what failed lately and why, and the best so far."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from ab.gpt.candidate import Outcome
from ab.gpt.gate.check.changes import structural_changes
from ab.gpt.gate.check.code import Code
from ab.gpt.gate.contract import Contract
from ab.gpt.ledger import Ledger

LATELY = 20
MOST_KINDS = 4
MOST_CHANGES = 6


@dataclass(frozen=True)
class Failure:
    """One kind of failure, how often it came lately, and the latest sentence about it."""

    code: str
    times: int
    sentence: str
    advice: str


@dataclass(frozen=True)
class Best:
    """The best network so far on a baseline, against it, and what it changed."""

    name: str
    lemur_bleu: float
    baseline_bleu: float | None
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Feedback:
    """What a proposer is told of the run so far."""

    failures: tuple[Failure, ...] = ()
    best: Best | None = None

    def __bool__(self) -> bool:
        return bool(self.failures) or self.best is not None


def make_feedback(ledger: Ledger, baseline: str, baseline_code: str, contract: Contract) -> Feedback:
    """The feedback on what has ended by now, for a proposal on this baseline."""
    return Feedback(_failures(ledger), _best(ledger, baseline, baseline_code, contract))


def _failures(ledger: Ledger) -> tuple[Failure, ...]:
    """The most frequent errors among the latest candidates: each counts once a candidate, repaired ones too."""
    latest = ledger.rows(
        "SELECT a.candidate, a.findings FROM attempt a JOIN"
        " (SELECT id FROM candidate WHERE kind = 'proposed' ORDER BY id DESC LIMIT ?) c ON c.id = a.candidate"
        " ORDER BY a.id",
        LATELY,
    )
    seen: set[tuple[int, str]] = set()
    times: Counter[str] = Counter()
    words: dict[str, tuple[str, str]] = {}
    for row in latest:
        for finding in json.loads(row["findings"]):
            code = finding["code"]
            if finding["severity"] == "error" and (row["candidate"], code) not in seen:
                seen.add((row["candidate"], code))
                times[code] += 1
                words[code] = finding["sentence"], finding["advice"]
    trained = ledger.rows(
        "SELECT outcome, reason FROM candidate WHERE kind = 'proposed' AND outcome IN (?, ?, ?, ?)"
        " ORDER BY id DESC LIMIT ?",
        *(o.value for o in (Outcome.TRAIN_ERROR, Outcome.DIVERGED, Outcome.TIMEOUT, Outcome.BELOW_MINIMUM)),
        LATELY,
    )
    for row in reversed(trained):
        times[row["outcome"]] += 1
        words[row["outcome"]] = row["reason"], ""
    return tuple(Failure(code, count, *words[code]) for code, count in times.most_common(MOST_KINDS))


def _best(ledger: Ledger, baseline: str, baseline_code: str, contract: Contract) -> Best | None:
    scored = [row for row in ledger.candidates("outcome = ?", Outcome.TRAINED.value) if row["lemur_bleu"] is not None]
    on_baseline = [row for row in scored if row["kind"] == "proposed" and row["baseline"] == baseline]
    if not on_baseline:
        return None
    best = max(on_baseline, key=lambda row: float(row["lemur_bleu"]))
    theirs = [row["lemur_bleu"] for row in scored if row["kind"] == "baseline" and row["name"] == baseline]
    before, after = Code.parse(baseline_code, contract), Code.parse(best["code"], contract)
    changes = structural_changes(before, after) if isinstance(before, Code) and isinstance(after, Code) else []
    return Best(best["name"], best["lemur_bleu"], max(theirs, default=None), tuple(changes[:MOST_CHANGES]))
