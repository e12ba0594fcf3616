"""Batches from what is kept are LEMUR's, bit for bit; what is kept is never mistaken for something else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from ab.gpt.candidate import Outcome
from ab.gpt.isolate.job import How
from ab.gpt.train import cache, room
from ab.gpt.train.cache import cache_key, prepare
from ab.gpt.train.dataset import BadData
from ab.gpt.train.exam import make_exam
from ab.gpt.train.trainer import train
from ab.gpt.train.workshop import set_up
from tests.conftest import REPO, child_environment
from tests.gpt.train.conftest import QUICK
from tests.gpt.train.nets import net

TRANSFORMS = (
    "echo_32_flip",
    "bf-v1-CenterCrop_RandomRotation_2",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("norm_64_flip", "bf-v1-CenterCrop_22")),
)


@pytest.fixture(scope="module")
def bench(ground, warm, tmp_path_factory):
    """Runs `batches.py` for a transform in a LEMUR root of its own."""
    home, exam = ground

    def compare(settings) -> dict[str, int]:
        prepared = prepare(home, exam, settings, warm)
        root = tmp_path_factory.mktemp("bench") / "root"
        set_up(root, home, exam, "")
        order = {
            "cache": str(prepared.folder), "files": prepared.files, "words": "words.json", "tokenizer": exam.tokenizer,
            "config": ["img-captioning", "coco", "bleu", "X"], "prm": settings.prm, "seed": 0,
            "image_ids": exam.image_ids,
        }  # fmt: skip
        environment = child_environment(home.package.parent.parent)
        environment["PYTHONPATH"] = os.pathsep.join([str(REPO), environment.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "-c", "import nncaption; nncaption.light_ab(); exec(open(r'%s').read())"
             % (REPO / "tests/gpt/train/batches.py"), json.dumps(order)],
            cwd=root, env=environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return compare


def test_decoys_and_not_the_true_captions_are_kept(ground):
    from ab.gpt.train.data.captions import CaptionTable

    home, exam = ground
    table = CaptionTable.load(prepare(home, exam, QUICK).folder / "captions-val.npz")
    for place, (decoys, references) in enumerate(zip(exam.decoys, exam.references, strict=True)):
        kept = [[token for token in caption if token] for caption in table.batch([place])[0].tolist()]
        assert [caption for caption in kept if caption] == decoys and decoys != references


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_same_batches_bit_for_bit(bench, ground, transform):
    compared = bench(replace(QUICK, transform=transform))
    assert compared["train-0"] == compared["train-2"] > 3 and compared["val-0"] > 3


def test_pictures_that_take_too_much_room_are_opened_each_time(bench, ground, monkeypatch):
    settings = replace(QUICK, transform="echo_64_flip", cache_gb=1e-6)
    assert prepare(*ground, settings).files
    bench(settings)


@pytest.mark.parametrize("kept", [True, False])
def test_a_picture_that_is_cut_off_is_no_networks_fault(home, scenes, warm, monkeypatch, kept):
    """Named before any training where pictures are kept, and else when it is met."""
    shutil.copytree(scenes, home.coco)
    file = sorted((home.coco / "train2017").iterdir())[9]
    file.write_bytes(file.read_bytes()[:900])
    exam = make_exam(home, home.coco)
    if kept:
        with pytest.raises(BadData, match=file.name) as caught:
            prepare(home, exam, QUICK, warm)
        assert caught.value.way_out
        assert not [entry for entry in (home.out / "nncaption" / "cache").iterdir() if entry.is_dir()]
        return
    monkeypatch.setattr(cache, "_build_pictures", lambda *_: (How.RETURNED, False))
    trained = train(home, exam, "Net", net(), QUICK, warm=warm, prepared=prepare(home, exam, QUICK, warm))
    assert trained.ending.outcome is Outcome.INFRASTRUCTURE, trained
    assert file.name in trained.ending.reason and "cannot be read" in trained.ending.reason


def test_the_same_score_with_and_without(ground, warm):
    home, exam = ground
    prepared = prepare(home, exam, QUICK, warm)
    stock = train(home, exam, "Net", net(), QUICK, warm=warm)
    ours = train(home, exam, "Net", net(), QUICK, warm=warm, prepared=prepared)
    assert stock.ending.outcome is ours.ending.outcome is Outcome.TRAINED, ours
    assert [epoch.predicted for epoch in stock.epochs] == [epoch.predicted for epoch in ours.epochs]
    assert repr(stock.epochs[0].train_loss) == repr(ours.epochs[0].train_loss)


def test_the_key_changes_with_what_it_is_made_of(ground, tmp_path):
    home, exam = ground
    key = cache_key(home, exam, QUICK)
    assert key == cache_key(home, exam, replace(QUICK, lr=0.5, epochs=9))
    assert key != cache_key(home, exam, replace(QUICK, transform="echo_32_flip"))
    assert key != cache_key(home, replace(exam, words=[*exam.words, "new"]), QUICK)
    assert key != cache_key(home, replace(exam, image_ids=exam.image_ids[:-1]), QUICK)
    shutil.copytree(home.coco, tmp_path / "coco")
    time.sleep(0.01)
    other = make_exam(home, tmp_path / "coco")
    assert key != cache_key(home, replace(other, words=exam.words), QUICK)


def test_what_is_not_whole_is_made_anew(ground, warm):
    home, exam = ground
    settings = replace(QUICK, transform="norm_32")
    folder = prepare(home, exam, settings, warm).folder
    first = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert {
        file.name: file.stat().st_mtime_ns for file in prepare(home, exam, settings, warm).folder.iterdir()
    } == first
    for damage in (
        lambda: (folder / "ready.json").write_text("{"),
        lambda: (folder / "pictures-train.npy").unlink(),
        lambda: (folder / "ready.json").write_text(json.dumps({"edition": -1, "pictures": True})),
        lambda: (folder / "ready.json").unlink(),
    ):
        damage()
        assert prepare(home, exam, settings, warm).folder == folder
        assert (folder / "pictures-train.npy").exists() and json.loads((folder / "ready.json").read_text())
    assert not list(folder.glob(".*")) and not (folder / "job").exists()


def test_one_that_was_stopped_is_made_by_the_next(ground, warm, caplog):
    home, exam = ground
    settings = replace(QUICK, transform="norm_128")
    stop = threading.Event()
    stop.set()
    assert prepare(home, exam, settings, warm, stop=stop).files and "the next tries again" in caplog.text
    assert not prepare(home, exam, settings, warm).files


def test_two_at_once_make_one(ground, monkeypatch):
    home, exam = ground
    settings = replace(QUICK, transform="norm_64")
    made = []
    real = cache._build_pictures
    monkeypatch.setattr(cache, "_build_pictures", lambda *a: made.append(1) or real(*a))
    threads = [threading.Thread(target=prepare, args=(home, exam, settings)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_the_oldest_go_when_the_room_is_used_up(ground, tmp_path):
    for number, name in enumerate(("old", "middle", "new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(1000))
        os.utime(tmp_path / name, (number, number))
    room.make_room(tmp_path, 2000, keep=tmp_path / "new")
    assert sorted(folder.name for folder in tmp_path.iterdir() if folder.is_dir()) == ["middle", "new"]
    room.make_room(tmp_path, 10, keep=tmp_path / "new")
    assert [folder.name for folder in tmp_path.iterdir() if folder.is_dir()] == ["new"]


def test_a_folder_that_a_living_process_reads_is_not_let_go(tmp_path):
    for number, name in enumerate(("read", "new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(1000))
        os.utime(tmp_path / name, (number, number))
    mark = tmp_path / f"read{room.USER}{os.getpid()}"
    mark.touch()
    room.make_room(tmp_path, 10, keep=tmp_path / "new")
    assert (tmp_path / "read").is_dir()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mark.rename(tmp_path / f"read{room.USER}{gone.pid}")
    room.make_room(tmp_path, 10, keep=tmp_path / "new")
    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix != ".lock"] == ["new"]


def test_a_full_disk_leaves_lemurs_own_loader(home, scenes, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    shutil.copytree(scenes, home.coco)
    monkeypatch.setattr(cache, "_save_captions", full)
    assert prepare(home, make_exam(home, home.coco), QUICK) is None
    assert "No space left" in caplog.text
    assert not [entry for entry in (home.out / "nncaption" / "cache").iterdir() if entry.is_dir()]


def test_what_fails_before_the_networks_code_is_not_its_fault(ground, warm):
    home, exam = ground
    prepared = prepare(home, exam, replace(QUICK, transform="norm_128"), warm)
    (prepared.folder / "pictures-train.npy").write_bytes(b"cut off")
    trained = train(home, exam, "Net", net(), replace(QUICK, transform="norm_128"), warm=warm, prepared=prepared)
    assert trained.ending.outcome is Outcome.INFRASTRUCTURE and trained.ending.stage == "load", trained
