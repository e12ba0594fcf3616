"""What a frozen encoder makes of the pictures is kept once, and a training with it is the training without it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch
from filelock import FileLock
from torchvision import transforms

from ab.gpt.candidate import Outcome
from ab.gpt.lemur.home import Home
from ab.gpt.propose.blueprint.at_hand import FILES
from ab.gpt.propose.blueprint.blueprint import Backbone, Greedy, Pooled, Tokens
from ab.gpt.propose.blueprint.known import known_by
from ab.gpt.propose.blueprint.reading import to_json
from ab.gpt.propose.blueprint.render import render
from ab.gpt.train import features
from ab.gpt.train.cache import READY, prepare
from ab.gpt.train.data.captioned import Kept
from ab.gpt.train.data.features import Featured, FeatureFile, save
from ab.gpt.train.data.head import Parts
from ab.gpt.train.exam import Exam
from ab.gpt.train.features import Shelf
from ab.gpt.train.known import Known
from ab.gpt.train.pool import Pool, Task, make_slots
from tests.gpt.propose.blueprint.samples import GRU, SMALL
from tests.gpt.train.conftest import QUICK

FROZEN = Backbone("mobilenet_v3_small", "imagenet", "frozen")
BLUEPRINT = replace(SMALL, encoder=FROZEN, memory=Tokens("grid", 3, "learned"), decoder=GRU, dropout=0.1)
SETTINGS = replace(QUICK, pretrained=True, transform="echo_32_flip")
FLIP = transforms.RandomHorizontalFlip(0.4)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights by chance, under the name of ImageNet's; normalised so that images can be told apart by them."""
    file = tmp_path_factory.mktemp("torch") / "hub" / "checkpoints" / FILES[FROZEN.backbone]
    file.parent.mkdir(parents=True)
    make = """
import sys, torch, torchvision
torch.manual_seed(0)
net = torchvision.models.mobilenet_v3_small().train()
for part in net.modules():
    if isinstance(part, torch.nn.BatchNorm2d):
        part.momentum = None
net.features(torch.randn(32, 3, 64, 64))
torch.save(net.state_dict(), sys.argv[1])
"""
    subprocess.run([sys.executable, "-c", make, str(file)], check=True, cwd="/")
    return file


@pytest.fixture
def torch_home(weights, monkeypatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(weights.parents[2]))
    return weights


@pytest.fixture
def own(ground, tmp_path, warm, torch_home) -> tuple[Home, Exam, Shelf]:
    """A root of its own beside the ground's data, with what is kept of the pictures, and an empty shelf."""
    home, exam = ground
    apart = replace(home, root=tmp_path / "root")
    return apart, exam, Shelf(apart, prepare(apart, exam, SETTINGS, warm), warm)


@pytest.fixture
def runs(monkeypatch) -> list[int]:
    """Grows with every job that is started for features."""
    started: list[int] = []
    real = features.run
    monkeypatch.setattr(features, "run", lambda *args, **more: started.append(1) or real(*args, **more))
    return started


def known(blueprint=BLUEPRINT):
    encoder = known_by(to_json(blueprint), render(blueprint)).encoder
    assert encoder is not None
    return encoder


def test_only_a_frozen_blueprint_with_its_own_code_has_features():
    code = render(BLUEPRINT)
    assert known().name == "mobilenet_v3_small" and known().weights == "mobilenet_v3_small-047dcff4.pth"
    assert known(replace(BLUEPRINT, decoder=SMALL.decoder, memory=Pooled())) == known()
    assert known_by(to_json(BLUEPRINT), code.replace("self.encoder(images)", "self.encoder(images * 2)")) is None
    assert known_by(to_json(BLUEPRINT), code + "\n") is None
    assert known_by(None, code) is None and known_by("", code) is None
    assert known_by('{"encoder": {}}', code) is None
    for other in (SMALL, *(replace(BLUEPRINT, encoder=replace(FROZEN, trained=how)) for how in ("partly", "wholly"))):
        assert known_by(to_json(other), render(other)) == Known()


def said(predicted: list[list[int]]) -> list[list[int]]:
    """Captions without what fills them up to the longest of those that were written at once."""
    return [[token for token in caption if token] for caption in predicted]


