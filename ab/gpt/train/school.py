"""From a Net file to a record: what `nncaption train` and `nncaption score` do for each network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ab.gpt.candidate import Outcome, plain
from ab.gpt.errors import NNCaptionError, UsageError
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import Config, check_name, full_name, lemur_hash, model_name
from ab.gpt.lemur.queries import best_models
from ab.gpt.lemur.records import Epoch, record_trial
from ab.gpt.lemur.registry import place
from ab.gpt.scenes.folder import is_drawn
from ab.gpt.train.exam import Exam, make_exam
from ab.gpt.train.pool import Task
from ab.gpt.train.settings import METRIC, TASK, Settings
from ab.gpt.train.trainer import Trained

_LARGEST_CODE = 5 << 20


class DownloadFailed(NNCaptionError):
    """LEMUR's loader could not fetch the data set."""


@dataclass(frozen=True)
class Report:
    """One network's training, what was recorded of it, and where the details lie."""

    name: str
    trained: Trained
    uid: str | None
    file: Path

    def as_json(self) -> dict[str, Any]:
        """The report for scripts."""
        trained = self.trained
        return {
            "name": self.name,
            "outcome": trained.ending.outcome.value,
            "stage": trained.ending.stage,
            "reason": trained.ending.reason,
            "evidence": trained.ending.evidence,
            "recorded": self.uid,
            "collapsed": trained.collapsed,
            "parameters": trained.parameters,
            "seconds": trained.seconds,
            "peak_memory": trained.peak_memory,
            "batch": trained.batch,
            "notes": trained.notes,
            "walls": list(trained.walls),
            "epochs": [epoch.as_json() for epoch in trained.epochs],
            "details": str(self.file),
        }


def open_exam(home: Home, settings: Settings) -> Exam:
    """The exam on the data set of the settings; COCO is downloaded first where it is not there at all."""
    folder = settings.data_folder(home)
    if not folder.exists():
        if folder != home.coco:
            raise UsageError(
                f"--dataset: there is no data set {settings.dataset!r} in {folder}.",
                "Put its annotations/ and images there in COCO's layout.",
            )
        _download(home)
    return make_exam(home, folder, settings.val_images, settings.seed)


def find_network(home: Home, what: str, prefix: str | None = None) -> Task:
    """The network that a file or a LEMUR name stands for, with the name under which it is trained."""
    file = Path(what)
    if not what.endswith(".py"):
        name = full_name(home, check_name(what))
        file = home.code_dir("nn") / f"{name}.py"
        if not file.is_file():
            raise UsageError(
                f"LEMUR has no model {name!r} ({file}).", "Give the name of one, or a Net file ending in .py."
            )
        return Task(name, _read(file))
    code = _read(file)
    if file.stem.endswith(f"-{lemur_hash(code)}") or file.resolve().parent == home.code_dir("nn"):
        return Task(check_name(file.stem), code)
    stem = prefix or re.sub("[._]", "-", file.stem)
    return Task(model_name(stem, code), code)


def keep(home: Home, exam: Exam, task: Task, trained: Trained, settings: Settings, record: bool = True) -> Report:
    """Registers and records what was trained; the details, captions included, and what it printed lie in files."""
    uid = None
    if record and trained.ending.outcome is Outcome.TRAINED:
        epochs = [Epoch(epoch.number, epoch.lemur_bleu, epoch.duration) for epoch in trained.epochs]
        fitted = replace(settings, batch=trained.batch or settings.batch)
        uid = hand_over(home, task.name, task.code, fitted, epochs)
    now = time.time_ns()
    stamp = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now // 10**9))}-{now // 10**6 % 1000:03d}"
    file = home.out / "nncaption" / "trained" / task.name / f"{stamp}-{lemur_hash(task.code)[:6]}.json"
    report = Report(task.name, trained, uid, file)
    file.parent.mkdir(parents=True, exist_ok=True)
    details = {
        **report.as_json(),
        "settings": settings.as_json(),
        "tokenizer": exam.tokenizer,
        "image_ids": exam.image_ids,
        "drawn": is_drawn(Path(exam.folder)),
        "captions": {epoch.number: epoch.predicted for epoch in trained.epochs},
        "log": trained.log,
    }
    temporary = file.with_suffix(".tmp")
    temporary.write_text(json.dumps(details))
    temporary.replace(file)
    file.with_suffix(".log").write_text(plain(trained.log), encoding="utf-8", errors="replace")
    return report


def hand_over(home: Home, name: str, code: str, settings: Settings, epochs: list[Epoch]) -> str:
    """The uid of a trial that LEMUR now has, with its network; done twice it is there once."""
    if not (home.code_dir("nn") / f"{name}.py").exists():
        place(home, code, name=name)
    return record_trial(home, Config.checked(TASK, settings.dataset, METRIC, name), settings.prm, epochs)


def best_settings(home: Home, name: str, settings: Settings) -> Settings:
    """The settings with the hyper-parameters and epochs of a model's best recorded training."""
    known = [score for score in best_models(home, TASK, settings.dataset, METRIC) if score.config.nn == name]
    if not known:
        raise UsageError(
            f"LEMUR has no training of {name!r} on {settings.dataset}.", f"Train it first: nncaption train {name}"
        )
    best = known[0]
    return replace(
        settings,
        epochs=best.epoch,
        lr=float(best.prm.get("lr", settings.lr)),
        momentum=float(best.prm.get("momentum", settings.momentum)),
        batch=int(best.prm.get("batch", settings.batch)),
        transform=best.transform,
    )


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST_CODE:
            raise UsageError(f"{file} is larger than any Net file.", "Give a Net file.")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The Net file {file} cannot be read: {error}.", "Give a Python file in UTF-8.") from error


def _download(home: Home) -> None:
    """Lets LEMUR's own loader fetch COCO, in a process of its own; it is LEMUR's code and needs the network."""
    fetch = "from ab.nn.util.Loader import load_dataset\nload_dataset('img-captioning', 'coco', 'echo_32')"
    done = subprocess.run([sys.executable, "-c", fetch], cwd=home.root, capture_output=True, text=True, check=False)
    if not home.coco.exists() or done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
        raise DownloadFailed(
            f"COCO is not in {home.coco}, and LEMUR's loader could not fetch it: {last}.",
            f"Put it there in COCO's layout, or practise with drawn scenes: nncaption scenes {home.coco}",
        )
