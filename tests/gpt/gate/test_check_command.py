"""`nncaption check`, as somebody meets it who writes a Net file by hand."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from ab.gpt.gate.command import Checked, contract_page
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.finding import Finding
from ab.gpt.gate.gate import Examined
from tests.conftest import REPO, child_environment
from tests.gpt.train.nets import net
from tests.gpt.train.test_train_command import CAPTIONERS


@pytest.fixture
def check(home, site, catalogue_folder):
    """Runs the command in a root of its own."""
    shutil.copytree(catalogue_folder, home.out / "nncaption")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "nncaption", "check", *arguments],
            cwd=home.root, env=child_environment(site), capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    return run


def test_the_page_of_the_contract_is_as_it_is_printed():
    assert (REPO / "docs" / "contract.md").read_text() == contract_page() + "\n"


def test_the_page_is_made_from_the_data():
    page = contract_page()
    assert all(function.signature in page for function in CAPTIONING.functions)
    assert all(rule.sentence in page and rule.advice in page for rule in CAPTIONING.rules)
    assert all(sentence in page for sentence in CAPTIONING.sentences)


def test_a_good_file_passes_and_is_measured(check, home):
    (home.root / "good.py").write_text(net())
    done = check("good.py")
    assert done.returncode == 0 and "passes" in done.stdout and "parameters" in done.stdout
    assert "\x1b" not in done.stdout  # no colours in a pipe


def test_all_findings_of_several_files_at_once(check, home):
    (home.root / "good.py").write_text(net())
    (home.root / "bad.py").write_text(net().replace("nn.Conv2d(", "nn.Conv2D(").replace("{'lr', 'momentum'}", "{'lr'}"))
    done = check("good.py", "bad.py", "--no-run")
    assert done.returncode == 1
    assert "good.py passes" in done.stdout and "bad.py fails" in done.stdout
    assert "U002" in done.stdout and "C005" in done.stdout and "Conv2d" in done.stdout
    assert "read and not run" in done.stdout


def test_json(check, home):
    (home.root / "bad.py").write_text(net().replace("{'lr', 'momentum'}", "{'lr'}"))
    done = check("bad.py", "--no-run", "--json")
    [report] = json.loads(done.stdout)
    assert done.returncode == 1 and not report["passed"] and report["findings"][0]["code"] == "C005"
    assert report["findings"][0]["line"] > 0 and report["smoke"] is None


def test_a_fixed_file_is_written_beside_the_original(check, home):
    broken = f"Here it is:\n```python\n{net().replace('import torch.nn as nn', '')}```\n"
    (home.root / "broken.py").write_text(broken)
    done = check("broken.py", "--fix", "--no-run")
    assert done.returncode == 0, done.stdout
    assert "missing imports" in done.stdout and "broken.fixed.py" in done.stdout
    assert (home.root / "broken.py").read_text() == broken
    assert "import torch.nn as nn" in (home.root / "broken.fixed.py").read_text()


def test_nothing_is_written_for_a_good_file(check, home):
    (home.root / "good.py").write_text(net())
    assert check("good.py", "--fix", "--no-run").returncode == 0
    assert [file.name for file in home.root.glob("*.py")] == ["good.py"]


def test_changes_against_a_baseline_are_named(check, home):
    (home.root / "base.py").write_text(net())
    (home.root / "new.py").write_text(net().replace("nn.GRU(64, 64", "nn.RNN(64, 64"))
    done = check("new.py", "--against", "base.py", "--no-run")
    assert done.returncode == 1 and "D004" in done.stdout and "new: RNN" in done.stdout


def test_what_is_no_file(check, home):
    (home.root / "folder.py").mkdir()
    (home.root / "empty.py").write_text("")
    (home.root / "binary.py").write_bytes(bytes(range(256)))
    (home.root / "large.py").write_bytes(b"x" * (50 << 20))
    done = check("folder.py", "empty.py", "binary.py", "large.py", "gone.py", "--no-run", "--fix", "--json")
    reports = json.loads(done.stdout)
    assert done.returncode == 1 and [report["findings"][0]["code"] for report in reports] == ["N002"] * 5
    assert "Traceback" not in done.stderr


def test_no_file_at_all_is_a_wrong_call(check):
    done = check()
    assert done.returncode == 2 and "no file" in done.stderr


def test_the_names_of_lemurs_models_will_do(check):
    done = check("RESNETLSTM", "--no-run")
    assert done.returncode == 0 and "error" not in done.stdout


def test_what_was_checked_as_plain_values(tmp_path):
    checked = Checked(tmp_path / "x.py", Examined("check", [Finding("C001", 3, "No.")]), ("self",), None)
    assert json.loads(json.dumps(checked.as_json()))["fixes"] == ["self"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_lemurs_captioners_pass(check):
    names = [f"{name}" for name in CAPTIONERS]
    [done] = [check("RESNETLSTM", "ResNetTransformer", *_full(names), "--json")]
    reports = json.loads(done.stdout)
    assert done.returncode == 0 and len(reports) == 12 and all(report["passed"] for report in reports)


def _full(names: list[str]) -> list[str]:
    from ab.gpt.lemur.home import find_package

    folder = find_package() / "nn"
    return [next(folder.glob(f"{name}*.py")).stem for name in names if name.startswith("C")]
