"""The parent's ear at a study: each epoch is scored here, answered, and each trial recorded when it is whole."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ab.gpt.candidate import Ending, Outcome, plain
from ab.gpt.contribute.study_worker import answer_name
from ab.gpt.isolate.job import BadResultFile, read_result_file
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import Config
from ab.gpt.lemur.records import Epoch, record_trial
from ab.gpt.train.exam import Exam
from ab.gpt.train.judge import EpochScore, Forged, judge_epoch
from ab.gpt.train.settings import Settings
from ab.gpt.train.trainer import LEMUR_MINIMUM, PHASES

_LONGEST_PREDICTIONS = 512 << 20

Watch = Callable[[dict[str, Any]], None]
Prm = dict[str, int | float | str]


def shown_prm(prm: Mapping[str, int | float | str]) -> str:
    """Hyper-parameters in a few words."""
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in prm.items()
    )


@dataclass(frozen=True)
class Trial:
    """A trial that was recorded."""

    uid: str
    prm: Prm
    epochs: list[EpochScore]

    @property
    def best(self) -> EpochScore:
        return max(self.epochs, key=lambda epoch: epoch.lemur_bleu)

    def as_json(self) -> dict[str, Any]:
        """Everything but the captions."""
        return {"uid": self.uid, "prm": self.prm, "epochs": [epoch.as_json() for epoch in self.epochs]}


class Enough(Exception):
    """The parent has heard enough and ends the study."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(str(ending))
        self.ending = ending


class Listener:
    """Hears what the child says, scores each epoch itself, answers, and records each trial that is whole."""

    def __init__(self, home: Home, exam: Exam, config: Config, settings: Settings, watch: Watch | None) -> None:
        self.home = home
        self.exam = exam
        self.config = config
        self.settings = settings
        self.watch = watch or (lambda _event: None)
        self.folder = Path()
        self.recorded: list[Trial] = []
        self.failed: list[str] = []
        self.prm: Prm = {}
        self.number = 0
        self.epochs: list[EpochScore] = []
        self.stage = "start"
        self.since = time.monotonic()

    def look_at_the_clock(self) -> None:
        """Ends a study whose present phase takes longer than it may."""
        limit = self.settings.phase_seconds(self.stage)
        if time.monotonic() - self.since > limit:
            raise Enough(Ending(Outcome.TIMEOUT, self.stage, f"longer than {limit:g} s in {self.stage}"))

    def hear(self, event: dict[str, Any]) -> None:
        if "trial" in event:
            self._begin(event)
        elif "phase" in event and event["phase"] in PHASES:
            self.stage = event["phase"]
            self.since = time.monotonic()
            self.watch({**event, "epoch": len(self.epochs) + 1})
        elif "predictions" in event:
            self._judge(event)
        elif "failed" in event:
            reason = plain(f"{event['failed']}: {event.get('reason', '')}")[:500]
            self.failed.append(f"{shown_prm(self.prm)}: {reason}")
            self.watch({"ended": f"trial {self.number} failed: {reason}"})
        elif event.keys() == {"batch", "of"} and all(type(number) is int for number in event.values()):
            self.watch(event)
        else:
            raise Enough(Ending(Outcome.FORBIDDEN, self.stage, "a report that the worker does not write"))

    def _begin(self, event: dict[str, Any]) -> None:
        prm = event.get("prm")
        whole = isinstance(prm, dict) and all(type(value) in (int, float, str) for value in prm.values())
        if type(event["trial"]) is not int or not whole:
            raise Enough(Ending(Outcome.FORBIDDEN, self.stage, "a report that the worker does not write"))
        self.number, self.prm, self.epochs = event["trial"], dict(event["prm"]), []

    def _judge(self, event: dict[str, Any]) -> None:
        try:
            predictions = read_result_file(self.folder, str(event["predictions"]), _LONGEST_PREDICTIONS)
            score = judge_epoch(self.exam, event, predictions, len(self.epochs) + 1)
        except (Forged, BadResultFile) as error:
            raise Enough(Ending(Outcome.FORBIDDEN, "eval", str(error))) from error
        self.epochs.append(score)
        shown = {"lemur_bleu": score.lemur_bleu, "bleu4": score.scores.bleu4}
        self.watch({"done": f"{score.number} of trial {self.number}", **shown})
        if len(self.epochs) == self.settings.epochs:
            self._record()
        place = self.folder / answer_name(self.number, score.number)
        temporary = place.with_suffix(".tmp")
        temporary.write_text(json.dumps(score.lemur_bleu))
        temporary.replace(place)

    def _record(self) -> None:
        if not all(epoch.lemur_bleu > LEMUR_MINIMUM for epoch in self.epochs):
            return  # LEMUR refuses it, and says so
        rows = [Epoch(epoch.number, epoch.lemur_bleu, epoch.duration) for epoch in self.epochs]
        uid = record_trial(self.home, self.config, self.prm, rows)
        self.recorded.append(Trial(uid, self.prm, self.epochs))
