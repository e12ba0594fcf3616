"""The smoke run: a network is built, learns two steps and writes captions, behind walls, in seconds."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ab.gpt.candidate import Outcome
from ab.gpt.gate.contract import Contract
from ab.gpt.gate.finding import Finding, Severity
from ab.gpt.isolate.foreign import MODULE, last_line, own_lines
from ab.gpt.isolate.job import GIB, How, IsolationFailed, Job, Limits, Result
from ab.gpt.isolate.run import run
from ab.gpt.isolate.warm import NETWORK, Warm
from ab.gpt.lemur.home import Home, make_root

SIDES = (64, 256)
"""Images are small; a network that fails on them gets one more chance on larger ones."""
VOCABULARY = 100
_CODES = {
    "build": "R001", "train_setup": "R002", "learn": "R003", "forward with captions": "T002", "forward": "T001",
    "forward with one image": "T006", "forward with other batch mates": "T006", "save and load": "R008",
}  # fmt: skip
_ENDS = {
    How.TIMEOUT: "R006", How.MEMORY: "R007", How.EXITED: "R009", How.FORBIDDEN: "R010", How.DISK: "R010",
    How.PROCESSES: "R010",
}  # fmt: skip
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Smoke:
    """What the smoke run has shown."""

    findings: list[Finding]
    parameters: int = 0
    structure: str = ""
    """A digest of the tree of modules and the shapes of their weights."""
    memory: int = 0
    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    side: int = SIDES[0]
    walls: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not any(finding.is_error for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """What was measured, as plain values."""
        return {name: value for name, value in vars(self).items() if name not in ("findings", "structure")}


@dataclass(frozen=True)
class SmokeLimits:
    """How much a smoke run may use."""

    seconds: float = 120.0
    memory_gb: float = 8.0
    threads: int = 0
    walls: frozenset[str] = frozenset()


def warm_smoke() -> Warm:
    """A process with torch in it, from which smoke runs are forked."""
    return Warm(NETWORK)


def smoke(
    home: Home,
    code: str,
    contract: Contract,
    limits: SmokeLimits | None = None,
    warm: Warm | None = None,
    stop: threading.Event | None = None,
) -> Smoke:
    """What running the network for two steps has shown. `IsolationFailed` where it could not be run at all."""
    limits = limits or SmokeLimits()
    first = _smoke_at(SIDES[0], home, code, contract, limits, warm, stop)
    if first.passed or not any(finding.code[0] in "RT" and finding.evidence for finding in first.findings):
        return first
    second = _smoke_at(SIDES[1], home, code, contract, limits, warm, stop)
    if not second.passed:
        return first
    rule = contract.rule("R011")
    why = next(finding.sentence for finding in first.findings if finding.is_error)
    note = Finding(rule.code, 0, f"{rule.sentence} {why}", rule.advice, Severity.NOTE, rule.outcome)
    return Smoke(
        [*second.findings, note],
        second.parameters, second.structure, second.memory, first.seconds + second.seconds, second.stages,
        SIDES[1], second.walls,
    )  # fmt: skip


def _smoke_at(
    side: int,
    home: Home,
    code: str,
    contract: Contract,
    limits: SmokeLimits,
    warm: Warm | None,
    stop: threading.Event | None,
) -> Smoke:
    folder = home.out / "nncaption" / "smoke" / f"{os.getpid()}-{next(_numbers)}"
    stages: list[str] = []

    def hear(event: dict[str, Any]) -> None:
        stages.append(str(event.get("stage")))

    try:
        shutil.rmtree(folder, ignore_errors=True)
        make_root(folder, home.db_file.name)
        (folder / f"{MODULE}.py").write_text(code, encoding="utf-8")
        result = run(_job(folder, home, contract, limits, side), hear, stop, warm=warm)
        if result.how is How.KILLED:  # by the system, or by itself; the second time it counts
            result = run(_job(folder, home, contract, limits, side), hear, stop, warm=warm)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _seen(result, contract, stages[-1] if stages else "build", side)


def _job(folder: Path, home: Home, contract: Contract, limits: SmokeLimits, side: int) -> Job:
    folder = folder.resolve()
    order = {
        "folder": str(folder),
        "module": MODULE,
        "prm": {"lr": 1e-3, "momentum": 0.9, "batch": 4, "transform": f"echo_{side}"},
        "hyperparameters": sorted(contract.hyperparameters),
        "tokens": contract.token,
        "vocabulary": VOCABULARY,
        "side": side,
        "threads": limits.threads or os.cpu_count() or 1,
    }
    return Job(
        "ab.gpt.gate.drill:drill",
        order,
        folder,
        (home.package.parent,),
        (str(folder), str(home.package.parent.parent)),
        limits=Limits(wall_seconds=limits.seconds, memory_bytes=int(limits.memory_gb * GIB), folder_bytes=GIB),
        require=limits.walls,
    )


def _seen(result: Result, contract: Contract, stage: str, side: int) -> Smoke:
    if result.how is How.STOPPED:
        raise IsolationFailed("The smoke run was stopped.", "Run it again.")
    if result.how is How.RETURNED and isinstance(result.value, dict):
        return _read(result, contract, side)
    code = _ENDS.get(result.how, "R009" if result.error_type in ("SystemExit", "KeyboardInterrupt") else "")
    rule = contract.rule(code or _CODES.get(stage, "R001"))
    said = f"{result.error_type}: {result.reason}" if result.error_type else result.reason
    finding = Finding(
        rule.code,
        last_line(result.traceback),
        f"{rule.sentence.removesuffix('.')} ({stage}): {said}.",
        rule.advice,
        outcome=rule.outcome,
        evidence=own_lines(result.traceback) or result.log[-2000:],
    )
    return Smoke([finding], seconds=result.seconds, memory=result.peak_memory, side=side, walls=result.walls)


def _read(result: Result, contract: Contract, side: int) -> Smoke:
    """The report of a child that came to its end. It may lie about itself: training will show."""
    value = result.value
    findings = [_failure(contract, failed) for failed in _dicts(value.get("failed"))]
    for note in _dicts(value.get("notes")):
        findings.append(_said(contract, note, Severity.NOTE))
    seconds = value.get("seconds") if isinstance(value.get("seconds"), dict) else {}
    return Smoke(
        list(dict.fromkeys(findings)),
        _number(value.get("parameters")),
        str(value.get("structure", ""))[:64],
        _number(value.get("memory")),
        result.seconds,
        {str(name): float(took) for name, took in seconds.items() if isinstance(took, (int, float))},
        side,
        result.walls,
    )


def _failure(contract: Contract, failed: dict[str, Any]) -> Finding:
    if "code" in failed:
        return _said(contract, failed, Severity.ERROR)
    stage = str(failed.get("stage"))
    rule = contract.rule(_CODES.get(stage, "R001"))
    traceback = str(failed.get("traceback", ""))
    first = " ".join(str(failed.get("reason", "")).split())[:300]
    sentence = f"{rule.sentence.removesuffix('.')}: {failed.get('error')}: {first}".rstrip(": ")
    return Finding(
        rule.code, last_line(traceback), sentence, rule.advice, outcome=rule.outcome, evidence=own_lines(traceback)
    )


def _said(contract: Contract, said: dict[str, Any], severity: Severity) -> Finding:
    try:
        rule = contract.rule(str(said.get("code")))
    except KeyError:
        rule = contract.rule("R010")
    sentence = f"{rule.sentence.removesuffix('.')}: {said.get('reason')}."
    return Finding(rule.code, 0, sentence, rule.advice, severity, rule.outcome)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _number(value: object) -> int:
    return value if type(value) is int and value >= 0 else 0


def infrastructure(error: IsolationFailed) -> Finding:
    """The finding for a run that could not take place; never the network's fault."""
    return Finding("I001", 0, error.what, error.way_out, outcome=Outcome.INFRASTRUCTURE)
