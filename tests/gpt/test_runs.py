"""Runs are found, listed and shown, whole ones and damaged ones, and what a model said is shown as text."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ab.gpt import launch
from ab.gpt.candidate import Ending, Outcome
from ab.gpt.errors import NNCaptionError, UsageError
from ab.gpt.ledger import FILE, Ledger, NoSuchRun, RunInUse
from ab.gpt.origin import origin
from ab.gpt.papers import papers_of, write_papers
from ab.gpt.plan import Plan
from ab.gpt.runs import find_run, list_runs, new_folder, runs_folder
from tests.conftest import child_environment
from tests.gpt.test_ledger import PLAN, PROMPT, said

HOSTILE = "[red]not markup[/red] \x1b[2Jgone <script>alert(1)</script> \u202eflip"


def made(home, name, began=1.0):
    """A run with one candidate that had no code."""
    folder = new_folder(home, name)
    with Ledger.create(folder, {"plan": Plan().as_json(), "began": began}) as ledger:
        number = ledger.begin(**PLAN, number=0)
        ledger.reply(number, 0, PROMPT, said(HOSTILE), seed=7)
        ledger.failed(number, Ending(Outcome.NO_CODE, "extract", HOSTILE, HOSTILE))
        write_papers(ledger, number)
    return folder


@pytest.fixture
def nncaption(home, site):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "nncaption", *arguments],
            cwd=home.root, env=child_environment(site), capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    return run


def test_a_run_does_not_go_on_where_its_data_have_changed(home):
    with Ledger(made(home, "old")) as ledger:
        exam = SimpleNamespace(folder="data/coco", image_ids=[1, 2], key="a")
        launch._see_that_it_is_the_same(ledger, exam)
        ledger.note(exam={"image_ids": [1, 2], "key": "a"})
        launch._see_that_it_is_the_same(ledger, exam)
        for other in ({"key": "b"}, {"image_ids": [1]}):
            with pytest.raises(NNCaptionError, match="is not what it was"):
                launch._see_that_it_is_the_same(ledger, SimpleNamespace(**{**vars(exam), **other}))


def test_runs_are_found_by_name_beginning_and_path(home):
    with pytest.raises(NoSuchRun, match="There are no runs"):
        find_run(home, "any")
    first, second = made(home, "alpha"), made(home, "alto", 2.0)
    assert find_run(home, "alpha") == first and find_run(home, "alp") == first
    assert find_run(home, "latest") == second
    os.utime(first / FILE)  # a look at an older run may touch its file, and makes it no younger
    assert find_run(home, "latest") == second
    assert find_run(home, str(first)) == first
    with pytest.raises(NoSuchRun, match="beginning of 2 runs"):
        find_run(home, "al")
    with pytest.raises(NoSuchRun, match="There are: alpha, alto"):
        find_run(home, "beta")


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".hidden", "cache", "latest", "a" * 101])
def test_names_that_are_none(home, name):
    if name == "":
        assert new_folder(home, None).parent == runs_folder(home)
        return
    with pytest.raises(UsageError, match="--name"):
        new_folder(home, name)


def test_a_taken_name_says_how_to_go_on(home):
    made(home, "mine")
    with pytest.raises(UsageError, match="nncaption resume mine"):
        new_folder(home, "mine")


def test_the_list_shows_what_is_damaged(home, nncaption):
    made(home, "whole", 5.0)
    broken = made(home, "broken")
    (broken / FILE).write_bytes(b"no database" * 1000)
    listed = {one.name: one for one in list_runs(home)}
    assert listed["whole"].state == "stands still" and listed["whole"].candidates == 1
    assert listed["broken"].state.startswith("damaged")
    done = nncaption("runs")
    assert done.returncode == 0 and "whole" in done.stdout and "damaged" in done.stdout
    assert {one["name"] for one in json.loads(nncaption("runs", "--json").stdout)} == {"whole", "broken"}
    wrong = nncaption("show", "broken")
    assert wrong.returncode == 1 and "cannot be read" in wrong.stderr and "Traceback" not in wrong.stderr


def test_a_run_and_a_candidate_are_shown_as_text(home, nncaption):
    made(home, "mine")
    shown = nncaption("show", "mine")
    assert shown.returncode == 0 and "no_code" in shown.stdout
    one = nncaption("show", "mine", "0")
    assert one.returncode == 0 and "[red]not markup[/red]" in one.stdout
    assert "\x1b[2J" not in one.stdout and "\u202e" not in one.stdout
    plain = json.loads(nncaption("show", "mine", "0", "--json").stdout)
    assert plain["replies"][0]["text"] == HOSTILE and plain["outcome"] == "no_code"
    tables = json.loads(nncaption("show", "mine", "--json").stdout)
    assert tables["run"] == "mine" and tables["overall"]["proposed"] == 1
    for which in ("7", "nobody"):
        wrong = nncaption("show", "mine", which)
        assert wrong.returncode == 2 and "Numbers go from 0 to 0" in wrong.stderr


def test_an_empty_run_is_shown(home, nncaption):
    Ledger.create(new_folder(home, "empty"), {"plan": Plan().as_json(), "began": 1.0}).close()
    shown = nncaption("show", "empty")
    assert shown.returncode == 0 and "No candidate has ended yet" in shown.stdout


def test_papers_are_files_to_read(home):
    folder = made(home, "mine")
    papers = papers_of(folder, "proposed", 0)
    assert (papers / "reply-0.md").read_text() == HOSTILE
    assert (papers / "prompt-0.md").read_text() == "## user\n\nwrite"
    assert "\x1b" not in (papers / "evidence.txt").read_text()
    assert json.loads((papers / "result.json").read_text())["outcome"] == "no_code"
    with Ledger(folder) as ledger:
        before = sorted(file.name for file in papers.iterdir())
        write_papers(ledger, 1)
        assert sorted(file.name for file in papers.iterdir()) == before
    assert [entry.name for entry in papers.parent.iterdir()] == ["0000"]


def test_resuming_a_run_that_is_in_use_is_refused(home, nncaption):
    folder = made(home, "mine")
    with Ledger(folder) as ledger, ledger.working():
        assert list_runs(home)[0].state == "running"
        with pytest.raises(RunInUse), Ledger(folder) as other, other.working():
            pass


def test_the_origin_tells_versions_and_machine_and_no_secrets(home, monkeypatch):
    monkeypatch.setenv("NNCAPTION_API_KEY", "sk-very-secret")
    told = origin(home)
    assert told["versions"]["nn-dataset"] == "2.1.2" and told["versions"]["torch"]
    assert told["machine"]["cores"] >= 1 and told["machine"]["memory_gb"] > 0
    assert "very-secret" not in json.dumps(told)


def test_a_ledger_of_a_later_version_is_told(home):
    folder = made(home, "mine")
    with sqlite3.connect(folder / FILE) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    assert "newer" in list_runs(home)[0].state


def test_reopened_candidates_stand_where_they_stood(home):
    folder = made(home, "mine")
    with Ledger(folder) as ledger:
        ledger.reopen(1, "open")
        [row] = ledger.candidates()
        assert (row["state"], row["outcome"], row["reason"], row["ended"]) == ("open", None, None, None)
        assert len(ledger.replies(1)) == 1


def test_prompts_are_kept_with_their_roles(home):
    folder = made(home, "mine")
    with Ledger(folder) as ledger:
        [reply] = ledger.replies(1)
        assert json.loads(reply["prompt"]) == [["user", "write"]]
        assert json.loads(reply["left_out"]) == ["advice"]
        assert isinstance(PROMPT, SimpleNamespace)
