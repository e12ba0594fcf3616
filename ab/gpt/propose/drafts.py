"""Blueprints at the gate: a reply is read, settled, rendered, and judged like any other code."""

from __future__ import annotations

from dataclasses import replace

from ab.gpt.candidate import Ending
from ab.gpt.gate.finding import Finding
from ab.gpt.gate.gate import Attempt, Examined, Gate, Verdict
from ab.gpt.propose.blueprint.propose import code_of
from ab.gpt.propose.blueprint.reading import BadBlueprint
from ab.gpt.propose.blueprint.shape import EVERYTHING, Space

HOW = ("blueprint",)


def judge_blueprint(
    gate: Gate, reply: str, prefix: str, allowed: Space = EVERYTHING
) -> tuple[Verdict, dict[str, object]]:
    """The verdict on a blueprint, and what the record keeps of it; `prefix` ends in `Blueprint`."""
    try:
        drafted = code_of(reply, allowed)
    except BadBlueprint as error:
        rule = gate.contract.rule("N001")
        finding = Finding(rule.code, 0, error.what, error.way_out, outcome=rule.outcome)
        attempt = Attempt(reply, "", HOW, (), Examined("extract", [finding]))
        ending = Ending(rule.outcome, "extract", f"{rule.code} {error.what}", error.way_out)
        return Verdict("", ending, [attempt]), {"prefix": prefix}
    verdict = gate.judge(drafted.code)
    [attempt] = verdict.attempts
    kept = replace(attempt, reply=reply, extracted=HOW, fixes=drafted.changes)
    more: dict[str, object] = {
        "prefix": prefix.removesuffix("Blueprint") + drafted.family,
        "blueprint": drafted.blueprint,
    }
    return replace(verdict, attempts=[kept]), more
