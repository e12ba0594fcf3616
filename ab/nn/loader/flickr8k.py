"""LEMUR loader: Flickr8k, 8,000 photographs with five captions each, from `data/flickr8k` under LEMUR's root.

It takes the data set in each of the layouts that people have it in (see `LAYOUTS`) and gives what LEMUR's COCO
captioning loader gives: the same items, the same batches, the same kind of vocabulary, a fixed choice of 300 validation
photographs. Nothing is downloaded: the photographs are for research and are asked for by whoever uses them.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from ab.nn.loader.coco_ import Caption
from ab.nn.util.Const import data_dir
from pycocotools.coco import COCO

MINIMUM_ACCURACY = Caption.MINIMUM_ACCURACY
VALIDATION_IMAGES = 300
"""As many as LEMUR's COCO loader validates on; here always the same ones."""

FOLDERS = ("Flickr8k_Dataset/Flicker8k_Dataset", "Flicker8k_Dataset", "Flickr8k_Dataset", "Images", "images")
TEXTS = ("", "Flickr8k_text", "text", "captions")
SPECIALS = ("<PAD>", "<SOS>", "<EOS>", "<UNK>")
LAYOUTS = """\
  COCO's:      annotations/captions_train2017.json and captions_val2017.json, train2017/, val2017/
  the first:   Flicker8k_Dataset/, Flickr8k.token.txt, Flickr_8k.trainImages.txt, Flickr_8k.devImages.txt
  Kaggle's:    Images/, captions.txt (image,caption); 1,000 photographs are set apart for validation, 1,000 for a test
  Karpathy's:  dataset_flickr8k.json beside one of these folders of photographs"""
WHERE = """\
LEMUR does not download it. Get it from its makers (http://hockenmaier.cs.illinois.edu/8k-pictures.html), from Kaggle
(adityajn105/flickr8k) or from the releases of github.com/jbrownlee/Datasets, and unpack it there in one of the layouts
"""


class Flickr8kMissing(RuntimeError):
    """The data set is not there, or not whole."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}\n{WHERE}{LAYOUTS}")


class Photograph(NamedTuple):
    """One photograph with what people wrote of it."""

    id: int
    file: Path
    captions: list[str]


Splits = dict[str, list[Photograph]]
Written = dict[str, list[str]]
"""The captions by the photograph's file name."""


class Flickr8kCaptions(Caption.COCOCaptionDataset):  # type: ignore[misc]
    """One split of Flickr8k as LEMUR's COCO captioning data set; items and batches are made by LEMUR's own code."""

    def __init__(self, transform: Callable[[Any], Any], photographs: Iterable[Photograph], split: str) -> None:
        torch.utils.data.Dataset.__init__(self)  # LEMUR's own looks for COCO and downloads it
        self.root = str(Path(data_dir) / "flickr8k")
        self.transform = transform
        self.split = split
        self.img_dir = ""  # file names are whole paths
        self.coco = _index(photographs)
        self.ids = sorted(self.coco.imgs)

    def know(self, word2idx: dict[str, int], idx2word: dict[int, str]) -> None:
        """Takes the vocabulary, without which no batch can be made."""
        self.word2idx, self.idx2word = word2idx, idx2word
        self.collate_fn = self.collate


def loader(transform_fn: Callable[[Any], Any], task: str) -> tuple[tuple[int], float, Any, Any]:
    """What LEMUR asks of a loader: the shape of what is predicted, the minimum accuracy, both data sets."""
    if task != "img-captioning":
        raise ValueError(f"Flickr8k is a data set for img-captioning, not for {task!r}.")
    root = Path(data_dir) / "flickr8k"
    splits = read(root)
    _check_photographs(root, splits)
    norm = tuple(getattr(Caption, f"__norm_{part}") for part in ("mean", "dev"))
    transform = transform_fn(norm)
    train, val = (Flickr8kCaptions(transform, splits[split], split) for split in ("train", "val"))
    if len(val.ids) > VALIDATION_IMAGES:
        val.ids = sorted(random.Random("validation 0").sample(val.ids, VALIDATION_IMAGES))
    _find_tokenizer()
    word2idx = _vocabulary(root, splits["train"])
    idx2word = {number: word for word, number in word2idx.items()}
    for data in (train, val):
        data.know(word2idx, idx2word)
    Caption.GLOBAL_CAPTION_VOCAB.update(word2idx=word2idx, idx2word=idx2word)
    return (len(word2idx),), MINIMUM_ACCURACY, train, val


def read(root: Path) -> Splits:
    """The photographs of `train` and `val` in whichever layout the folder has; `Flickr8kMissing` where it has none."""
    if not root.is_dir():
        raise Flickr8kMissing(f"There is no Flickr8k in {root}.")
    if (root / "annotations").is_dir():
        splits = {split: _read_coco(root, split) for split in ("train", "val")}
    else:
        splits = _read_by_names(root)
    for split, photographs in splits.items():
        if not photographs:
            raise Flickr8kMissing(f"Flickr8k in {root} has no photographs with captions to {split}.")
    return splits


def _read_coco(root: Path, split: str) -> list[Photograph]:
    annotations = root / "annotations" / f"captions_{split}2017.json"
    if not annotations.is_file():
        raise Flickr8kMissing(f"Flickr8k in {root} is not whole: {annotations.relative_to(root)} is missing.")
    with _readable(annotations):
        data = json.loads(annotations.read_text(encoding="utf-8"))
        captions: dict[int, list[str]] = {int(image["id"]): [] for image in data["images"]}
        for one in data["annotations"]:
            captions[one["image_id"]].append(str(one["caption"]))
        names = {int(image["id"]): str(image["file_name"]) for image in data["images"]}
    folder = root / f"{split}2017"
    return [Photograph(image, folder / names[image], captions[image]) for image in sorted(names) if captions[image]]


