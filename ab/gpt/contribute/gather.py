"""What LEMUR holds of a model, as a contribution: its code and all its statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ab.gpt.contribute.contribution import BadContribution, Contribution
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import SPLITTER, check_name
from ab.gpt.report.reading import reading


def gather(home: Home, name: str, **known: Any) -> Contribution:
    """A model of LEMUR's with its statistics; its scores and how it was made are given as `Contribution`'s fields."""
    check_name(name)
    file = home.code_dir("nn") / f"{name}.py"
    if not file.is_file():
        raise BadContribution(f"LEMUR has no model {name!r} ({file}).", "Train it first: nncaption train")
    return Contribution(name, file.read_text(encoding="utf-8"), _statistics(home, name), **known)


def ledger_code(folder: Path, name: str) -> str:
    """The code of a network from the ledger of the run that proposed it."""
    with reading(folder) as db:
        [code] = db.execute("SELECT code FROM candidate WHERE name = ? AND kind = 'proposed'", (name,)).fetchone()
        return str(code)


def _statistics(home: Home, name: str) -> dict[str, bytes]:
    folders = [Path(folder) for folder in home.stat_train.glob(f"*{SPLITTER}{name}") if folder.is_dir()]
    return {
        f"{folder.name}/{file.name}": file.read_bytes()
        for folder in sorted(folders)
        for file in sorted(folder.iterdir())
        if folder.name.split(SPLITTER)[-1] == name
    }
