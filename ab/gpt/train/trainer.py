"""One network from its code to its checked scores: set up, trained in isolation, judged epoch by epoch."""

from __future__ import annotations

import itertools
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ab.gpt.candidate import Ending, Outcome
from ab.gpt.isolate.foreign import MODULE, own_lines
from ab.gpt.isolate.job import GIB, BadResultFile, How, IsolationFailed, Job, Limits, Result, read_result_file
from ab.gpt.isolate.run import run
from ab.gpt.isolate.warm import TRAINING, Warm
from ab.gpt.lemur.home import Home
from ab.gpt.train.cache import Prepared
from ab.gpt.train.checkpoints import torch_home
from ab.gpt.train.exam import Exam
from ab.gpt.train.judge import EpochScore, Forged, carried_answers, judge_epoch
from ab.gpt.train.settings import METRIC, TASK, Settings
from ab.gpt.train.words import nltk_places
from ab.gpt.train.workshop import Workshop, set_up

MOST_HALVINGS = 2
MOST_RETRIES = 1
MOST_STEPS_AT_ONCE = 4
"""How many steps' images are captioned at once at most: where they don't fit, halving the batch makes both smaller."""
LEMUR_MINIMUM = 0.001 * 1.2
"""What LEMUR's captioning loader asks for, with the factor that its `train` puts on it."""
PHASES = ("load", "build", "learn", "eval")
_LONGEST_PREDICTIONS = 512 << 20
_EVIDENCE = 6_000

_numbers = itertools.count(1)

Watch = Callable[[dict[str, Any]], None]
Patience = Callable[[EpochScore], str]
"""Asked after each epoch but the last: why the training should end here, or an empty text."""


@dataclass(frozen=True)
class Trained:
    """How a training ended, and every epoch that was finished and checked before that."""

    ending: Ending
    epochs: list[EpochScore] = field(default_factory=list)
    parameters: int = 0
    seconds: float = 0.0
    peak_memory: int = 0
    batch: int = 0
    """The batch size that fitted; the one that was asked for is in the settings."""
    notes: list[str] = field(default_factory=list)
    walls: tuple[str, ...] = ()
    log: str = ""

    @property
    def best(self) -> EpochScore | None:
        """The epoch with the highest LEMUR figure."""
        return max(self.epochs, key=lambda epoch: epoch.lemur_bleu, default=None)

    @property
    def collapsed(self) -> bool:
        """True where the best epoch, the one that counts, does not beat the best blind caption beyond the interval."""
        return self.best is not None and self.best.scores.collapsed


def train(
    home: Home,
    exam: Exam,
    name: str,
    code: str,
    settings: Settings,
    watch: Watch | None = None,
    stop: threading.Event | None = None,
    warm: Warm | None = None,
    prepared: Prepared | None = None,
    patience: Patience | None = None,
) -> Trained:
    """How the training of a network ended, on the given ground; a batch that is too large is halved, twice at most."""
    try:
        carried = carried_answers(exam, code)
    except (SyntaxError, ValueError, RecursionError) as error:
        return Trained(Ending(Outcome.SYNTAX, "parse", f"{type(error).__name__}: {error}"))
    if carried:
        return Trained(Ending(Outcome.FORBIDDEN, "read", carried))
    notes = [] if exam.tokenizer == "punkt_tab" else ["captions were cut into words without NLTK's sentence splitter"]
    notes += ["its frozen encoder ran once for all networks that have it"] if prepared and prepared.features else []
    halvings = retries = 0
    seconds = 0.0
    batch = settings.batch
    while True:
        trained = _train_once(
            home, exam, name, code, replace(settings, batch=batch), watch, stop, warm, prepared, patience
        )
        seconds += trained.seconds  # those of attempts that were lost are spent too
        trained = replace(trained, batch=batch, seconds=seconds, notes=trained.notes + notes)
        out_of_memory = trained.ending.outcome is Outcome.SMOKE and trained.ending.reason.startswith("out of memory")
        if out_of_memory and halvings < MOST_HALVINGS and batch > 1:
            halvings += 1
            batch //= 2
            notes.append(f"out of memory: the batch was halved to {batch}")
        elif trained.ending.outcome is Outcome.INFRASTRUCTURE and retries < MOST_RETRIES:
            retries += 1
            notes.append(f"tried again after: {trained.ending.reason}")
        else:
            return trained


