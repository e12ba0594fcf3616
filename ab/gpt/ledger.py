"""A run's record: one SQLite file that holds every prompt, reply, fix, finding, score, second and token.

Whatever is written is safe when the call returns, whatever kills the process afterwards. Only the process that holds
the run's lock writes; anybody may read meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ab.gpt.errors import NNCaptionError

SCHEMA = 2
FILE, LOCK = "ledger.db", "run.lock"
_TABLES = """
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE candidate (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,              -- 'baseline' or 'proposed'
    number INTEGER NOT NULL,         -- among its kind, from 0
    prefix TEXT NOT NULL,            -- of the family, such as C5C-RESNETLSTM
    baseline TEXT NOT NULL,
    mode TEXT NOT NULL,              -- 'code' or 'blueprint'
    model TEXT NOT NULL,             -- who proposed it
    snippets TEXT NOT NULL,          -- JSON: the classifiers that were shown
    n INTEGER NOT NULL,              -- how many were asked for
    seed INTEGER NOT NULL,
    state TEXT NOT NULL,             -- 'open', 'gated', 'trained' (scores are safe), 'done' (and recorded in LEMUR)
    outcome TEXT, stage TEXT, reason TEXT, evidence TEXT,
    name TEXT, code TEXT, hyper TEXT, parameters INTEGER, structure TEXT, blueprint TEXT,
    uid TEXT,                        -- of the trial in LEMUR
    collapsed INTEGER, batch INTEGER, notes TEXT, log TEXT, peak_memory INTEGER,
    quality REAL,                    -- of the code, as LEMUR's check_nn has it; NULL while it is not known
    propose_seconds REAL NOT NULL DEFAULT 0, gate_seconds REAL NOT NULL DEFAULT 0,
    train_seconds REAL NOT NULL DEFAULT 0,
    began REAL NOT NULL, ended REAL,
    UNIQUE (kind, number)
);
CREATE TABLE reply (
    id INTEGER PRIMARY KEY,
    candidate INTEGER NOT NULL REFERENCES candidate(id),
    attempt INTEGER NOT NULL,        -- 0 for the proposal, then the repairs
    prompt TEXT NOT NULL,            -- JSON: the messages
    prompt_version TEXT NOT NULL,
    left_out TEXT NOT NULL,          -- JSON: parts of the prompt that did not fit
    text TEXT NOT NULL,
    model TEXT NOT NULL, seed INTEGER NOT NULL, finish TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, tokens INTEGER NOT NULL, seconds REAL NOT NULL, cost REAL NOT NULL,
    at REAL NOT NULL,
    UNIQUE (candidate, attempt)
);
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    candidate INTEGER NOT NULL REFERENCES candidate(id),
    number INTEGER NOT NULL,
    code TEXT NOT NULL, extracted TEXT NOT NULL, fixes TEXT NOT NULL, stage TEXT NOT NULL, findings TEXT NOT NULL,
    smoke TEXT, counts INTEGER NOT NULL,  -- 1 for the attempt whose code went on
    UNIQUE (candidate, number)
);
CREATE TABLE epoch (
    id INTEGER PRIMARY KEY,
    candidate INTEGER NOT NULL REFERENCES candidate(id),
    number INTEGER NOT NULL,
    lemur_bleu REAL NOT NULL, bleu4 REAL NOT NULL, scores TEXT NOT NULL, train_loss REAL, lr REAL,
    learn_seconds REAL NOT NULL, eval_seconds REAL NOT NULL, images_per_second REAL NOT NULL,
    duration INTEGER NOT NULL, peak_memory INTEGER NOT NULL,
    predicted BLOB NOT NULL,         -- compressed JSON: token ids for each validation image
    UNIQUE (candidate, number)
);
"""


class NoSuchRun(NNCaptionError):
    """There is no run of that name."""


class DamagedLedger(NNCaptionError):
    """A ledger that is not whole, or not one at all."""


class RunInUse(NNCaptionError):
    """Another process is working on the run."""


def can_write(file: Path) -> bool:
    """True where a ledger, and the files that SQLite keeps beside it, can be written."""
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def ledger_uri(file: Path, write: bool = True) -> str:
    """How SQLite opens a ledger: where nothing can be written, as a file that nobody changes."""
    if can_write(file):
        return file.absolute().as_uri() + ("" if write else "?mode=ro")
    beside = file.with_name(f"{file.name}-wal")  # what is only there yet needs SQLite's own way
    return file.absolute().as_uri() + ("?mode=ro" if beside.exists() else "?mode=ro&immutable=1")


def way_out(file: Path) -> str:
    """What to do about a ledger that cannot be read."""
    return "Restore it, or begin anew." if can_write(file) else "Copy the run's folder to where you may write."


class Ledger:
    """One run's record, open for reading; for writing inside of `writing()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / FILE
        if not self.file.is_file():
            raise NoSuchRun(f"There is no run in {folder}.", "See `nncaption runs`.")
        try:
            self.db = sqlite3.connect(
                ledger_uri(self.file), uri=True, timeout=60, isolation_level=None, check_same_thread=False
            )
            self.db.row_factory = sqlite3.Row
            if can_write(self.file):
                self.db.execute("PRAGMA journal_mode = WAL")
                self.db.execute("PRAGMA synchronous = FULL")
                self.db.execute("PRAGMA foreign_keys = ON")
            version = int(self.db.execute("PRAGMA user_version").fetchone()[0])
        except sqlite3.DatabaseError as error:
            raise DamagedLedger(f"The ledger {self.file} cannot be read: {error}.", way_out(self.file)) from error
        if version > SCHEMA:
            raise DamagedLedger(
                f"The ledger {self.file} is of version {version}, newer than this toolkit's {SCHEMA}.",
                "Update nn-caption.",
            )
        if version < 1:
            raise DamagedLedger(f"{self.file} is no ledger of a run.", "Begin a new run.")
        if version < SCHEMA and not can_write(self.file):
            raise DamagedLedger(
                f"The ledger {self.file} is of version {version}, and nothing can be written there to renew it.",
                way_out(self.file),
            )
        self._migrate(version)

    @classmethod
    def create(cls, folder: Path, about: dict[str, Any]) -> Ledger:
        """A new run's ledger; what is about the whole run is written with it."""
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{FILE}.{os.getpid()}.new"
        temporary.unlink(missing_ok=True)
        db = sqlite3.connect(temporary)
        try:
            db.executescript(f"{_TABLES} PRAGMA user_version = {SCHEMA};")
            db.executemany("INSERT INTO run VALUES (?, ?)", [(key, json.dumps(value)) for key, value in about.items()])
            db.commit()
        finally:
            db.close()
        try:
            os.link(temporary, folder / FILE)  # unlike a rename it never takes another run's place
        except OSError as error:
            if (folder / FILE).exists():
                raise RunInUse(f"There is a run {folder.name!r} already.", "Give another --name.") from error
            temporary.rename(folder / FILE)  # a file system without links
        finally:
            temporary.unlink(missing_ok=True)
        return cls(folder)

    def close(self) -> None:
        """Lets go of the file."""
        self.db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        self.close()
        if type(error) is sqlite3.DatabaseError:  # the file; its children speak of a full disk, or of a defect of ours
            raise DamagedLedger(f"The ledger {self.file} cannot be used: {error}.", way_out(self.file)) from error
        if isinstance(error, sqlite3.OperationalError):
            raise NNCaptionError(
                f"The ledger {self.file} cannot be used: {error}.", "Mend that, then go on: nncaption resume"
            ) from error

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Holds the run's lock; `RunInUse` where another process has it."""
        lock = FileLock(self.folder / LOCK)
        try:
            lock.acquire(timeout=0.3, poll_interval=0.05)  # `in_use` holds it for less than that
        except OSError as error:
            if isinstance(error, Timeout):
                raise RunInUse(
                    f"Another process is working on {self.folder.name}.", "Wait for it, or look on: nncaption show"
                ) from None
            raise NNCaptionError(
                f"Nothing can be written in {self.folder}: {error.strerror or error}.",
                "See to the right to write there.",
            ) from error
        try:
            yield
        finally:
            lock.release()

    def in_use(self) -> bool:
        """True while a process works on the run; asking keeps nobody from the run, and needs no right to write."""
        if sys.platform == "win32":  # which has no locks that are shared
            try:
                with self.working():
                    return False
            except RunInUse:
                return True
        import fcntl

        try:
            asked = os.open(self.folder / LOCK, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(asked, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(asked)

    # What is about the whole run

    @property
    def about(self) -> dict[str, Any]:
        """Settings, versions, state of the code: everything that was written when the run began, and since."""
        return {row["key"]: json.loads(row["value"]) for row in self.rows("SELECT key, value FROM run")}

    def note(self, **values: Any) -> None:
        """Writes down something about the whole run."""
        with self._transaction():
            for key, value in values.items():
                self.db.execute("INSERT OR REPLACE INTO run VALUES (?, ?)", (key, json.dumps(value)))

    # What becomes of a candidate

    def begin(self, **plan: Any) -> int:
        """A new candidate's id."""
        plan["snippets"] = json.dumps(plan.get("snippets", []))
        with self._transaction():
            return self._insert("candidate", {"state": "open", "began": time.time(), **plan})

    def shown(self, candidate: int, snippets: list[str]) -> None:
        """Writes down which classifiers a prompt has shown."""
        with self._transaction():
            self._update(candidate, {"snippets": json.dumps(snippets)})

    def reply(self, candidate: int, attempt: int, prompt: Any, completion: Any, seed: int) -> None:
        """Writes down what a model was asked and what it said."""
        with self._transaction():
            self._insert(
                "reply",
                {
                    "candidate": candidate,
                    "attempt": attempt,
                    "prompt": json.dumps([[message.role, message.content] for message in prompt.messages]),
                    "prompt_version": prompt.version,
                    "left_out": json.dumps(list(prompt.left_out)),
                    "text": completion.text,
                    "model": completion.model,
                    "seed": seed,
                    "finish": completion.finish_reason,
                    "prompt_tokens": completion.prompt_tokens,
                    "tokens": completion.tokens,
                    "seconds": completion.seconds,
                    "cost": completion.cost,
                    "at": time.time(),
                },
            )
            self._add(candidate, propose_seconds=completion.seconds)

    def judged(self, candidate: int, verdict: Any, seconds: float, **more: Any) -> None:
        """Writes down what the gate has found, and how the candidate ended where it has."""
        smoke = verdict.smoke
        with self._transaction():
            self.db.execute("DELETE FROM attempt WHERE candidate = ?", (candidate,))
            for number, attempt in enumerate(verdict.attempts):
                seen = attempt.examined.smoke
                self._insert(
                    "attempt",
                    {
                        "candidate": candidate,
                        "number": number,
                        "code": attempt.code,
                        "extracted": json.dumps(attempt.extracted),
                        "fixes": json.dumps(attempt.fixes),
                        "stage": attempt.examined.stage,
                        "findings": json.dumps([finding.as_json() for finding in attempt.examined.findings]),
                        "smoke": None if seen is None else json.dumps(seen.as_json()),
                        "counts": int(number == verdict.best),
                    },
                )
            self._add(candidate, gate_seconds=seconds)
            values = {"code": verdict.code, "state": "gated" if verdict.passed else "done", **more}
            if smoke is not None:
                values |= {"parameters": smoke.parameters, "structure": smoke.structure}
            self._update(candidate, values)
            if verdict.ending is not None:
                self._end(candidate, verdict.ending)

    def trained(self, candidate: int, trained: Any) -> None:
        """Writes down how a training ended, with every epoch; LEMUR's records come after it."""
        with self._transaction():
            self.db.execute("DELETE FROM epoch WHERE candidate = ?", (candidate,))
            for epoch in trained.epochs:
                scores = epoch.scores.to_dict()
                self._insert(
                    "epoch",
                    {
                        "candidate": candidate,
                        "number": epoch.number,
                        "lemur_bleu": epoch.lemur_bleu,
                        "bleu4": epoch.scores.bleu4,
                        "scores": json.dumps(scores),
                        "train_loss": epoch.train_loss,
                        "lr": epoch.lr,
                        "learn_seconds": epoch.learn_seconds,
                        "eval_seconds": epoch.eval_seconds,
                        "images_per_second": epoch.images_per_second,
                        "duration": epoch.duration,
                        "peak_memory": epoch.peak_memory,
                        "predicted": zlib.compress(json.dumps(epoch.predicted).encode()),
                    },
                )
            self._add(candidate, train_seconds=trained.seconds)
            if trained.parameters:  # a baseline has not been counted at the gate
                self._update(candidate, {"parameters": trained.parameters})
            self._update(
                candidate,
                {
                    "state": "trained",
                    "collapsed": int(trained.collapsed),
                    "batch": trained.batch,
                    "notes": json.dumps(trained.notes),
                    "log": trained.log,
                    "peak_memory": trained.peak_memory,
                },
            )
            self._end(candidate, trained.ending)

    def rated(self, candidate: int, quality: float) -> None:
        """Writes down the quality of a candidate's code."""
        with self._transaction():
            self._update(candidate, {"quality": quality})

    def done(self, candidate: int, uid: str | None) -> None:
        """Writes down that LEMUR has the candidate's trial, or needs none."""
        with self._transaction():
            self._update(candidate, {"state": "done", "uid": uid})

    def reopen(self, candidate: int, state: str) -> None:
        """Takes back an ending that was nobody's fault: the candidate stands where it stood before."""
        with self._transaction():
            nothing = dict.fromkeys(("outcome", "stage", "reason", "evidence", "ended"))
            self._update(candidate, {"state": state, **nothing})

    def failed(self, candidate: int, ending: Any) -> None:
        """Writes down an ending that came about neither at the gate nor in training."""
        with self._transaction():
            self._update(candidate, {"state": "done"})
            self._end(candidate, ending)

    # Reading

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """The rows of a question."""
        try:
            return self.db.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise DamagedLedger(f"The ledger {self.file} cannot be read: {error}.", way_out(self.file)) from error

    def candidates(self, where: str = "1", *values: Any) -> list[sqlite3.Row]:
        """The candidates in their order, with the tokens and the cost of their replies."""
        return self.rows(
            "SELECT c.*, (SELECT sum(tokens) FROM reply WHERE candidate = c.id) AS tokens,"
            " (SELECT sum(prompt_tokens) FROM reply WHERE candidate = c.id) AS prompt_tokens,"
            " (SELECT sum(cost) FROM reply WHERE candidate = c.id) AS cost,"
            " (SELECT prompt_version FROM reply WHERE candidate = c.id AND attempt = 0) AS prompt_version,"
            " (SELECT count(*) FROM reply WHERE candidate = c.id AND attempt > 0) AS repairs,"
            " (SELECT max(lemur_bleu) FROM epoch WHERE candidate = c.id) AS lemur_bleu,"
            " (SELECT max(bleu4) FROM epoch WHERE candidate = c.id) AS bleu4"
            f" FROM candidate c WHERE {where} ORDER BY c.id",
            *values,
        )

    def replies(self, candidate: int) -> list[sqlite3.Row]:
        """What was asked and said, in order."""
        return self.rows("SELECT * FROM reply WHERE candidate = ? ORDER BY attempt", candidate)

    def attempts(self, candidate: int) -> list[sqlite3.Row]:
        """What the gate made of each reply."""
        return self.rows("SELECT * FROM attempt WHERE candidate = ? ORDER BY number", candidate)

    def epochs(self, candidate: int) -> list[sqlite3.Row]:
        """The epochs of a training."""
        return self.rows("SELECT * FROM epoch WHERE candidate = ? ORDER BY number", candidate)

    # Writing

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def _insert(self, table: str, values: dict[str, Any]) -> int:
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        cursor = self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))
        return int(cursor.lastrowid or 0)

    def _update(self, candidate: int, values: dict[str, Any]) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self.db.execute(f"UPDATE candidate SET {names} WHERE id = ?", (*values.values(), candidate))

    def _add(self, candidate: int, **values: float) -> None:
        names = ", ".join(f"{name} = {name} + ?" for name in values)
        self.db.execute(f"UPDATE candidate SET {names} WHERE id = ?", (*values.values(), candidate))

    def _end(self, candidate: int, ending: Any) -> None:
        self._update(
            candidate,
            {
                "outcome": ending.outcome.value,
                "stage": ending.stage,
                "reason": ending.reason,
                "evidence": ending.evidence,
                "ended": time.time(),
            },
        )

    def _migrate(self, version: int) -> None:
        """Brings an older ledger to today's schema, one version after the other."""
        for step in range(version, SCHEMA):
            with self._transaction():
                if int(self.db.execute("PRAGMA user_version").fetchone()[0]) > step:
                    continue  # another process was first
                for statement in MIGRATIONS[step]:
                    self.db.execute(statement)
                self.db.execute(f"PRAGMA user_version = {step + 1}")


MIGRATIONS: dict[int, tuple[str, ...]] = {1: ("ALTER TABLE candidate ADD COLUMN quality REAL",)}
"""For each schema version the statements that lead to the next."""


def predicted(row: sqlite3.Row) -> list[list[int]]:
    """The token ids of an epoch's captions."""
    captions: list[list[int]] = json.loads(zlib.decompress(row["predicted"]))
    return captions
