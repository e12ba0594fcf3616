"""Trials end up in both of LEMUR's stores, once each, whoever writes at the same time and whoever is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from ab.gpt.lemur import records
from ab.gpt.lemur.bootstrap import State, ensure, inspect
from ab.gpt.lemur.files import CannotWrite, staging_folder
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import BadName, Config
from ab.gpt.lemur.records import BadRecord, Epoch, Pending, record_trial, recover, trial_uid
from ab.gpt.lemur.statistics import BrokenStatistics
from tests.conftest import REPO, child_environment

CONFIG = Config("img-captioning", "coco", "bleu", "AlexNet")
PRM = {"lr": 0.01, "momentum": 0.9, "batch": 8, "transform": "norm_32"}
EPOCHS = [Epoch(1, 0.10, 1_000), Epoch(2, 0.25, 2_000), Epoch(3, 0.2, 3_000)]

WRITER = """
import sys
from pathlib import Path
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import Config
from ab.gpt.lemur.records import Epoch, record_trial
home = Home(Path(sys.argv[1]), Path(sys.argv[2]), "2.1.2")
writer, trials, epochs = int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
config = Config("img-captioning", "coco", "bleu", "AlexNet")
for trial in range(trials):
    prm = {"lr": 0.001 + writer, "momentum": trial / 1000, "batch": 8, "transform": "norm_32"}
    scores = [Epoch(n, 0.1 + trial / 10000 + n / 100, 1000 * trial + n) for n in range(1, epochs + 1)]
    record_trial(home, config, prm, scores)
    print(trial, flush=True)
"""


def in_files(home: Home, epoch: int) -> list[dict]:
    file = home.stat_train / str(CONFIG) / f"{epoch}.json"
    return json.loads(file.read_text()) if file.exists() else []


def in_database(home: Home, epoch: int) -> list[tuple]:
    with closing(sqlite3.connect(home.db_file)) as db:
        return db.execute(
            "SELECT accuracy, duration, transform, prm FROM stat WHERE nn = 'AlexNet' AND task = ? AND epoch = ?"
            " ORDER BY accuracy DESC",
            (CONFIG.task, epoch),
        ).fetchall()


def test_a_trial_is_in_both_stores(home):
    uid = record_trial(home, CONFIG, PRM, EPOCHS)
    for epoch in EPOCHS:
        assert in_files(home, epoch.number) == [
            {"accuracy": epoch.accuracy, **{k: PRM[k] for k in ("batch",)}, "duration": epoch.duration, "lr": 0.01,
             "momentum": 0.9, "transform": "norm_32", "uid": uid}
        ]  # fmt: skip
        assert in_database(home, epoch.number) == [(epoch.accuracy, epoch.duration, "norm_32", uid)]
    assert inspect(home).state is State.WHOLE


def test_the_same_trial_twice_is_there_once(home):
    for _ in range(3):
        record_trial(home, CONFIG, PRM, EPOCHS)
    record_trial(home, CONFIG, PRM, EPOCHS[:2])
    assert [len(in_files(home, n)) for n in (1, 2, 3)] == [1, 1, 1]
    assert [len(in_database(home, n)) for n in (1, 2, 3)] == [1, 1, 1]
    with closing(sqlite3.connect(home.db_file)) as db:
        assert db.execute("SELECT count(*) FROM prm WHERE uid = ?", (trial_uid(PRM),)).fetchone()[0] == 3 * len(PRM)


def test_rows_and_files_are_those_that_lemur_writes(home, run_python, site):
    """LEMUR's own two ways of saving, on one copy of its package, against ours on another."""
    stock = """
import json, sys
import ab.nn.util.db.Calc as calc, ab.nn.util.db.Write as write
from ab.nn.util.Util import model_stat_dir, uuid4, merge_prm
config = ("img-captioning", "coco", "bleu", "AlexNet")
for n, accuracy, duration in json.loads(sys.argv[1]):
    own = json.loads(sys.argv[2])
    prm = merge_prm(own, {"uid": uuid4(dict(sorted(own.items()))), "duration": duration, "accuracy": accuracy})
    calc.save_results(config + (n,), str(model_stat_dir(config) / f"{n}.json"), dict(prm))
    write.save_results(config + (n,), dict(prm))
"""
    epochs = json.dumps([(e.number, e.accuracy, e.duration) for e in EPOCHS])
    second = json.dumps([(e.number, e.accuracy + 0.5, e.duration) for e in EPOCHS])
    run_python(stock, epochs, json.dumps(PRM))
    run_python(stock, second, json.dumps(PRM))
    files = {n: (home.stat_train / str(CONFIG) / f"{n}.json").read_bytes() for n in (1, 2, 3)}
    wanted = everything(home)
    for n in files:
        (home.stat_train / str(CONFIG) / f"{n}.json").unlink()
    (home.stat_train / str(CONFIG)).rmdir()
    home.db_file.unlink()

    record_trial(home, CONFIG, PRM, EPOCHS)
    record_trial(home, CONFIG, PRM, [Epoch(e.number, e.accuracy + 0.5, e.duration) for e in EPOCHS])
    for n, text in files.items():
        assert (home.stat_train / str(CONFIG) / f"{n}.json").read_bytes() == text
    got = everything(home)
    assert got["stat"] == wanted["stat"]
    assert got["prm"] == wanted["prm"]
    # LEMUR's train leaves the code to the next bootstrap; ours is there at once.
    assert {name for name, *_ in got["nn"]} - {name for name, *_ in wanted["nn"]} <= {"AlexNet"}


