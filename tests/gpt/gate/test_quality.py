"""Code quality is LEMUR's figure, found beside other work, kept by code, and never what ends a run."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from ab.gpt.gate import quality
from ab.gpt.gate.quality import Critic
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import lemur_hash

GOOD = "def double(number):\n    return 2 * number\n"
POOR = """\
import os
import sys as system
def f(a, b, c, d, e, g, h):
    if a: return 1
    if b: return 2
    if c: return 3
    if d: return 4
    if e: return 5
    if g: return 6
    if h: return 7
    return undefined if a or b or c or d else None
"""


@pytest.fixture
def home(gate_home, tmp_path) -> Home:
    return Home(tmp_path, gate_home.package, gate_home.version)


def rate(home: Home, codes: dict[str, str], seconds: float = 100) -> dict[str, float]:
    critic = Critic(home)
    found: dict[str, float] = {}
    try:
        for name, code in codes.items():
            critic.ask(name, code)
        until = time.monotonic() + seconds
        while critic.waiting and time.monotonic() < until:
            found.update(critic.judged())
            time.sleep(0.05)
        assert not critic.waiting
    finally:
        critic.close()
    return found


def lemurs(home: Home, folder, codes: dict[str, str]) -> dict[str, float]:
    """What LEMUR's own function says, without the run of the code that it does beside it."""
    for name, code in codes.items():
        (folder / f"{name}.py").write_text(code)
    script = (
        "import json, sys, ab.nn.util.CodeEval as lemur\n"
        "lemur.dynamic_evaluation = lambda *a, **k: {'success': True, 'output': ''}\n"
        "found = {name: lemur.evaluate_code_quality(name + '.py')[1]['score'] for name in sys.argv[1:]}\n"
        "print('\\n' + json.dumps(found))"
    )
    python = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(home.package.parent.parent)!r})\n{script}"]
    done = subprocess.run([*python, *codes], cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_it_is_lemurs_figure_and_kept_by_code(home, tmp_path, monkeypatch):
    codes = {"Good-1": GOOD, "Poor-2": POOR}
    found = rate(home, codes)
    assert found == lemurs(home, tmp_path, codes)
    assert found["Good-1"] > found["Poor-2"] > 0
    folder = home.out / "nncaption" / "quality"
    assert {file.stem for file in folder.iterdir()} == {lemur_hash(GOOD), lemur_hash(POOR)}
    monkeypatch.setattr(quality, "run", lambda *_args: pytest.fail("it was known"))
    assert rate(home, {"Another-name": GOOD}) == {"Another-name": found["Good-1"]}


def test_a_file_that_is_not_whole_is_made_anew(home):
    folder = home.out / "nncaption" / "quality"
    folder.mkdir(parents=True)
    (folder / f"{lemur_hash(GOOD)}.json").write_text('{"qual')
    found = rate(home, {"Good": GOOD})
    assert json.loads((folder / f"{lemur_hash(GOOD)}.json").read_text()) == {"quality": found["Good"]}


def test_one_that_cannot_be_judged_costs_the_others_nothing(home, caplog):
    found = rate(home, {"First": GOOD, "Broken": "def f(:\n", "Last": GOOD + "\nX = 1\n"})
    assert found.keys() == {"First", "Last"}
    assert "quality of Broken is not known" in caplog.text and "SyntaxError" in caplog.text


def test_closing_does_not_wait_for_what_is_under_way(home):
    critic = Critic(home)
    critic.ask("Net", "import torch\n" + GOOD)
    time.sleep(1)
    started = time.monotonic()
    critic.close()
    assert time.monotonic() - started < 5
    assert list(critic.judged()) == [] and not list((home.out / "nncaption" / "quality").glob("*-*"))


@pytest.mark.slow
def test_lemurs_captioners_get_lemurs_figures(home, tmp_path):
    names = ["RESNETLSTM", "ResNetTransformer", *sorted(file.stem for file in home.code_dir("nn").glob("C*C-*.py"))[:2]]
    codes = {name: (home.code_dir("nn") / f"{name}.py").read_text() for name in names}
    found = rate(home, codes, 300)
    print(found)
    assert found == lemurs(home, tmp_path, codes)
