"""Net files under their LEMUR names, where LEMUR's own `train` finds them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.files import cannot_write, package_lock, staging_folder, write_whole
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import check_name, lemur_hash, model_name


class NameTaken(NNCaptionError):
    """Another network already has the name."""


class NotPlaced(NNCaptionError):
    """The model is not one that this toolkit placed."""


@dataclass(frozen=True)
class Placed:
    """A Net file that this toolkit put among LEMUR's models."""

    name: str
    code_hash: str
    when: str
    file: Path


def place(home: Home, code: str, *, prefix: str | None = None, name: str | None = None) -> Placed:
    """Puts a network among LEMUR's models, under its family's prefix and hash or under a given name.

    The same code comes to the same name; other code under a name that exists raises `NameTaken`.
    """
    if (prefix is None) == (name is None):
        raise ValueError("a network is placed under a prefix or under a name, and not under both")
    name = check_name(name) if name is not None else model_name(str(prefix), code)
    file = home.code_dir("nn") / f"{name}.py"
    with package_lock(home):
        placed = _manifest(home)
        try:
            if file.exists():
                if lemur_hash(file.read_text(encoding="utf-8")) != lemur_hash(code):
                    raise NameTaken(
                        f"LEMUR has another network under the name {name!r} ({file}).",
                        "Choose another name, or give a prefix and let the code's hash make the name.",
                    )
                return placed.get(name) or Placed(name, lemur_hash(code), "before", file)
            # The list first: a file that is not on it could never be removed, an entry without a file is harmless.
            placed[name] = Placed(name, lemur_hash(code), time.strftime("%Y-%m-%d %H:%M:%S"), file)
            _write_manifest(home, placed)
            write_whole(file, code, staging_folder(home))
        except OSError as error:
            raise cannot_write(file, error) from error
    return placed[name]


def remove(home: Home, name: str, *, with_records: bool = False) -> None:
    """Takes a network that this toolkit placed away again; with its statistics and rows only when asked to."""
    check_name(name)
    with package_lock(home):
        placed = _manifest(home)
        if name not in placed:
            raise NotPlaced(
                f"{name!r} was not placed by this toolkit, so it is left alone.",
                f"Placed are: {', '.join(sorted(placed)) or 'none'}.",
            )
        statistics = [folder for folder in home.stat_train.glob(f"*_{name}") if folder.is_dir()]
        if statistics and not with_records:
            raise NotPlaced(
                f"{name!r} has statistics in {statistics[0]}; without its code they would be orphaned.",
                "Remove it together with its records.",
            )
        try:
            for folder in statistics:
                shutil.rmtree(folder)
            if with_records and home.db_file.exists():
                _forget_rows(home, name)
            placed[name].file.unlink(missing_ok=True)
            del placed[name]
            _write_manifest(home, placed)
        except OSError as error:
            raise cannot_write(home.package, error) from error


def list_placed(home: Home) -> list[Placed]:
    """What this toolkit placed and is still there, oldest first."""
    return sorted((one for one in _manifest(home).values() if one.file.exists()), key=lambda one: (one.when, one.name))


def _forget_rows(home: Home, name: str) -> None:
    with closing(sqlite3.connect(home.db_file, timeout=60)) as db, db:
        uids = [uid for (uid,) in db.execute("SELECT DISTINCT prm FROM stat WHERE nn = ?", (name,))]
        db.execute("DELETE FROM stat WHERE nn = ?", (name,))
        db.execute("DELETE FROM nn WHERE name = ?", (name,))

        def unused(uid: str) -> bool:
            return not db.execute("SELECT 1 FROM stat WHERE prm = ?", (uid,)).fetchone()

        db.executemany("DELETE FROM prm WHERE uid = ?", [(uid,) for uid in uids if unused(uid)])


def _manifest_file(home: Home) -> Path:
    return home.package / "stat" / "nncaption-placed.json"


def _manifest(home: Home) -> dict[str, Placed]:
    file = _manifest_file(home)
    if not file.exists():
        return {}
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        return {
            entry["name"]: Placed(
                entry["name"], entry["code_hash"], entry["when"], home.code_dir("nn") / f"{entry['name']}.py"
            )
            for entry in entries
        }
    except (ValueError, KeyError, TypeError) as error:
        raise NotPlaced(
            f"The list of placed models {file} cannot be read: {error}.", "Mend it, or move it away to begin a new one."
        ) from error


def _write_manifest(home: Home, placed: dict[str, Placed]) -> None:
    entries = [{key: value for key, value in asdict(one).items() if key != "file"} for one in placed.values()]
    write_whole(_manifest_file(home), json.dumps(entries, indent=2) + "\n")
