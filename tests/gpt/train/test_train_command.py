"""`nncaption train` and `score`, and LEMUR's own captioners through them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from ab.gpt.lemur.names import lemur_hash
from tests.conftest import child_environment
from tests.gpt.train.nets import net

QUICK = ("--epochs", "2", "--batch", "16", "--transform", "echo_32", "--no-pretrained", "--json")
CAPTIONERS = (
    "RESNETLSTM", "ResNetTransformer", "C10C-RESNETLSTM-6a51", "C10C-RESNETLSTM-8f7a", "C10C-ResNetTransformer-0370",
    "C10C-ResNetTransformer-187c", "C10C-ResNetTransformer-e2b4", "C5C-RESNETLSTM-2710", "C5C-RESNETLSTM-c425",
    "C5C-ResNetTransformer-2a01", "C5C-ResNetTransformer-83fb", "C8C-ResNetTransformer-7730",
)  # fmt: skip
A_FEW = ("RESNETLSTM", "C5C-RESNETLSTM-c425", "C5C-ResNetTransformer-83fb", "C10C-ResNetTransformer-0370")


@pytest.fixture
def nncaption(home, site, scenes):
    """Runs the command in a root with drawn scenes."""
    shutil.copytree(scenes, home.coco)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "nncaption", *arguments],
            cwd=home.root, env=child_environment(site), capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    return run


def test_a_file_is_trained_registered_and_recorded(nncaption, home, run_python):
    code = net()
    (home.root / "my_net.fixed.py").write_text(code)
    done = nncaption("train", "my_net.fixed.py", "--prefix", "C5C-Tiny", *QUICK)
    assert done.returncode == 0, done.stderr
    [report] = json.loads(done.stdout)
    name = f"C5C-Tiny-{lemur_hash(code)}"
    assert (report["name"], report["outcome"], len(report["epochs"])) == (name, "trained", 2)
    assert (home.code_dir("nn") / f"{name}.py").read_text() == code
    shown = run_python(
        f"import ab.nn.api as a; d = a.data(nn={name!r}); import json;"
        " print(json.dumps([list(d.epoch), list(d.accuracy), d.prm[0], 'class Net' in d.nn_code[0]]))"
    ).stdout.splitlines()[-1]
    prm = {"batch": 16, "lr": 0.001, "momentum": 0.9, "transform": "echo_32"}
    assert json.loads(shown) == [[1, 2], [epoch["lemur_bleu"] for epoch in report["epochs"]], prm, True]
    details = json.loads((home.root / report["details"]).read_text())
    assert len(details["captions"]["2"]) == 24 and details["settings"]["epochs"] == 2
    assert details["drawn"] is True
    assert (home.root / report["details"]).with_suffix(".log").is_file()
    assert not list((home.out / "nncaption" / "jobs").iterdir())

    again = nncaption("train", name, *QUICK)  # by its LEMUR name, with the same figures
    [second] = json.loads(again.stdout)
    assert [e["lemur_bleu"] for e in second["epochs"]] == [e["lemur_bleu"] for e in report["epochs"]]

    scored = nncaption("score", name, "--no-pretrained", "--json")
    assert scored.returncode == 0, scored.stderr
    [full] = json.loads(scored.stdout)
    assert full["recorded"] is None and full["epochs"][0]["scores"]["images"] == 24


LOADER = """
from ab.nn.loader.coco_ import Caption

def loader(transform_fn, task):
    real = Caption.join
    Caption.join = lambda folder, _name: real(folder, 'drawn-8')
    try:
        return Caption.loader(transform_fn, task)
    finally:
        Caption.join = real
"""


def test_another_data_set_is_trained_under_its_own_name(nncaption, home, run_python):
    """Its captions are its own, its records bear its name, and LEMUR's loader of that name gives the same score."""
    other = home.data / "drawn-8"
    home.coco.rename(other)
    (home.root / "Tiny.py").write_text(net())
    done = nncaption("train", "Tiny.py", "--dataset", "drawn-8", *QUICK)
    assert done.returncode == 0, done.stderr
    [report] = json.loads(done.stdout)
    assert [folder.name for folder in home.stat_train.glob(f"*{report['name']}")] == [
        f"img-captioning_drawn-8_bleu_{report['name']}"
    ]
    shown = run_python(
        f"import ab.nn.api as a; d = a.data(nn={report['name']!r}); print(set(d.dataset), list(d.accuracy))"
    ).stdout.splitlines()[-1]
    assert shown == f"{{'drawn-8'}} {[epoch['lemur_bleu'] for epoch in report['epochs']]}"

    scored = nncaption("score", report["name"], "--dataset", "drawn-8", "--no-pretrained", "--json")
    assert scored.returncode == 0, scored.stderr
    missing = nncaption("score", report["name"], "--no-pretrained")
    assert missing.returncode == 2 and "no training" in missing.stderr and "coco" in missing.stderr

    (home.code_dir("loader") / "drawn-8.py").write_text(LOADER)
    loaded = nncaption("train", "Tiny.py", "--dataset", "drawn-8", "--cache-gb", "0", "--no-record", *QUICK)
    assert loaded.returncode == 0, loaded.stderr
    [again] = json.loads(loaded.stdout)
    assert [e["lemur_bleu"] for e in again["epochs"]] == [e["lemur_bleu"] for e in report["epochs"]]


