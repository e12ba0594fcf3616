"""LEMUR's own `load_dataset` reads Flickr8k in each layout that people have it in, and its batches are LEMUR's."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ab.gpt.lemur.home import Home
from ab.gpt.train.exam import make_exam
from ab.gpt.train.words import tokenizer
from tests.conftest import REPO, child_environment
from tests.gpt.train.nets import net

LOADER = REPO / "ab" / "nn" / "loader" / "flickr8k.py"
NAMES = [f"{number}_{hashlib.md5(str(number).encode()).hexdigest()[:10]}.jpg" for number in range(1000, 1024)]
TRAIN, VAL, TEST = NAMES[:16], NAMES[16:20], NAMES[20:]
COLOURS = ("red", "green", "blue", "yellow")

ASK = """
import json, os, re, sys, traceback
import torch
from ab.nn.util.Loader import load_dataset
from ab.nn.loader import flickr8k
from ab.nn.loader.coco_.Caption import GLOBAL_CAPTION_VOCAB
from ab.nn.util.Util import min_accuracy, test_loader_f, train_loader_f

def names(data):
    return [data.coco.loadImgs(one)[0]["file_name"].rpartition("/")[2] for one in data.ids]

def ask(task):
    shape, minimum, train, val = load_dataset(task, "flickr8k", "echo_32")
    images, captions = next(iter(test_loader_f(val, 64, 0)))
    pictures, said = next(iter(train_loader_f(train, 64, 0)))
    word2idx = GLOBAL_CAPTION_VOCAB["word2idx"]
    return {
        "shape": shape, "minimum": minimum, "bar": min_accuracy("flickr8k"), "lengths": [len(train), len(val)],
        "known": [word in word2idx for word in ("<PAD>", "red", "number", "validation")],
        "special": [word2idx[word] for word in ("<PAD>", "<SOS>", "<EOS>", "<UNK>")],
        "same": train.word2idx == word2idx and val.idx2word == GLOBAL_CAPTION_VOCAB["idx2word"],
        "images": list(images.shape), "captions": captions.tolist(), "train": [list(pictures.shape), list(said.shape)],
        "files": names(train), "val": names(val), "ids": val.ids, "first": train[0][1],
    }

def full(*arguments, **named):
    raise OSError(28, "No space left on device")

answers = {}
save = torch.save
for place in sys.argv[1:]:
    flickr8k.data_dir = place
    name = os.path.basename(place)
    torch.save = full if name == "full" else save
    try:
        answers[name] = ask("img-classification" if name == "task" else "img-captioning")
    except Exception as error:
        answers[name] = {"error": type(error).__name__, "said": str(error)}
