"""What a run has written down stays, whatever happens to the process, and is read by anybody."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ab.gpt.candidate import Ending, Outcome
from ab.gpt.errors import NNCaptionError
from ab.gpt.ledger import FILE, SCHEMA, DamagedLedger, Ledger, NoSuchRun, RunInUse
from tests.conftest import REPO

PLAN = {
    "kind": "proposed", "prefix": "C5C-X", "baseline": "X", "mode": "code", "model": "m", "snippets": ["A", "B"],
    "n": 5, "seed": 1,
}  # fmt: skip
PROMPT = SimpleNamespace(messages=[SimpleNamespace(role="user", content="write")], version="1", left_out=("advice",))


def said(text: str) -> SimpleNamespace:
    return SimpleNamespace(
        text=text, model="m", finish_reason="stop", prompt_tokens=10, tokens=5, seconds=1.5, cost=0.25
    )


@pytest.fixture
def ledger(tmp_path):
    with Ledger.create(tmp_path / "run", {"settings": {"seed": 3}, "created": "now"}) as made:
        yield made


def test_a_candidate_from_beginning_to_end(ledger):
    assert ledger.about == {"settings": {"seed": 3}, "created": "now"}
    ledger.note(ended="then")
    assert ledger.about["ended"] == "then"
    number = ledger.begin(**PLAN, number=0)
    ledger.reply(number, 0, PROMPT, said("code"), seed=7)
    ledger.reply(number, 1, PROMPT, said("repaired"), seed=8)
    ledger.failed(number, Ending(Outcome.NO_CODE, "extract", "no code"))
    [row] = ledger.candidates()
    assert (row["state"], row["outcome"], row["tokens"], row["cost"], row["repairs"]) == ("done", "no_code", 10, 0.5, 1)
    assert row["propose_seconds"] == 3.0 and json.loads(row["snippets"]) == ["A", "B"]
    assert [reply["text"] for reply in ledger.replies(number)] == ["code", "repaired"]
    with Ledger(ledger.folder) as other:
        assert [dict(r) for r in other.candidates()] == [dict(r) for r in ledger.candidates()]


def test_a_reply_is_written_once(ledger):
    number = ledger.begin(**PLAN, number=0)
    ledger.reply(number, 0, PROMPT, said("first"), seed=7)
    with pytest.raises(sqlite3.IntegrityError):
        ledger.reply(number, 0, PROMPT, said("second"), seed=7)
    assert [reply["text"] for reply in ledger.replies(number)] == ["first"]
    assert ledger.candidates()[0]["propose_seconds"] == 1.5


def test_a_run_never_takes_anothers_place(ledger):
    ledger.begin(**PLAN, number=0)
    with pytest.raises(RunInUse, match="already"):
        Ledger.create(ledger.folder, {})
    with Ledger(ledger.folder) as again:
        assert len(again.candidates()) == 1
    assert [file.name for file in ledger.folder.glob("*.new")] == []


def test_a_run_begins_where_there_are_no_links(tmp_path, monkeypatch):
    def none(source, target):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("ab.gpt.ledger.os.link", none)
    Ledger.create(tmp_path / "run", {"began": 1.0}).close()
    with pytest.raises(RunInUse):
        Ledger.create(tmp_path / "run", {})
    with Ledger(tmp_path / "run") as ledger:
        assert ledger.about == {"began": 1.0}


def test_what_goes_wrong_with_the_file_is_told_and_a_defect_of_ours_stays_one(ledger):
    for error, told in (
        (sqlite3.DatabaseError("malformed"), DamagedLedger),
        (sqlite3.OperationalError("disk is full"), NNCaptionError),
        (sqlite3.IntegrityError("UNIQUE"), sqlite3.IntegrityError),
    ):
        with pytest.raises(told) as raised, Ledger(ledger.folder):
            raise error
        assert type(raised.value) is told


def test_being_asked_whether_it_is_in_use_keeps_nobody_from_a_run(ledger):
    assert not ledger.in_use()
    with ledger.working():
        assert ledger.in_use() and ledger.in_use()
    assert not ledger.in_use()


def test_one_process_works_on_a_run(ledger):
    with ledger.working(), Ledger(ledger.folder) as other, pytest.raises(RunInUse), other.working():
        pass
    with ledger.working():
        pass


@pytest.mark.parametrize("text", [b"", b"no database at all, whatever the name says" * 100])
def test_what_is_no_ledger(tmp_path, text):
    with pytest.raises(NoSuchRun):
        Ledger(tmp_path)
    (tmp_path / FILE).write_bytes(text)
    with pytest.raises(DamagedLedger):
        Ledger(tmp_path)


def test_an_older_ledger_is_brought_to_todays_schema(ledger):
    candidate = ledger.begin(**PLAN, number=0)
    ledger.db.execute("ALTER TABLE candidate DROP COLUMN quality")
    ledger.db.execute("PRAGMA user_version = 1")
    with Ledger(ledger.folder) as again, Ledger(ledger.folder) as beside:
        [row] = again.candidates()
        assert row["id"] == candidate and row["quality"] is None
        again.rated(candidate, 0.5)
        assert beside.candidates()[0]["quality"] == 0.5
        assert beside.rows("PRAGMA user_version")[0][0] == SCHEMA


def test_a_ledger_from_the_future_is_left_alone(ledger):
    ledger.db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(DamagedLedger, match="newer"):
        Ledger(ledger.folder)


def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path):
    """A process that writes and says so is killed again and again; all that it said is there, and the file is whole."""
    folder = tmp_path / "run"
    Ledger.create(folder, {}).close()
    code = f"""
import sys
sys.path[:0] = [{str(REPO)!r}]
from pathlib import Path
from tests.gpt.test_ledger import PLAN, PROMPT, said
from ab.gpt.ledger import Ledger
ledger = Ledger(Path({str(folder)!r}))
for place in range(len(ledger.candidates()), 10**6):
    number = ledger.begin(**PLAN, number=place)
    ledger.reply(number, 0, PROMPT, said("x" * 5000), seed=1)
    print(number, flush=True)
"""
    seen: list[int] = []
    chance = random.Random(1)
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=REPO)
        seen.append(int(process.stdout.readline()))
        time.sleep(chance.random() * 0.3)
        os.kill(process.pid, signal.SIGKILL)
        seen += map(int, process.stdout.read().split())
        process.wait()
    with Ledger(folder) as ledger:
        assert ledger.db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        told = {row["candidate"] for row in ledger.rows("SELECT candidate FROM reply")}
    assert len(seen) > 5 and set(seen) <= told


def test_files_are_named_in_the_error(tmp_path):
    with pytest.raises(NoSuchRun, match=str(tmp_path)):
        Ledger(Path(tmp_path))