def test_lemurs_own_train_finds_what_was_placed(nncaption, home, site):
    (home.root / "Tiny.py").write_text(net())
    [report] = json.loads(nncaption("train", "Tiny.py", *QUICK).stdout)
    done = subprocess.run(
        [sys.executable, "-c", "import nltk; nltk.download = lambda *a, **k: False\n"
         "from ab.nn.loader.coco_ import Caption\nfrom nltk.tokenize import word_tokenize\n"
         "Caption.word_tokenize = lambda text: word_tokenize(text, preserve_line=True)\n"
         "from ab.nn.train import main\n"
         f"main('img-captioning_coco_bleu_{report['name']}', {{'lr': 0.001, 'momentum': 0.9, 'batch': 16,"
         " 'transform': 'echo_32'}, n_epochs=1, n_optuna_trials=-1, num_workers=0)"],
        cwd=home.root, env=child_environment(site), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "saved at" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    file = home.stat_train / f"img-captioning_coco_bleu_{report['name']}" / "1.json"
    assert len(json.loads(file.read_text())) == 2  # ours and LEMUR's


def test_what_fails_is_said_and_nothing_is_recorded(nncaption, home):
    (home.root / "Bad.py").write_text(net(learn="raise ValueError('a mistake')"))
    done = nncaption("train", "Bad.py", *QUICK[:-1])
    assert done.returncode == 1
    assert "train_error" in done.stdout and "ValueError: a mistake" in done.stdout and "Net file" in done.stdout
    assert not list(home.code_dir("nn").glob("Bad-*")) and not list(home.stat_train.glob("*Bad-*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train"], "no network"),
        (["train", "NoSuchModel"], "no model"),
        (["train", "no_such_file.py"], "cannot be read"),
        (["train", "RESNETLSTM", "--transform", "nope"], "--transform"),
        (["train", "RESNETLSTM", "--batch", "0"], "--batch"),
        (["train", "RESNETLSTM", "--walls", "root,moat"], "--walls: 'moat' is not allowed"),
        (["train", "RESNETLSTM", "--gpus", "77"], "--gpus: there is no GPU 77"),
        (["train", "RESNETLSTM", "--workers", "-1"], "--workers: -1"),
        (["train", "RESNETLSTM", "--dataset", "mnist"], "--dataset: there is no data set 'mnist'"),
        (["train", "RESNETLSTM", "--dataset", "../coco"], "'../coco' cannot be the name of a data set"),
        (["train", "RESNETLSTM", "--cache-gb", "-1"], "--cache-gb"),
        (["score", "RESNETLSTM-of-nobody"], "no model"),
    ],
)
def test_wrong_calls_are_named(nncaption, arguments, said):
    done = nncaption(*arguments)
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr


def test_walls_that_are_not_there_stop_everything(nncaption, home):
    (home.root / "Tiny.py").write_text(net())
    done = nncaption("train", "Tiny.py", "--walls", "namespaces,bubblewrap", *QUICK)  # never both
    assert done.returncode == 1 and not done.stdout
    assert re.search("namespaces|bubblewrap", done.stderr) and "nncaption doctor" in done.stderr
    assert not list(home.code_dir("nn").glob("Tiny*")) and not (home.out / "nncaption" / "trained").exists()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in A_FEW)) for name in CAPTIONERS]
)
def test_lemurs_captioners_train(ground, warm, name):
    """A small case of each; weights off."""
    from dataclasses import replace

    from ab.gpt.candidate import Outcome
    from ab.gpt.train.trainer import train
    from tests.gpt.train.conftest import QUICK as settings

    home, exam = ground
    [file] = home.code_dir("nn").glob(f"{name}*.py")
    trained = train(home, exam, file.stem, file.read_text(), replace(settings, batch=32, memory_gb=10), warm=warm)
    # After one epoch on 64 drawings a network may still say nothing that LEMUR would accept; it must run and be scored.
    assert trained.ending.outcome in (Outcome.TRAINED, Outcome.BELOW_MINIMUM), trained
    assert len(trained.epochs) == 1 and trained.parameters > 1_000_000
