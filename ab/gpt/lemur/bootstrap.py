"""LEMUR's database, whole: built in bulk from LEMUR's statistics, or found and checked.

LEMUR builds `db/ab.nn.db` in place, on the first import, in minutes, and takes whatever file lies there for a whole
database ever after. Here it is built into a temporary file that is renamed when whole, by one process while others
wait, and what a killed build left behind is recognised, kept aside and replaced.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import gc
import os
import shutil
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur import schema
from ab.gpt.lemur.batches import batches
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.statistics import BrokenStatistics, config_names, epoch_files, read_trials, run_rows

Progress = Callable[[str, int, int], None]
"""Called with what is being done now, how much of it is done, and how much there is."""

BUSY_SECONDS = 0.2
_ROOM_NEEDED = 700 << 20


class DatabaseUnusable(NNCaptionError):
    """The database cannot be built, opened or trusted."""


class State(enum.Enum):
    """What lies where the database should."""

    ABSENT = "absent"
    WHOLE = "whole"
    STALE = "stale"
    PARTIAL = "partial"
    CORRUPT = "corrupt"
    BUSY = "busy"


@dataclass(frozen=True)
class Finding:
    """The state of the database file and, in a few words, why."""

    state: State
    why: str = ""
    missing: list[str] = field(default_factory=list)
    """Names of the configurations that LEMUR's statistics have and the database lacks."""


@dataclass(frozen=True)
class Built:
    """What `ensure` did: nothing, a build, or an addition of new statistics."""

    action: str
    rows: int
    seconds: float
    kept_aside: Path | None = None
    skipped: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        text = f"{self.action}, {self.rows:,} trained epochs, {self.seconds:.1f} s"
        if self.kept_aside:
            text += f"\nThe old file is kept as {self.kept_aside}"
        return text + "".join(f"\nleft out: {file}" for file in self.skipped)

    def as_json(self) -> dict[str, object]:
        """The same for scripts."""
        aside = str(self.kept_aside) if self.kept_aside else None
        return {**asdict(self), "kept_aside": aside}


def silent(_doing: str, _done: int, _of: int) -> None:
    """Progress that nobody watches."""


def inspect(home: Home, *, thorough: bool = False) -> Finding:
    """What lies where the database should, without changing it.

    A database that this toolkit marked needs only a look at its configurations. Any other is compared with the
    statistics epoch by epoch, since LEMUR leaves a file behind that opens well and holds nothing.
    """
    file = home.db_file
    if not file.exists():
        return Finding(State.ABSENT, "there is no database yet")
    try:
        with _reading(file) as db:
            lacking = schema.missing_tables(db)
            if lacking:
                return Finding(State.PARTIAL, f"the tables {', '.join(sorted(lacking))} are missing")
            if thorough or not schema.marked_whole(db):
                return _compare_epochs(db, home)
            return _compare_configs(db, home)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return Finding(State.BUSY, "another process is writing it")
        return Finding(State.CORRUPT, str(error))
    except sqlite3.DatabaseError as error:
        return Finding(State.CORRUPT, str(error))


def ensure(
    home: Home, progress: Progress = silent, *, rebuild: bool = False, skip_broken: bool = False, wait: float = 1800
) -> Built:
    """A whole database, whatever was there before; one process builds, others wait up to `wait` seconds."""
    started = time.monotonic()
    if not rebuild and inspect(home).state is State.WHOLE and _is_marked(home.db_file):
        return Built("already whole", 0, time.monotonic() - started)
    with _only_builder(home, progress, wait):
        finding = _settled(home, progress, wait)
        if rebuild or finding.state in (State.ABSENT, State.PARTIAL, State.CORRUPT):
            return _build(home, finding, progress, skip_broken, started)
        if finding.state is State.STALE:
            return _add(home, finding, progress, skip_broken, started)
        with contextlib.closing(sqlite3.connect(home.db_file, timeout=60)) as db:
            _mark(home, db)
        return Built("already whole", 0, time.monotonic() - started)


