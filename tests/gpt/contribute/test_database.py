"""A branch made here builds LEMUR's database, and LEMUR's own `data` shows the scores that were reported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ab.gpt.contribute.contribute import contribute
from ab.gpt.contribute.verify import verify
from tests.conftest import child_environment
from tests.gpt.contribute.clones import CONFIG, commit_all, git, network
from tests.gpt.contribute.conftest import know_me

ASK = """
import json, sys
import ab.nn.api
rows = ab.nn.api.data(nn=sys.argv[1])
print(json.dumps(sorted([int(epoch), float(accuracy)] for epoch, accuracy in zip(rows.epoch, rows.accuracy))))
"""


@pytest.fixture
def checkout(site, tmp_path) -> Path:
    """A fresh clone of the branch, made on the small LEMUR that the tests share."""
    lemur = site
    (lemur / "README.md").write_text("# LEMUR\n")
    git(lemur, "init", "--quiet", "--initial-branch=main")
    know_me(lemur)
    commit_all(lemur, "LEMUR")
    done = contribute(lemur, [network(1)])
    git(tmp_path, "clone", "--quiet", "--branch", done.branch, str(lemur), "checkout")
    return tmp_path / "checkout"


@pytest.mark.slow
def test_lemur_itself_shows_the_scores_of_the_table(checkout, tmp_path):
    one = network(1)
    shown = subprocess.run(
        [sys.executable, "-c", ASK, one.name],
        cwd=checkout,
        env=child_environment(checkout),
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr[-3000:]
    reported = [
        [epoch, json.loads(one.stat_files[f"{CONFIG.format(one.name)}/{epoch}.json"])[0]["accuracy"]]
        for epoch in range(1, 6)
    ]
    assert json.loads(shown.stdout.splitlines()[-1]) == reported


@pytest.mark.slow
def test_verify_builds_a_database_and_asks_the_installed_lemur(checkout):
    assert verify(checkout, "origin/main", database=True) == []
    assert git(checkout, "status", "--porcelain") == ""


def test_statistics_that_stop_the_import_are_named(checkout):
    place = checkout / "ab/nn/stat/train" / CONFIG.format(network(1).name)
    (place / "2.json").write_text('[{"uid": "x"}]')
    found = {(one.code, one.file) for one in verify(checkout, "origin/main", database=True)}
    assert ("D001", f"ab/nn/stat/train/{place.name}/2.json") in found


def test_rows_that_lemur_does_not_show_are_named(checkout, monkeypatch):
    from ab.gpt.contribute import database

    real = database._best

    def forgetful(home, tree, task):
        return {key: value for key, value in real(home).items() if "C5C-Test" not in key[3] or key[4] != "5"}

    monkeypatch.setattr(database, "_ask", forgetful)
    [finding] = verify(checkout, "origin/main", database=True)
    assert (finding.code, finding.file) == ("D002", f"ab/nn/stat/train/{CONFIG.format(network(1).name)}")
