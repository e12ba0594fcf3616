"""What two steps of running show, in seconds, and behind walls."""

from __future__ import annotations

import os
import re
import statistics
import sys
import threading
import time
from pathlib import Path

import pytest

from ab.gpt.candidate import Outcome
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.smoke import Smoke, SmokeLimits, smoke
from ab.gpt.gate.structures import STRUCTURES
from ab.gpt.isolate.job import IsolationFailed
from ab.gpt.lemur.names import lemur_hash
from tests.gpt.train.nets import net
from tests.gpt.train.test_train_command import CAPTIONERS


@pytest.fixture
def run(gate_home, warm_network):
    def run(code: str, **limits) -> Smoke:
        return smoke(gate_home, code, CAPTIONING, SmokeLimits(**limits), warm_network)

    return run


def errors(seen: Smoke) -> dict[str, str]:
    return {finding.code: str(finding) for finding in seen.findings if finding.is_error}


def notes(seen: Smoke) -> set[str]:
    return {finding.code for finding in seen.findings if not finding.is_error}


def test_a_net_that_runs(run):
    seen = run(net())
    assert seen.passed and seen.findings == [], seen
    assert seen.parameters > 10_000 and seen.memory > 50 << 20 and 0 < seen.seconds < 20
    assert {"build", "learn", "forward"} <= seen.stages.keys()
    assert run(net(top="# the same")).structure == seen.structure
    assert run(net().replace("nn.Linear(32, 64)", "nn.Linear(32, 64, bias=False)")).structure != seen.structure


@pytest.mark.parametrize(
    ("code", "finding", "says"),
    [
        (net(init="raise ValueError('no')"), "R001", "ValueError: no"),
        (net(top="1 / 0"), "R001", "ZeroDivisionError"),
        (net().replace("class Net", "class Other"), "R001", "Net"),
        (net(setup="self.nothing.x = 1"), "R002", "nothing"),
        (net(learn="raise KeyError('a')"), "R003", "KeyError"),
        (net().replace("nn.Linear(32, 64)", "nn.Linear(31, 64)"), "R003", "shapes"),
        (net().replace("loss.backward()", "(loss * float('nan')).backward()"), "R004", "finite|nan"),
        (net().replace("loss = self.criterion(", "loss = self.criterion(float('inf') * "), "R004", "nan"),
        (net().replace("self.optimizer.step()", "pass"), "R005", "no weight"),
        (net(forward="if captions is None: raise IndexError('x')"), "T001", "IndexError"),
        (net(forward="if captions is not None and not self.training: raise IndexError('x')"), "T002", "IndexError"),
        (net(forward="if captions is None: return None"), "T003", "NoneType"),
        (net(forward="if captions is None: return torch.zeros(3, dtype=torch.long)"), "T003", r"\[3\]"),
        (net(forward="if captions is None: return torch.full((len(images), 5), 10 ** 6)"), "T004", "1000000"),
        (net(forward="if captions is None: return torch.ones(7, 5, dtype=torch.long)"), "T005", "7 captions"),
        (net(forward="if captions is None: assert len(images) == 2, 'only two'"), "T006", "only two"),
        (net(forward="if captions is None: return torch.zeros(len(images), 5, 7)"), "T009", "100 words"),
        (net(setup="self.other = nn.Linear(2, 2)"), "R008", "other"),
        (net().replace("{'lr', 'momentum'}", "set(['lr'])"), "C005", "momentum"),
        (net(init="sys.exit(3)"), "R009", "SystemExit"),
        (net(learn="os._exit(3)"), "R009", "exit"),
    ],
)
def test_what_fails_is_named(run, code, finding, says):
    seen = run(code)
    assert finding in errors(seen), seen
    assert re.search(says, errors(seen)[finding])
    assert all(f.outcome in (Outcome.SMOKE, Outcome.CONTRACT) for f in seen.findings if f.is_error)


def test_the_line_and_the_networks_own_part_of_the_traceback(run):
    code = net(learn="self.missing_thing()")
    [finding] = [finding for finding in run(code).findings if finding.code == "R003"]
    assert code.splitlines()[finding.line - 1].strip() == "self.missing_thing()"
    assert "Net file" in finding.evidence and "drill.py" not in finding.evidence


