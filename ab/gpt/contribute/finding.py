"""What `verify` can find in a clone of LEMUR: every rule with its advice, and how much weight it has.

An error stops LEMUR's import, makes a row that is wrong or cannot be repeated, or is what pull requests were reverted
for. A note is what LEMUR itself ships and lives with, or what only a reader can judge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from ab.gpt.candidate import plain
from ab.gpt.gate.finding import Severity

MOST_ALIKE = 20
"""Findings of one kind in one file that are told one by one; the rest is counted."""


class Rule(NamedTuple):
    """What to do about a kind of finding, and how much weight it has."""

    advice: str
    severity: Severity = Severity.ERROR


RULES: dict[str, Rule] = {
    # models
    "M001": Rule("Use letters, digits and '-': LEMUR splits the names of statistics at '_'."),
    "M002": Rule("Save it as UTF-8 text that Python can read."),
    "M003": Rule("Rename the file and its statistics, or restore the code that was trained."),
    "M004": Rule("See LEMUR's rules for a contribution: class Net, its methods and supported_hyperparameters."),
    "M005": Rule("Add its statistics under ab/nn/stat/train, or take the model out."),
    "M006": Rule("Rename one: on a file system that ignores case only one of them survives."),
    # folders of statistics
    "S001": Rule("Name the folder <task>_<dataset>_<metric>_<model>: LEMUR's import stops at any other."),
    "S002": Rule("Add the model, or take its statistics out: LEMUR's import stops here."),
    "S003": Rule("Add the metric under ab/nn/metric, or mend the folder's name."),
    "S004": Rule("Take it away: LEMUR's import takes everything in the folder for an epoch and stops here."),
    "S005": Rule("Add the missing epochs: statistics count from 1 to the last without a gap."),
    "S006": Rule("Add its epochs, or take the folder away."),
    "S007": Rule("Nothing to do where LEMUR made it so: all trials were below the minimum.", Severity.NOTE),
    "S008": Rule("Keep one of them, unless the model was meant to be measured in both ways.", Severity.NOTE),
    # trials
    "T001": Rule("Restore the file, or make it anew by training."),
    "T002": Rule("Every trial of LEMUR's has it; train again rather than fill it in."),
    "T003": Rule("LEMUR's own files show each value's type."),
    "T004": Rule("Train again, or restore the value from the log of the training."),
    "T005": Rule("LEMUR asks for hyper-parameters between 0 and 1.", Severity.NOTE),
    "T006": Rule("Add it under ab/nn/transform, or mend the name: LEMUR's import stops here."),
    "T007": Rule("Put the hyper-parameters back that were trained, or the uid that belongs to them."),
    "T008": Rule("Nothing to do: LEMUR hashes them in any order, and these are too many to try.", Severity.NOTE),
    "T009": Rule("Add the trial's earlier epochs, or take its later ones out."),
    "T010": Rule("Take one of them out: LEMUR's import stops at the second."),
    "T011": Rule("Without it the training cannot be repeated; record it, or mend supported_hyperparameters."),
    "T012": Rule("The time is counted from the start of the training, so it grows from epoch to epoch."),
    # the database
    "D001": Rule("Mend what stops the import; the other findings may say what it is."),
    "D002": Rule("See whether the statistics are what was trained."),
    # the base
    "B001": Rule("Merge the base into the branch, or make the branch anew on the base, and solve it there."),
    "B002": Rule("Restore it: git checkout BASE -- FILE"),
    "B003": Rule("Other code is another network: give it a name of its own and restore this one."),
    "B004": Rule("Restore the trials, and add the new ones to them."),
    "B005": Rule("Look at it: it is no model and no statistics of one.", Severity.NOTE),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was found: where (line 0 where no line is meant), what is wrong, and what to do."""

    code: str
    file: str
    line: int
    sentence: str
    advice: str = ""
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        for name in ("file", "sentence", "advice"):
            object.__setattr__(self, name, plain(getattr(self, name)))

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.code} {self.sentence}" + (f" {self.advice}" if self.advice else "")

    def as_json(self) -> dict[str, Any]:
        """The finding as plain values."""
        return {**asdict(self), "severity": self.severity.value}


def found(code: str, file: str, sentence: str, line: int = 0) -> Finding:
    """A finding with the advice and the weight of its rule."""
    rule = RULES[code]
    return Finding(code, file, line, sentence, rule.advice, rule.severity)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by file and line; each only once."""
    return sorted(dict.fromkeys(findings), key=lambda one: (not one.is_error, one.file, one.line, one.code))


def abridged(findings: Iterable[Finding]) -> list[Finding]:
    """Findings, of which those of a kind beyond the first twenty are one finding that counts them."""
    kept: list[Finding] = []
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.code] = counts.get(finding.code, 0) + 1
        if counts[finding.code] <= MOST_ALIKE:
            kept.append(finding)
    for code, count in counts.items():
        if count > MOST_ALIKE:
            file = next(finding.file for finding in kept if finding.code == code)
            kept.append(found(code, file, f"{count - MOST_ALIKE:,} more of {code}."))
    return kept