def _train_once(
    home: Home,
    exam: Exam,
    name: str,
    code: str,
    settings: Settings,
    watch: Watch | None,
    stop: threading.Event | None,
    warm: Warm | None,
    prepared: Prepared | None,
    patience: Patience | None,
) -> Trained:
    folder = home.out / "nncaption" / "jobs" / f"{os.getpid()}-{next(_numbers)}"
    listener = _Listener(exam, folder, settings, watch, patience)
    try:
        shop = set_up(folder, home, exam, code, settings.dataset)
        result = run(
            training_job(home, shop, exam, name, settings, prepared),
            listener.hear,
            stop,
            listener.look_at_the_clock,
            warm,
        )
    except _Enough as enough:
        return listener.trained(enough.ending)
    except IsolationFailed as error:
        return listener.trained(Ending(Outcome.INFRASTRUCTURE, listener.stage, error.what))
    except OSError as error:
        return listener.trained(Ending(Outcome.INFRASTRUCTURE, "set up", f"{type(error).__name__}: {error}"))
    finally:
        Workshop(folder, ()).clear()
    return listener.trained(_ending(result, listener), result)


def training_job(
    home: Home, shop: Workshop, exam: Exam, name: str, settings: Settings, prepared: Prepared | None
) -> Job:
    """The job that trains a network in its workshop."""
    folder = shop.folder.resolve()
    order = {
        "folder": str(folder),
        "config": [TASK, settings.dataset, METRIC, name],
        "module": MODULE,
        "prm": settings.prm,
        "epochs": settings.epochs,
        "seed": settings.seed,
        "words": "words.json",
        "tokenizer": exam.tokenizer,
        "image_ids": exam.image_ids,
        "pretrained": settings.pretrained,
        "loader_workers": settings.loader_workers,
        "threads": settings.cores,
        "at_once": min(settings.at_once, MOST_STEPS_AT_ONCE * settings.batch),
        "speed": sorted(settings.speed),
        "epoch_limit_minutes": settings.epoch_minutes,
        "cache": str(prepared.folder.resolve()) if prepared else None,
        "files": prepared.files if prepared else {},
        "features": prepared.feature_files if prepared else {},
    }
    environment = training_environment()
    readable = [*shop.readable, Path(environment["TORCH_HOME"]), *nltk_places()]
    readable += prepared.folders if prepared else []
    if settings.gpu is not None:
        environment["CUDA_VISIBLE_DEVICES"] = str(settings.gpu)
    limits = Limits(wall_seconds=settings.limit_seconds, memory_bytes=int(settings.memory_gb * GIB))
    return Job(
        "ab.gpt.train.worker:work",
        order,
        folder,
        tuple(readable),
        (str(folder), str(home.package.parent.parent)),
        environment,
        limits,
        gpu=settings.gpu is not None,
        require=settings.walls,
    )


def training_environment() -> dict[str, str]:
    """The variables of every training, wherever it runs."""
    environment = {"TORCH_HOME": str(torch_home()), "HF_HUB_OFFLINE": "1", "TQDM_MININTERVAL": "5"}
    if "NLTK_DATA" in os.environ:
        environment["NLTK_DATA"] = os.environ["NLTK_DATA"]
    return environment


def warm_trainer() -> Warm:
    """A process with torch and what else LEMUR imports, from which trainings are forked."""
    return Warm(TRAINING, training_environment())