def test_the_same_training_with_and_without(ground, warm, torch_home, caplog, runs):
    home, exam = ground
    settings = replace(SETTINGS, epochs=2, batch=4)
    heard = []
    other = replace(BLUEPRINT, decoding=Greedy(1, 25))
    tasks = [
        Task("with", render(BLUEPRINT), known=Known(known())),
        Task("without", render(BLUEPRINT)),
        Task("another", render(other), replace(settings, epochs=1), Known(known(other))),
    ]
    pool = Pool(home, exam, settings, make_slots(1, []), lambda _slot, name, event: heard.append((name, event)))
    ended = {task.name: trained for task, trained in pool.train_all(tasks)}
    assert {trained.ending.outcome for trained in ended.values()} == {Outcome.TRAINED}, ended
    noted = {name for name, trained in ended.items() if any("ran once" in note for note in trained.notes)}
    assert noted == {"with", "another"} and {name for name, event in heard if "encoded" in event} == {"with"}
    assert runs == [1] and not caplog.text
    assert len(ended["with"].epochs) == 2 and ended["with"].parameters == ended["without"].parameters
    for one, usual in zip(ended["with"].epochs, ended["without"].epochs, strict=True):
        assert one.train_loss == pytest.approx(usual.train_loss, rel=1e-4)
        assert said(one.predicted) == said(usual.predicted) and one.lemur_bleu == usual.lemur_bleu


@pytest.mark.parametrize(
    "tail",
    [
        (FLIP, transforms.ToTensor()),
        (transforms.ToTensor(),),
        (FLIP, transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.2,) * 3)),
        (transforms.Pad(2), FLIP, transforms.Pad((1, 0, 0, 0)), transforms.ToTensor()),
    ],
)
def test_features_are_those_of_the_images_that_would_come(tmp_path, tail):
    """The same seed mirrors the same pictures, whichever way the pictures would have gone."""
    pictures = numpy.random.default_rng(0).integers(0, 256, (20, 9, 9, 3), numpy.uint8)
    parts = Parts((), tail)
    encoder = torch.nn.Conv2d(3, 5, 3)
    with torch.no_grad():
        made = [encoder(Kept(pictures, version).images(range(20))) for version in parts.versions]
        stacked = torch.stack(made, 1)
        save(stacked.split(7), tuple(stacked.shape), tmp_path / "features.npy")
        mirror = parts.mirror
        featured = Featured(FeatureFile(tmp_path / "features.npy"), None if mirror is None else mirror.p)
        for places in ([3, 1, 19], [0], list(range(20))):
            torch.manual_seed(5)
            images, after = Kept(pictures, parts).images(places), torch.rand(2)
            torch.manual_seed(5)
            found, then = featured.images(places), torch.rand(2)
            torch.testing.assert_close(found, encoder(images), rtol=1e-4, atol=1e-5)
            assert torch.equal(after, then) and found.dtype == torch.float32


def test_tails_that_are_random_otherwise_have_no_versions():
    tensor = transforms.ToTensor()
    for tail in ((FLIP, FLIP, tensor), (transforms.RandomRotation(3), tensor), (transforms.GaussianBlur(3), tensor)):
        assert Parts((), tail).versions == ()
    assert len(Parts((), (FLIP, tensor)).versions) == 2 and len(Parts((), (tensor,)).versions) == 1


def test_made_once_and_anew_when_anything_changes(own, runs, warm, torch_home, tmp_path, monkeypatch):
    _, _, shelf = own
    told = []
    with shelf.lent(known(), SETTINGS, lambda done, of: told.append((done, of))) as prepared:
        first = prepared.features
        marks = list(first.parent.glob(f"{first.name}.user-*"))
        assert len(marks) == 1
        with shelf.lent(known(), replace(SETTINGS, lr=0.5, batch=4)) as again:
            assert again.features == first
        assert marks[0].exists(), "one of two readers has gone"
    assert not marks[0].exists()
    assert told and all(done < of == 64 + 24 for done, of in told)
    assert runs == [1] and not list(first.glob(".*")) and not (first / "job").exists()
    with shelf.lent(replace(known(), code=known().code + "\n"), SETTINGS) as prepared:
        assert prepared.features != first
    changed = tmp_path / "hub" / "checkpoints" / torch_home.name
    changed.parent.mkdir(parents=True)
    state = torch.load(torch_home)
    state["features.0.0.weight"] *= 2
    torch.save(state, changed)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with shelf.lent(known(), SETTINGS) as prepared:
        assert prepared.features != first
        one, other = (FeatureFile(folder / "features-val.npy") for folder in (first, prepared.features))
        assert not torch.equal(one.read([0], [0]), other.read([0], [0]))
    assert runs == [1, 1, 1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / READY).write_text("{"),
        lambda folder: (folder / READY).unlink(),
        lambda folder: (folder / "features-val.npy").write_bytes(b"cut off"),
        lambda folder: (folder / "features-train.npy").unlink(),
    ],
)
def test_what_is_not_whole_is_made_anew(own, runs, damage):
    _, _, shelf = own
    with shelf.lent(known(), SETTINGS) as prepared:
        folder = prepared.features
    whole = (folder / "features-val.npy").read_bytes()
    damage(folder)
    with shelf.lent(known(), SETTINGS) as prepared:
        assert prepared.features == folder and (folder / "features-val.npy").read_bytes() == whole
    assert runs == [1, 1]


