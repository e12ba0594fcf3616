"""The nouns that flow through the house: a candidate network, and how it ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Outcome(Enum):
    """How a candidate ended. The set is closed: whoever counts outcomes can count on it."""

    NO_CODE = "no_code"
    SYNTAX = "syntax"
    CONTRACT = "contract"
    FORBIDDEN = "forbidden"
    DUPLICATE = "duplicate"
    SMOKE = "smoke"
    TRAIN_ERROR = "train_error"
    DIVERGED = "diverged"
    TIMEOUT = "timeout"
    BELOW_MINIMUM = "below_minimum"
    TRAINED = "trained"
    INFRASTRUCTURE = "infrastructure"
    """Never the candidate's fault; it is tried again."""


@dataclass(frozen=True)
class Ending:
    """An outcome with where it came about, why in one line, and what shows it (a traceback, a log)."""

    outcome: Outcome
    stage: str
    reason: str
    evidence: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", plain(self.reason))
        object.__setattr__(self, "evidence", plain(self.evidence))

    def __str__(self) -> str:
        return f"{self.outcome.value} ({self.stage}): {self.reason}"


def plain(text: str) -> str:
    """Foreign text as it may be shown on a terminal: without control characters and turned writing directions."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


@dataclass(frozen=True)
class Candidate:
    """One network on its way from a proposal to a score."""

    id: str
    prefix: str
    """The family's: `C5C-RESNETLSTM`."""
    code: str
    parent: str | None = None
    prompt: str = ""
    reply: str = ""
    seed: int = 0
