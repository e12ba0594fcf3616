"""From a model's reply to a network that is known to run, or to a named reason why it is none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ab.gpt.candidate import Ending, Outcome
from ab.gpt.gate.check import Code, check_code
from ab.gpt.gate.check.catalogue import Catalogue, load_catalogue
from ab.gpt.gate.contract import Contract
from ab.gpt.gate.extract import extract
from ab.gpt.gate.finding import Finding, Severity, ending_of, in_order
from ab.gpt.gate.fixups import fix
from ab.gpt.gate.novelty import Novelty
from ab.gpt.gate.smoke import Smoke, SmokeLimits, infrastructure, smoke
from ab.gpt.isolate.job import IsolationFailed
from ab.gpt.isolate.warm import Warm
from ab.gpt.lemur.home import Home

REPAIRS = 2
STAGES = ("extract", "parse", "check", "novelty", "smoke")
"""Where a reply can fall at the gate, in this order."""


@dataclass(frozen=True)
class Examined:
    """What is known of one text: how far it came, and everything that was found."""

    stage: str
    findings: list[Finding]
    smoke: Smoke | None = None

    @property
    def passed(self) -> bool:
        return self.stage == "passed"

    @property
    def rank(self) -> tuple[int, int]:
        """Higher is nearer to a network that runs."""
        return (*STAGES, "passed").index(self.stage), -sum(finding.is_error for finding in self.findings)


@dataclass(frozen=True)
class Attempt:
    """One reply on its way: the code that was taken from it, what was fixed, what was found."""

    reply: str
    code: str
    extracted: tuple[str, ...]
    fixes: tuple[str, ...]
    examined: Examined


@dataclass(frozen=True)
class Verdict:
    """The end of a reply at the gate. With no ending it has passed, and `code` is a network that runs."""

    code: str
    ending: Ending | None
    attempts: list[Attempt] = field(default_factory=list)
    best: int = 0
    """Which of the attempts is the one that counts; a repair that made it worse does not."""

    @property
    def passed(self) -> bool:
        return self.ending is None

    @property
    def smoke(self) -> Smoke | None:
        return self.attempts[self.best].examined.smoke if self.attempts else None


Ask = Callable[[str, list[Finding], int], str]
"""Asks the model to mend a code with these findings, for the n-th time; the reply."""


class Gate:
    """Knows a contract, the real torch, and the networks that are there already."""

    def __init__(
        self,
        home: Home,
        contract: Contract,
        novelty: Novelty | None = None,
        warm: Warm | None = None,
        limits: SmokeLimits | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.home = home
        self.contract = contract
        self.torch: Catalogue = load_catalogue(home.out / "nncaption")
        self.novelty = novelty or Novelty(contract)
        self.warm = warm
        self.limits = limits or SmokeLimits()
        self.stop = stop

    def judge(self, reply: str, baseline: str = "", ask: Ask | None = None, repairs: int = REPAIRS) -> Verdict:
        """The verdict on a reply; what fails may be mended by whoever answers `ask`, some times at most."""
        attempts = [self.attempt(reply, baseline)]
        best = 0
        for number in range(repairs if ask else 0):
            examined = attempts[best].examined
            if examined.passed or not can_be_mended(examined):
                break
            assert ask is not None
            attempts.append(self.attempt(ask(attempts[best].code or reply, examined.findings, number), baseline))
            if attempts[-1].examined.rank > examined.rank:
                best = len(attempts) - 1
        chosen = attempts[best]
        ending = ending_of(chosen.examined.findings, chosen.examined.stage)
        return Verdict(chosen.code, ending, attempts, best)

    def attempt(self, reply: str, baseline: str = "") -> Attempt:
        """One reply extracted, fixed and examined."""
        found = extract(reply, baseline, self.contract)
        if not found.code:
            rule = self.contract.rule("N001")
            finding = Finding(rule.code, 0, rule.sentence, rule.advice, outcome=rule.outcome)
            return Attempt(reply, "", found.how, (), Examined("extract", [finding]))
        fixed = fix(found.code, self.torch, self.contract)
        return Attempt(reply, fixed.code, found.how, fixed.applied, self.examine(fixed.code, baseline))

    def examine(self, text: str, baseline: str = "", run: bool = True) -> Examined:
        """What is known of a code: by reading it, by its likes, and by running it for two steps."""
        code = Code.parse(text, self.contract)
        if isinstance(code, Finding):
            return Examined("parse", [code])
        findings = check_code(text, self.contract, self.torch, baseline)
        if any(finding.is_error and not suspected(finding) for finding in findings):
            return Examined("check", findings)
        if repeated := self.novelty.check(code):
            return Examined("novelty", [repeated, *findings])
        if not run:
            stage = "check" if any(finding.is_error for finding in findings) else "passed"
            return Examined(stage, findings)
        try:
            seen = smoke(self.home, text, self.contract, self.limits, self.warm, self.stop)
        except IsolationFailed as error:
            return Examined("smoke", [infrastructure(error), *findings])
        if not seen.passed:
            return Examined("smoke", in_order([*seen.findings, *findings]), seen)
        # What looked wrong and ran all the same is never come to.
        notes = [replace(finding, severity=Severity.NOTE) if suspected(finding) else finding for finding in findings]
        if repeated := self.novelty.check_structure(code, seen.structure):
            return Examined("novelty", [repeated, *notes, *seen.findings], seen)
        return Examined("passed", in_order([*notes, *seen.findings]), seen)


def suspected(finding: Finding) -> bool:
    """True for findings that a run may refute: what they are about may never be come to."""
    return finding.code.startswith("U")


def can_be_mended(examined: Examined) -> bool:
    """True where it is the code that is wrong: not for what is a repetition, nor for a fault of the machine."""
    hopeless = (Outcome.DUPLICATE, Outcome.INFRASTRUCTURE)
    return not any(finding.is_error and finding.outcome in hopeless for finding in examined.findings)
