"""Trained epochs, written into both of LEMUR's stores: the statistics files and the database.

A trial first goes, whole, into a pending file beside the database. Then one process at a time brings all pending
trials into the files and the tables and removes them. So nothing is half-written for good, whoever is killed and
whenever: the next writer finishes what the last one began. And writers that come at once are served together.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur import schema
from ab.gpt.lemur.bootstrap import DatabaseUnusable, Progress, ensure, silent
from ab.gpt.lemur.files import cannot_write, package_lock, staged, staging_folder, sync_folder, write_whole
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import Config, lemur_hash
from ab.gpt.lemur.schema import Trial
from ab.gpt.lemur.statistics import BrokenStatistics, read_trials

log = logging.getLogger(__name__)

Scalar = int | float | str | bool

_LARGEST = 2**63 - 1
"""What SQLite takes as a whole number."""
_NOT_HYPER_PARAMETERS = frozenset({"uid", "duration", "accuracy", "epoch"})


class BadRecord(NNCaptionError):
    """A trial that LEMUR could not hold; nothing was written."""


class HalfRecorded(NNCaptionError):
    """The database holds the trial, the statistics files do not yet; the next record completes it."""


@dataclass(frozen=True)
class Epoch:
    """One epoch's end: its number, the score, and the nanoseconds since the training began."""

    number: int
    accuracy: float
    duration: int


