"""The command line as a person meets it: in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from tests.conftest import REPO, child_environment

STARTS = [["-m", "ab.gpt.NNCaption"], ["-m", "nncaption"]]


@pytest.fixture
def nncaption(home, site):
    """Runs the command in the root of the small LEMUR."""

    def run(*arguments: str, start: list[str] = STARTS[1]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *start, *arguments],
            cwd=home.root, env=child_environment(site), capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["doctor", "--help"]])
def test_help_and_version_in_half_a_second_without_torch_or_lemur(nncaption, start, arguments):
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        done = nncaption(*arguments, start=["-X", "importtime", *start])
        seconds.append(time.monotonic() - started)
        assert done.returncode == 0 and done.stdout
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert not imported & {"torch", "ab.nn", "numpy", "pandas", "transformers", "rich", "nltk"}
    assert min(seconds) < 0.5  # what the others took longer was the machine's


def test_no_commands_help_is_heavy(home, site):
    """All flags of all commands are there without anything that takes long to import."""
    code = """
import sys
from ab.gpt.NNCaption import COMMANDS, main
for name in COMMANDS:
    try:
        main([name, "--help"])
    except SystemExit as ended:
        assert ended.code == 0, name
heavy = {"torch", "ab.nn", "numpy", "pandas", "transformers", "rich", "nltk", "matplotlib", "git", "PIL"}
print("commands", len(COMMANDS), *sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home.root, env=child_environment(site), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    _, count, *imported = done.stdout.splitlines()[-1].split()
    assert int(count) >= 6 and imported == []


def test_no_command_shows_the_commands(nncaption):
    done = nncaption()
    assert done.returncode == 0
    for command in ("doctor", "bootstrap", "scenes"):
        assert command in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["doctr"], "Did you mean 'doctor'?"),
        (["doctor", "--jsno"], "Did you mean '--json'?"),
        (["scenes"], "folder is missing"),
    ],
)
def test_wrong_calls_exit_with_2(nncaption, arguments, said):
    done = nncaption(*arguments)
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr and not done.stdout


def test_bootstrap_by_hand(nncaption, home):
    first = nncaption("bootstrap", "--json")
    assert first.returncode == 0, first.stderr
    report = json.loads(first.stdout)
    assert report["action"] == "built" and report["file"] == str(home.db_file) and report["rows"] > 100
    whole = json.loads(nncaption("bootstrap", "--json").stdout)
    assert (whole["action"], whole["rows"]) == ("already whole", report["rows"])
    again = nncaption("bootstrap", "--rebuild")
    assert "kept" in again.stdout and again.returncode == 0


def test_errors_have_no_traceback(nncaption, home):
    (home.stat_train / "img-captioning_coco_bleu_RESNETLSTM" / "1.json").write_text("[{")
    done = nncaption("bootstrap")
    assert done.returncode == 1
    assert "1.json" in done.stderr and "Traceback" not in done.stderr


def test_an_unknown_lemur_is_one_clear_error(nncaption, site):
    (site / "nn_dataset-2.1.2.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: nn-dataset\nVersion: 2.2.4\n"
    )
    done = nncaption("bootstrap")
    assert done.returncode == 1
    assert "2.2.4" in done.stderr and "pip install" in done.stderr and "Traceback" not in done.stderr


def test_practice_data(nncaption, home):
    done = nncaption("scenes", "data/coco", "--train", "12", "--val", "4", "--json")
    assert done.returncode == 0, done.stderr
    assert len(list((home.coco / "train2017").glob("*.jpg"))) == 12
    assert json.loads(done.stdout)["drawn"] is True
    again = nncaption("scenes", "data/coco", "--train", "12", "--val", "4")
    assert again.returncode == 0 and "there already" in again.stdout
    other = nncaption("scenes", "data", "--train", "12", "--val", "4")
    assert other.returncode == 1 and "data" in other.stderr and "Traceback" not in other.stderr


def test_this_clone_is_what_is_tested():
    done = subprocess.run(
        [sys.executable, "-c", "import ab.gpt; print(ab.gpt.__file__)"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(REPO / "ab" / "gpt" / "__init__.py")
