"""Studies: the grid that follows from a file, arms that are run once, and findings that claim what they may."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ab.gpt.candidate import Ending, Outcome
from ab.gpt.commands.reports import study as study_command
from ab.gpt.errors import UsageError
from ab.gpt.ledger import Ledger
from ab.gpt.lemur.home import Home
from ab.gpt.report.reading import read_facts
from ab.gpt.report.study.arms import run_arms
from ab.gpt.report.study.compare import compare, sentences_of
from ab.gpt.report.study.study import Arm, check_study, read_study
from ab.gpt.report.study.write import NothingRun, write_study
from tests.conftest import REPO
from tests.gpt.report.made import Maker
from tests.gpt.report.pages import Page

GRID = {"snippets": [5, 10], "llm": ["embedded"], "mode": ["code"], "baseline": ["RESNETLSTM"], "seed": [0, 1]}


def write(folder: Path, **changes) -> Path:
    file = folder / "mine.yaml"
    whole = {"name": "mine", "question": "5 or 10?", "grid": GRID, "budget": {"candidates": 6},
             "train": {"epochs": 2, "val_images": 12, "transform": "echo_64_flip"}, **changes}  # fmt: skip
    file.write_text(yaml.safe_dump({key: value for key, value in whole.items() if value is not None}))
    return file


@pytest.fixture
def home(tmp_path, scenes_exam, reading_home) -> Home:
    """A root of the test's own, with the drawn pictures of all."""
    (tmp_path / "root" / "ab").mkdir(parents=True)
    (tmp_path / "root" / "README.md").touch()
    (tmp_path / "root" / "data").symlink_to(reading_home.data)
    return Home(tmp_path / "root", reading_home.package, "2.1.2")


class Runner:
    """Runs arms by making their ledgers: so many of an arm's candidates are trained, with such scores."""

    def __init__(self, home: Home, exam, trained: dict[int, int], score: dict[int, float] | None = None) -> None:
        self.home, self.exam, self.trained, self.score = home, exam, trained, score or {}
        self.asked: list[str] = []
        self.stop_at = ""

    def __call__(self, arm: Arm) -> Path:
        self.asked.append(arm.name)
        folder = self.home.out / "nncaption" / arm.name
        if folder.exists():
            with Ledger(folder) as ledger:
                ledger.note(done=True)
            return folder
        n = int(arm.at["snippets"])
        maker = Maker(folder, seed=int(arm.at["seed"]), exam=self.exam, epochs=2, plan=arm.plan.as_json())
        for number in range(20):
            if number < self.trained[n]:
                maker.trained(number, self.score.get(n, 0.1))
            else:
                maker.trained(number, 0.1, ending=Ending(Outcome.DIVERGED, "learn", "nan"))
        if arm.name != self.stop_at:
            maker.ledger.note(done=True)
        maker.ledger.close()
        if arm.name == self.stop_at:
            raise KeyboardInterrupt
        return folder


def test_the_arms_of_a_grid(tmp_path):
    made = read_study(write(tmp_path, grid={**GRID, "llm": ["embedded", "http://a.b/v1"], "baseline": ["A", "B"]}))
    assert len(made.arms) == 16 and len({arm.name for arm in made.arms}) == 16
    first = made.arms[0]
    assert first.name == "mine-n5-embedded-A-s0" and first.plan.llm == ("embedded",) and first.plan.snippets == (5,)
    assert {arm.plan.budget.candidates for arm in made.arms} == {6}  # matched
    assert {arm.plan.train for arm in made.arms} == {first.plan.train} and not first.plan.record
    assert [arm.name for arm in made.arms if arm.plan.with_baselines] == [
        "mine-n5-embedded-A-s0", "mine-n5-embedded-B-s0",
    ]  # fmt: skip
    assert made.varied == ["snippets", "llm", "baseline"]


def test_a_budget_of_anything_else_has_no_ten_candidates(tmp_path):
    budgets = {"minutes": 90}, {"trained": 3}, {"candidates": 7, "minutes": 1}
    read = [read_study(write(tmp_path, budget=budget)).arms[0].plan.budget for budget in budgets]
    assert [budget.candidates for budget in read] == [None, None, 7]


def test_what_narrows_blueprints_is_left_out_where_code_is_written(tmp_path):
    plan = {"light": True, "frozen": True, "encoders": ["mobilenet_v2"]}
    made = read_study(write(tmp_path, grid={**GRID, "mode": ["code", "blueprint"]}, plan=plan))
    asked = {arm.at["mode"]: (arm.plan.light, arm.plan.frozen, arm.plan.encoders) for arm in made.arms}
    assert asked == {"code": (False, False, ()), "blueprint": (True, True, ("mobilenet_v2",))}
    assert all(arm.plan.check() for arm in made.arms)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grid": {**GRID, "snippet": [5]}}, "Did you mean 'snippets'"),
        ({"grid": {**GRID, "snippets": ["five"]}}, "grid.snippets: 'five'"),
        ({"grid": {**GRID, "snippets": [5, 5]}}, "each once"),
        ({"grid": {key: value for key, value in GRID.items() if key != "mode"}}, "grid.mode: is missing"),
        ({"grid": None}, "grid is missing"),
        ({"budgets": {}}, "Did you mean 'budget'"),
        ({"train": {"epoch": 3}}, "train.epoch.*'epochs'"),
        ({"train": {"epochs": "three"}}, "train.epochs: 'three'"),
        ({"plan": {"snippets": [5]}}, "plan.snippets"),
        ({"name": "../mine"}, "name: '../mine'"),
    ],
)
def test_mistakes_are_named_with_the_file(tmp_path, changes, said):
    with pytest.raises(UsageError, match=said) as told:
        read_study(write(tmp_path, **changes))
    assert "mine.yaml" in told.value.what and told.value.way_out


