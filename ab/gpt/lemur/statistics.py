"""LEMUR's statistics in its package folder, read file by file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import SPLITTER, Config, lemur_hash
from ab.gpt.lemur.schema import Row, Trial

_SCALARS = frozenset({int, float, str, bool, type(None)})


class BrokenStatistics(NNCaptionError):
    """A statistics file that cannot be what LEMUR wrote."""

    def __init__(self, file: Path | str, why: str) -> None:
        super().__init__(
            f"The statistics in {file} cannot be read: {why}.",
            "Restore the file (pip install --force-reinstall --no-deps nn-dataset), mend it, or move it away.",
        )
        self.file = file
        self.why = why


class EpochFile(NamedTuple):
    """One epoch's trials of one configuration."""

    config: Config
    epoch: int
    file: str


def config_names(home: Home) -> list[str]:
    """The configurations that have statistics, in the order in which LEMUR would import them."""
    with os.scandir(home.stat_train) as entries:
        return [entry.name for entry in entries if entry.is_dir()]


def epoch_files(stat_train: Path, config_name: str) -> list[EpochFile]:
    """The epochs of one configuration, in the order in which LEMUR would import them."""
    folder = stat_train / config_name
    names = os.listdir(folder)
    if not names:
        return []
    parts = config_name.split(SPLITTER)
    if len(parts) != 4:
        raise BrokenStatistics(folder, "the folder is not named task_dataset_metric_model")
    config = Config(*parts)
    files = []
    for name in names:
        stem, _ = os.path.splitext(name)
        if not stem.isdecimal():
            raise BrokenStatistics(folder / name, "the name is not that of an epoch, such as 5.json")
        files.append(EpochFile(config, int(stem), f"{folder}{os.sep}{name}"))
    return files


def read_trials(file: Path | str) -> list[Trial]:
    """The trials of one epoch file; raises `BrokenStatistics` where LEMUR's import would stop."""
    try:
        with open(file, "rb", buffering=0) as handle:
            return parse_trials(handle.read(), file)
    except OSError as error:
        raise BrokenStatistics(file, str(error)) from error


def parse_trials(text: str | bytes, file: Path | str) -> list[Trial]:
    """The trials that the text of an epoch file holds."""
    try:
        trials = json.loads(text)
    except ValueError as error:
        raise BrokenStatistics(file, f"not JSON: {error}") from error
    if not isinstance(trials, list):
        raise BrokenStatistics(file, "not a list of trials")
    for trial in trials:
        if not isinstance(trial, dict) or "uid" not in trial or "transform" not in trial:
            raise BrokenStatistics(file, "a trial without uid or transform")
        if not _SCALARS.issuperset(map(type, trial.values())):
            raise BrokenStatistics(file, "a trial with a list or an object as a value")
    return trials


def run_rows(home: Home) -> Iterator[Row]:
    """The rows of `run`: what was measured on devices. Unreadable files are left out, as LEMUR does."""
    if not home.stat_run.exists():
        return
    with os.scandir(home.stat_run) as entries:
        folders = [Path(entry.path) for entry in entries if entry.is_dir()]
    for folder in folders:
        parts = folder.name.split("_")
        for file in folder.glob("*.json"):
            try:
                data = json.loads(file.read_bytes())
            except (OSError, ValueError):
                continue
            yield _run_row(folder, file, data, parts[-1] if len(parts) > 1 else None)


def _run_row(folder: Path, file: Path, data: dict[str, object], nn: str | None) -> Row:
    model = data.get("model_name") or nn
    device, system, duration = data.get("device_type"), data.get("os_version"), data.get("duration")
    analytics = data.get("device_analytics")
    return (
        lemur_hash([folder.name, file.name, model, device, system, duration]),
        model,
        device,
        system,
        bool(data["valid"]) if "valid" in data else None,
        bool(data["emulator"]) if "emulator" in data else None,
        data.get("error_message"),
        duration,
        json.dumps(analytics) if analytics is not None else None,
    )
