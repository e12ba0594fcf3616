"""LEMUR's own `train` does the trials behind walls; the parent's figures are recorded, and counted at a restart."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ab.gpt.candidate import Outcome
from ab.gpt.contribute import command
from ab.gpt.contribute.gather import gather
from ab.gpt.contribute.sources import contributions
from ab.gpt.contribute.study import Space, Studied, count_trials, power_of_two, study
from ab.gpt.contribute.trials import Ground, check, read
from ab.gpt.errors import UsageError
from ab.gpt.isolate.warm import Warm
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import Config, model_name
from ab.gpt.lemur.queries import best_models
from ab.gpt.lemur.registry import place
from ab.gpt.scenes import draw_scenes
from ab.gpt.train.exam import Exam, make_exam
from ab.gpt.train.pool import Task, make_slots
from ab.gpt.train.trainer import warm_trainer
from tests.conftest import left_running
from tests.gpt.replies import good
from tests.gpt.train.conftest import QUICK

SETTINGS = replace(QUICK, epochs=2, val_images=None)
SPACE = Space(trials=2, lr=(3e-3, 1e-2), batches=(3, 4), transforms=("echo_32",))


@pytest.fixture(scope="module")
def ground(lemur_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Exam]:
    """A small LEMUR with drawn scenes, which the studies of this module share."""
    folder = tmp_path_factory.mktemp("study")
    site = Path(shutil.copytree(lemur_template, folder / "site"))
    home = Home(folder / "root", site / "ab" / "nn", "2.1.2")
    home.root.mkdir()
    draw_scenes(home.coco, train=48, val=16, size=48)
    return home, make_exam(home, home.coco, None)


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    with warm_trainer() as process:
        yield process


def placed(home: Home, code: str) -> str:
    return place(home, code, name=model_name("C5C-Study", code)).name


def config(name: str) -> Config:
    return Config("img-captioning", "coco", "bleu", name)


def trials_of(home: Home, name: str, epoch: int) -> list[dict]:
    return json.loads((home.stat_train / str(config(name)) / f"{epoch}.json").read_text())


def figures(studied: Studied) -> list[tuple]:
    return [(trial.prm, [epoch.lemur_bleu for epoch in trial.epochs]) for trial in studied.trials]


def test_lemurs_own_train_does_the_trials_and_they_are_recorded_as_the_parent_scored_them(ground, warm):
    home, exam = ground
    before = set(left_running(set()))
    name = placed(home, good(40))
    said: list[dict] = []
    done = study(home, exam, name, SETTINGS, SPACE, said.append, warm=warm)
    assert done.whole and done.ending is None and len(done.trials) == 2, done
    for epoch in (1, 2):
        recorded = {trial["uid"]: trial for trial in trials_of(home, name, epoch)}
        assert {trial.uid: trial.epochs[epoch - 1].lemur_bleu for trial in done.trials} == {
            uid: trial["accuracy"] for uid, trial in recorded.items()
        }
        for trial in done.trials:
            assert recorded[trial.uid].items() >= trial.prm.items()
            scores = exam.score(trial.epochs[epoch - 1].predicted)
            assert scores.lemur_bleu == trial.epochs[epoch - 1].lemur_bleu
    for trial in done.trials:
        assert set(trial.prm) == {"lr", "momentum", "batch", "transform"}
        assert 3e-3 <= trial.prm["lr"] <= 1e-2 and trial.prm["batch"] in (8, 16) and trial.prm["transform"] == "echo_32"
    [best] = [score for score in best_models(home, "img-captioning", "coco") if score.config.nn == name]
    assert best.accuracy == done.best.best.lemur_bleu
    assert [event["done"] for event in said if "done" in event] == [
        "1 of trial 1", "2 of trial 1", "1 of trial 2", "2 of trial 2"
    ]  # fmt: skip
    assert not left_running(before, warm.pid)
    assert not list((home.out / "nncaption" / "jobs").glob("*study*"))
    text, rows, wrong = read("2.json", (home.stat_train / str(config(name)) / "2.json").read_bytes())
    assert not wrong and not check(text, rows, Ground(frozenset({"echo_32"}), frozenset({"lr", "momentum"})))


def test_what_lemur_has_is_counted_and_only_the_rest_is_done(ground, warm):
    home, exam = ground
    name = placed(home, good(44))
    first = study(home, exam, name, SETTINGS, replace(SPACE, trials=1), warm=warm)
    assert (first.before, len(first.trials)) == (0, 1)
    again = study(home, exam, name, SETTINGS, replace(SPACE, trials=1), warm=warm)
    assert (again.before, again.trials, again.whole) == (1, [], True)
    more = study(home, exam, name, SETTINGS, SPACE, warm=warm)
    assert (more.before, len(more.trials), more.whole) == (1, 1, True)
    assert more.trials[0].prm != first.trials[0].prm
    assert count_trials(home, config(name), 2) == 2


@pytest.mark.slow
def test_the_same_seed_tries_the_same_and_gets_the_same(ground, warm, lemur_template, tmp_path):
    home, exam = ground
    name = placed(home, good(52))
    first = study(home, exam, name, SETTINGS, replace(SPACE, trials=1), warm=warm)
    shutil.copytree(lemur_template, tmp_path / "site")
    other = Home(tmp_path / "root", tmp_path / "site" / "ab" / "nn", "2.1.2")
    other.root.mkdir()
    placed(other, good(52))
    cold = study(other, exam, name, SETTINGS, replace(SPACE, trials=1))
    assert figures(first) == figures(cold)


def test_a_study_that_is_stopped_keeps_its_trials_and_goes_on(ground, warm):
    home, exam = ground
    name = placed(home, good(36))
    stop = threading.Event()

    def watch(event: dict) -> None:
        if event.get("done") == "1 of trial 2":
            stop.set()

    broken = study(home, exam, name, SETTINGS, replace(SPACE, trials=3), watch, stop, warm)
    assert len(broken.trials) == 1 and broken.ending.outcome is Outcome.INFRASTRUCTURE and not broken.whole
    assert [len(trials_of(home, name, epoch)) for epoch in (1, 2)] == [1, 1], "half a trial was recorded"
    rest = study(home, exam, name, SETTINGS, replace(SPACE, trials=2), warm=warm)
    assert rest.before == 1 and len(rest.trials) == 1 and rest.whole


@pytest.mark.parametrize(
    ("code", "outcome", "words"),
    [
        (good(60, learn="raise RuntimeError('not today')"), None, "RuntimeError: not today"),
        (
            good(60, forward="if captions is None:\n            return torch.zeros(len(images), 3).long()"),
            None,
            "too low",
        ),
        (
            good(60, top="import ab.nn.metric.bleu as bleu\nbleu.BLEUMetric.result = lambda self: 0.99"),
            Outcome.FORBIDDEN,
            "",
        ),
        (good(60, learn="import os; os._exit(3)"), Outcome.TRAIN_ERROR, ""),
    ],
    ids=["raises", "below the minimum", "patches the metric", "ends the process"],
)
def test_what_fails_is_told_and_nothing_is_recorded(ground, warm, code, outcome, words):
    home, exam = ground
    name = placed(home, code)
    done = study(home, exam, name, SETTINGS, replace(SPACE, trials=1), warm=warm)
    assert not done.trials and not done.whole
    assert (done.ending.outcome if done.ending else None) is outcome, done
    assert any(words in failure for failure in done.failed) or not words, done
    assert not (home.stat_train / str(config(name))).exists()


def test_the_command_keeps_the_best_trial_for_contribute(ground, monkeypatch, capsys):
    home, exam = ground
    name = placed(home, good(68))
    monkeypatch.setattr(command, "find_home", lambda: home)
    monkeypatch.setattr(command, "open_exam", lambda home, settings: exam)
    code = command.study_networks([name], SETTINGS, replace(SPACE, trials=1), ["echo_32"], 1, [], True)
    [told] = json.loads(capsys.readouterr().out)
    assert code == 0 and told["whole"] and len(told["trials"]) == 1
    [one] = contributions(home, [name])
    assert one.images == 16 and one.trials() == 1
    assert one.score.mean == one.best() == max(epoch["lemur_bleu"] for epoch in told["trials"][0]["epochs"])
    assert one.stat_files == gather(home, name).stat_files
    assert command.study_networks([name], SETTINGS, replace(SPACE, trials=1), ["echo_32"], 1, [], False) == 0
    assert "1 of 1" in capsys.readouterr().out


def test_a_defect_with_one_model_does_not_lose_the_others(ground, monkeypatch):
    home, exam = ground

    def fail(home: Home, exam: Exam, name: str, *rest: object) -> Studied:
        if name == "A":
            raise ZeroDivisionError
        return Studied(name, 1, 1)

    monkeypatch.setattr(command, "study", fail)
    slots = make_slots(2, [])
    done = command._study_all(home, exam, [Task("A", ""), Task("B", "")], SETTINGS, SPACE, slots, lambda *_: None)
    assert [(one.name, one.whole) for one in done] == [("A", False), ("B", True)]
    assert "ZeroDivisionError" in str(done[0].ending)


@pytest.mark.parametrize(
    "wrong",
    [{"trials": 0}, {"lr": (0, 1)}, {"lr": (0.1, 0.01)}, {"batches": (5, 4)}, {"batches": (0, 13)}, {"transforms": ()}],
)
def test_a_space_that_is_none_is_refused(wrong):
    with pytest.raises(UsageError, match="--"):
        replace(SPACE, **wrong).check()


def test_batches_are_powers_of_two():
    assert [power_of_two("--min-batch", number) for number in (1, 16, 4096)] == [0, 4, 12]
    for number in (0, -4, 24):
        with pytest.raises(UsageError, match="--min-batch"):
            power_of_two("--min-batch", number)
