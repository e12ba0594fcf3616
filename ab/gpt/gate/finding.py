"""What the gate has found in a network: where, what is wrong, and what to do instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from ab.gpt.candidate import Ending, Outcome, plain


class Severity(Enum):
    """An error keeps a network from training; a note is worth knowing and nothing more."""

    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing that was found, by a rule with a code, at a line (0 where no line is meant)."""

    code: str
    line: int
    sentence: str
    advice: str = ""
    severity: Severity = Severity.ERROR
    outcome: Outcome = Outcome.CONTRACT
    evidence: str = ""
    """A traceback or a log, cut to the network's own lines."""

    def __post_init__(self) -> None:
        for name in ("sentence", "advice", "evidence"):
            object.__setattr__(self, name, plain(getattr(self, name)))

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.sentence}" + (f" {self.advice}" if self.advice else "")

    def as_json(self) -> dict[str, Any]:
        """The finding as plain values."""
        return {**asdict(self), "severity": self.severity.value, "outcome": self.outcome.value}


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by line; each only once."""
    return sorted(dict.fromkeys(findings), key=lambda finding: (not finding.is_error, finding.line, finding.code))


def ending_of(findings: Iterable[Finding], stage: str) -> Ending | None:
    """How a candidate with these findings ends: by the first error; None where there is none."""
    errors = [finding for finding in in_order(findings) if finding.is_error]
    if not errors:
        return None
    # What nobody may do outweighs what is merely wrong.
    first = next((finding for finding in errors if finding.outcome is Outcome.FORBIDDEN), errors[0])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    evidence = "\n".join([*(f"{finding.code} {finding}" for finding in errors), *filter(None, [first.evidence])])
    return Ending(first.outcome, stage, f"{first.code} {first.sentence}{more}", evidence)
