"""The trials that LEMUR asks of a contribution: LEMUR's own `train` with Optuna, behind walls, recorded one by one.

A study may be stopped or killed at any time: what was recorded is in LEMUR, which counts it, and only what is lacking
is done the next time.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ab.gpt.candidate import Ending, Outcome
from ab.gpt.contribute.study_listener import Enough, Listener, Trial, Watch
from ab.gpt.errors import UsageError
from ab.gpt.isolate.job import How, IsolationFailed, Job, Result
from ab.gpt.isolate.run import run
from ab.gpt.isolate.warm import Warm
from ab.gpt.lemur import schema
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import Config
from ab.gpt.lemur.statistics import read_trials
from ab.gpt.train.cache import Prepared, prepare
from ab.gpt.train.exam import Exam
from ab.gpt.train.judge import carried_answers
from ab.gpt.train.settings import METRIC, TASK, Settings
from ab.gpt.train.trainer import training_job
from ab.gpt.train.workshop import Workshop, set_up

MOST_ROUNDS = 3
"""So often LEMUR is started for what is still lacking; trials that fail are not counted by it."""
_EVIDENCE = 6_000
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Space:
    """How many trials there are to be in the end, and between what Optuna may choose."""

    trials: int = 10
    lr: tuple[float, float] = (1e-5, 1e-2)
    batches: tuple[int, int] = (4, 6)
    """Powers of two, as LEMUR takes them: from 16 to 64 images a step."""
    transforms: tuple[str, ...] = ("echo_256_flip",)

    def check(self) -> Space:
        """The space itself; `UsageError` for the first thing in it that LEMUR could not choose from."""
        if not 1 <= self.trials <= 10_000:
            raise UsageError(f"--trials: {self.trials} is not allowed.", "It takes 1 to 10000.")
        if not 0 < self.lr[0] <= self.lr[1] <= 1:
            raise UsageError("--min-lr and --max-lr: that is no range.", "They take numbers above 0, up to 1.")
        if not 0 <= self.batches[0] <= self.batches[1] <= 12:
            raise UsageError("--min-batch and --max-batch: that is no range.", "They take 1, 2, 4, … up to 4096.")
        if not self.transforms:
            raise UsageError("--transform: nothing is given.", "Name one or more of LEMUR's transforms.")
        return self


@dataclass(frozen=True)
class Studied:
    """What has become of a study."""

    name: str
    wanted: int
    before: int
    """Trials that LEMUR had already."""
    trials: list[Trial] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    ending: Ending | None = None
    """What ended it before its time."""

    @property
    def whole(self) -> bool:
        """True where LEMUR now has as many trials as were wanted."""
        return self.before + len(self.trials) >= self.wanted

    @property
    def best(self) -> Trial | None:
        return max(self.trials, key=lambda trial: trial.best.lemur_bleu, default=None)

    def as_json(self) -> dict[str, Any]:
        """The study for scripts."""
        ending = None if self.ending is None else vars(self.ending) | {"outcome": self.ending.outcome.value}
        own = {"name": self.name, "wanted": self.wanted, "before": self.before, "whole": self.whole}
        return {
            **own,
            "trials": [trial.as_json() for trial in self.trials],
            "failed": self.failed,
            "ending": ending,
        }


def power_of_two(flag: str, number: int) -> int:
    """Which power of two a batch size is; `UsageError` where it is none."""
    power = number.bit_length() - 1
    if number < 1 or 1 << power != number:
        raise UsageError(f"{flag}: {number} is not allowed.", "LEMUR takes powers of two: 16, 32, 64, …")
    return power


def count_trials(home: Home, config: Config, epochs: int) -> int:
    """How many trials of so many epochs LEMUR's statistics hold of a model."""
    file = home.stat_train / str(config) / f"{epochs}.json"
    return len(read_trials(file)) if file.exists() else 0


def study(
    home: Home,
    exam: Exam,
    name: str,
    settings: Settings,
    space: Space,
    watch: Watch | None = None,
    stop: threading.Event | None = None,
    warm: Warm | None = None,
) -> Studied:
    """What became of the trials that a registered model lacks; each is in LEMUR's records as soon as it is done."""
    space = space.check()
    config = Config.checked(TASK, settings.dataset, METRIC, name)
    code = (home.code_dir("nn") / f"{name}.py").read_text(encoding="utf-8")
    done = Studied(name, space.trials, count_trials(home, config, settings.epochs))
    if carried := carried_answers(exam, code):
        return replace(done, ending=Ending(Outcome.FORBIDDEN, "read", carried))
    if done.whole:
        return done
    ready = {
        transform: prepare(home, exam, replace(settings, transform=transform), warm, stop=stop)
        for transform in space.transforms
    }
    for _ in range(MOST_ROUNDS):
        listener = Listener(home, exam, config, settings, watch)
        ending = _round(home, exam, code, settings, space, ready, listener, stop, warm)
        done = replace(
            done, trials=done.trials + listener.recorded, failed=done.failed + listener.failed, ending=ending
        )
        low, high = space.batches
        if ending is not None and ending.reason.startswith("out of memory") and low < high:
            space = replace(space, batches=(low, high - 1))
        elif done.whole or ending is not None or not listener.recorded:
            break
    return replace(done, ending=None) if done.whole else done