def everything(home: Home) -> dict[str, list[tuple]]:
    with closing(sqlite3.connect(home.db_file)) as db:
        return {table: sorted(db.execute(f"SELECT * FROM {table}"), key=repr) for table in ("stat", "prm", "nn")}


def test_lemur_shows_the_records(home, run_python):
    record_trial(home, CONFIG, PRM, EPOCHS)
    code = """
import ab.nn.api as api
d = api.data(nn="AlexNet", task="img-captioning")
print(sorted(zip(d.epoch, d.accuracy)), d.prm[0], len(d.nn_code[0]) > 100)
"""
    said = run_python(code).stdout.splitlines()[-1]
    assert said.startswith("[(1, 0.1), (2, 0.25), (3, 0.2)]") and "'lr': 0.01" in said and said.endswith("True")


def test_a_bootstrap_from_the_files_gives_the_same_rows(home):
    record_trial(home, CONFIG, PRM, EPOCHS)
    recorded = everything(home)
    home.db_file.unlink()
    ensure(home)
    assert everything(home) == recorded


def test_what_is_in_a_file_already_keeps_its_text(home):
    file = home.stat_train / "img-captioning_coco_bleu_RESNETLSTM" / "1.json"
    before = file.read_text()
    record_trial(home, CONFIG._replace(nn="RESNETLSTM"), PRM, [Epoch(1, 0.0005, 5)])
    after = file.read_text()
    assert after.startswith(before[: -len("\n]")] + ",\n")
    assert json.loads(after)[:-1] == json.loads(before)


def test_a_file_that_is_written_otherwise_is_read_all_the_same(home):
    file = home.stat_train / "img-captioning_coco_bleu_RESNETLSTM" / "1.json"
    trials = json.loads(file.read_text())
    file.write_text(json.dumps(trials))
    record_trial(home, CONFIG._replace(nn="RESNETLSTM"), PRM, [Epoch(1, 0.9, 5)])
    assert json.loads(file.read_text())[1:] == trials


