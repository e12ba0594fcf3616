"""A run's ledger as a search leaves it, over captions that are made up, and what LEMUR has been given of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ab.gpt.candidate import Ending, Outcome
from ab.gpt.ledger import Ledger
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import model_name
from ab.gpt.lemur.records import Epoch
from ab.gpt.plan import Plan
from ab.gpt.runs import runs_folder
from ab.gpt.train.exam import Exam
from ab.gpt.train.judge import EpochScore
from ab.gpt.train.school import hand_over
from ab.gpt.train.settings import Settings
from ab.gpt.train.trainer import Trained
from tests.gpt.replies import good

SETTINGS = Settings(epochs=5, transform="echo_32", val_images=24, pretrained=False)
ABOUT = {
    "versions": {"nn-caption": "1.2.3"},
    "git": {"commit": "0123456789abcdef", "changed": False},
    "plan": Plan(baselines=("RESNETLSTM",), llm=("replay:x",), seed=7, train=SETTINGS).as_json(),
}


def captions(exam: Exam, right: float) -> list[list[int]]:
    """Captions of which a share is a true one, the rest one and the same."""
    blind = exam.blind[0]
    good = round(right * len(exam.references))
    return [said[0] if at < good else blind for at, said in enumerate(exam.references)]


def trained(exam: Exam, rights: list[float]) -> Trained:
    """A training whose epochs get better or worse as told."""
    epochs = []
    for number, right in enumerate(rights, start=1):
        predicted = captions(exam, right)
        scores = exam.score(predicted)
        duration = number * 10**9
        epochs.append(
            EpochScore(number, scores.lemur_bleu, scores, 1.0, 1e-3, 1.0, 1.0, 10.0, duration, 10**8, predicted)
        )
    return Trained(Ending(Outcome.TRAINED, "eval", f"{len(epochs)} epochs"), epochs, batch=16)


def make_run(home: Home, exam: Exam, name: str, networks: dict[int, list[float]], record: bool = True) -> Path:
    """A run's folder: a baseline that sees little, and networks, by their width, with shares of right captions."""
    folder = runs_folder(home) / name
    exam_about = {"folder": exam.folder, "image_ids": exam.image_ids, "tokenizer": exam.tokenizer}
    Ledger.create(folder, {**ABOUT, "exam": exam_about}).close()
    with Ledger(folder) as ledger:
        number = ledger.begin(
            kind="baseline", number=0, prefix="RESNETLSTM", baseline="RESNETLSTM", mode="code", model="", n=0, seed=7,
            name="RESNETLSTM", code="", state="gated",
        )  # fmt: skip
        ledger.trained(number, trained(exam, [0.1]))
        ledger.done(number, None)
        for at, (width, rights) in enumerate(networks.items()):
            code = good(width)
            model = model_name("C5C-RESNETLSTM", code)
            number = ledger.begin(
                kind="proposed", number=at, prefix="C5C-RESNETLSTM", baseline="RESNETLSTM", mode="code",
                model="tiny-model", n=5, seed=at, name=model, code=code, hyper='{"lr": 0.002}', state="gated",
            )  # fmt: skip
            done = trained(exam, rights)
            ledger.trained(number, done)
            uid = None
            if record:
                settings = replace(SETTINGS, lr=0.002)
                rows = [Epoch(epoch.number, epoch.lemur_bleu, epoch.duration) for epoch in done.epochs]
                uid = hand_over(home, model, code, settings, rows)
            ledger.done(number, uid)
        failed = ledger.begin(
            kind="proposed", number=99, prefix="C5C-RESNETLSTM", baseline="RESNETLSTM", mode="code", model="tiny-model",
            n=5, seed=99,
        )  # fmt: skip
        ledger.failed(failed, Ending(Outcome.NO_CODE, "extract", "no code"))
    return folder
