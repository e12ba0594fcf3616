"""The runs that there are: each a folder with a ledger under LEMUR's `out/nncaption/`."""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import dataclass
from pathlib import Path

from ab.gpt.errors import UsageError
from ab.gpt.ledger import FILE, DamagedLedger, Ledger, NoSuchRun
from ab.gpt.lemur.home import Home

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_TAKEN = frozenset({"cache", "exams", "jobs", "latest", "lemur-report", "quality", "smoke", "studies", "trained"})


@dataclass(frozen=True)
class Listed:
    """One run in the list of all."""

    name: str
    began: float
    candidates: int
    trained: int
    best: float | None
    state: str
    """`done`, or why it stands still."""


def runs_folder(home: Home) -> Path:
    """Where runs lie."""
    return home.out / "nncaption"


def new_folder(home: Home, name: str | None) -> Path:
    """The folder of a new run; `UsageError` for a name that is none, or taken."""
    name = name or _free(runs_folder(home), time.strftime("%Y%m%d-%H%M%S"))
    if not _NAME.match(name) or name in _TAKEN:
        raise UsageError(f"--name: {name!r} is not allowed.", "It takes letters, digits, dots, dashes, underscores.")
    folder = runs_folder(home) / name
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--name: {folder} is a file.", "Choose another name.")
    if (folder / FILE).exists():
        raise UsageError(f"There is a run {name!r} already.", f"Go on with it: nncaption resume {name}")
    return folder


def _free(place: Path, name: str) -> str:
    """The name, with a number where there is a run of that name."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(name for name in names if not (place / name).exists())


def find_run(home: Home, name: str) -> Path:
    """The folder of a run, by its name, the beginning of it, or its path; `latest` is the one that began last."""
    folders = _folders(home)
    if not folders and not (Path(name) / FILE).is_file():
        raise NoSuchRun(f"There are no runs in {runs_folder(home)}.", "Begin one: nncaption search")
    if name == "latest":
        return runs_folder(home) / list_runs(home)[0].name
    if (Path(name) / FILE).is_file():
        return Path(name)
    exact = [folder for folder in folders if folder.name == name]
    meant = exact or [folder for folder in folders if folder.name.startswith(name)]
    if len(meant) != 1:
        shown = ", ".join(folder.name for folder in meant or folders)
        what = f"There is no run {name!r}." if not meant else f"{name!r} is the beginning of {len(meant)} runs."
        raise NoSuchRun(what, f"There are: {shown}.")
    return meant[0]


def list_runs(home: Home) -> list[Listed]:
    """All runs, the latest first; a ledger that cannot be read is listed as such."""
    listed = []
    for folder in _folders(home):
        try:
            with Ledger(folder) as ledger:
                listed.append(_listed(ledger))
        except DamagedLedger as error:
            began = (folder / FILE).stat().st_mtime
            listed.append(Listed(folder.name, began, 0, 0, None, f"damaged: {error.what}"))
    return sorted(listed, key=lambda run: -run.began)


def state_of(ledger: Ledger) -> str:
    """`running`, `done`, or why it stands still."""
    if ledger.in_use():
        return "running"
    about = ledger.about
    if about.get("done"):
        return "done"
    return f"stands still: {about['interrupted']}" if about.get("interrupted") else "stands still"


def _listed(ledger: Ledger) -> Listed:
    [row] = ledger.rows(
        "SELECT count(*) AS candidates, coalesce(sum(outcome = 'trained'), 0) AS trained,"
        " (SELECT max(lemur_bleu) FROM epoch e JOIN candidate c ON c.id = e.candidate WHERE c.kind = 'proposed'"
        "  AND c.outcome = 'trained') AS best FROM candidate WHERE kind = 'proposed'"
    )
    began = float(ledger.about.get("began", 0.0))
    return Listed(ledger.folder.name, began, row["candidates"], row["trained"], row["best"], state_of(ledger))


def _folders(home: Home) -> list[Path]:
    place = runs_folder(home)
    return sorted(file.parent for file in place.glob(f"*/{FILE}")) if place.is_dir() else []
