"""One folder of statistics: its epochs, and each trial's way through them."""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ab.gpt.contribute import trials as trials_room
from ab.gpt.contribute.finding import Finding, abridged, found
from ab.gpt.contribute.layout import STATISTICS
from ab.gpt.contribute.trials import Ground, StatText
from ab.gpt.contribute.uid import Uids
from ab.gpt.lemur.names import SPLITTER

MOST_BYTES = 256 << 20

Orders = tuple[list[str], dict[str, list[str] | None]]
"""What a reader of folders needs to know: the transforms, and each model's hyper-parameters."""


@dataclass(frozen=True)
class Epoch:
    """One epoch file's trials with its text."""

    number: int
    text: StatText
    trials: list[dict[str, Any]]


def check_folders(statistics: Path, names: list[str], orders: Orders) -> list[Finding]:
    """Everything that is wrong inside the named folders of statistics."""
    transforms, hyper_parameters = frozenset(orders[0]), orders[1]
    uids = Uids()
    findings: list[Finding] = []
    for name in names:
        supported = hyper_parameters.get(name.split(SPLITTER)[-1])
        ground = Ground(transforms, None if supported is None else frozenset(supported), uids.fresh())
        findings += check_folder(statistics / name, ground)
    return findings


def check_folder(folder: Path, ground: Ground) -> list[Finding]:
    """Everything that is wrong inside one folder of statistics."""
    place = f"{STATISTICS}/{folder.name}"
    numbers, findings = _epoch_numbers(folder, place)
    if not numbers:
        return [*findings, found("S006", place, "There is no epoch in it.")]
    last = max(numbers)
    missing = _spans(sorted(set(range(1, last + 1)) - set(numbers))) if last < 1_000_000 else f"before {last}"
    if missing:
        findings.append(found("S005", f"{place}/{last}.json", f"Epoch {last} is there, {missing} is missing."))
    epochs: list[Epoch] = []
    for number in sorted(numbers):
        epoch, wrong = _check_epoch(folder / f"{number}.json", f"{place}/{number}.json", number, ground)
        findings += abridged(wrong)
        if epoch is not None:
            epochs.append(epoch)
    for earlier, later in pairwise(epochs):
        if later.number == earlier.number + 1:
            findings += abridged(_check_step(earlier, later))
    empty = [epoch for epoch in epochs if not epoch.trials]
    if empty and len(empty) == len(numbers):
        findings.append(found("S007", place, "There is no trial in any of its epochs."))
    elif empty:
        findings.append(found("S007", empty[0].text.file, "There is no trial in it."))
    return findings


def _epoch_numbers(folder: Path, place: str) -> tuple[list[int], list[Finding]]:
    numbers, findings = [], []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            stem = entry.name.removesuffix(".json")
            if entry.is_file(follow_symlinks=False) and f"{stem}.json" == entry.name and _is_count(stem):
                numbers.append(int(stem))
            else:
                findings.append(found("S004", f"{place}/{entry.name}", "This is no epoch file such as 5.json."))
    return numbers, findings


def _is_count(stem: str) -> bool:
    return stem.isascii() and stem.isdecimal() and not stem.startswith("0") and len(stem) < 10


def _check_epoch(path: Path, file: str, number: int, ground: Ground) -> tuple[Epoch | None, list[Finding]]:
    try:
        data = _read(path)
    except OSError as error:
        return None, [found("T001", file, f"It cannot be read: {error.strerror or error}.")]
    text, trials, wrong = trials_room.read(file, data)
    if wrong:
        return None, wrong
    return Epoch(number, text, trials), trials_room.check(text, trials, ground)


def _read(path: Path) -> bytes:
    # No link and no device, which might have no end.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb", buffering=0) as source:
        about = os.fstat(source.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_BYTES:
            raise OSError(f"no plain file of up to {MOST_BYTES >> 20} MiB")
        return source.read()


def _check_step(earlier: Epoch, later: Epoch) -> list[Finding]:
    """What a trial of an epoch needs of the epoch before: to be there, and to have taken less time."""
    before, after = (Counter(_uid(trial) for trial in epoch.trials) for epoch in (earlier, later))
    findings = []
    lacking = after - before
    for index, trial in enumerate(later.trials):
        if lacking[_uid(trial)] > 0:
            lacking[_uid(trial)] -= 1
            sentence = f"The trial {_uid(trial)[:8]}… is not in epoch {earlier.number}."
            findings.append(later.text.found("T009", index, sentence, "uid"))
    spent = {_uid(trial): trial.get("duration") for trial in earlier.trials if before[_uid(trial)] == 1}
    for index, trial in enumerate(later.trials):
        then, now = spent.get(_uid(trial)), trial.get("duration")
        if after[_uid(trial)] == 1 and type(then) is int and type(now) is int and now <= then:
            sentence = f"{now:,} ns until this epoch, {then:,} ns until the one before."
            findings.append(later.text.found("T012", index, sentence, "duration"))
    return findings


def _uid(trial: dict[str, Any]) -> str:
    return str(trial.get("uid"))


def _spans(numbers: list[int]) -> str:
    """Missing epochs in few words: 2-4, 7."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{low}-{high}" if low < high else f"{low}" for low, high in spans[:5])
