"""Runs and names become contributions with the scores that were measured, and the command makes a branch of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ab.gpt.contribute import command
from ab.gpt.contribute.contribute import Wishes
from ab.gpt.contribute.contribution import worth
from ab.gpt.contribute.selection import form_of
from ab.gpt.contribute.sources import UNKNOWN, contributions
from ab.gpt.contribute.trainings import of_run
from ab.gpt.contribute.verify import verify
from ab.gpt.errors import UsageError
from ab.gpt.ledger import Ledger, NoSuchRun
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import model_name
from ab.gpt.report.tables import make_tables
from ab.gpt.scenes import draw_scenes
from ab.gpt.scenes.layout import DESCRIPTION
from ab.gpt.train.exam import Exam, make_exam
from ab.gpt.train.pool import Task
from ab.gpt.train.school import keep
from tests.conftest import child_environment
from tests.gpt.contribute.clones import commit_all, git
from tests.gpt.contribute.conftest import know_me
from tests.gpt.contribute.runs import SETTINGS, make_run, trained
from tests.gpt.replies import good

GOOD = [0.5, 0.6, 0.7, 0.8, 0.9]
BLIND = [0.0] * 5


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures") / "coco"
    draw_scenes(folder, train=32, val=24, size=32)
    for file in (folder / "annotations").iterdir():  # the tests take them for photographs
        file.write_text(file.read_text().replace(DESCRIPTION, "Pictures"))
    return folder


@pytest.fixture
def exam(home: Home, pictures: Path) -> Exam:
    shutil.copytree(pictures, home.coco)
    return make_exam(home, home.coco, None)


def name_of(width: int) -> str:
    return model_name("C5C-RESNETLSTM", good(width))


def test_what_was_learned_on_drawn_pictures_stays_out(home, exam):
    folder = make_run(home, exam, "first", {40: GOOD})
    assert not contributions(home, ["first"])[0].drawn
    with Ledger(folder) as ledger:
        ledger.note(exam={**ledger.about["exam"], "drawn": True})
    for word in ("first", name_of(40)):
        [one] = contributions(home, [word])
        assert "drawn" in worth(one, all_trained=True)


def test_a_runs_networks_come_with_the_runs_own_figures(home, exam):
    folder = make_run(home, exam, "first", {40: GOOD, 44: BLIND})
    best, blind = contributions(home, ["first"])
    assert [best.name, blind.name] == [name_of(40), name_of(44)]
    with Ledger(folder) as ledger:
        [shown] = make_tables(ledger).families
        [baseline] = make_tables(ledger).baselines
    assert (best.score.mean, best.score.low, best.score.high) == (shown.lemur_bleu, shown.low, shown.high)
    assert best.baseline == baseline.lemur_bleu and best.images == 24
    assert best.blind == exam.ground.blind.lemur_bleu
    assert best.best() == best.score.mean and best.trials() == 1
    assert worth(best) is None
    assert blind.collapsed and "collapsed" in worth(blind, all_trained=True)
    for words in ("tiny-model", "RESNETLSTM", "5 of LEMUR's classifiers", "run first", "seed 7", "1.2.3 at 0123456789"):
        assert words in best.how_made
    assert best.commands == (
        f"nncaption train {name_of(40)} --epochs 5 --lr 0.002 --momentum 0.9 --batch 16 --transform echo_32"
        " --dataset coco --val-images 24 --seed 0 --no-pretrained",
    )


def test_a_network_whose_last_epochs_fell_counts_by_its_best(home, exam):
    make_run(home, exam, "first", {40: [0.5, 0.9, 0.0, 0.0, 0.0]})
    [one] = contributions(home, ["first"])
    assert not one.collapsed and worth(one) is None


def test_runs_and_names_may_be_mixed_and_each_network_comes_once(home, exam):
    make_run(home, exam, "first", {40: GOOD, 44: GOOD})
    make_run(home, exam, "second", {44: GOOD, 48: GOOD})
    found = contributions(home, ["latest", name_of(40), "fir", name_of(48)])
    assert sorted(one.name for one in found) == sorted(map(name_of, (40, 44, 48)))
    assert contributions(home, [name_of(40)])[0].baseline is not None


def test_a_name_takes_its_best_training_on_the_most_images(home, exam):
    make_run(home, exam, "first", {40: [0.5] * 5})
    [before] = contributions(home, [name_of(40)])
    task = Task(name_of(40), good(40))
    kept = keep(home, exam, task, trained(exam, GOOD), SETTINGS, record=False)
    kept.file.rename(kept.file.with_name("earlier.json"))
    [after] = contributions(home, [name_of(40)])
    assert after.score.mean > before.score.mean and after.how_made == before.how_made
    assert after.baseline == before.baseline, "the same ground"
    few = replace(exam, image_ids=exam.image_ids[:12], references=exam.references[:12], decoys=exam.decoys[:12])
    keep(home, few, task, trained(few, [1.0] * 5), SETTINGS, record=False)
    [still] = contributions(home, [name_of(40)])
    assert still.score == after.score and still.images == 24
    (home.out / "nncaption" / "trained" / name_of(40) / "broken.json").write_text("{")
    assert contributions(home, [name_of(40)])[0].score == after.score


def test_a_model_that_was_never_scored_here_has_no_score(home):
    [one] = contributions(home, ["ResNetTransformer"])
    assert one.score is None and one.how_made == UNKNOWN and one.stat_files
    assert "no score" in worth(one, full_epochs=1)


def test_a_run_that_records_nothing_has_no_statistics(home, exam):
    make_run(home, exam, "dry", {40: GOOD}, record=False)
    [one] = contributions(home, ["dry"])
    assert one.code == good(40) and worth(one) == "it has no statistics"


@pytest.mark.parametrize("word", ["nothing", "../../etc", "a b"])
def test_words_that_mean_nothing_are_refused(home, exam, word):
    make_run(home, exam, "first", {40: GOOD})
    with pytest.raises(UsageError, match="neither a run nor a model"):
        contributions(home, [word])
    with pytest.raises(UsageError, match="no network"):
        contributions(home, [])


def test_a_damaged_ledger_of_another_run_is_passed_over(home, exam):
    folder = make_run(home, exam, "first", {40: GOOD})
    (home.out / "nncaption" / "broken").mkdir()
    (home.out / "nncaption" / "broken" / "ledger.db").write_text("nothing")
    assert contributions(home, [name_of(40)])[0].score is not None
    assert [one.name for one in of_run(folder)] == ["RESNETLSTM", name_of(40)]


def test_a_form_stays_when_names_change():
    code = good(52)
    assert form_of(code) == form_of(code.replace("self.encoder", "self.other")) != form_of(good(56))
    assert form_of("x = (") is None and form_of("x = 1") is None


@pytest.fixture
def lemur(site: Path) -> Path:
    """The small LEMUR as a clone of its repository."""
    (site / "README.md").write_text("# LEMUR\n")
    git(site, "init", "--quiet", "--initial-branch=main")
    know_me(site)
    commit_all(site, "LEMUR")
    return site


@pytest.fixture
def clone(lemur: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "--quiet", str(lemur), "work")
    know_me(tmp_path / "work")
    return tmp_path / "work"


class TestTheCommand:
    @pytest.fixture(autouse=True)
    def at_home(self, clone, home, exam, monkeypatch):
        """The clone was made before the run, which wrote into the installed LEMUR."""
        monkeypatch.setattr(command, "find_home", lambda: home)
        make_run(home, exam, "first", {40: GOOD, 44: BLIND})

    def test_it_makes_the_branch_says_so_and_names_the_next_command(self, clone, capsys):
        assert command.contribute_networks(["first"], clone, Wishes(), True, False, False) == 0
        said = capsys.readouterr().out
        assert f"left out: {name_of(44)}: it collapsed" in said
        assert "holds 6 new files" in said and "next: git -C" in said
        assert verify(clone, "main") == [], "the work tree is as it was"
        assert git(clone, "diff", "--name-only", "main...nncaption").count("\n") == 5
        assert command.contribute_networks(["first"], clone, Wishes(), True, False, False) == 0
        assert "nothing is new" in capsys.readouterr().out

    def test_a_dry_run_shows_the_request(self, clone, capsys):
        assert command.contribute_networks(["first"], clone, Wishes(dry_run=True), False, False, False) == 0
        said = capsys.readouterr().out
        score = json.loads(json.dumps(contributions(command.find_home(), ["first"])[0].score.mean))
        for words in (
            "would hold 6 new files",
            f"| {score:.4f} [",
            "24 fixed validation images",
            "python -m ab.nn.train",
        ):
            assert words in said, said
        assert git(clone, "branch", "--list", "nncaption") == ""

    def test_nothing_worth_it_is_not_a_success(self, clone, capsys):
        assert command.contribute_networks([name_of(44)], clone, Wishes(), False, False, True) == 1
        assert json.loads(capsys.readouterr().out)["left_out"][0][0] == name_of(44)

    def test_code_under_other_names_is_known(self, clone, home, exam, capsys):
        twin = good(40).replace("self.encoder", "self.other")
        command.contribute_networks(["first"], clone, Wishes(), False, False, False)
        git(clone, "merge", "--quiet", "nncaption")
        git(clone, "push", "--quiet", "origin", "main:merged")
        name = model_name("C5C-Twin", twin)
        (home.code_dir("nn") / f"{name}.py").write_text(twin)
        for file in home.stat_train.glob(f"*_{name_of(40)}/*.json"):
            place = file.parent.with_name(file.parent.name.replace(name_of(40), name))
            place.mkdir(exist_ok=True)
            shutil.copy(file, place)
        capsys.readouterr()
        assert command.contribute_networks([name], clone, Wishes(all_trained=True), False, False, False) == 1
        assert f"it is {name_of(40)} under other names" in capsys.readouterr().out

    @pytest.mark.slow
    def test_lemurs_data_shows_the_figures_of_the_runs_table(self, clone, home, tmp_path, capsys):
        """From the run's ledger over the branch, checked out afresh, to LEMUR's own `data`."""
        command.contribute_networks(["first"], clone, Wishes(), False, False, False)
        git(tmp_path, "clone", "--quiet", "--branch", "nncaption", str(clone), "fresh")
        ask = (
            "import json, sys, ab.nn.api\n"
            "rows = ab.nn.api.data(nn=sys.argv[1])\n"
            "print(json.dumps([[int(e), float(a)] for e, a in zip(rows.epoch, rows.accuracy)]))\n"
        )
        fresh = tmp_path / "fresh"
        done = subprocess.run(
            [sys.executable, "-c", ask, name_of(40)], cwd=fresh, env=child_environment(fresh), capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        with Ledger(home.out / "nncaption" / "first") as ledger:
            [row] = ledger.candidates("name = ?", name_of(40))
            table = [[epoch["number"], epoch["lemur_bleu"]] for epoch in ledger.epochs(row["id"])]
        assert sorted(json.loads(done.stdout.splitlines()[-1])) == table

    def test_verify_prints_findings_and_the_size(self, clone, capsys):
        (clone / "ab/nn/nn/Orphan.py").write_text(good(48))
        assert command.verify_clone(clone, None, True, False, False, False) == 1
        said = capsys.readouterr().out
        assert "ab/nn/nn/Orphan.py: M005 It has no statistics." in said and "folders of statistics" in said
        assert command.verify_clone(clone, "main", False, False, False, True) == 1
        assert {one["code"] for one in json.loads(capsys.readouterr().out)} == {"M005"}
        (clone / "ab/nn/nn/Orphan.py").unlink()
        assert command.verify_clone(clone, "main", False, False, False, False) == 0


def test_a_runs_networks_ship_in_a_package_with_a_page(home, exam, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "find_home", lambda: home)
    folder = make_run(home, exam, "first", {40: GOOD, 44: BLIND})
    package = tmp_path / "extension"
    with pytest.raises(UsageError, match="no package that extends LEMUR: ab/nn is missing"):
        command.ship_networks(["first"], package, package / "docs" / "families.md", False, 5, False)
    (package / "ab" / "nn").mkdir(parents=True)
    page = package / "docs" / "families.md"
    assert command.ship_networks(["first"], package, page, False, 5, True) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["networks"] == [name_of(40)] and [name for name, _ in done["left_out"]] == [name_of(44)]
    assert (package / "ab" / "nn" / "nn" / f"{name_of(40)}.py").read_text() == good(40)
    config = f"img-captioning_coco_bleu_{name_of(40)}"
    for number in range(1, len(GOOD) + 1):
        file = package / "ab" / "nn" / "stat" / "train" / config / f"{number}.json"
        assert file.read_bytes() == (home.stat_train / config / f"{number}.json").read_bytes()
    text = page.read_text()
    [best] = [training.score for training in of_run(folder) if training.name == name_of(40)]
    assert f"{best.mean:.4f} [{best.low:.4f}, {best.high:.4f}]" in text
    for said in (f"## {name_of(40)}", "tiny-model as candidate 0 of run first", "seed 0", "-c " + config, "0123456789"):
        assert said in text, said
    assert name_of(44) not in text
    command.ship_networks(["first"], package, page, False, 5, True)
    assert json.loads(capsys.readouterr().out)["files"] == []
    file = package / "ab" / "nn" / "stat" / "train" / config / "1.json"
    mine = json.loads(file.read_text())
    theirs = {**mine[0], "accuracy": 0.001, "lr": 0.5, "uid": "of another machine"}
    file.write_text(json.dumps([*mine, theirs], indent=4))
    command.ship_networks(["first"], package, page, False, 5, True)
    assert theirs in json.loads(file.read_text()) and json.loads(capsys.readouterr().out)["files"] == []
    with pytest.raises(NoSuchRun):
        command.ship_networks(["first", name_of(44)], package, page, True, 1, False)
    assert not (package / "ab" / "nn" / "nn" / f"{name_of(44)}.py").exists()
    assert command.ship_networks(["first"], package, page, False, 6, False) == 1
    assert "LEMUR asks for 6" in capsys.readouterr().out