print(json.dumps(answers))
"""


def captions(name: str) -> list[str]:
    """What five people wrote; one of them with a comma, one with quotes."""
    number = NAMES.index(name)
    colour = COLOURS[number % 4]
    where = "for validation" if name in VAL else "to learn from"
    return [
        f"A {colour} square , number {number} .",
        f"A square is {colour}, {where}",
        f'It says "{colour}" .',
        f"Somebody has drawn a {colour} picture .",
        f"The {colour} one",
    ]


def pictures(folder: Path, names: list[str] = NAMES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (40, 36), COLOURS[NAMES.index(name) % 4]).save(folder / name)


def coco(root: Path) -> None:
    (root / "annotations").mkdir(parents=True)
    for split, names in (("train", TRAIN), ("val", VAL)):
        pictures(root / f"{split}2017", names)
        pairs = [(NAMES.index(name), text) for name in names for text in captions(name)]
        annotations = {
            "images": [{"id": NAMES.index(name), "file_name": name} for name in names],
            "annotations": [{"id": at, "image_id": image, "caption": text} for at, (image, text) in enumerate(pairs)],
        }
        (root / "annotations" / f"captions_{split}2017.json").write_text(json.dumps(annotations))


def classical(root: Path, photographs: str = "Flicker8k_Dataset", texts: str = "") -> None:
    pictures(root / photographs)
    (root / texts).mkdir(exist_ok=True)
    lines = [f"{name}#{at}\t{text}" for name in NAMES for at, text in enumerate(captions(name))]
    lines.insert(5, "2258277193_586949ec62.jpg.1#0\tthe real file has captions of a photograph that is not there")
    (root / texts / "Flickr8k.token.txt").write_text("\n".join(lines) + "\n")
    for name, names in (("train", TRAIN), ("dev", VAL), ("test", TEST)):
        (root / texts / f"Flickr_8k.{name}Images.txt").write_text("\n".join(names) + "\n")


def in_folders(root: Path) -> None:
    classical(root, "Flickr8k_Dataset/Flicker8k_Dataset", "Flickr8k_text")


def kaggle(root: Path) -> None:
    pictures(root / "Images")
    with open(root / "captions.txt", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "caption"])
        table.writerows([name, text] for name in NAMES for text in captions(name))


def karpathy(root: Path) -> None:
    pictures(root / "Images")
    images = [
        {"filename": name, "split": split, "sentences": [{"raw": text, "tokens": []} for text in captions(name)]}
        for split, names in (("train", TRAIN), ("val", VAL), ("test", TEST))
        for name in names
    ]
    (root / "dataset_flickr8k.json").write_text(json.dumps({"images": images, "dataset": "flickr8k"}))


def many(root: Path) -> None:
    """A validation split of 404, of which 300 are taken."""
    coco(root)
    file = root / "annotations" / "captions_val2017.json"
    annotations = json.loads(file.read_text())
    for number in range(1000, 1400):
        annotations["images"].append({"id": number, "file_name": VAL[0]})
        annotations["annotations"].append({"id": number, "image_id": number, "caption": "A square ."})
    file.write_text(json.dumps(annotations))


def broken(layout: Callable[[Path], None], damage: Callable[[Path], object]) -> Callable[[Path], None]:
    def lay(root: Path) -> None:
        layout(root)
        damage(root)

    return lay


GOOD = {
    "coco": coco, "classical": classical, "in-folders": in_folders, "karpathy": karpathy, "kaggle": kaggle,
    "kaggle-again": kaggle, "many": many, "full": coco,
}  # fmt: skip
BROKEN = {
    "nothing": (lambda root: shutil.rmtree(root), "There is no Flickr8k in"),
    "no-annotations": (
        broken(coco, lambda root: (root / "annotations/captions_val2017.json").unlink()),
        "captions_val2017.json is missing",
    ),
    "no-photograph": (
        broken(coco, lambda root: (root / "train2017" / TRAIN[3]).unlink()),
        f"1 photographs are missing, such as .*{TRAIN[3]}",
    ),
    "cut-annotations": (
        broken(coco, lambda root: (root / "annotations/captions_train2017.json").write_text("{")),
        "captions_train2017.json is not what",
    ),
    "no-folder": (
        broken(classical, lambda root: shutil.rmtree(root / "Flicker8k_Dataset")),
        "no folder of photographs",
    ),
    "no-captions": (broken(classical, lambda root: (root / "Flickr8k.token.txt").unlink()), "there are no captions"),
    "no-validation": (
        broken(classical, lambda root: (root / "Flickr_8k.devImages.txt").write_text("")),
        "no photographs .* to val",
    ),
    "cut-json": (
        broken(karpathy, lambda root: (root / "dataset_flickr8k.json").write_text("{")),
        "dataset_flickr8k.json is not what",
    ),
}


@pytest.fixture(scope="module")
def lemur(lemur_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A small LEMUR with the loader among its own, as after an installation."""
    site = Path(shutil.copytree(lemur_template, tmp_path_factory.mktemp("flickr8k") / "site"))
    root = site.parent / "root"
    (root / "db").mkdir(parents=True)
    home = Home(root, site / "ab" / "nn", "2.1.2")
    shutil.copy(LOADER, home.code_dir("loader"))
    home.db_file.touch()  # a database that is there is not built
    return home


def run_lemur(home: Home, code: str, *arguments: str, timeout: float) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=home.root, env=child_environment(home.package.parent.parent),
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def told(lemur: Home) -> dict[str, Any]:
    """What LEMUR's `load_dataset` gives for every layout, whole and broken, asked in one process."""
    places = []
    for name, lay in {**GOOD, "task": coco, **{name: lay for name, (lay, _) in BROKEN.items()}}.items():
        (lemur.data / name / "flickr8k").mkdir(parents=True)
        lay(lemur.data / name / "flickr8k")
        places.append(str(lemur.data / name))
    answers: dict[str, Any] = json.loads(run_lemur(lemur, ASK, *places, timeout=120).splitlines()[-1])
    return answers


@pytest.mark.parametrize("layout", ["coco", "classical", "in-folders", "karpathy"])
def test_every_layout_gives_lemurs_batches(told, layout):
    one = told[layout]
    assert one["lengths"] == [16, 4]
    assert (one["files"], one["val"]) == (TRAIN, VAL)
    assert one["first"] == captions(TRAIN[0])
    assert one["images"] == [4, 3, 32, 32] and one["train"][0] == [16, 3, 32, 32]
    assert [len(said) for said in one["captions"]] == [5] * 4 and one["train"][1][:2] == [16, 5]
    assert one["known"] == [True, True, True, False], "the vocabulary is that of the training captions"
    assert one["special"] == [0, 1, 2, 3] and one["same"]
    assert one["minimum"] == one["bar"] == 0.001


