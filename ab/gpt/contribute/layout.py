"""Where LEMUR keeps models and statistics in its repository, and what lies there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.names import SPLITTER

PACKAGE = "ab/nn"
MODELS = f"{PACKAGE}/nn"
STATISTICS = f"{PACKAGE}/stat/train"
LANDMARKS = (f"{PACKAGE}/api.py", MODELS, f"{PACKAGE}/loader", f"{PACKAGE}/metric", f"{PACKAGE}/transform")
"""What every release of LEMUR has, and this project's own `ab/nn` has not."""


class NotLemur(NNCaptionError):
    """The folder does not hold LEMUR's repository."""

    def __init__(self, place: Path | str, missing: list[str]) -> None:
        super().__init__(
            f"{place} is no clone of LEMUR: {', '.join(missing)} is missing.",
            "Give the top folder of a clone of https://github.com/ABrain-One/nn-dataset or of a fork of it.",
        )


@dataclass(frozen=True)
class Tree:
    """The files of a clone-like tree."""

    repo: Path

    @classmethod
    def checked(cls, repo: Path) -> Tree:
        """The tree, if it is LEMUR's; otherwise `NotLemur`."""
        missing = [part for part in LANDMARKS if not (repo / part).exists()]
        if missing:
            raise NotLemur(repo, missing)
        return cls(repo)

    @property
    def package(self) -> Path:
        return self.repo / PACKAGE

    @property
    def models_folder(self) -> Path:
        return self.repo / MODELS

    @property
    def statistics_folder(self) -> Path:
        return self.repo / STATISTICS

    def models(self) -> list[str]:
        """The names of the models, whether LEMUR could use them or not."""
        return _modules(self.models_folder)

    def metrics(self) -> set[str]:
        return set(_modules(self.package / "metric"))

    def transforms(self) -> set[str]:
        return set(_modules(self.package / "transform"))

    def configs(self) -> list[str]:
        """The names of the folders of statistics."""
        if not self.statistics_folder.is_dir():
            return []
        with os.scandir(self.statistics_folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())

    def measured(self, task: str) -> set[str]:
        """The names of the models that have statistics of a task."""
        return {name.split(SPLITTER)[-1] for name in self.configs() if name.split(SPLITTER)[0] == task}


def model_file(name: str) -> str:
    """A model's file in the repository."""
    return f"{MODELS}/{name}.py"


def module_name(file_name: str) -> str | None:
    """The module that a file in a package's folder is, or None for other files."""
    stem, extension = os.path.splitext(file_name)  # noqa: PTH122
    return stem if extension == ".py" and stem != "__init__" else None


def _modules(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(name for entry in entries if (name := module_name(entry.name)) is not None)