def test_what_is_no_study(tmp_path):
    for text in ("", "- a list", "{", "grid: 5"):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(UsageError, match=r"bad\.yaml"):
            read_study(tmp_path / "bad.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_study(tmp_path / "none.yaml")


def test_arms_that_cannot_run_are_told_before_anything_begins(tmp_path, home):
    with pytest.raises(UsageError, match="no model 'Nothing'"):
        check_study(read_study(write(tmp_path, grid={**GRID, "baseline": ["Nothing"]})), home)
    with pytest.raises(UsageError, match="transform"):
        check_study(read_study(write(tmp_path, train={"transform": "none_such"})), home)


@pytest.mark.parametrize("file", sorted((REPO / "docs" / "studies").glob("*.yaml")), ids=lambda file: file.stem)
def test_the_studies_in_the_docs_are_studies(file, home):
    made = check_study(read_study(file), home)
    assert made.varied and made.question and made.name == file.stem


def test_a_study_that_was_stopped_goes_on_and_repeats_nothing(tmp_path, home, scenes_exam):
    made = read_study(write(tmp_path))
    runner = Runner(home, scenes_exam, {5: 1, 10: 1})
    runner.stop_at = made.arms[1].name
    with pytest.raises(KeyboardInterrupt):
        run_arms(made, home, runner)
    runner.stop_at = ""
    said: list[str] = []
    folders = run_arms(made, home, runner, said.append)
    names = [arm.name for arm in made.arms]
    assert [folder.name for folder in folders] == names
    assert runner.asked == [names[0], names[1], names[1], names[2], names[3]]
    assert "done already" in said[0] and "goes on" in said[1] and "begins" in said[2]


def test_runs_of_another_study_are_not_taken_for_its_arms(tmp_path, home, scenes_exam):
    run_arms(read_study(write(tmp_path)), home, Runner(home, scenes_exam, {5: 1, 10: 1}))
    changed = read_study(write(tmp_path, train={"epochs": 3, "val_images": 12, "transform": "echo_64_flip"}))
    with pytest.raises(UsageError, match="train.epochs was 2 and is 3"):
        run_arms(changed, home, Runner(home, scenes_exam, {5: 1, 10: 1}))


def test_findings(tmp_path, home, scenes_exam):
    """12 and 20 of 20 in each of two seeds: a difference in training that holds, and none in what was not varied."""
    made = read_study(write(tmp_path))
    run_arms(made, home, Runner(home, scenes_exam, {5: 12, 10: 20}, {5: 0.05, 10: 0.2}))
    report = write_study(home, made, tmp_path / "report")
    page = Page(report.page.read_text(encoding="utf-8"))
    arms = page.table("The arms of the study")
    assert [cells[4][0].partition(" ")[0] for cells in arms.values()] == ["12", "12", "20", "20"]
    assert {cells[2][0] for cells in arms.values()} == {"20"}
    said = "\n".join(one.text for one in report.said)
    assert "By snippets 5 against 10: 24 of 40" in said and "40 of 40" in said
    # scipy.stats.fisher_exact([[24, 16], [40, 0]])[1] = 7.06e-06, times 5 comparisons, Holm: it is the first or second
    trained = next(line for line in said.splitlines() if line.count("trained"))
    assert "10 does more often" in trained and "Holm's correction for 5 comparisons" in trained
    run = next(line for line in said.splitlines() if " run; " in line)
    assert "40 of 40" in run and "no difference shown" in run and "p = 1" in run
    every = next(line for line in said.splitlines() if "permutation" in line)
    assert "24 trained networks score" in every and "of 40 in LEMUR's BLEU; 10 does better" in every
    assert "paired bootstrap over the same 12 images" in said and "of these two networks that of 10 is better" in said
    assert (tmp_path / "report" / "tables" / "comparisons.csv").exists()
    [better] = [one for one in report.said if "bootstrap" in one.text]
    assert better.row.startswith("mine-n5-s0/epoch:") or "mine-n5-s1/epoch:" in better.row


def test_no_difference_is_said_as_such(tmp_path, home, scenes_exam):
    made = read_study(write(tmp_path))
    run_arms(made, home, Runner(home, scenes_exam, {5: 3, 10: 4}))
    facts = read_facts([home.out / "nncaption" / arm.name for arm in made.arms])
    comparisons = compare(made, facts, lambda network: None)
    said = [one.text for one in sentences_of(made, comparisons)]
    assert len(comparisons) == 4 and all("no difference shown" in text for text in said[1:5])
    assert "not the same as that there is none" in said[-1]


def test_the_command(tmp_path, home, scenes_exam, monkeypatch, capsys):
    file = write(tmp_path)
    monkeypatch.chdir(home.root)
    assert study_command(file, plan=True, json=True) == 0
    assert [arm["state"] for arm in json.loads(capsys.readouterr().out)] == ["not begun"] * 4
    with pytest.raises(NothingRun):
        study_command(file, run=False)
    run_arms(read_study(file), home, Runner(home, scenes_exam, {5: 1, 10: 1}))
    assert study_command(file, json=True) == 0  # every arm is done: nothing is run
    said = json.loads(capsys.readouterr().out)
    assert said["page"].endswith("studies/mine/report.html") and len(said["findings"]) > 3
    assert (Path(said["page"]).parent / "study.yaml").read_text() == file.read_text()