def test_all_that_is_wrong_is_told_at_once(run):
    seen = run(net(learn="raise KeyError('a')", forward="if captions is None: raise IndexError('x')"))
    assert {"R003", "T001"} <= errors(seen).keys()


def test_what_lemur_accepts_is_a_note(run):
    after_eos = "if captions is None: return torch.tensor([[1, 5, 2, 6, 7]] * len(images))"
    assert notes(run(net(forward=after_eos))) == {"T008"}
    floats = "if captions is None: return torch.ones(len(images), 5)"
    assert notes(run(net(forward=floats))) == {"T012"}
    mates = (
        "if captions is None: return (images.mean((1, 2, 3)) * 0 + images.mean() * 1e4).abs().long()[:, None] % 90 + 5"
    )
    assert notes(run(net(forward=mates))) == {"T007"}
    strange = "if captions is not None and not self.training: return 'logits'"
    assert notes(run(net(forward=strange))) == {"T010"}


def test_a_network_for_large_images_gets_them(run):
    seen = run(net(forward="assert images.shape[-1] > 100, 'too small'"))
    assert seen.passed and seen.side == 256 and notes(seen) == {"R011"}


def test_limits(run):
    started = time.monotonic()
    seen = run(net(learn="while True:\n    pass"), seconds=5.0)
    assert errors(seen).keys() == {"R006"} and "learn" in errors(seen)["R006"]
    assert time.monotonic() - started < 5 + 2
    assert errors(run(net(init="self.big = torch.ones(2 ** 31)"), memory_gb=3.0)).keys() & {"R007", "R001"}
    assert "R010" in errors(run(net(init="for _ in range(500):\n    os.fork() or time.sleep(9)")))


def test_foreign_code_runs_elsewhere(run, gate_home, tmp_path):
    """A file whose import has an effect has it on nobody: neither this process nor its folders."""
    effect = tmp_path / "effect"
    code = net(top=f"os.environ['EFFECT'] = '1'\nsys.modules['effect'] = sys\nopen({str(effect)!r}, 'w').write('x')")
    assert "R001" in errors(run(code))
    harmless = net(top="os.environ['EFFECT'] = '1'\nsys.modules['effect'] = sys\nopen('effect', 'w').write('x')")
    seen = run(harmless)
    assert (seen.passed and set(seen.walls) >= {"Landlock"}) or not seen.walls
    assert "EFFECT" not in os.environ and not effect.exists() and not Path("effect").exists()
    assert "effect" not in sys.modules and "candidate_net" not in sys.modules
    assert not list((gate_home.out / "nncaption" / "smoke").iterdir())


def test_a_report_that_lies_does_no_harm(run):
    """A network that reports itself is believed no further than a smoke run goes; odd reports are no crash."""
    lie = """
import ab.gpt.gate.drill as d
d.Drill.seen = lambda self: {value}
"""
    for value in ("None", "{}", "{'failed': 7, 'notes': [1], 'parameters': 'x', 'seconds': []}", "[[]] * 9"):
        run(net(top=lie.format(value=value)))
    odd = "{'failed': [{'code': 'X999', 'reason': '\\x1b[2J'}]}"
    seen = run(net(top=lie.format(value=odd)))
    assert seen.findings == [] or "\x1b" not in str(seen.findings)


def test_stopping(gate_home, warm_network):
    stop = threading.Event()
    stop.set()
    with pytest.raises(IsolationFailed, match="stopped"):
        smoke(gate_home, net(), CAPTIONING, SmokeLimits(), warm_network, stop)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_lemurs_captioners_run(gate_home, warm_network):
    seconds = {}
    for name in CAPTIONERS:
        [file] = gate_home.code_dir("nn").glob(f"{name}*.py")
        seen = smoke(gate_home, file.read_text(), CAPTIONING, SmokeLimits(), warm_network)
        assert seen.passed, (name, seen)
        assert seen.structure == STRUCTURES[lemur_hash(file.read_text())], name
        seconds[name] = seen.seconds
    print({name: round(took, 1) for name, took in seconds.items()})
    assert statistics.median(took for name, took in seconds.items() if name.startswith("C")) < 10
