"""A study's report: the page on all its runs, with the arms compared at its top."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ab.gpt.errors import NNCaptionError
from ab.gpt.ledger import FILE
from ab.gpt.lemur.home import Home
from ab.gpt.progress import Progress
from ab.gpt.report.facts import Facts, Network
from ab.gpt.report.gallery import exam_of
from ab.gpt.report.reading import captions_of, read_facts
from ab.gpt.report.report import Extra, Report, write_report
from ab.gpt.report.study.compare import ScoresOf, arms_table, compare, comparisons_table, sentences_of
from ab.gpt.report.study.study import Study
from ab.gpt.runs import runs_folder
from ab.gpt.train.exam import Exam
from ab.gpt.train.scores import lemur_scores


class NothingRun(NNCaptionError):
    """No arm of the study has been begun."""


def write_study(home: Home, study: Study, folder: Path, progress: Progress | None = None) -> Report:
    """Writes the report on the arms that are there; the others are named as not begun."""
    there = [arm for arm in study.arms if (runs_folder(home) / arm.name / FILE).is_file()]
    if not there:
        raise NothingRun(f"No arm of the study {study.name} has been begun.", f"Run it: nncaption study {study.file}")
    facts = replace(read_facts([runs_folder(home) / arm.name for arm in there]), title=f"Study: {study.name}")
    comparisons = compare(study, facts, scores_of(home, facts))
    tables = [arms_table(study, facts), comparisons_table(comparisons)]
    extra = Extra("The arms compared", sentences_of(study, comparisons), tables)
    return write_report(home, facts, folder, progress, extra=extra)


def scores_of(home: Home, facts: Facts) -> ScoresOf:
    """What gives a network's score on each image, while the data that its run was scored on is there."""
    exams: dict[str, Exam | None] = {}
    runs = {run.name: run for run in facts.runs}

    def exam_for(name: str) -> Exam | None:
        if name not in exams:
            try:
                exams[name] = exam_of(home, runs[name])
            except NNCaptionError:
                exams[name] = None  # the gallery says what is missing
        return exams[name]

    def scores(network: Network) -> list[float] | None:
        exam, file, best = exam_for(network.run), runs[network.run].file, network.best
        if exam is None or file is None or best is None:
            return None
        predicted = captions_of(file.parent, best.row)
        if len(predicted) != len(exam.references):
            return None
        return [score or 0.0 for score in lemur_scores(predicted, exam.references)]

    return scores