@contextlib.contextmanager
def _reading(file: Path, timeout: float = BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
    # A journal that a killed process left has to be rolled back first, which needs the right to write.
    journal = file.with_name(f"{file.name}-journal")
    mode = "rw" if journal.exists() and os.access(file, os.W_OK) else "ro"
    db = sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=timeout)
    try:
        yield db
    finally:
        db.close()


def _is_marked(file: Path) -> bool:
    with _reading(file) as db:
        return schema.marked_whole(db)


def count_epochs(home: Home) -> int:
    """How many trained epochs the database holds."""
    with _reading(home.db_file) as db:
        return int(db.execute("SELECT count(*) FROM stat").fetchone()[0])


def _mark(home: Home, db: sqlite3.Connection) -> None:
    """Notes in the file's header that the database is whole, and for which set of configurations."""
    db.execute(f"PRAGMA application_id = {schema.WHOLE}")
    db.execute(f"PRAGMA user_version = {_fingerprint(config_names(home))}")


def _compare_configs(db: sqlite3.Connection, home: Home) -> Finding:
    """Cheap enough for every command: have the folders of statistics changed, and if so, is each of them known?"""
    names = config_names(home)
    if db.execute("PRAGMA user_version").fetchone()[0] == _fingerprint(names):
        return Finding(State.WHOLE)
    known = {"_".join(config) for config in db.execute("SELECT DISTINCT task, dataset, metric, nn FROM stat")}
    missing = [name for name in names if name not in known and _has_trials(home, name)]
    if missing:
        return Finding(State.STALE, f"{len(missing)} configurations came after it was built", missing)
    return Finding(State.WHOLE)


def _fingerprint(names: list[str]) -> int:
    """A number that stands for the set of configurations; kept in SQLite's `user_version`, which is signed."""
    return zlib.crc32("\n".join(sorted(names)).encode()) - (1 << 31)


def _has_trials(home: Home, config_name: str) -> bool:
    """False where all epoch files are empty lists, as they are for 2,540 configurations that LEMUR ships."""
    with os.scandir(home.stat_train / config_name) as entries:
        files = [Path(entry.path) for entry in entries if entry.stat().st_size > len("[]")]
    return any(read_trials(file) for file in files)


def _compare_epochs(db: sqlite3.Connection, home: Home) -> Finding:
    known: dict[str, set[int]] = {}
    for *config, epoch in db.execute("SELECT DISTINCT task, dataset, metric, nn, epoch FROM stat"):
        known.setdefault("_".join(config), set()).add(epoch)
    missing = [
        name
        for name in config_names(home)
        if any(
            file.epoch not in known.get(name, ()) and read_trials(file.file)
            for file in epoch_files(home.stat_train, name)
        )
    ]
    if not missing:
        return Finding(State.WHOLE)
    if not known:
        return Finding(State.PARTIAL, "it holds no statistics: a build of it was killed", missing)
    return Finding(State.PARTIAL, f"{len(missing)} configurations are missing or incomplete in it", missing)


