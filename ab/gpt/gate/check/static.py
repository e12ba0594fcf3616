"""All findings that reading a network gives, at once."""

from __future__ import annotations

from ab.gpt.gate.check.catalogue import Catalogue
from ab.gpt.gate.check.changes import check_changes
from ab.gpt.gate.check.code import Code
from ab.gpt.gate.check.layers import check_layers, nearest
from ab.gpt.gate.check.policy import check_policy
from ab.gpt.gate.check.promises import check_promises
from ab.gpt.gate.check.usual import USUAL
from ab.gpt.gate.check.width import check_width
from ab.gpt.gate.contract import Contract
from ab.gpt.gate.finding import Finding, in_order


def check_code(text: str, contract: Contract, torch: Catalogue, baseline: str = "") -> list[Finding]:
    """Every finding, errors first. With a baseline's code the changes against it are counted."""
    code = Code.parse(text, contract)
    if isinstance(code, Finding):
        return [code]
    try:
        found = [*check_promises(code), *check_policy(code), *check_layers(code, torch), *check_width(code)]
        for name, line in code.unbound.items():
            near = nearest(name, {*code.classes, *code.functions, *code.imports})
            advice = f"Write `{USUAL[name]}`." if name in USUAL else f"Do you mean {near}?" if near else ""
            found.append(code.finding("U001", line, f"The name {name} is nowhere defined.", advice))
        if baseline:
            before = Code.parse(baseline, contract)
            if isinstance(before, Code):
                found += check_changes(code, before)
    except RecursionError:
        return [code.finding("S002", 0)]
    return in_order(found)