def start_writer(home: Home, site, writer: int, trials: int, epochs: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home.root), str(home.package), str(writer), str(trials), str(epochs)],
        cwd=REPO,
        env=child_environment(site),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def write_at_once(home: Home, site, processes: int, trials: int, epochs: int) -> None:
    ensure(home)
    writers = [start_writer(home, site, number, trials, epochs) for number in range(processes)]
    for writer in writers:
        out, err = writer.communicate(timeout=600)
        assert writer.returncode == 0, err[-2000:]
        assert len(out.splitlines()) == trials
    for epoch in range(1, epochs + 1):
        found = in_files(home, epoch)
        assert len(found) == processes * trials
        assert len({(trial["uid"], trial["duration"]) for trial in found}) == processes * trials
        assert [t["accuracy"] for t in found] == sorted((t["accuracy"] for t in found), reverse=True)
        assert len(in_database(home, epoch)) == processes * trials
    assert not list(records._pending_folder(home).iterdir())
    assert inspect(home, thorough=True).state is State.WHOLE


def test_several_processes_write_one_models_files_at_once(home, site):
    write_at_once(home, site, processes=4, trials=30, epochs=3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_eight_processes_write_four_thousand_trials_at_once(home, site):
    write_at_once(home, site, processes=8, trials=500, epochs=1)


@pytest.mark.timeout(300)
def test_fifty_kills_lose_no_acknowledged_trial(home, site):
    ensure(home)
    dice = random.Random(11)
    acknowledged: set[tuple[int, int]] = set()
    for number in range(50):
        writer = start_writer(home, site, number, 10_000, 2)
        assert writer.stdout is not None and writer.stderr is not None
        first = writer.stdout.readline()
        time.sleep(dice.uniform(0, 0.08))
        os.kill(writer.pid, signal.SIGKILL)
        rest, _ = writer.communicate()
        lines = (first + rest).split("\n")[:-1]  # a line without its end was not acknowledged
        acknowledged |= {(number, int(line)) for line in lines}
        for epoch in (1, 2):
            in_files(home, epoch)  # readable
            in_database(home, epoch)
    assert len(acknowledged) >= 50
    recover(home)
    for epoch in (1, 2):
        files = {(round(trial["lr"] - 0.001), round(trial["momentum"] * 1000)) for trial in in_files(home, epoch)}
        assert acknowledged <= files
        assert len(in_files(home, epoch)) == len(files)
        assert len(in_database(home, epoch)) == len(files)
    assert inspect(home, thorough=True).state is State.WHOLE
    assert sorted(file.name for file in (home.stat_train / str(CONFIG)).iterdir()) == ["1.json", "2.json"]
    assert not list(staging_folder(home).iterdir())


@pytest.mark.parametrize(
    "at", ["before the commit", "between commit and files", "after the files", "before the cleaning"]
)
def test_a_kill_between_the_stores_is_mended_by_the_next_record(home, site, at):
    ensure(home)
    place = {
        "before the commit": "records._store = lambda *a: os.kill(os.getpid(), 9)",
        "between commit and files": "real = Path.replace\nPath.replace = lambda a, b: "
        "os.kill(os.getpid(), 9) if b.parent.parent.name == 'train' else real(a, b)",
        "after the files": "records.sync_folder = lambda *a: os.kill(os.getpid(), 9)",
        "before the cleaning": "Path.unlink = lambda *a, **k: a[0].suffix == '.json' and os.kill(os.getpid(), 9)",
    }[at]
    code = WRITER.replace("home = ", f"import os\nfrom ab.gpt.lemur import records\n{place}\nhome = ", 1)
    killed = subprocess.run(
        [sys.executable, "-c", code, str(home.root), str(home.package), "1", "1", "2"],
        cwd=REPO, env=child_environment(site), capture_output=True,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    assert len(list(records._pending_folder(home).iterdir())) == 1
    record_trial(home, CONFIG, PRM, EPOCHS[:2])
    for epoch in (1, 2):
        assert len(in_files(home, epoch)) == len(in_database(home, epoch)) == 2
    assert recover(home) == 0


@pytest.mark.parametrize(
    ("config", "prm", "epochs", "error"),
    [
        (CONFIG._replace(nn="../AlexNet"), PRM, EPOCHS, BadName),
        (CONFIG._replace(nn="Alex_Net"), PRM, EPOCHS, BadName),
        (CONFIG._replace(nn="NoSuchNet"), PRM, EPOCHS, BadRecord),
        (CONFIG._replace(metric="nope"), PRM, EPOCHS, BadRecord),
        (CONFIG, {**PRM, "transform": "nope"}, EPOCHS, BadRecord),
        (CONFIG, {**PRM, "transform": "../../x"}, EPOCHS, BadRecord),
        (CONFIG, {**PRM, "layers": [1, 2]}, EPOCHS, BadRecord),
        (CONFIG, {**PRM, "lr": float("nan")}, EPOCHS, BadRecord),
        (CONFIG, PRM, [], BadRecord),
        (CONFIG, PRM, [Epoch(1, float("inf"), 1)], BadRecord),
        (CONFIG, PRM, [Epoch(0, 0.1, 1)], BadRecord),
        (CONFIG, PRM, [Epoch(1, 0.1, 1), Epoch(1, 0.2, 2)], BadRecord),
    ],
)
def test_what_lemur_could_not_hold_changes_nothing(home, config, prm, epochs, error):
    ensure(home)
    before = snapshot(home)
    with pytest.raises(error) as caught:
        record_trial(home, config, prm, epochs)
    assert caught.value.what and caught.value.way_out
    assert snapshot(home) == before


def snapshot(home: Home) -> dict[str, bytes]:
    files = [*home.stat_train.rglob("*"), *home.db_file.parent.rglob("*")]
    return {str(file): file.read_bytes() for file in files if file.is_file() and not file.name.endswith(".lock")}


def test_a_corrupt_statistics_file_is_named_and_changes_nothing(home):
    ensure(home)
    file = home.stat_train / "img-captioning_coco_bleu_RESNETLSTM" / "2.json"
    file.write_text('[{"accuracy": 0.3')
    before = snapshot(home)
    with pytest.raises(BrokenStatistics, match="2.json"):
        record_trial(home, CONFIG._replace(nn="RESNETLSTM"), PRM, EPOCHS)
    assert snapshot(home) == before
    record_trial(home, CONFIG, PRM, EPOCHS)  # others are not held up


def test_a_full_disk_changes_nothing(home, monkeypatch):
    ensure(home)
    before = snapshot(home)

    def full(file, _text, _staging):
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(records, "staged", full)
    with pytest.raises(CannotWrite, match="full"):
        record_trial(home, CONFIG, PRM, EPOCHS)
    monkeypatch.undo()
    assert not (home.stat_train / str(CONFIG)).exists()
    assert snapshot(home) == before


def test_a_pending_trial_of_a_model_that_has_gone_blocks_nobody(home, caplog):
    """Killed while it recorded, and the model was removed since: others are recorded, and it is told."""
    ensure(home)
    folder = home.db_file.with_name("nncaption-pending")
    folder.mkdir()
    gone = Config("img-captioning", "coco", "bleu", "C5C-Gone")
    for name, config, duration in (("a", gone, 5), ("b", CONFIG, 10**30)):
        trial = {**PRM, "uid": "u", "duration": duration, "accuracy": 0.1}
        (folder / f"{name}.json").write_text(Pending(config, {1: trial}).text())
    (folder / "c.json").write_text("{}")
    assert record_trial(home, CONFIG, PRM, [Epoch(1, 0.2, 10**9)])
    assert sorted(file.name for file in folder.iterdir()) == ["a.json", "b.json", "c.json"]
    assert (
        caplog.text.count("stays pending") == 3 and "C5C-Gone" in caplog.text and str(folder / "c.json") in caplog.text
    )


def test_a_trial_that_fails_is_not_met_again(home):
    with pytest.raises(BadRecord):
        record_trial(home, CONFIG, PRM, [Epoch(1, 0.1, 10**30)])
    assert record_trial(home, CONFIG, PRM, [Epoch(1, 0.2, 10**9)])