def test_the_toolkits_exam_is_on_the_same_ground(told, lemur):
    folder = lemur.data / "coco" / "flickr8k"
    (folder / "vocab.pth").unlink()
    exam = make_exam(lemur, folder)
    assert [len(exam.words)] == told["coco"]["shape"]
    bare = [[[one for one in caption if one] for caption in said] for said in told["coco"]["captions"]]
    assert bare == exam.references


def test_of_many_validation_photographs_the_same_300_are_taken(told, lemur):
    if tokenizer()[0] != "punkt_tab":
        pytest.skip("LEMUR's own loader cannot cut captions without NLTK's punkt_tab, which NLTK_DATA has to name")
    folder = lemur.data / "many" / "flickr8k"
    ids = sorted(
        image["id"] for image in json.loads((folder / "annotations/captions_val2017.json").read_text())["images"]
    )
    assert len(ids) == 404 and told["many"]["ids"] == sorted(random.Random("validation 0").sample(ids, 300))
    (folder / "vocab.pth").unlink()
    assert told["many"]["ids"] == make_exam(lemur, folder).image_ids, "nncaption train is examined on the same ones"


def test_kaggles_has_no_split_and_gets_one_that_is_the_same_everywhere(told):
    one = told["kaggle"]
    assert one == told["kaggle-again"]
    assert one["lengths"] == [18, 3] and not set(one["files"]) & set(one["val"])
    by_hash = sorted(NAMES, key=lambda name: hashlib.md5(name.encode()).hexdigest())
    assert one["val"] == sorted(by_hash[3:6])
    assert one["first"] == captions(one["files"][0]), "commas and quotes are the caption's"


def test_a_folder_that_cannot_be_written_will_do(told, lemur):
    assert told["full"] == told["coco"]
    assert [file.name for file in (lemur.data / "full" / "flickr8k").iterdir() if "vocab" in file.name] == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_missing_is_said_with_where_to_get_it(told, lemur, name):
    assert told[name]["error"] == "Flickr8kMissing"
    said = told[name]["said"]
    assert re.search(BROKEN[name][1], said), said
    assert str(lemur.data / name / "flickr8k") in said
    assert "LEMUR does not download it" in said and "Flickr8k.token.txt" in said


def test_another_task_is_refused(told):
    assert "not for 'img-classification'" in told["task"]["said"]


@pytest.mark.slow
def test_lemurs_own_train_trains_on_it(lemur):
    """What `python -m ab.nn.train -c img-captioning_flickr8k_bleu_<name>` does."""
    (lemur.data / "flickr8k").mkdir(parents=True)
    karpathy(lemur.data / "flickr8k")
    lemur.db_file.unlink()
    (lemur.code_dir("nn") / "Small.py").write_text(net())
    train = (
        "import runpy, sys\n"
        "sys.argv = ['train', '-c', 'img-captioning_flickr8k_bleu_Small', '-t', '1', '-e', '2', '-f', 'echo_32', '-b',"
        " '3', '--min_learning_rate', '0.005', '-l', '0.01', '-w', '0']\n"
        "runpy.run_module('ab.nn.train', run_name='__main__')\n"
    )
    said = run_lemur(lemur, train, timeout=400)
    places = sorted((lemur.stat_train / "img-captioning_flickr8k_bleu_Small").glob("*.json"))
    assert [place.name for place in places] == ["1.json", "2.json"], said[-2000:]
    [trial] = json.loads(places[1].read_text())
    assert trial["accuracy"] > 0.0012 and trial["transform"] == "echo_32"


@pytest.mark.slow
def test_real_photographs_are_read(flickr8k, lemur):
    """Flickr8k itself, where it is at hand."""
    folder = lemur.data / "real" / "flickr8k"
    folder.mkdir(parents=True)  # of its own: the vocabulary is kept in it
    for part in flickr8k.iterdir():
        (folder / part.name).symlink_to(part)
    told = json.loads(run_lemur(lemur, ASK, str(lemur.data / "real"), timeout=300).splitlines()[-1])["real"]
    assert told["lengths"] == [6000, 300]
    assert told["shape"][0] > 5000 and told["captions"][0][0][0] == 1
