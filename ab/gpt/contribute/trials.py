"""The trials of one statistics file: their keys, types, ranges, and whether each uid fits."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ab.gpt.contribute.finding import Finding, found
from ab.gpt.contribute.uid import Uids

MOST_INTEGER = 1 << 63
"""SQLite holds no larger integers."""

_TEXT_SHOWN = 60

Number = int | float


@dataclass
class Ground:
    """What the trials of a configuration are held against."""

    transforms: frozenset[str]
    hyper_parameters: frozenset[str] | None
    """Those that the model says it supports; None where its code does not say it plainly."""
    uids: Uids = field(default_factory=Uids)


def is_number(value: object) -> bool:
    """True for integers and floats; not for True and False, which are integers to Python."""
    return type(value) is int or type(value) is float


@dataclass(frozen=True)
class _Key:
    """What a value has to be."""

    kind: str
    is_kind: Callable[[Any], bool]
    within: Callable[[Any], bool]
    span: str
    required: bool = True


_SHARE = _Key("a number", is_number, lambda value: 0 <= value <= 1, "from 0 to 1")
_KEYS = {
    "accuracy": _SHARE,
    "batch": _Key("an integer", lambda value: type(value) is int, lambda value: 1 <= value < MOST_INTEGER, "1 or more"),
    "duration": _Key(
        "an integer", lambda value: type(value) is int, lambda value: 0 < value < MOST_INTEGER, "above 0 (nanoseconds)"
    ),
    "lr": _Key("a number", is_number, lambda value: 0 < value <= 1, "above 0, up to 1"),
    "momentum": _Key("a number", is_number, _SHARE.within, _SHARE.span, required=False),
    "dropout": _Key("a number", is_number, _SHARE.within, _SHARE.span, required=False),
    "transform": _Key("a text", lambda value: type(value) is str, bool, "a name"),
    "uid": _Key("a text", lambda value: type(value) is str, bool, "a hash"),
}
_REQUIRED = frozenset(name for name, key in _KEYS.items() if key.required)


class StatText:
    """The text of a statistics file, which tells lines."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._starts: list[tuple[int, int]] | None = None

    def line(self, index: int, key: str = "") -> int:
        """The line of a trial, or of a key in it."""
        if self._starts is None:
            self._starts = self._find_starts()
        if index >= len(self._starts):
            return 0
        start, end = self._starts[index]
        inside = self.text.find(json.dumps(key), start, end) if key else -1
        return self.text.count("\n", 0, inside if inside >= 0 else start) + 1

    def _find_starts(self) -> list[tuple[int, int]]:
        decoder = json.JSONDecoder()
        starts: list[tuple[int, int]] = []
        place = self.text.index("[") + 1
        while True:
            while place < len(self.text) and self.text[place] in " \t\r\n,":
                place += 1
            if self.text[place : place + 1] in ("]", ""):
                return starts
            _, end = decoder.raw_decode(self.text, place)
            starts.append((place, end))
            place = end

    def found(self, code: str, index: int, sentence: str, key: str = "") -> Finding:
        """A finding at a trial's line."""
        return found(code, self.file, sentence, self.line(index, key))


def read(file: str, data: bytes) -> tuple[StatText, list[Any], list[Finding]]:
    """The trials in a file's content; with a finding, and no trials, where it is no list of trials."""
    try:
        text = StatText(file, data.decode("utf-8"))
        trials = json.loads(text.text)
    except json.JSONDecodeError as error:
        return StatText(file, ""), [], [found("T001", file, f"Not JSON: {error.msg}.", error.lineno)]
    except (ValueError, RecursionError) as error:
        return StatText(file, ""), [], [found("T001", file, f"Not JSON: {error}.")]
    if not isinstance(trials, list):
        return text, [], [found("T001", file, f"Not a list of trials but {type(trials).__name__}.", 1)]
    wrong = [
        text.found("T001", index, f"Trial {index + 1} is no object but {type(trial).__name__}.")
        for index, trial in enumerate(trials)
        if not isinstance(trial, dict)
    ]
    return text, [] if wrong else trials, wrong


def check(text: StatText, trials: list[dict[str, Any]], ground: Ground) -> list[Finding]:
    """Everything that is wrong with the trials of one epoch, taken for themselves."""
    findings: list[Finding] = []
    seen: set[tuple[object, ...]] = set()
    for index, trial in enumerate(trials):
        wrong = [*_missing(text, index, trial, ground), *_values(text, index, trial)]
        transform = trial.get("transform")
        if isinstance(transform, str) and transform not in ground.transforms:
            wrong.append(text.found("T006", index, f"There is no transform {_shown(transform)}.", "transform"))
        if not any(finding.code in ("T002", "T003") for finding in wrong):
            wrong += _uid(text, index, trial, ground)
        identity = tuple(repr(trial.get(key)) for key in ("uid", "transform", "duration", "accuracy"))
        if identity in seen:
            wrong.append(text.found("T010", index, f"Trial {index + 1} is there twice."))
        seen.add(identity)
        findings += wrong
    return findings


def _missing(text: StatText, index: int, trial: dict[str, Any], ground: Ground) -> list[Finding]:
    findings = [text.found("T002", index, f"Trial {index + 1} has no {key!r}.") for key in _REQUIRED - trial.keys()]
    lacking = (ground.hyper_parameters or frozenset()) - trial.keys() - _REQUIRED
    return findings + [
        text.found("T011", index, f"Trial {index + 1} lacks {key!r}, a hyper-parameter of the model.")
        for key in sorted(lacking)
    ]


def _values(text: StatText, index: int, trial: dict[str, Any]) -> list[Finding]:
    findings = []
    for name, value in trial.items():
        key = _KEYS.get(name)
        if key is not None:
            if not key.is_kind(value):
                findings.append(
                    text.found("T003", index, f"{name!r} is {key.kind} in LEMUR, here {_shown(value)}.", name)
                )
            elif not key.within(value) or (type(value) is float and not math.isfinite(value)):
                findings.append(text.found("T004", index, f"{name!r} is {_shown(value)}, not {key.span}.", name))
        elif not isinstance(value, (int, float, str)):
            findings.append(text.found("T003", index, f"{name!r} is neither a number nor a text.", name))
        elif not isinstance(value, str) and not -MOST_INTEGER < value < MOST_INTEGER:
            findings.append(text.found("T004", index, f"{name!r} is {_shown(value)}, which no database holds.", name))
        elif not isinstance(value, str) and name != "epoch" and not 0 <= value <= 1:
            findings.append(text.found("T005", index, f"The hyper-parameter {name!r} is {_shown(value)}.", name))
    return findings


def _uid(text: StatText, index: int, trial: dict[str, Any], ground: Ground) -> list[Finding]:
    fits = ground.uids.fits(trial)
    if fits:
        return []
    if fits is None:
        return [text.found("T008", index, "Whether the uid fits the hyper-parameters cannot be told.", "uid")]
    return [text.found("T007", index, "The uid is not the hash of the hyper-parameters, in whatever order.", "uid")]


def _shown(value: object) -> str:
    """A value as a sentence may hold it."""
    shown = repr(value)
    return shown if len(shown) <= _TEXT_SHOWN else f"{shown[:_TEXT_SHOWN]}…"
