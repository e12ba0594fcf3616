"""Questions to LEMUR's database that are answered in milliseconds. Nothing here writes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.bootstrap import DatabaseUnusable, Progress, ensure, silent
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import Config
from ab.gpt.lemur.schema import missing_tables

Value = int | float | str


class NoSuchModel(NNCaptionError):
    """LEMUR's database knows no model of that name."""


@dataclass(frozen=True)
class Score:
    """One trained epoch of one model: what was reached and with which hyper-parameters."""

    config: Config
    epoch: int
    accuracy: float
    duration: int
    """Nanoseconds from the start of the training to the end of this epoch."""
    transform: str
    uid: str
    prm: dict[str, Value]
    code: str | None = None


@contextlib.contextmanager
def reading(home: Home, progress: Progress = silent) -> Iterator[sqlite3.Connection]:
    """A read-only connection to a whole database, built first if there is none."""
    ensure(home, progress)
    db = sqlite3.connect(f"{home.db_file.absolute().as_uri()}?mode=ro", uri=True, timeout=60)
    try:
        yield db
    except sqlite3.DatabaseError as error:
        raise DatabaseUnusable(
            f"LEMUR's database {home.db_file} cannot be read: {error}.", "Build it anew: nncaption bootstrap --rebuild"
        ) from error
    finally:
        db.close()


def best_models(
    home: Home,
    task: str,
    dataset: str | None = None,
    metric: str | None = None,
    *,
    limit: int | None = None,
    progress: Progress = silent,
) -> list[Score]:
    """Each model's best epoch on each data set and metric of a task, with code and hyper-parameters, best first."""
    where, values = _where(task=task, dataset=dataset, metric=metric)
    # Of epochs with the same best score the first counts; SQLite takes bare columns from the row of the minimum.
    sql = f"""
        SELECT b.task, b.dataset, b.metric, b.nn, min(s.epoch), b.best, s.duration, s.transform, s.prm, n.code
        FROM (SELECT task, dataset, metric, nn, max(accuracy) AS best
              FROM stat WHERE {where} GROUP BY task, dataset, metric, nn ORDER BY best DESC LIMIT ?) b
        JOIN stat s ON s.nn = b.nn AND s.accuracy = b.best
             AND +s.task = b.task AND +s.dataset = b.dataset AND +s.metric = b.metric
        LEFT JOIN nn n ON n.name = b.nn
        GROUP BY b.task, b.dataset, b.metric, b.nn ORDER BY b.best DESC, b.nn"""
    with reading(home, progress) as db:
        return _scores(db, db.execute(sql, (*values, -1 if limit is None else limit)).fetchall())


def family_scores(
    home: Home, prefix: str, *, task: str | None = None, dataset: str | None = None, progress: Progress = silent
) -> list[Score]:
    """All epochs of all models whose name begins with a prefix, without their code."""
    where, values = _where(task=task, dataset=dataset)
    sql = f"""
        SELECT task, dataset, metric, nn, epoch, accuracy, duration, transform, prm, NULL FROM stat
        WHERE nn >= ? AND nn < ? AND {where} ORDER BY nn, epoch, accuracy DESC"""
    with reading(home, progress) as db:
        return _scores(db, db.execute(sql, (prefix, prefix + "\U0010ffff", *values)).fetchall())


def best_accuracies(home: Home, task: str, *, progress: Progress = silent) -> list[tuple[str, str, str, float]]:
    """Model, data set, metric and the best accuracy that is recorded of them, for all models of a task."""
    sql = """
        SELECT nn, dataset, metric, max(accuracy) FROM stat
        WHERE task = ? AND accuracy IS NOT NULL GROUP BY nn, dataset, metric"""
    with reading(home, progress) as db:
        return db.execute(sql, (task,)).fetchall()


def count_epochs(home: Home, task: str, *, progress: Progress = silent) -> int:
    """How many trained epochs are recorded of all models of a task."""
    with reading(home, progress) as db:
        return int(db.execute("SELECT count(*) FROM stat WHERE task = ?", (task,)).fetchone()[0])


def task_epochs(home: Home, task: str, *, progress: Progress = silent) -> Iterator[tuple[Any, ...]]:
    """Id, model, data set, metric, transform, uid, epoch, accuracy and duration of every row of a task, in order."""
    sql = """
        SELECT id, nn, dataset, metric, transform, prm, epoch, accuracy, duration FROM stat
        WHERE task = ? AND accuracy IS NOT NULL ORDER BY nn, dataset, metric, transform, prm, epoch, id"""
    with reading(home, progress) as db:
        yield from db.execute(sql, (task,))


def model_code(home: Home, name: str, *, progress: Progress = silent) -> str:
    """The code of one model; raises `NoSuchModel`."""
    with reading(home, progress) as db:
        row = db.execute("SELECT code FROM nn WHERE name = ?", (name,)).fetchone()
        if row is None:
            near = [
                found
                for (found,) in db.execute("SELECT name FROM nn WHERE name LIKE ? ORDER BY name LIMIT 5", (f"{name}%",))
            ]
            raise NoSuchModel(
                f"LEMUR's database has no model {name!r}.",
                f"Names that begin like it: {', '.join(near)}." if near else "See `nncaption doctor` for the database.",
            )
        return str(row[0])


def recorded_codes(home: Home, task: str) -> list[tuple[str, str]]:
    """Name and code of every model with statistics of a task, of the database as it is; none where there is none."""
    if not home.db_file.is_file() or not home.db_file.stat().st_size:
        return []
    with contextlib.closing(sqlite3.connect(f"{home.db_file.absolute().as_uri()}?mode=ro", uri=True, timeout=60)) as db:
        if missing_tables(db):
            return []
        sql = "SELECT name, code FROM nn WHERE name IN (SELECT DISTINCT nn FROM stat WHERE task = ?) ORDER BY name"
        return [(str(name), str(code)) for name, code in db.execute(sql, (task,))]


def count_rows(home: Home, *, progress: Progress = silent) -> dict[str, int]:
    """How many rows each of LEMUR's tables holds."""
    with reading(home, progress) as db:
        return {
            table: int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
            for table in ("stat", "nn", "metric", "transform", "prm", "run")
        }


def _where(**conditions: str | None) -> tuple[str, list[str]]:
    given = {column: value for column, value in conditions.items() if value is not None}
    return " AND ".join(f"{column} = ?" for column in given) or "1", list(given.values())


def _scores(db: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> list[Score]:
    """The rows as scores, with the hyper-parameters of just these rows: `prm` as a whole holds millions."""
    prms: dict[str, dict[str, Value]] = {}
    uids = sorted({str(row[8]) for row in rows})
    for start in range(0, len(uids), 500):
        some = uids[start : start + 500]
        marks = ",".join("?" * len(some))
        for uid, name, value in db.execute(f"SELECT uid, name, value FROM prm WHERE uid IN ({marks})", some):
            prms.setdefault(uid, {})[name] = value
    return [
        Score(Config(*config), epoch, accuracy, duration, transform, uid, prms.get(uid, {}), code)
        for *config, epoch, accuracy, duration, transform, uid, code in rows
    ]
