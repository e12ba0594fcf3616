"""A LEMUR of its own holds what a run needs, and what is recorded there is recorded nowhere else."""

from __future__ import annotations

from ab.gpt.lemur.home import find_home
from ab.gpt.lemur.names import Config
from ab.gpt.lemur.own import own_lemur
from ab.gpt.lemur.queries import best_models
from ab.gpt.lemur.records import Epoch, record_trial
from ab.gpt.lemur.registry import place


def test_what_is_recorded_in_it_stays_in_it(home, tmp_path):
    own = own_lemur(home, tmp_path / "own")
    assert find_home(own.root, [str(own.root / "ab")]) == own
    assert (own.code_dir("nn") / "RESNETLSTM.py").read_text() == (home.code_dir("nn") / "RESNETLSTM.py").read_text()
    before = sorted(entry.name for entry in (*home.stat_train.iterdir(), *home.code_dir("nn").iterdir()))
    placed = place(own, "class Net: pass\n", prefix="C5C-Own")
    prm = {"lr": 0.01, "momentum": 0.9, "batch": 4, "transform": "echo_32"}
    record_trial(own, Config("img-captioning", "coco", "bleu", placed.name), prm, [Epoch(1, 0.5, 10)])
    best = best_models(own, "img-captioning", "coco", "bleu")
    assert best[0].config.nn == placed.name and best[0].accuracy == 0.5
    assert sorted(entry.name for entry in (*home.stat_train.iterdir(), *home.code_dir("nn").iterdir())) == before
    assert not home.db_file.exists()


def test_it_is_made_once_and_mended_if_it_was_cut_off(home, tmp_path):
    own = own_lemur(home, tmp_path / "own")
    (own.code_dir("nn") / "mine.py").write_text("kept")
    assert own_lemur(home, own.root) == own and (own.code_dir("nn") / "mine.py").exists()
    (own.root / "README.md").unlink()
    own_lemur(home, own.root)
    assert not (own.code_dir("nn") / "mine.py").exists() and (own.root / "README.md").exists()
