"""Reports of made ledgers, written once for all tests that only read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ab.gpt.lemur.home import Home, find_package
from ab.gpt.report.reading import read_facts
from ab.gpt.report.report import write_report
from ab.gpt.train.exam import Exam, make_exam
from tests.gpt.report.made import make

Written = Callable[..., Path]


@pytest.fixture(scope="session")
def reading_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The installed LEMUR, which is only read, with a root of its own."""
    return Home(tmp_path_factory.mktemp("root"), find_package(), "2.1.2")


@pytest.fixture(scope="session")
def scenes_exam(reading_home: Home) -> Exam:
    """An exam on twelve drawn pictures."""
    from ab.gpt.scenes import draw_scenes

    draw_scenes(reading_home.coco, train=16, val=12, size=96, seed=1)
    return make_exam(reading_home, reading_home.coco, 12)


@pytest.fixture(scope="session")
def mixed(reading_home: Home, scenes_exam: Exam) -> Path:
    """The folder of a run of thirty candidates of all kinds, with a report beside its ledger."""
    folder = make(reading_home.out / "nncaption" / "mixed", 30, exam=scenes_exam)
    write_report(reading_home, read_facts([folder]), folder / "report")
    return folder


def report_on(home: Home, folder: Path) -> str:
    """The page on a run, as text."""
    return write_report(home, read_facts([folder]), folder / "report").page.read_text(encoding="utf-8")
