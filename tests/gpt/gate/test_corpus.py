"""Hundreds of broken replies, made and real: each gets the fix-up or the finding that it must get, and most run."""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from ab.gpt.gate.check import Code, check_code
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.extract import extract
from ab.gpt.gate.finding import Finding
from ab.gpt.gate.fixups import fix
from ab.gpt.gate.normal import normal_digest
from ab.gpt.gate.smoke import SmokeLimits, smoke
from tests.gpt.gate.corpus.mutants import NAMED_BY_THE_PAPERS, Mutant, mutants
from tests.gpt.train.nets import net
from tests.gpt.train.test_train_command import CAPTIONERS

REPLIES = [json.loads(line) for line in (Path(__file__).parent / "corpus" / "replies.jsonl").read_text().splitlines()]
FEW = ("C5C-RESNETLSTM-c425",)
"""The captioner that is in the fast part of these tests, with the small network."""


def files_of(home, names) -> dict[str, str]:
    return {"net": net()} | {name: next(home.code_dir("nn").glob(f"{name}*.py")).read_text() for name in names}


def treated(mutant: Mutant, torch) -> tuple[str, tuple[str, ...], list[Finding]]:
    """The code that comes out, what was done to it, and the errors that reading finds."""
    found = extract(mutant.reply, mutant.baseline)
    if not found.code:
        return "", ("N001",), []
    fixed = fix(found.code, torch)
    errors = [finding for finding in check_code(fixed.code, CAPTIONING, torch) if finding.is_error]
    return fixed.code, (*found.how, *fixed.applied), errors


def test_each_mutant_gets_what_it_must_get(gate_home, torch_catalogue):
    made = [mutant for name, text in files_of(gate_home, FEW).items() for mutant in mutants(name, text)]
    assert len(made) >= 120 and len({mutant.kind for mutant in made}) >= 20
    wrong = []
    for mutant in made:
        code, done, errors = treated(mutant, torch_catalogue)
        got = (*done, *(finding.code for finding in errors))
        must = mutant.gets.split("|")
        # What only a run can show is looked for in the tests of the run.
        shown = any(name.startswith(part) or part in name for name in got for part in must) or must[0].startswith("R0")
        if not shown or (errors and not mutant.lost) or not (code or mutant.lost):
            wrong.append((mutant.kind, mutant.name, got))
    assert wrong == []


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: f"seed {reply['seed']}")
def test_a_real_reply_gets_what_it_must_get(torch_catalogue, reply):
    _, done, errors = treated(Mutant("real", "", reply["reply"]), torch_catalogue)
    codes = sorted({finding.code for finding in errors}) or ["N001" if "N001" in done else "passes"]
    assert codes == reply["gets"], done


def test_the_real_replies_are_from_a_small_model():
    assert len(REPLIES) >= 15
    assert {(reply["model"], reply["temperature"]) for reply in REPLIES} == {("SmolLM2-135M-Instruct", 0.8)}


class Running:
    """Knows which treated mutants run; each network is run once, however it came about."""

    def __init__(self, home, warm, torch) -> None:
        self.home, self.torch = home, torch
        self.runs = cache(lambda digest: smoke(home, self.codes[digest], CAPTIONING, SmokeLimits(), warm).passed)
        self.codes: dict[str, str] = {}

    def __call__(self, mutant: Mutant) -> bool:
        code, _, errors = treated(mutant, self.torch)
        parsed = Code.parse(code, CAPTIONING) if code else None
        if not isinstance(parsed, Code) or any(not finding.code.startswith("U") for finding in errors):
            return False
        digest = normal_digest(parsed)
        self.codes.setdefault(digest, code)
        return self.runs(digest)


def of_the_papers_kinds(files: dict[str, str]) -> list[Mutant]:
    return [m for name, text in files.items() for m in mutants(name, text) if m.kind in NAMED_BY_THE_PAPERS]


def test_nine_in_ten_of_a_sample_come_out_running(gate_home, warm_network, torch_catalogue):
    made = of_the_papers_kinds(files_of(gate_home, FEW))
    sample = random.Random(3).sample(made, 40)
    running = Running(gate_home, warm_network, torch_catalogue)
    assert sum(map(running, sample)) >= 0.9 * len(sample)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nine_in_ten_of_all_come_out_running(gate_home, warm_network, torch_catalogue):
    files = files_of(gate_home, [name for name in CAPTIONERS if name.startswith("C")])
    running = Running(gate_home, warm_network, torch_catalogue)
    ran = [(mutant.kind, running(mutant)) for mutant in of_the_papers_kinds(files)]
    by_kind = Counter(kind for kind, good in ran if good)
    print({kind: f"{by_kind[kind]} of {count}" for kind, count in Counter(kind for kind, _ in ran).items()})
    assert sum(good for _, good in ran) >= 0.9 * len(ran)