class _Enough(Exception):
    """The parent has heard enough and ends the training."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(str(ending))
        self.ending = ending


class _Listener:
    """Hears what the child says, believes what can be checked, and keeps the time of each phase."""

    def __init__(
        self, exam: Exam, folder: Path, settings: Settings, watch: Watch | None, patience: Patience | None
    ) -> None:
        self.exam = exam
        self.patience = patience or (lambda _score: "")
        self.folder = folder
        self.settings = settings
        self.watch = watch or (lambda _event: None)
        self.epochs: list[EpochScore] = []
        self.parameters = 0
        self.notes: list[str] = []
        self.stage = "start"
        self.began = self.since = time.monotonic()

    def look_at_the_clock(self) -> None:
        """Ends a training whose present phase takes longer than it may."""
        limit = self.settings.phase_seconds(self.stage)
        if time.monotonic() - self.since > limit:
            raise _Enough(Ending(Outcome.TIMEOUT, self.stage, f"longer than {limit:g} s in {self.stage}"))

    def hear(self, event: dict[str, Any]) -> None:
        if "phase" in event:
            if event["phase"] not in PHASES or type(event.get("parameters", 0)) is not int:
                raise _Enough(Ending(Outcome.FORBIDDEN, self.stage, "a report that the worker does not write"))
            self.stage = event["phase"]
            self.since = time.monotonic()
            self.parameters = event.get("parameters", self.parameters)
            if event.get("float32") is True:
                self.notes = ["this CPU has no bfloat16: autocast computed in float32"]
            self.watch({**event, "epoch": len(self.epochs) + 1})
        elif "predictions" in event:
            score = self._judge(event)
            self.epochs.append(score)
            self.watch({"done": score.number, "lemur_bleu": score.lemur_bleu, "bleu4": score.scores.bleu4})
            if not score.lemur_bleu > LEMUR_MINIMUM:
                reason = f"BLEU {score.lemur_bleu:.4f} after epoch {score.number} is not above LEMUR's {LEMUR_MINIMUM}"
                raise _Enough(Ending(Outcome.BELOW_MINIMUM, "eval", reason))
            if score.number < self.settings.epochs and (why := self.patience(score)):
                reason = f"{score.number} of {self.settings.epochs} epochs, stopped early: {why}"
                raise _Enough(Ending(Outcome.TRAINED, "eval", reason))
        elif event.keys() == {"batch", "of"} and all(type(number) is int for number in event.values()):
            self.watch(event)
        else:
            raise _Enough(Ending(Outcome.FORBIDDEN, self.stage, "a report that the worker does not write"))

    def _judge(self, event: dict[str, Any]) -> EpochScore:
        try:
            predictions = read_result_file(self.folder, str(event["predictions"]), _LONGEST_PREDICTIONS)
            return judge_epoch(self.exam, event, predictions, len(self.epochs) + 1)
        except (Forged, BadResultFile) as error:
            raise _Enough(Ending(Outcome.FORBIDDEN, "eval", str(error))) from error

    def trained(self, ending: Ending, result: Result | None = None) -> Trained:
        if ending.outcome is Outcome.FORBIDDEN:
            self.epochs = []  # nothing of a forger's is kept
        if result is None:  # the parent has ended it
            seconds = time.monotonic() - self.began
            memory = max((epoch.peak_memory for epoch in self.epochs), default=0)
            return Trained(ending, self.epochs, self.parameters, seconds, memory, notes=self.notes)
        return Trained(
            ending,
            self.epochs,
            self.parameters,
            result.seconds,
            result.peak_memory,
            notes=self.notes,
            walls=result.walls,
            log=result.log[-_EVIDENCE:],
        )


def _ending(result: Result, listener: _Listener) -> Ending:
    """The outcome that the end of the child stands for."""
    stage = listener.stage
    tail = result.log[-_EVIDENCE:]
    match result.how:
        case How.RETURNED:
            tampered = (result.value or {}).get("tampered") if isinstance(result.value, dict) else None
            if tampered:
                what = ", ".join(map(str, tampered)) if isinstance(tampered, list) else "something"
                return Ending(Outcome.FORBIDDEN, stage, f"it replaced {what}", tail)
            if len(listener.epochs) != listener.settings.epochs:
                return Ending(Outcome.FORBIDDEN, stage, "it ended before all its epochs were reported", tail)
            return Ending(Outcome.TRAINED, "eval", f"{len(listener.epochs)} epochs")
        case How.TIMEOUT:
            return Ending(Outcome.TIMEOUT, stage, f"{result.reason}, in {stage}", tail)
        case How.MEMORY:
            return Ending(Outcome.SMOKE, stage, f"out of memory: {result.reason}", tail)
        case How.FORBIDDEN | How.DISK | How.PROCESSES:
            return Ending(Outcome.FORBIDDEN, stage, result.reason, tail)
        case How.KILLED:
            return Ending(Outcome.INFRASTRUCTURE, stage, f"the worker was {result.reason}", tail)
        case How.STOPPED:
            return Ending(Outcome.INFRASTRUCTURE, stage, result.reason, tail)
        case How.EXITED:
            return Ending(Outcome.TRAIN_ERROR, stage, result.reason, tail)
        case How.RAISED:
            return _raised(result, stage)


def _raised(result: Result, stage: str) -> Ending:
    name, reason = result.error_type, result.reason
    evidence = own_lines(result.traceback)
    if stage in ("start", "load") and name != "BadPicture":  # before the network's code has been looked at
        return Ending(Outcome.INFRASTRUCTURE, stage, f"{name}: {reason}"[:400], result.traceback[-_EVIDENCE:])
    if name == "Diverged":
        return Ending(Outcome.DIVERGED, stage, reason, evidence)
    if name == "TooLong":
        return Ending(Outcome.TIMEOUT, stage, reason, evidence)
    if "CUDA error" in reason or name == "AcceleratorError":
        return Ending(Outcome.INFRASTRUCTURE, stage, f"{name}: {reason}", evidence)
    if name == "BadPicture":
        return Ending(Outcome.INFRASTRUCTURE, stage, f"an image of the data set cannot be read: {reason}", evidence)
    if re.search(r"No space left on device|Disk quota", reason):
        return Ending(Outcome.INFRASTRUCTURE, stage, f"{name}: {reason}", evidence)
    first = reason.strip().partition("\n")[0]
    return Ending(Outcome.TRAIN_ERROR, stage, f"{name}: {first}" if first else name, evidence)
