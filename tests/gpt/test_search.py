"""A run from its first reply to its tables: every outcome occurs, and a run that is killed comes to the same end."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ab.gpt import launch
from ab.gpt.candidate import Outcome
from ab.gpt.errors import UsageError
from ab.gpt.ledger import Ledger
from ab.gpt.lemur.home import Home
from ab.gpt.plan import Budget, Plan
from ab.gpt.propose.llm.protocol import ModelDown
from ab.gpt.report.tables import Tables, make_tables
from ab.gpt.runs import find_run, list_runs
from ab.gpt.scenes import draw_scenes
from tests.conftest import child_environment, left_running
from tests.gpt.replies import REPLIES, write_replies
from tests.gpt.train.conftest import QUICK

ENDINGS = [name if name != "mended" else "trained" for name in REPLIES]


@pytest.fixture(scope="session")
def few_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few") / "coco"
    draw_scenes(folder, train=48, val=16, size=64)
    return folder


@pytest.fixture
def root(home: Home, few_scenes: Path) -> Home:
    """The small LEMUR with a few drawn scenes."""
    shutil.copytree(few_scenes, home.coco)
    return home


def plan(file: Path, **more: object) -> Plan:
    """A run over recorded replies that takes seconds."""
    values: dict[str, object] = {
        "budget": Budget(len(REPLIES)),
        "snippets": (2,),
        "baselines": ("RESNETLSTM",),
        "llm": (f"replay:{file}",),
        "repairs": 1,
        "with_baselines": False,
        "quality": False,
        "train": replace(QUICK, epoch_minutes=0.15, val_images=16),
    }
    return Plan(**{**values, **more})  # type: ignore[arg-type]


def counted(tables: Tables) -> dict[str, object]:
    """The tables without what differs from one undisturbed run to the next: seconds."""
    plain = tables.as_json()
    for one in [plain["overall"], *(one for groups in plain["by"].values() for one in groups)]:
        del one["seconds"]
    return plain


def test_every_outcome_occurs_and_is_counted_right(root, tmp_path):
    before = set(left_running(set()))
    folder = launch.start(root, plan(write_replies(tmp_path / "replies.jsonl"), quality=True), "all")
    assert not left_running(before)
    with Ledger(folder) as ledger:
        rows = ledger.candidates("kind = 'proposed'")
        assert [row["outcome"] for row in rows] == ENDINGS
        assert {row["outcome"] for row in rows} == {outcome.value for outcome in Outcome}
        assert all(row["state"] == "done" and row["reason"] for row in rows)
        tables = make_tables(ledger)
        assert tables.outcomes == {outcome: ENDINGS.count(outcome) for outcome in ENDINGS}
        counts = len(ENDINGS) - 1  # what the machine lost counts neither way
        assert (tables.overall.proposed, tables.overall.trained.count) == (counts, ENDINGS.count("trained"))
        assert tables.overall.runs.count == sum(
            ending in ("trained", "train_error", "diverged", "timeout", "below_minimum") for ending in ENDINGS
        )
        assert sum(count for *_, count in tables.falls) == counts - ENDINGS.count("trained")
        assert [score.candidate for score in tables.families] == [
            max((row for row in rows if row["outcome"] == "trained"), key=lambda row: row["lemur_bleu"])["id"]
        ]
        [mended] = [row for row, name in zip(rows, REPLIES, strict=True) if name == "mended"]
        assert mended["repairs"] == 1 and mended["uid"]
        assert [attempt["counts"] for attempt in ledger.attempts(mended["id"])] == [0, 1]
        [twin] = [row for row in rows if row["outcome"] == "duplicate"]
        assert rows[0]["name"] in twin["reason"]
        trained = [row for row in rows if row["outcome"] == "trained"]
        assert all(0 < row["quality"] <= 1 for row in trained)
    for row in trained:
        file = root.code_dir("nn") / f"{row['name']}.py"
        assert file.read_text() == row["code"]
        assert (folder / "candidates" / f"{row['number']:04d}" / file.name).read_text() == row["code"]
        stats = root.stat_train / f"img-captioning_coco_bleu_{row['name']}" / "1.json"
        assert [trial["uid"] for trial in json.loads(stats.read_text())] == [row["uid"]]
    assert [one.state for one in list_runs(root)] == ["done"]


@pytest.mark.slow
def test_baselines_are_trained_in_the_run_with_its_budget(root, tmp_path):
    file = write_replies(tmp_path / "replies.jsonl", "trained")
    quick = replace(QUICK, val_images=16)
    folder = launch.start(root, plan(file, budget=Budget(1), with_baselines=True, train=quick), "both")
    with Ledger(folder) as ledger:
        tables = make_tables(ledger)
        [baseline] = ledger.candidates("kind = 'baseline'")
        [epoch] = ledger.epochs(baseline["id"])
        assert [(score.name, score.lemur_bleu) for score in tables.baselines] == [("RESNETLSTM", epoch["lemur_bleu"])]
        assert len(tables.families) == 1 and tables.overall.proposed == 1


def test_the_same_replies_and_seed_give_the_same(root, tmp_path, site, few_scenes):
    file = write_replies(tmp_path / "replies.jsonl", "trained", "syntax", "mended", "duplicate")
    other_site = Path(shutil.copytree(site, tmp_path / "other" / "site"))
    other = Home(tmp_path / "other", other_site / "ab" / "nn", "2.1.2")
    shutil.copytree(few_scenes, other.coco)
    seen = []
    for home in (root, other):
        folder = launch.start(home, plan(file, budget=Budget(4), feedback=False), "one")
        with Ledger(folder) as ledger:
            rows = [
                (row["name"], row["outcome"], row["reason"], row["snippets"], row["lemur_bleu"], row["bleu4"])
                for row in ledger.candidates()
            ]
            found = [row["findings"] for row in ledger.rows("SELECT findings FROM attempt ORDER BY id")]
            asked = [row["prompt"] for row in ledger.rows("SELECT prompt FROM reply ORDER BY id")]
            seen.append((rows, found, asked, counted(make_tables(ledger))))
    assert seen[0] == seen[1]


def test_a_model_that_is_down_ends_the_run_and_it_goes_on_later(root, tmp_path):
    file = write_replies(tmp_path / "replies.jsonl", "trained")
    with pytest.raises(ModelDown, match="no reply left"):
        launch.start(root, plan(file, budget=Budget(2)), "short")
    with Ledger(find_run(root, "short")) as ledger:
        _, second = ledger.candidates()
        assert (second["outcome"], second["state"]) == (None, "open")
        assert ledger.about["interrupted"] and not ledger.about.get("done")
        assert make_tables(ledger).overall.proposed <= 1
    write_replies(file, "trained", "mended")
    launch.resume(root, find_run(root, "short"))
    with Ledger(find_run(root, "short")) as ledger:
        assert [row["outcome"] for row in ledger.candidates()] == ["trained", "trained"]
        assert len(ledger.rows("SELECT * FROM reply")) == 3
        assert ledger.about["done"]


def test_the_budget_of_trained_networks_waits_for_those_in_training(root, tmp_path):
    file = write_replies(tmp_path / "replies.jsonl", "train_error", "trained", "mended")
    folder = launch.start(root, plan(file, budget=Budget(None, trained=2)), "two")
    with Ledger(folder) as ledger:
        assert [row["outcome"] for row in ledger.candidates()] == ["train_error", "trained", "trained"]


def test_a_run_that_cannot_begin_leaves_nothing(root, tmp_path, monkeypatch):
    """Its name is free for the command that is mended, and `latest` is still the run before."""
    file = write_replies(tmp_path / "replies.jsonl", "trained")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for wrong, words in (
        (plan(file, train=replace(QUICK, dataset="coc")), "no data set 'coc'"),
        (plan(file, train=replace(QUICK, pretrained=True), with_baselines=True), "resnet50-11ad3fa6.pth"),
        (plan(file, gpus=(77,)), "no GPU 77"),
    ):
        with pytest.raises(UsageError, match=words):
            launch.start(root, wrong, "mine")
        assert list_runs(root) == []


def test_what_the_machine_lost_is_tried_again(root, tmp_path):
    file = write_replies(tmp_path / "replies.jsonl", "infrastructure")
    folder = launch.start(root, plan(file, budget=Budget(1)), "lost")
    with Ledger(folder) as ledger:
        [row] = ledger.candidates()
        assert row["outcome"] == "infrastructure" and not make_tables(ledger).overall.proposed
        ended = row["ended"]
    launch.resume(root, folder)
    with Ledger(folder) as ledger:
        [row] = ledger.candidates()
        assert row["outcome"] == "infrastructure" and row["ended"] > ended
        assert len(ledger.rows("SELECT * FROM reply")) == 1


def command(root: Home, site: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command line in a process of its own, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "nncaption", *arguments],
        cwd=root.root, env=child_environment(site), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def search_flags(file: Path, candidates: int) -> list[str]:
    return [
        "search", "--name", "run", "--llm", f"replay:{file}", "--candidates", str(candidates), "--snippets", "2",
        "--baseline", "RESNETLSTM", "--repairs", "1", "--no-with-baselines", "--epochs", "1", "--batch", "16",
        "--transform", "echo_32", "--no-pretrained", "--memory-gb", "6", "--val-images", "16", "--no-feedback",
        "--no-quality",
    ]  # fmt: skip


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(root, site, tmp_path):
    file = write_replies(tmp_path / "replies.jsonl", "trained", "syntax", "mended")
    run = command(root, site, *search_flags(file, 3))
    ledger = root.out / "nncaption" / "run" / "ledger.db"
    deadline = time.monotonic() + 60
    while not ledger.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(4)
    os.kill(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert "nncaption resume run" in err and "Traceback" not in err
    done = command(root, site, "resume", "run", "--json")
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert json.loads(out)["outcomes"] == {"syntax": 1, "trained": 2}


@pytest.mark.slow
def test_killed_at_twenty_instants_the_table_is_the_same(root, site, tmp_path, few_scenes):
    names = ("trained", "syntax", "mended", "duplicate", "train_error", "forbidden")
    file = write_replies(tmp_path / "replies.jsonl", *names)
    undisturbed = Home(
        tmp_path / "calm", Path(shutil.copytree(site, tmp_path / "calm" / "site")) / "ab" / "nn", "2.1.2"
    )
    shutil.copytree(few_scenes, undisturbed.coco)
    calm = command(undisturbed, undisturbed.package.parent.parent, *search_flags(file, len(names)), "--json")
    out, err = calm.communicate(timeout=300)
    assert calm.returncode == 0, err
    wanted = json.loads(out)

    dice = random.Random(11)
    kills = 0
    run = command(root, site, *search_flags(file, len(names)))
    while kills < 20:
        try:
            run.wait(dice.uniform(0.3, 9.0))
        except subprocess.TimeoutExpired:
            os.kill(run.pid, signal.SIGKILL)
            kills += 1
        run.communicate()
        begun = (root.out / "nncaption" / "run" / "ledger.db").exists()
        if begun and not kills % 5:  # the later kills come while something new is going on
            shutil.rmtree(root.out / "nncaption" / "cache", ignore_errors=True)
        run = command(root, site, *(["resume", "run"] if begun else search_flags(file, len(names))))
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    last = command(root, site, "show", "run", "--json")
    got = json.loads(last.communicate(timeout=60)[0])
    for tables in (wanted, got):
        for one in [tables["overall"], *(one for groups in tables["by"].values() for one in groups)]:
            del one["seconds"]
    for part in ("outcomes", "overall", "by", "falls", "families", "unfinished"):
        assert got[part] == wanted[part], part