def _round(
    home: Home,
    exam: Exam,
    code: str,
    settings: Settings,
    space: Space,
    ready: dict[str, Prepared | None],
    listener: Listener,
    stop: threading.Event | None,
    warm: Warm | None,
) -> Ending | None:
    """Starts LEMUR once; how that ended before its time, or None."""
    listener.folder = home.out / "nncaption" / "jobs" / f"{os.getpid()}-study-{next(_numbers)}"
    try:
        shop = set_up(listener.folder, home, exam, code, settings.dataset)
        done = _small_database(home, listener.folder / "db" / home.db_file.name, listener.config, settings.epochs)
        job = _job(home, shop, exam, listener.config.nn, settings, space, ready, done)
        result = run(job, listener.hear, stop, listener.look_at_the_clock, warm)
    except Enough as enough:
        return enough.ending
    except IsolationFailed as error:
        return Ending(Outcome.INFRASTRUCTURE, listener.stage, error.what)
    except OSError as error:
        return Ending(Outcome.INFRASTRUCTURE, "set up", f"{type(error).__name__}: {error}")
    finally:
        Workshop(listener.folder, ()).clear()
    return _ending(result, listener.stage)


def _small_database(home: Home, file: Path, config: Config, epochs: int) -> int:
    """The child's LEMUR database: no more than the trials that LEMUR counts. How many they are."""
    place = home.stat_train / str(config) / f"{epochs}.json"
    trials = read_trials(place) if place.exists() else []
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        schema.create_tables(db)
        db.executemany(schema.INSERT_STAT, [schema.stat_row(config, epochs, trial) for trial in trials])
    return len(trials)


def _job(
    home: Home,
    shop: Workshop,
    exam: Exam,
    name: str,
    settings: Settings,
    space: Space,
    ready: dict[str, Prepared | None],
    done: int,
) -> Job:
    job = training_job(home, shop, exam, name, settings, next(iter(ready.values())))
    lacking = max(1, space.trials - done)
    transforms = {
        transform: {
            "cache": str(prepared.folder.resolve()) if prepared else None,
            "files": prepared.files if prepared else {},
        }
        for transform, prepared in ready.items()
    }
    order = {
        **job.payload,
        "done": done,
        "train_images": exam.train_images,
        "study": {
            "trials": space.trials,
            "lr": space.lr,
            "batches": space.batches,
            "transforms": transforms,
            "failures": lacking,
        },
    }
    readable = [*job.readable, *(prepared.folder.resolve() for prepared in ready.values() if prepared)]
    seconds = settings.limit_seconds * 2 * lacking  # as many may fail as succeed
    return replace(
        job,
        target="ab.gpt.contribute.study_worker:work",
        payload=order,
        readable=tuple(dict.fromkeys(readable)),
        limits=replace(job.limits, wall_seconds=seconds),
    )


def _ending(result: Result, stage: str) -> Ending | None:
    """What the end of the child says of the study; None where LEMUR came to its own end."""
    tail = result.log[-_EVIDENCE:]
    match result.how:
        case How.RETURNED:
            tampered = (result.value or {}).get("tampered") if isinstance(result.value, dict) else None
            if tampered:
                return Ending(Outcome.FORBIDDEN, stage, f"it replaced {', '.join(map(str, tampered))}", tail)
            return None
        case How.TIMEOUT:
            return Ending(Outcome.TIMEOUT, stage, f"{result.reason}, in {stage}", tail)
        case How.MEMORY:
            return Ending(Outcome.SMOKE, stage, f"out of memory: {result.reason}", tail)
        case How.FORBIDDEN | How.DISK | How.PROCESSES:
            return Ending(Outcome.FORBIDDEN, stage, result.reason, tail)
        case How.RAISED:
            reason = f"{result.error_type}: {result.reason}"
            return Ending(Outcome.TRAIN_ERROR, stage, reason, result.traceback[-_EVIDENCE:])
        case How.EXITED:
            return Ending(Outcome.TRAIN_ERROR, stage, result.reason, tail)
        case _:
            return Ending(Outcome.INFRASTRUCTURE, stage, f"the worker was {result.reason}", tail)
