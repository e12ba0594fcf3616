"""The gate as a whole: a reply comes in, and a network that runs goes out, or a named reason why it is none."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ab.gpt.candidate import Outcome
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.gate import REPAIRS, Gate
from ab.gpt.gate.novelty import Novelty
from tests.conftest import REPO, child_environment
from tests.gpt.train.nets import net

UNKNOWN_LAYER = net().replace("nn.ReLU()", "nn.SelfAttention()")
TWO_ERRORS = net(learn="raise ValueError('one')", forward="if captions is None: raise ValueError('two')")
ONE_ERROR = net(learn="raise ValueError('one')")


@pytest.fixture
def gate(gate_home, warm_network) -> Gate:
    return Gate(gate_home, CAPTIONING, warm=warm_network)


class Model:
    """Answers with what it is given, and remembers what it was asked."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, list[str], int]] = []

    def __call__(self, code, findings, number) -> str:
        self.asked.append((code, [finding.code for finding in findings], number))
        return self.replies[number]


def test_a_good_reply_passes(gate):
    verdict = gate.judge(f"<think>Hm.</think>\n```python\n{net()}```")
    assert verdict.passed and verdict.ending is None and verdict.code == net()
    assert verdict.smoke is not None and verdict.smoke.parameters > 10_000
    assert len(verdict.attempts) == 1 and verdict.attempts[0].extracted == ("without thoughts", "fence")


def test_a_broken_reply_is_mended_without_a_model(gate):
    broken = net().replace("import torch.nn as nn\n", "").replace("{'lr', 'momentum'}", "{'lr'}")
    model = Model()
    verdict = gate.judge(broken, ask=model)
    assert verdict.passed and model.asked == []
    assert {"missing imports", "hyper-parameters"} <= set(verdict.attempts[0].fixes)


def test_a_repair_is_asked_for_with_the_findings(gate):
    model = Model(f"```python\n{net()}```")
    verdict = gate.judge(ONE_ERROR, ask=model)
    assert verdict.passed and verdict.best == 1 and len(verdict.attempts) == 2
    [(code, findings, number)] = model.asked
    assert code == ONE_ERROR and "R003" in findings and number == 0


def test_it_is_asked_twice_at_most(gate):
    model = Model(ONE_ERROR + "# 1\n", ONE_ERROR + "# 2\n", net())
    verdict = gate.judge(ONE_ERROR, ask=model)
    assert REPAIRS == 2 and len(model.asked) == 2 and not verdict.passed
    assert verdict.ending.outcome is Outcome.SMOKE and len(verdict.attempts) == 3
    assert len(Model().asked) == 0 and not gate.judge(ONE_ERROR, ask=model, repairs=0).passed
    assert len(model.asked) == 2


def test_a_repair_that_makes_it_worse_is_dropped_and_recorded(gate):
    model = Model("I cannot.", TWO_ERRORS)
    verdict = gate.judge(ONE_ERROR, ask=model)
    assert verdict.best == 0 and verdict.code == ONE_ERROR
    assert [attempt.examined.stage for attempt in verdict.attempts] == ["smoke", "extract", "smoke"]
    assert [asked[0] for asked in model.asked] == [ONE_ERROR, ONE_ERROR]  # the better one is mended again


def test_no_code_is_asked_for_again(gate):
    model = Model(net())
    verdict = gate.judge("I am sorry.", ask=model)
    assert verdict.passed and model.asked[0][:2] == ("I am sorry.", ["N001"])
    assert gate.judge("I am sorry.").ending.outcome is Outcome.NO_CODE


def test_a_repetition_is_found_before_anything_runs_and_not_mended(gate_home, monkeypatch):
    novelty = Novelty(CAPTIONING)
    novelty.add("C5C-First-1", net())
    gate = Gate(gate_home, CAPTIONING, novelty)
    monkeypatch.setattr("ab.gpt.gate.gate.smoke", lambda *arguments: pytest.fail("it was run"))
    model = Model()
    verdict = gate.judge(net(), ask=model)
    assert verdict.ending.outcome is Outcome.DUPLICATE and "C5C-First-1" in verdict.ending.reason
    assert model.asked == []


def test_the_same_structure_is_found_after_the_run(gate_home, warm_network):
    novelty = Novelty(CAPTIONING)
    gate = Gate(gate_home, CAPTIONING, novelty, warm_network)
    first = gate.judge(net())
    novelty.add("C5C-First-1", first.code, first.smoke.structure)
    other = gate.judge(net().replace("range(12)", "range(13)"))
    assert other.ending.outcome is Outcome.DUPLICATE and other.ending.reason.startswith("D003")


def test_what_looks_wrong_and_runs_is_a_note(gate):
    never = net(init="if False:\n    self.x = nn.SelfAttention(3)")
    verdict = gate.judge(never)
    assert verdict.passed
    found = verdict.attempts[0].examined.findings
    assert [(finding.code, finding.is_error) for finding in found if finding.code[0] == "U"] == [("U002", False)]
    assert not gate.judge(UNKNOWN_LAYER).passed


def test_a_candidate_is_never_imported_or_run_here(gate_home, tmp_path):
    """A file whose import has an effect has none here, on any of the gate's ways, nor is torch or LEMUR imported."""
    effect = tmp_path / "effect"
    code = f"import builtins\nbuiltins.effect = 1\nopen({str(effect)!r}, 'w').write('x')\n" + net()
    for run in (True, False):
        done = subprocess.run(
            [sys.executable, "-c", "import builtins, json, sys\nfrom pathlib import Path\n"
             "from ab.gpt.gate.contract import CAPTIONING\nfrom ab.gpt.gate.extract import extract\n"
             "from ab.gpt.gate.fixups import fix\nfrom ab.gpt.gate.gate import Gate\n"
             "from ab.gpt.lemur.home import Home\n"
             "root, package, code, run = json.loads(sys.argv[1])\n"
             "gate = Gate(Home(Path(root), Path(package), '2.1.2'), CAPTIONING)\n"
             "code = fix(extract(code).code, gate.torch).code\n"
             "gate.attempt(code, code) if run else gate.examine(code, code, run=False)\n"
             "print(hasattr(builtins, 'effect'), {'torch', 'ab.nn', 'candidate_net'} & set(sys.modules) or 'none')",
             json.dumps([str(gate_home.root), str(gate_home.package), code, run])],
            env=child_environment(gate_home.package.parents[1]), cwd=REPO, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.stdout.split("\n")[0] == "False none", done.stdout + done.stderr[-2000:]
        assert not effect.exists()


DEEP = "x = " + "(" * 300 + "1" + ")" * 300


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("", Outcome.NO_CODE),
        ("\0" * 50, Outcome.NO_CODE),
        (f"```python\n{DEEP}\n```", Outcome.SYNTAX),
        ("```python\nclass Net(nn.Module):\n    x = " + "-" * 100_000 + "1\n```", Outcome.SYNTAX),
        ("```python\nclass Net(nn.Module):\n    return 3\n```", Outcome.SYNTAX),
        ("```python\ndef f(x):\n    global x\n```", Outcome.SYNTAX),
        ("class Net:\n" + "    x = 1\n" * 6_000_000, Outcome.CONTRACT),
        ("```python\nclass Net:\n" + "    x = 1\n" * 6_000_000 + "```", Outcome.NO_CODE),
    ],
)
def test_bad_input_is_a_finding(gate, reply, outcome):
    verdict = gate.judge(reply)
    assert verdict.ending is not None and verdict.ending.outcome is outcome