def test_where_they_are_not_wanted_or_cannot_be_the_encoder_runs_as_usual(own, runs, monkeypatch, tmp_path, warm):
    home, exam, shelf = own

    def lent(encoder=None, settings=SETTINGS, shelf=shelf):
        with shelf.lent(encoder or known(), settings) as prepared:
            return prepared and prepared.features

    assert lent(settings=replace(SETTINGS, features=False)) is None
    assert lent(settings=replace(SETTINGS, pretrained=False)) is None
    with shelf.lent(None, SETTINGS) as prepared:
        assert prepared is shelf.prepared
    assert lent(shelf=Shelf(home, None)) is None
    assert lent(shelf=Shelf(home, replace(shelf.prepared, files={"train": ["x"], "val": ["y"]}))) is None
    assert runs == []
    small = replace(SETTINGS, cache_gb=1e-3)
    assert lent(settings=small) is None and lent(settings=small) is None and runs == [1]
    assert lent() and runs == [1, 1], "there is more room now"
    rotated = replace(SETTINGS, transform="bf-v1-CenterCrop_RandomRotation_2")
    shelf = Shelf(home, prepare(home, exam, rotated, warm), warm)
    assert lent(settings=rotated, shelf=shelf) is None and lent(settings=rotated, shelf=shelf) is None
    assert runs == [1, 1, 1]
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert lent(shelf=Shelf(home, shelf.prepared, warm)) is None and runs == [1, 1, 1]


def test_a_job_that_fails_is_told_once_and_leaves_nothing(own, caplog, runs):
    _, _, shelf = own
    broken = replace(known(), code=known().code.replace("self.layers(as_imagenet(images))", "images.no_such_thing"))
    for _ in range(2):
        with shelf.lent(broken, SETTINGS) as prepared:
            assert prepared.features is None
    assert caplog.text.count("no_such_thing") == 1 and runs == [1]
    assert not [entry for entry in shelf.prepared.folder.parent.glob("features-*") if entry.is_dir()]


def test_a_full_disk_is_told(own, caplog, monkeypatch):
    _, _, shelf = own
    monkeypatch.setattr(features, "make_root", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with shelf.lent(known(), SETTINGS) as prepared:
        assert prepared.features is None
    assert "No space left" in caplog.text


def test_a_write_that_stops_halfway_leaves_no_file(tmp_path):
    def batches():
        yield numpy.zeros((2, 1, 3), "<f4")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        save(batches(), (4, 1, 3), tmp_path / "features.npy")
    assert not list(tmp_path.iterdir())


def test_two_slots_make_one_and_whoever_waits_can_be_stopped(own, runs):
    _, _, shelf = own
    found = []

    def take():
        with shelf.lent(known(), SETTINGS) as prepared:
            found.append(prepared.features)

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs == [1] and len(set(found)) == 1 and found[0]
    shutil.rmtree(found[0])
    shelf.stop = threading.Event()
    shelf.stop.set()
    with FileLock(found[0].with_suffix(".lock")), shelf.lent(known(), SETTINGS) as prepared:
        assert prepared.features is None
    with shelf.lent(known(), SETTINGS) as prepared:
        assert prepared.features is None, "a job that was stopped makes nothing"
    assert not found[0].exists()


def test_features_that_nobody_reads_go_when_the_room_is_used_up(own):
    _, _, shelf = own
    with shelf.lent(known(), SETTINGS) as prepared:
        folder = prepared.features
        size = sum(file.stat().st_size for file in folder.iterdir())
        kept = sum(file.stat().st_size for file in shelf.prepared.folder.iterdir())
        tight = replace(SETTINGS, cache_gb=(1.5 * size + kept) / (1 << 30))
        other = replace(known(), code=known().code + "\n")
        with shelf.lent(other, tight) as refused:
            assert refused.features is None and folder.is_dir(), "what is read stays"
    with shelf.lent(other, tight) as prepared:
        assert prepared.features.is_dir() and not folder.exists()
    assert json.loads((prepared.features / READY).read_text())["encoder"] == "mobilenet_v3_small"


def test_a_training_that_finds_damaged_features_is_not_the_networks_fault(own, warm):
    from ab.gpt.train.trainer import train

    home, exam, shelf = own
    with shelf.lent(known(), SETTINGS) as prepared:
        (prepared.features / "features-val.npy").write_bytes(b"cut off")
        trained = train(home, exam, "Net", render(BLUEPRINT), SETTINGS, warm=warm, prepared=prepared)
    assert trained.ending.outcome is Outcome.INFRASTRUCTURE and trained.ending.stage == "load", trained
