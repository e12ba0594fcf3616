"""The database is LEMUR's own, row for row, whole or not there, whoever is killed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from ab.gpt.lemur import batches, bootstrap, schema
from ab.gpt.lemur.bootstrap import DatabaseUnusable, State, ensure, inspect
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.statistics import BrokenStatistics
from tests.conftest import REPO, child_environment

STOCK = "import ab.nn.util.db.Write"
OURS = """
import sys
from pathlib import Path
from ab.gpt.lemur import bootstrap
from ab.gpt.lemur.home import Home
print("go", flush=True)
print(bootstrap.ensure(Home(Path(sys.argv[1]), Path(sys.argv[2]), "2.1.2"), rebuild=len(sys.argv) > 3))
"""


def tables(file) -> dict[str, list[tuple]]:
    with closing(sqlite3.connect(file)) as db:
        rows = {table: sorted(map(repr, db.execute(f"SELECT rowid, * FROM {table}"))) for table in ("stat", "run")}
        rows |= {
            table: sorted(map(repr, db.execute(f"SELECT * FROM {table}"))) for table in ("nn", "metric", "transform")
        }
        rows["prm"] = sorted(map(repr, db.execute("SELECT *, typeof(value) FROM prm")))
        rows["indexes"] = sorted(db.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'index'"))
        rows["columns"] = [
            (table, *column[1:]) for table in schema.TABLES for column in db.execute(f"PRAGMA table_info({table})")
        ]
        return rows


@pytest.fixture(scope="module")
def stock(lemur_template, tmp_path_factory):
    """The tables as LEMUR itself builds them, of the same statistics."""
    root = tmp_path_factory.mktemp("stock")
    subprocess.run([sys.executable, "-c", STOCK], cwd=root, env=child_environment(lemur_template), check=True)
    return tables(root / "db" / "ab.nn.db")


def test_every_table_equals_the_stock_one(home, stock):
    built = ensure(home)
    ours = tables(home.db_file)
    assert len(ours["stat"]) > 100 and len(ours["run"]) > 2 and len(ours["prm"]) > 400
    for table, rows in stock.items():
        assert ours[table] == rows, table
    assert built.rows == len(ours["stat"])


def test_made_ahead_gives_the_same_batches(home):
    names = bootstrap.config_names(home)
    assert list(batches._made_ahead(home.stat_train, names, False)) == list(
        batches._make(home.stat_train, names, False)
    )


def test_lemur_takes_the_database_as_its_own(home, run_python):
    ensure(home)
    before = home.db_file.read_bytes()
    said = run_python("import ab.nn.api as a; print(len(a.data(task='img-captioning')), len(a.run_data()))")
    rows, runs = map(int, said.stdout.split()[-2:])
    assert rows > 100 and runs > 2
    assert "Importing" not in said.stdout
    assert home.db_file.read_bytes() == before


def test_second_call_does_nothing(home):
    ensure(home)
    before = home.db_file.stat()
    assert ensure(home).action == "already whole"
    assert home.db_file.stat() == before


@pytest.mark.parametrize("left", ["empty file", "no tables", "no rows", "half the rows", "hot journal"])
def test_what_a_killed_build_left_is_kept_aside_and_built_anew(home, stock, left):
    home.db_file.parent.mkdir()
    if left == "empty file":
        home.db_file.touch()
    else:
        with closing(sqlite3.connect(home.db_file)) as db, db:
            if left != "no tables":
                schema.create_tables(db)
                schema.create_indexes(db)
    if left == "half the rows":
        ensure(home)
        with closing(sqlite3.connect(home.db_file)) as db, db:
            db.execute("DELETE FROM stat WHERE epoch > 1")
            db.execute("PRAGMA application_id = 0")
    if left == "hot journal":
        kill_inside_a_transaction(home)
    assert inspect(home).state is State.PARTIAL
    built = ensure(home)
    assert built.action == "built"
    assert built.kept_aside is not None and built.kept_aside.exists()
    assert tables(home.db_file)["stat"] == stock["stat"]
    assert inspect(home, thorough=True).state is State.WHOLE


def kill_inside_a_transaction(home: Home) -> None:
    code = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1"); db.execute("BEGIN")
db.executemany("INSERT INTO prm VALUES (?, 'lr', 1.0)", [(str(i) * 50,) for i in range(5000)])
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, home.db_file], check=False)
    assert home.db_file.with_name("ab.nn.db-journal").exists()


def test_rows_that_only_the_old_database_has_are_carried_over(home):
    ensure(home)
    with closing(sqlite3.connect(home.db_file)) as db, db:
        trial = {"uid": "u1", "transform": "norm_32", "duration": 5, "accuracy": 0.5, "lr": 0.25}
        db.execute(
            "INSERT INTO stat (id, accuracy, epoch, duration, task, dataset, nn, transform, metric, prm)"
            " VALUES ('mine', 0.5, 7, 5, 'img-captioning', 'coco', 'Mine', 'norm_32', 'bleu', 'u1')"
        )
        db.execute("INSERT INTO nn VALUES ('Mine', 'code', 'id')")
        db.executemany(schema.INSERT_PRM, schema.prm_rows(trial))
        db.execute("DELETE FROM stat WHERE nn = 'RESNETLSTM' AND epoch = 2")
        db.execute("PRAGMA application_id = 0")
    ensure(home)
    with closing(sqlite3.connect(home.db_file)) as db:
        assert db.execute("SELECT epoch, accuracy FROM stat WHERE nn = 'Mine'").fetchall() == [(7, 0.5)]
        assert db.execute("SELECT name, value FROM prm WHERE uid = 'u1' ORDER BY name").fetchall() == [
            ("lr", 0.25),
            ("transform", "norm_32"),
        ]
        assert db.execute("SELECT count(*) FROM stat WHERE nn = 'RESNETLSTM' AND epoch = 2").fetchone()[0] > 0


def test_a_garbage_file_is_kept_aside(home):
    home.db_file.parent.mkdir()
    home.db_file.write_bytes(b"this is not a database " * 1000)
    assert inspect(home).state is State.CORRUPT
    built = ensure(home)
    assert built.kept_aside is not None
    assert built.kept_aside.read_bytes().startswith(b"this is not a database")
    assert inspect(home, thorough=True).state is State.WHOLE


def test_statistics_that_came_later_are_added(home):
    ensure(home)
    new = home.stat_train / "img-captioning_coco_bleu_AlexNet"
    new.mkdir()
    trial = {"accuracy": 0.1, "batch": 4, "duration": 9, "lr": 0.1, "momentum": 0.9, "transform": "norm_32", "uid": "x"}
    (new / "1.json").write_text(json.dumps([trial]))
    assert inspect(home).state is State.STALE
    built = ensure(home)
    assert (built.action, built.rows, built.kept_aside) == ("added", 1, None)
    assert inspect(home).state is State.WHOLE


def test_folders_without_trials_are_not_missed_for_ever(home):
    ensure(home)
    empty = home.stat_train / "img-captioning_coco_bleu_Nothing"
    empty.mkdir()
    (empty / "1.json").write_text("[]")
    assert inspect(home).state is State.WHOLE


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("1.json", '[{"accuracy": 0.1, ', "not JSON"),
        ("1.json", '{"accuracy": 0.1}', "not a list"),
        ("1.json", '[{"accuracy": 0.1}]', "without uid"),
        ("1.json", '[{"uid": "u", "transform": "norm_32", "lr": [1]}]', "list"),
        ("1.json", '[{"uid": "u", "transform": "no_such_transform"}]', "code it speaks of"),
        ("best.json", "[]", "not that of an epoch"),
    ],
)
def test_broken_statistics_are_named_and_nothing_is_left(home, name, text, why):
    file = home.stat_train / "img-captioning_coco_bleu_RESNETLSTM" / name
    file.write_text(text)
    with pytest.raises(BrokenStatistics, match=why) as caught:
        ensure(home)
    assert str(file) in caught.value.what and caught.value.way_out
    assert [entry.name for entry in home.db_file.parent.iterdir()] == [".ab.nn.db.lock"]


def test_broken_statistics_can_be_left_out(home):
    file = home.stat_train / "img-captioning_coco_bleu_RESNETLSTM" / "1.json"
    file.write_text("[{")
    assert ensure(home, skip_broken=True).skipped == [str(file)]
    with closing(sqlite3.connect(home.db_file)) as db:
        assert db.execute("SELECT DISTINCT epoch FROM stat WHERE nn = 'RESNETLSTM' ORDER BY 1").fetchall() == [
            (2,),
            (3,),
        ]


def test_one_builds_while_others_wait(home, site):
    processes = [start(home, site, OURS) for _ in range(4)]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
    assert sum("built," in out for out, _ in said) == 1
    assert inspect(home, thorough=True).state is State.WHOLE


def start(home: Home, site, code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(home.root), str(home.package), *arguments],
        cwd=REPO,
        env=child_environment(site),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.timeout(300)
def test_fifty_kills_never_leave_an_empty_database_that_is_taken_for_whole(home, site):
    started = time.monotonic()
    ensure(home)
    longest = time.monotonic() - started
    whole = tables(home.db_file)["stat"]
    dice = random.Random(7)
    killed = attempt = 0
    while killed < 50 and attempt < 400:
        attempt += 1
        if attempt % 2:  # from nothing, or over a database that is there
            shutil.rmtree(home.db_file.parent, ignore_errors=True)
        process = start(home, site, OURS, "rebuild")
        assert process.stdout is not None and process.stdout.readline() == "go\n"
        time.sleep(dice.uniform(0, longest))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()  # type: ignore[union-attr]
        killed += process.returncode == -signal.SIGKILL
        finding = inspect(home)
        assert finding.state in (State.ABSENT, State.WHOLE), finding
        if finding.state is State.WHOLE:
            assert inspect(home, thorough=True).state is State.WHOLE
    assert killed == 50
    ensure(home)
    assert tables(home.db_file)["stat"] == whole
    assert not list(home.db_file.parent.glob("*.building-*")) or ensure(home, rebuild=True)
    assert not list(home.db_file.parent.glob("*.building-*"))


def test_root_that_cannot_be_written(home, monkeypatch):
    blocked = home.root / "db"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(DatabaseUnusable) as caught:
        ensure(home)
    assert str(blocked) in caught.value.what and caught.value.way_out
    assert blocked.read_text() == "a file where the folder should be"


def test_disk_that_is_full(home, monkeypatch):
    class Full:
        f_bavail, f_frsize = 10, 4096

    monkeypatch.setattr(os, "statvfs", lambda _: Full())
    with pytest.raises(DatabaseUnusable, match="full"):
        ensure(home)
    assert not home.db_file.exists()


def test_a_stock_build_in_progress_is_waited_for(home, site):
    home.db_file.parent.mkdir()
    with closing(sqlite3.connect(home.db_file)) as db, db:
        schema.create_tables(db)
    writer = sqlite3.connect(home.db_file, isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")
    seen: list[str] = []

    def watch(doing: str, _done: int, _of: int) -> None:
        if doing.startswith("waiting") and writer.in_transaction:
            writer.execute("ROLLBACK")
        seen.append(doing)

    ensure(home, watch)
    writer.close()
    assert "waiting for another process that writes the database" in seen
    assert inspect(home, thorough=True).state is State.WHOLE


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_whole_of_lemur(tmp_path):
    """The full bootstrap of the installed statistics: every configuration is there."""
    from ab.gpt.lemur.home import find_home

    home = find_home(tmp_path)
    built = ensure(home)
    assert built.rows > 500_000
    assert inspect(home, thorough=True).state is State.WHOLE