@contextlib.contextmanager
def _only_builder(home: Home, progress: Progress, wait: float) -> Iterator[None]:
    folder = home.db_file.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".ab.nn.db.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress("waiting for another process that builds the database", 0, 0)
            lock.acquire(timeout=wait)
    except Timeout:
        raise DatabaseUnusable(
            f"Another process has been building {home.db_file} for more than {wait:.0f} s.",
            f"Wait for it, or stop it and run the command again (the lock is {folder / '.ab.nn.db.lock'}).",
        ) from None
    except OSError as error:
        raise _cannot_write(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _settled(home: Home, progress: Progress, wait: float) -> Finding:
    """The finding once nobody, such as a stock LEMUR at its first import, is writing the file."""
    deadline = time.monotonic() + wait
    while True:
        finding = inspect(home)
        if finding.state is not State.PARTIAL and finding.state is not State.BUSY:
            return finding
        if finding.state is State.PARTIAL and not _being_written(home.db_file):
            return inspect(home)
        if time.monotonic() > deadline:
            raise DatabaseUnusable(
                f"Another process keeps {home.db_file} locked.", "Let it finish or stop it, then run the command again."
            )
        progress("waiting for another process that writes the database", 0, 0)
        time.sleep(0.5)


def _being_written(file: Path) -> bool:
    """True while another process is inside a writing transaction on the database."""
    db = sqlite3.connect(file, timeout=0, isolation_level=None)
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute("ROLLBACK")
        return False
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    finally:
        db.close()


def _build(home: Home, finding: Finding, progress: Progress, skip_broken: bool, started: float) -> Built:
    file = home.db_file
    for leftover in file.parent.glob("ab.nn.db.building-*"):
        leftover.unlink()
    temporary = file.with_name(f"{file.name}.building-{os.getpid()}")
    try:
        _check_room(file.parent, home)
        with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as db:
            for pragma in (
                "journal_mode = OFF",
                "synchronous = OFF",
                "locking_mode = EXCLUSIVE",
                "cache_size = -262144",
                "temp_store = MEMORY",
                "threads = 2",
            ):
                db.execute(f"PRAGMA {pragma}")
            schema.create_tables(db)
            db.execute("BEGIN")
            skipped = _import_configs(db, home, config_names(home), progress, skip_broken)
            _import_runs(db, home)
            progress("sorting indexes", 0, 0)
            schema.create_indexes(db)
            rows = int(db.execute("SELECT count(*) FROM stat").fetchone()[0])
            db.execute("COMMIT")
            if finding.state is State.PARTIAL or (finding.state is not State.CORRUPT and file.exists()):
                rows += _carry_over(db, file)
            _mark(home, db)
        _sync(temporary)
        aside = _keep_aside(file) if file.exists() else None
        temporary.replace(file)
        _sync(file.parent)
    except (OSError, sqlite3.OperationalError) as error:
        raise _cannot_write(file.parent, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return Built("built", rows, time.monotonic() - started, aside, skipped)


def _add(home: Home, finding: Finding, progress: Progress, skip_broken: bool, started: float) -> Built:
    """Statistics that were installed after the database was built, added in one transaction."""
    try:
        with contextlib.closing(sqlite3.connect(home.db_file, timeout=60, isolation_level=None)) as db:
            before = int(db.execute("SELECT count(*) FROM stat").fetchone()[0])
            db.execute("BEGIN IMMEDIATE")
            skipped = _import_configs(db, home, finding.missing, progress, skip_broken)
            rows = int(db.execute("SELECT count(*) FROM stat").fetchone()[0]) - before
            db.execute("COMMIT")
            _mark(home, db)
    except sqlite3.OperationalError as error:
        raise _cannot_write(home.db_file.parent, error) from error
    return Built("added", rows, time.monotonic() - started, None, skipped)


def _import_configs(
    db: sqlite3.Connection, home: Home, names: list[str], progress: Progress, skip_broken: bool
) -> list[str]:
    """Imports the statistics of configurations with the code they need; gives the files that were left out."""
    skipped: list[str] = []
    # Millions of short-lived tuples without a cycle among them: the collector would only look on.
    gc.disable()
    try:
        for batch in batches(home.stat_train, names, skip_broken):
            for table, name, file in batch.codes:
                try:
                    _add_code(db, home, table, name)
                except OSError as error:
                    raise BrokenStatistics(file, f"the code it speaks of cannot be read: {error}") from error
            try:
                db.executemany(schema.INSERT_STAT, batch.stat)
                db.executemany(schema.INSERT_PRM, batch.prm)
            except (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError, OverflowError) as error:
                raise BrokenStatistics(
                    home.stat_train, f"a value or a repeated trial stops the import: {error}"
                ) from error
            skipped += batch.skipped
            progress("importing statistics", batch.done, len(names))
    finally:
        gc.enable()
    return skipped


def _add_code(db: sqlite3.Connection, home: Home, table: str, name: str) -> None:
    code = schema.read_code(home.code_dir(table) / f"{name}.py")
    schema.insert_codes(db, table, [schema.code_row(name, code)])


def _import_runs(db: sqlite3.Connection, home: Home) -> None:
    rows = list(run_rows(home))
    for row in rows:
        with contextlib.suppress(OSError):
            _add_code(db, home, "nn", str(row[1]))
    db.executemany(schema.INSERT_RUN, rows)


def _carry_over(db: sqlite3.Connection, old: Path) -> int:
    """Adds the rows that only the old database has, such as trials recorded without statistics files."""
    db.execute("ATTACH ? AS old", (str(old),))
    try:
        tables = {name for (name,) in db.execute("SELECT name FROM old.sqlite_master WHERE type = 'table'")}
        if not {"stat", "prm", *schema.CODE_TABLES} <= tables:
            return 0
        db.execute("BEGIN")
        for table in schema.CODE_TABLES:
            db.execute(f"INSERT OR IGNORE INTO main.{table} SELECT * FROM old.{table}")
        db.execute(
            "INSERT INTO main.prm SELECT p.uid, p.name, p.value FROM old.prm p WHERE p.uid IN"
            " (SELECT s.prm FROM old.stat s WHERE s.id NOT IN (SELECT id FROM main.stat))"
            " AND p.uid NOT IN (SELECT uid FROM main.prm)"
        )
        carried = db.execute("INSERT OR IGNORE INTO main.stat SELECT * FROM old.stat").rowcount
        db.execute("COMMIT")
        return carried
    except sqlite3.DatabaseError as error:
        raise DatabaseUnusable(
            f"The rows of the old database {old} cannot be read: {error}.",
            "Move the file away to build a new one without them.",
        ) from error
    finally:
        if not db.in_transaction:
            db.execute("DETACH old")


def _keep_aside(file: Path) -> Path:
    """A second name for the old database, and its journals moved there; nothing is ever deleted.

    The old file keeps its place until the new one is renamed over it, so a kill in between loses neither.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = file.with_name(f"{file.name}.kept-{stamp}-{os.getpid()}")
    for suffix in ("-journal", "-wal", "-shm"):
        beside = file.with_name(file.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    try:
        aside.hardlink_to(file)
    except OSError:
        shutil.copy2(file, aside)  # a file system without hard links
    return aside


def _check_room(folder: Path, home: Home) -> None:
    """Refuses to start what the disk cannot hold; only the full LEMUR needs hundreds of megabytes."""
    stat = os.statvfs(folder) if hasattr(os, "statvfs") else None
    if stat is None:
        return
    free = stat.f_bavail * stat.f_frsize
    configs = len(config_names(home))
    needed = max(16 << 20, _ROOM_NEEDED * configs // 19_691)
    if free < needed:
        raise OSError(errno.ENOSPC, f"{free >> 20} MB are free and about {needed >> 20} MB are needed")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cannot_write(folder: Path, error: Exception) -> DatabaseUnusable:
    number = getattr(error, "errno", None)
    if number == errno.ENOSPC or "full" in str(error):
        return DatabaseUnusable(f"The disk of {folder} is full: {error}.", "Free some room and run the command again.")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS) or "readonly" in str(error) or "unable to open" in str(error):
        return DatabaseUnusable(
            f"LEMUR's database folder {folder} cannot be written: {error}.",
            "Start from a folder that you may write to: LEMUR's root is the nearest folder upwards that has ab/ and"
            " README.md, else the working directory.",
        )
    return DatabaseUnusable(f"LEMUR's database in {folder} cannot be built: {error}.", "Mend that and run it again.")