def _read_by_names(root: Path) -> Splits:
    """The other layouts: captions and splits speak of file names, and all photographs lie in one folder."""
    folder = next((root / name for name in FOLDERS if (root / name).is_dir()), None)
    if folder is None:
        raise Flickr8kMissing(f"Flickr8k in {root} is not whole: there is no folder of photographs.")
    if karpathy := _find(root, "dataset_flickr8k.json"):
        written, names = _read_karpathy(karpathy)
    else:
        if token := _find(root, "Flickr8k.token.txt"):
            written = _read_token(token)
        elif table := _find(root, "captions.txt"):
            written = _read_table(table)
        else:
            raise Flickr8kMissing(f"Flickr8k in {root} is not whole: there are no captions.")
        names = _read_lists(root) or _fixed_lists(written)
    ids = {name: number for number, name in enumerate(sorted(written), start=1)}
    return {
        split: [Photograph(ids[name], folder / name, written[name]) for name in sorted(names[split]) if name in ids]
        for split in ("train", "val")
    }


def _read_karpathy(file: Path) -> tuple[Written, dict[str, list[str]]]:
    with _readable(file):
        images = json.loads(file.read_text(encoding="utf-8"))["images"]
        written = {str(image["filename"]): [str(one["raw"]) for one in image["sentences"]] for image in images}
        names: dict[str, list[str]] = {"train": [], "val": [], "test": []}
        for image in images:
            names[image["split"]].append(str(image["filename"]))
    return written, names


def _read_token(file: Path) -> Written:
    """Lines such as `1000268201_693b08cb0e.jpg#0<tab>A child in a pink dress …`."""
    written: Written = {}
    with _readable(file):
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, caption = line.partition("\t")
            if caption.strip():
                written.setdefault(name.rpartition("#")[0], []).append(caption.strip())
    return written


def _read_table(file: Path) -> Written:
    written: Written = {}
    with _readable(file):
        rows = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
        for row in rows:
            # A comma that nobody put between quotes belongs to the caption.
            caption = ",".join([row["caption"] or "", *row.get(None, [])]).strip()
            if caption:
                written.setdefault(row["image"], []).append(caption)
    return written


def _read_lists(root: Path) -> dict[str, list[str]]:
    """The makers' own lists of what is for training and what for development; empty where they are not there."""
    names = {}
    for split, list_of in (("train", "train"), ("val", "dev")):
        file = _find(root, f"Flickr_8k.{list_of}Images.txt")
        if file is None:
            return {}
        with _readable(file):
            names[split] = file.read_text(encoding="utf-8").split()
    return names


def _fixed_lists(written: Written) -> dict[str, list[str]]:
    """A split that is the same everywhere: by the hashes of the names an eighth, at most 1,000, for test and val."""
    names = sorted(written, key=lambda name: hashlib.md5(name.encode()).hexdigest())
    part = min(1000, max(1, len(names) // 8))
    return {"val": names[part : 2 * part], "train": names[2 * part :]}


def _find(root: Path, name: str) -> Path | None:
    return next((root / text / name for text in TEXTS if (root / text / name).is_file()), None)


@contextlib.contextmanager
def _readable(file: Path) -> Any:
    """Turns whatever is wrong with the content of a file into one sentence that names the file."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Flickr8kMissing(f"{file} is not what Flickr8k holds there: {error!r}.") from error


def _check_photographs(root: Path, splits: Splits) -> None:
    there = {folder: _names(folder) for folder in {one.file.parent for split in splits.values() for one in split}}
    missing = [one.file for split in splits.values() for one in split if one.file.name not in there[one.file.parent]]
    if missing:
        raise Flickr8kMissing(
            f"Flickr8k in {root} is not whole: {len(missing):,} photographs are missing, such as {missing[0]}."
        )


def _names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} if folder.is_dir() else set()


def _index(photographs: Iterable[Photograph]) -> COCO:
    """What LEMUR's data set asks for images and captions, made in memory."""
    photographs = list(photographs)
    index = COCO()
    texts = [(one.id, text) for one in photographs for text in one.captions]
    index.dataset = {
        "images": [{"id": one.id, "file_name": str(one.file)} for one in photographs],
        "annotations": [
            {"id": number, "image_id": image, "caption": text} for number, (image, text) in enumerate(texts, start=1)
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        index.createIndex()
    return index


def _find_tokenizer() -> None:
    """Has NLTK fetch what cuts captions into words where it is not there, as LEMUR's COCO loader does."""
    try:
        Caption.nltk.data.find("tokenizers/punkt_tab/english/")
    except LookupError:
        Caption.nltk.download("punkt_tab")


def _vocabulary(root: Path, photographs: Iterable[Photograph]) -> dict[str, int]:
    """LEMUR's vocabulary, from the captions alone (LEMUR opens every image for it) and kept beside the data."""
    file = root / "vocab.pth"
    if file.exists():
        kept: dict[str, int] = torch.load(file)["word2idx"]
        return kept
    counter: Counter[str] = Counter()
    for one in photographs:
        for caption in one.captions:
            counter.update(Caption.word_tokenize(caption.lower()))
    word2idx = {word: number for number, word in enumerate([*SPECIALS, *sorted(counter)])}
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with contextlib.suppress(OSError, RuntimeError):  # a folder that is only read has no place for it, and needs none
        torch.save({"word2idx": word2idx, "idx2word": dict(enumerate(word2idx))}, temporary)
        temporary.replace(file)
    return word2idx
