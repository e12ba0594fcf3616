"""LEMUR's tables, and rows as LEMUR writes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from ab.gpt.lemur.names import Config, lemur_hash

CODE_TABLES = ("nn", "transform", "metric")
TABLES = (*CODE_TABLES, "prm", "stat", "run")
STAT_INDEXED = ("task", "dataset", "nn", "transform", "metric", "prm")

WHOLE = 0x4E4E4331
"""SQLite's `application_id` of a database that this toolkit built, or went through and found whole ('NNC1')."""

_CODE_TABLE = "CREATE TABLE IF NOT EXISTS {} (name TEXT PRIMARY KEY, code TEXT NOT NULL, id TEXT NOT NULL)"
_CREATE_TABLES = (
    *(_CODE_TABLE.format(name) for name in CODE_TABLES),
    "CREATE TABLE IF NOT EXISTS prm (uid TEXT NOT NULL, name TEXT NOT NULL, value OBJECT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS stat (
        id TEXT PRIMARY KEY, accuracy REAL, epoch INTEGER, duration INTEGER,
        task, dataset, nn, transform, metric, prm,
        FOREIGN KEY (nn) REFERENCES nn (name) ON DELETE CASCADE,
        FOREIGN KEY (transform) REFERENCES transform (name) ON DELETE CASCADE,
        FOREIGN KEY (metric) REFERENCES metric (name) ON DELETE CASCADE,
        FOREIGN KEY (prm) REFERENCES prm (uid) ON DELETE CASCADE)""",
    """CREATE TABLE IF NOT EXISTS run (
        id TEXT PRIMARY KEY, model_name TEXT NOT NULL, device_type TEXT, os_version TEXT, valid BOOLEAN,
        emulator BOOLEAN, error_message TEXT, duration INTEGER, device_analytics_json TEXT,
        FOREIGN KEY (model_name) REFERENCES nn (name) ON DELETE CASCADE)""",
)
_CREATE_INDEXES = (
    "CREATE INDEX IF NOT EXISTS idx_prm_uid ON prm (uid, name, value)",
    "CREATE INDEX IF NOT EXISTS idx_accuracy_desc ON stat (accuracy DESC)",
    *(f"CREATE INDEX IF NOT EXISTS idx_{name} ON stat ({name})" for name in STAT_INDEXED),
    "CREATE INDEX IF NOT EXISTS idx_run_model ON run (model_name)",
    "CREATE INDEX IF NOT EXISTS idx_run_device ON run (device_type)",
)

INSERT_CODE = "INSERT OR IGNORE INTO {} (name, code, id) VALUES (?, ?, ?)"
INSERT_PRM = "INSERT OR IGNORE INTO prm (uid, name, value) VALUES (?, ?, ?)"
INSERT_STAT = (
    "INSERT INTO stat (id, transform, prm, task, dataset, metric, nn, epoch, duration, accuracy)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_RUN = "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

_NOT_PRM = frozenset({"uid", "duration", "accuracy"})

Row = tuple[object, ...]
Trial = dict[str, object]
"""One trained epoch as LEMUR's statistics hold it: hyper-parameters, `uid`, `duration` (ns) and `accuracy`."""


def create_tables(db: sqlite3.Connection) -> None:
    """Makes the tables that are not there."""
    for statement in _CREATE_TABLES:
        db.execute(statement)


def create_indexes(db: sqlite3.Connection) -> None:
    """Makes the indexes that are not there; after a bulk import, because sorting once is cheaper."""
    for statement in _CREATE_INDEXES:
        db.execute(statement)


def code_row(name: str, code: str) -> Row:
    """The row of `nn`, `metric` or `transform` for one code file."""
    return name, code, lemur_hash(code)


def read_code(file: Path) -> str:
    """A code file's text as LEMUR would read it."""
    return file.read_text(encoding="utf-8")


def stat_row(config: Config, epoch: int, trial: Trial) -> Row:
    """The row of `stat` for one trained epoch; its id is LEMUR's, so the same epoch is never there twice."""
    values = (
        trial["transform"],
        trial["uid"],
        *config,
        epoch,
        trial.get("duration"),
        trial.get("accuracy"),
    )
    return lemur_hash(list(values)), *values


def prm_rows(trial: Trial) -> list[Row]:
    """The rows of `prm` for one trained epoch: each hyper-parameter in its own type."""
    uid = trial["uid"]
    return [(uid, name, value) for name, value in trial.items() if name not in _NOT_PRM]


def missing_tables(db: sqlite3.Connection) -> set[str]:
    """Which of LEMUR's tables a database lacks."""
    return set(TABLES) - {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def marked_whole(db: sqlite3.Connection) -> bool:
    """True where this toolkit has built the database or gone through it."""
    return bool(db.execute("PRAGMA application_id").fetchone()[0] == WHOLE)


def insert_codes(db: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    """Adds code files to a code table; those whose name is there stay as they are."""
    db.executemany(INSERT_CODE.format(table), rows)
