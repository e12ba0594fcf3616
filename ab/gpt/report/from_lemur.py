"""LEMUR's own captioning models as facts: every family in its database, and which rows are of collapsed models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from ab.gpt.candidate import Outcome
from ab.gpt.lemur.bootstrap import Progress, silent
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.queries import best_models, task_epochs
from ab.gpt.report.facts import Epoch, Facts, Network, Run
from ab.gpt.report.intervals import Share
from ab.gpt.report.table import Cell, Column, Table

TASK = "img-captioning"
COLLAPSED = 0.012
"""LEMUR's figure below which a row is of a collapsed model: ten times the bar that LEMUR sets for captioning.

A model that says one token fifty times gets 0.0037 to 0.0048; what is below 0.012 says little more than that.
"""
METHOD = (
    f"A row is called collapsed where LEMUR's figure is below {COLLAPSED}: ten times the bar that LEMUR sets. A model"
    " that says one token fifty times gets 0.0037 to 0.0048. A trial or a model is collapsed where its best row is."
    " LEMUR keeps no captions, so nothing here can be compared with a blind caption, which gets about 0.1."
    " LEMUR's BLEU is the mean of sentence scores over token ids, not corpus BLEU-4, and is shown as LEMUR has it."
    " The ids are those of LEMUR's table stat; tables/collapsed-rows.csv lists every collapsed row."
)
_HASHED = re.compile(r"-[0-9a-f]{32}\Z")


@dataclass(frozen=True)
class LemurFacts(Facts):
    """What LEMUR's database holds of captioning: models by their best trial, and all trials."""

    trials: tuple[Network, ...] = ()


def read_facts(home: Home, progress: Progress = silent) -> LemurFacts:
    """All captioning models of LEMUR's database; it is built first where there is none."""
    trials = list(_trials(task_epochs(home, TASK, progress=progress)))
    codes = {score.config.nn: (score.code or "", score.prm) for score in best_models(home, TASK)}
    models = [
        _with_code(max(some, key=_height), codes)
        for _, some in _grouped(trials, key=lambda trial: (trial.name, trial.run))
    ]
    runs = [Run(name, {}) for name in dict.fromkeys(model.run for model in models)]
    notes = [_sentence(trials)] if trials else ["LEMUR's database holds no captioning model."]
    return LemurFacts("LEMUR's captioning families", runs, models, None, notes, from_lemur=True, trials=tuple(trials))


def collapsed_table(facts: LemurFacts) -> Table:
    """For each model how many rows and trials are collapsed."""
    columns = [
        Column("Model", True),
        Column("Rows"),
        Column("Rows collapsed"),
        Column("Trials"),
        Column("Trials collapsed"),
    ]
    table = Table("collapsed", f"Collapsed rows: LEMUR's BLEU below {COLLAPSED}", [*columns, Column("Best")])
    for name, trials in _grouped(facts.trials, key=lambda trial: (trial.name,)):
        table.rows.append(_line(name[0], trials, f"stat: nn = '{name[0]}'"))
    table.rows.append(_line("All", list(facts.trials), f"stat: task = '{TASK}'"))
    return table


def collapsed_rows(facts: LemurFacts) -> Table:
    """Every collapsed row, for programs."""
    names = ("Row", "Model", "Data set and metric", "uid", "Epoch", "LEMUR's BLEU")
    table = Table("collapsed-rows", "All collapsed rows", [Column(name) for name in names])
    for trial in facts.trials:
        for epoch in trial.epochs:
            if epoch.lemur_bleu < COLLAPSED:
                values = (epoch.row, trial.name, trial.run, trial.uid, epoch.number, epoch.lemur_bleu)
                table.rows.append([Cell(str(value), value) for value in values])
    return table


def _line(name: str, trials: list[Network], rows: str) -> list[Cell]:
    scores = [epoch.lemur_bleu for trial in trials for epoch in trial.epochs]
    below = Share(sum(score < COLLAPSED for score in scores), len(scores))
    fallen = Share(sum(trial.collapsed for trial in trials), len(trials))
    best = max((trial.best for trial in trials if trial.best), key=lambda epoch: epoch.lemur_bleu, default=None)
    return [
        Cell(name),
        Cell(f"{len(scores):,}", len(scores), rows),
        Cell(f"{below.count:,} · {below.mean:.1%}", below.count, f"{rows} AND accuracy < {COLLAPSED}"),
        Cell(f"{len(trials):,}", len(trials), rows),
        Cell(f"{fallen.count:,} · {fallen}", fallen.count, rows),
        Cell(f"{best.lemur_bleu:.4f}", best.lemur_bleu, best.row) if best else Cell("–", ""),
    ]  # fmt: skip


def _sentence(trials: list[Network]) -> str:
    scores = [epoch.lemur_bleu for trial in trials for epoch in trial.epochs]
    below = sum(score < COLLAPSED for score in scores)
    return (
        f"{below:,} of LEMUR's {len(scores):,} captioning rows ({below / len(scores):.1%}) are of collapsed models:"
        f" LEMUR's BLEU below {COLLAPSED}."
    )


def _trials(rows: Iterable[tuple[Any, ...]]) -> Iterator[Network]:
    """One network for each training: a model with certain hyper-parameters, over its epochs."""
    for (name, dataset, metric, _transform, uid), epochs in groupby(rows, key=lambda row: row[1:6]):
        own = list(epochs)
        marks = tuple(Epoch(f"stat:{row[0]}", row[6], row[7]) for row in own)
        top = max(mark.lemur_bleu for mark in marks)
        seconds = max((row[8] or 0) for row in own) / 1e9
        yield Network(
            row=max(marks, key=lambda mark: mark.lemur_bleu).row,
            run=f"{dataset}, {metric}",
            id=uid,
            kind="proposed" if _HASHED.search(name) else "baseline",
            number=0,
            prefix=_HASHED.sub("", name),
            baseline=_baseline(name),
            outcome=Outcome.TRAINED.value,
            stage="eval",
            name=name,
            uid=uid,
            collapsed=top < COLLAPSED,
            train_seconds=seconds,
            epochs=marks,
        )


def _baseline(name: str) -> str:
    """What a generated model was made from: the second part of its family's prefix."""
    return _HASHED.sub("", name).partition("-")[2] if _HASHED.search(name) else name


def _with_code(trial: Network, codes: dict[str, tuple[str, dict[str, Any]]]) -> Network:
    code, hyper = codes.get(trial.name, ("", {}))
    return replace(trial, code=code, hyper=dict(hyper))


def _height(trial: Network) -> float:
    return max(epoch.lemur_bleu for epoch in trial.epochs)


def _grouped(trials: Iterable[Network], key: Any) -> Iterator[tuple[tuple[str, ...], list[Network]]]:
    for name, some in groupby(sorted(trials, key=key), key=key):
        yield name, list(some)
