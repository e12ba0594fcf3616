"""What a model is asked when its network was refused: to mend the errors, and to change nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ab.gpt.gate.contract import Contract
from ab.gpt.gate.finding import Finding
from ab.gpt.propose.llm.protocol import LLM, Message
from ab.gpt.propose.prompt import Prompt, fitted, rendered, reply_room, version_of

_TEMPLATES = ("repair_system", "repair_user", "api")
MOST_ERRORS = 6
"""The rest mostly follows from the first ones, and is looked at again afterwards."""
_AROUND = 2
_LONGEST_LINE = 160
_LONGEST_EVIDENCE = 1200
_LONGEST_REPLY = 6000
_NO_CODE = "N001"
_EVIDENCE, _API, _LINES, _REPLY = "the tracebacks", "the API", "the lines around the errors", "the reply without code"
_OTHERS = "all errors but the first"


@dataclass(frozen=True)
class _Error:
    """One finding, with what a model needs to see of it."""

    code: str
    line: int
    sentence: str
    rule: str
    advice: str
    lines: str
    evidence: str


def repair_prompt(llm: LLM, contract: Contract, code: str, findings: Sequence[Finding], wanted: int) -> Prompt:
    """The prompt that asks for a corrected file, with room for a reply of the wanted tokens."""
    errors = [finding for finding in findings if finding.is_error]
    has_code = not any(finding.code == _NO_CODE for finding in errors)
    shown = errors[:MOST_ERRORS]
    parts = [_EVIDENCE, _API, _LINES, _OTHERS] if has_code else [_REPLY]

    def render(out: frozenset[str]) -> list[Message]:
        told = shown[:1] if _OTHERS in out else shown
        user = rendered(
            "repair_user",
            contract=contract,
            code=code if has_code else "",
            reply=code[-_LONGEST_REPLY:] if not has_code and _REPLY not in out else "",
            errors=[_error(contract, code, one, _LINES not in out, _EVIDENCE not in out) for one in told],
            api=_API not in out and any(one.code[0] in "CT" for one in told),
        )
        return [Message("system", rendered("repair_system")), Message("user", user)]

    prompt = fitted(llm, repair_version(contract), parts, render, llm.context - reply_room(llm, wanted))
    more = len(errors) - len(shown)
    return prompt.also_without(f"{more} of {len(errors)} errors") if more else prompt


def repair_version(contract: Contract) -> str:
    """The version of the prompts for repairs."""
    return version_of("repair", *_TEMPLATES, also=rendered("api", contract=contract))


def _error(contract: Contract, code: str, finding: Finding, lines: bool, evidence: bool) -> _Error:
    rule = contract.rule(finding.code)
    return _Error(
        code=finding.code,
        line=finding.line,
        sentence=finding.sentence,
        rule=rule.sentence,
        advice=finding.advice or rule.advice,
        lines=_around(code, finding.line) if lines else "",
        evidence=finding.evidence.strip()[-_LONGEST_EVIDENCE:] if evidence else "",
    )


def _around(code: str, line: int) -> str:
    """The line that is meant, marked, with those around it."""
    lines = code.splitlines()
    if not 1 <= line <= len(lines):
        return ""
    numbers = range(max(1, line - _AROUND), min(len(lines), line + _AROUND) + 1)
    return "\n".join(f"{'>' if n == line else ' '}{n:4} | {lines[n - 1][:_LONGEST_LINE]}" for n in numbers)