@dataclass(frozen=True)
class Pending:
    """A trial on its way into the stores: for each epoch the entry of its statistics file."""

    config: Config
    epochs: dict[int, Trial]

    def text(self) -> str:
        return json.dumps({"config": self.config, "epochs": self.epochs}, sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> Pending:
        raw = json.loads(text)
        return cls(Config(*raw["config"]), {int(number): trial for number, trial in raw["epochs"].items()})


def trial_uid(prm: Mapping[str, Scalar]) -> str:
    """LEMUR's name for a set of hyper-parameters: the hash of them in the order of their names."""
    return lemur_hash({name: prm[name] for name in sorted(prm) if name not in _NOT_HYPER_PARAMETERS})


def record_trial(
    home: Home, config: Config, prm: Mapping[str, Scalar], epochs: Sequence[Epoch], progress: Progress = silent
) -> str:
    """The trial's uid, once all its epochs are safe in the statistics files and in the database.

    The rows are those that LEMUR's own `train` writes. The same trial recorded twice is there once.
    """
    pending = _checked(home, config, prm, epochs)
    ensure(home, progress)
    text = pending.text()
    file = _pending_folder(home) / f"{lemur_hash(text)}.json"
    try:
        file.parent.mkdir(exist_ok=True)
        write_whole(file, text)
    except OSError as error:
        raise cannot_write(file, error) from error
    try:
        with package_lock(home):
            if file.exists():
                _finish_pending(home, own=file)
    except HalfRecorded:
        raise
    except Exception:
        file.unlink(missing_ok=True)  # or every later record would meet it again
        raise
    return trial_uid(prm)


def recover(home: Home) -> int:
    """How many trials that a killed process had begun to record are now recorded."""
    if not any(_pending_folder(home).glob("*.json")):
        return 0
    with package_lock(home):
        return _finish_pending(home, own=None)


def _checked(home: Home, config: Config, prm: Mapping[str, Scalar], epochs: Sequence[Epoch]) -> Pending:
    config = Config.checked(*config)
    for table, name in (("nn", config.nn), ("metric", config.metric), ("transform", prm.get("transform"))):
        code_file = home.code_dir(table) / f"{name}.py"
        if not isinstance(name, str) or "/" in name or "\\" in name or not code_file.is_file():
            raise BadRecord(f"LEMUR has no {table} {name!r} ({code_file}).", "Place the model first, or mend the name.")
    if not epochs or len({epoch.number for epoch in epochs}) != len(epochs):
        raise BadRecord(
            f"A trial of {config.nn} has epochs {[epoch.number for epoch in epochs]}.", "Give each one once."
        )
    for name, value in prm.items():
        finite = isinstance(value, str) or (isinstance(value, (int, float)) and abs(value) <= _LARGEST)
        if not finite:
            raise BadRecord(
                f"The hyper-parameter {name}={value!r} is not a finite number or a text.", "LEMUR holds no other."
            )
    uid = trial_uid(prm)
    trials: dict[int, Trial] = {}
    for epoch in epochs:
        if epoch.number < 1 or not math.isfinite(epoch.accuracy) or not 0 <= epoch.duration <= _LARGEST:
            raise BadRecord(
                f"{epoch} of {config.nn} cannot be recorded.", "A score is a finite number, an epoch from 1."
            )
        trial = {**prm, "uid": uid, "duration": int(epoch.duration), "accuracy": float(epoch.accuracy)}
        trials[epoch.number] = dict(sorted(trial.items()))
    return Pending(config, trials)


def _see_that_it_fits(home: Home, pending: Pending) -> None:
    """`BadRecord` for a trial that no database could take: its code has gone since, or a number is too large."""
    for trial in pending.epochs.values():
        codes = (("nn", pending.config.nn), ("metric", pending.config.metric), ("transform", str(trial["transform"])))
        for table, name in codes:
            if not (home.code_dir(table) / f"{name}.py").is_file():
                raise BadRecord(f"LEMUR has no {table} {name!r} any more.", "Place it again, or delete its file.")
        if any(isinstance(value, int) and abs(value) > _LARGEST for value in trial.values()):
            raise BadRecord(f"A trial of {pending.config.nn} holds a number too large for SQLite.", "Delete the file.")


def _pending_folder(home: Home) -> Path:
    return home.db_file.with_name("nncaption-pending")


def _finish_pending(home: Home, own: Path | None) -> int:
    """Brings every pending trial into both stores; called by whoever holds the lock.

    A trial of somebody else's that cannot be stored stays pending, with a warning; one's own raises.
    """
    ready: dict[Path, Pending] = {}
    files: dict[Path, StatFile] = {}
    for source in sorted(_pending_folder(home).glob("*.json")):
        try:
            pending = Pending.parse(source.read_text(encoding="utf-8"))
            _see_that_it_fits(home, pending)
            for number, trial in pending.epochs.items():
                place = home.stat_train / str(pending.config) / f"{number}.json"
                files.setdefault(place, StatFile(place)).add(trial)
        except (BrokenStatistics, BadRecord, ValueError, KeyError, TypeError) as error:
            if source == own:
                raise
            log.warning("The trial in %s stays pending: %s", source, error)
        else:
            ready[source] = pending
    try:
        _store(home, list(ready.values()), [file for file in files.values() if file.added])
        for source in ready:
            source.unlink()
    except OSError as error:
        raise cannot_write(home.stat_train, error) from error
    except sqlite3.DatabaseError as error:
        raise DatabaseUnusable(
            f"The trial cannot be written into LEMUR's database {home.db_file}: {error}.",
            "See what `nncaption doctor` says of the database; nothing was changed.",
        ) from error
    return len(ready)


def _store(home: Home, trials: list[Pending], files: list[StatFile]) -> None:
    """The files lie ready on the disk when the rows are committed, and then are renamed, which needs no more room.

    Whatever fails before the commit changes nothing.
    """
    folders = list(dict.fromkeys(file.place.parent for file in files))
    made = [folder for folder in folders if not folder.exists()]
    temporaries: list[tuple[Path, Path]] = []
    try:
        with closing(sqlite3.connect(home.db_file, timeout=60, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            for trial in trials:
                _insert(db, home, trial)
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            for file in files:
                temporaries.append((staged(file.place, file.text(), staging_folder(home)), file.place))
            db.execute("COMMIT")
        try:
            for temporary, place in temporaries:
                temporary.replace(place)
            for folder in folders:
                sync_folder(folder)
        except OSError as error:
            raise HalfRecorded(
                f"LEMUR's database has the trial, its statistics files in {home.stat_train} do not: {error}.",
                "Mend that; the next record completes this one.",
            ) from error
    finally:
        for temporary, _ in temporaries:
            temporary.unlink(missing_ok=True)
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()  # only one that stayed empty goes


def _insert(db: sqlite3.Connection, home: Home, pending: Pending) -> None:
    config = pending.config
    for number, trial in pending.epochs.items():
        row = schema.stat_row(config, number, trial)
        if db.execute("SELECT 1 FROM stat WHERE id = ?", row[:1]).fetchone():
            continue
        codes = (("nn", config.nn), ("metric", config.metric), ("transform", str(trial["transform"])))
        for table, name in codes:
            if not db.execute(f"SELECT 1 FROM {table} WHERE name = ?", (name,)).fetchone():
                code = schema.read_code(home.code_dir(table) / f"{name}.py")
                schema.insert_codes(db, table, [schema.code_row(name, code)])
        db.execute(schema.INSERT_STAT, row)
        db.executemany(schema.INSERT_PRM, schema.prm_rows(trial))


class StatFile:
    """One epoch's statistics file with trials to be added; what is in it already keeps its text to the letter."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.added = False
        self.entries: list[tuple[float, str]] = []
        self.known: set[tuple[object, ...]] = set()
        if place.exists():
            trials = read_trials(place)
            blocks = _blocks(place.read_text(encoding="utf-8"), len(trials)) or [_block(trial) for trial in trials]
            for trial, block in zip(trials, blocks, strict=True):
                if not isinstance(trial.get("accuracy"), (int, float)):
                    raise BrokenStatistics(place, "a trial without accuracy")
                self._enter(trial, block)

    def add(self, trial: Trial) -> None:
        """Adds a trial unless it is there."""
        if self._identity(trial) not in self.known:
            self._enter(trial, _block(trial))
            self.added = True

    def text(self) -> str:
        """The file as LEMUR writes it: a list, indented by four, the best first."""
        blocks = [block for _, block in sorted(self.entries, key=lambda entry: entry[0], reverse=True)]
        return "[\n" + ",\n".join(blocks) + "\n]"

    def _enter(self, trial: Trial, block: str) -> None:
        self.entries.append((float(trial["accuracy"]), block))  # type: ignore[arg-type]
        self.known.add(self._identity(trial))

    @staticmethod
    def _identity(trial: Trial) -> tuple[object, ...]:
        return tuple(trial.get(key) for key in ("uid", "transform", "duration", "accuracy"))


_OPENING, _BETWEEN, _CLOSING = "[\n    {\n", "\n    },\n    {\n", "\n    }\n]"


def _block(trial: Trial) -> str:
    """One trial as LEMUR's indented list holds it."""
    lines = ",\n".join(f"        {json.dumps(name)}: {json.dumps(value)}" for name, value in trial.items())
    return f"    {{\n{lines}\n    }}"


def _blocks(text: str, count: int) -> list[str] | None:
    """The trials' own texts, or None where the file is not written as LEMUR writes it."""
    text = text.strip()
    if not (text.startswith(_OPENING) and text.endswith(_CLOSING)):
        return None
    inner = text[len(_OPENING) : -len(_CLOSING)].split(_BETWEEN)
    return [f"    {{\n{lines}\n    }}" for lines in inner] if len(inner) == count else None
