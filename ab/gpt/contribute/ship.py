"""Families that ship: networks of runs, with their statistics, in a package laid out like LEMUR's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ab.gpt.contribute.contribution import FULL_EPOCHS, Contribution, worth
from ab.gpt.contribute.layout import PACKAGE, STATISTICS, model_file
from ab.gpt.contribute.origins import page_of
from ab.gpt.contribute.sources import contributions
from ab.gpt.errors import UsageError
from ab.gpt.lemur.files import CannotWrite, write_whole
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.records import StatFile
from ab.gpt.lemur.statistics import parse_trials
from ab.gpt.report.reading import read_facts
from ab.gpt.runs import find_run


@dataclass
class Shipped:
    """What lies in the package now."""

    networks: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """Names with the reason."""
    files: list[str] = field(default_factory=list)
    """Those that were written; what was there already is not among them."""


def ship(
    home: Home, runs: Sequence[str], package: Path, page: Path, all_trained: bool = False, epochs: int = FULL_EPOCHS
) -> Shipped:
    """Puts what is worth it into the package, and writes the page that says how each network came about.

    Any file is there whole or not at all, and what was there and is the same stays untouched. Networks are written
    before the page, so a page never speaks of one that is not there.
    """
    if not (package / PACKAGE).is_dir():
        raise UsageError(
            f"{package} is no package that extends LEMUR: {PACKAGE} is missing.",
            "Give the folder that holds setup.cfg.",
        )
    if not runs:
        raise UsageError("There is no run to ship.", "Name one: nncaption ship latest --into PACKAGE")
    folders = [find_run(home, run) for run in dict.fromkeys(runs)]  # before anything is written
    shipped = Shipped()
    chosen: list[Contribution] = []
    for one in contributions(home, runs):
        if reason := worth(one, all_trained, epochs):
            shipped.left_out.append((one.name, reason))
        else:
            chosen.append(one)
    for one in chosen:
        statistics = {
            f"{STATISTICS}/{place}": _grown(package / STATISTICS / place, content)
            for place, content in one.stat_files.items()
        }
        for place, text in {**statistics, model_file(one.name): one.code}.items():
            _put(package / place, text, shipped)
        shipped.networks.append(one.name)
    if chosen:
        facts = read_facts(folders)
        _put(page, page_of(chosen, facts), shipped)
    return shipped


def _grown(place: Path, content: bytes) -> str:
    """A statistics file as the package has it, with the trials that it lacks: another machine's stay."""
    if not place.is_file():
        return content.decode()
    file = StatFile(place)
    for trial in parse_trials(content, str(place)):
        file.add(trial)
    return file.text() if file.added else place.read_text(encoding="utf-8")


def _put(file: Path, text: str, shipped: Shipped) -> None:
    try:
        if file.is_file() and file.read_bytes() == text.encode():
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)
    except OSError as error:
        raise CannotWrite(
            f"{file} cannot be written: {error.strerror}.", "Run it again when that is mended."
        ) from error
    shipped.files.append(str(file))
