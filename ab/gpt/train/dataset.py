"""A captioning data set in COCO's layout: its images, its captions, and the vocabulary that LEMUR makes of them."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ab.gpt.errors import NNCaptionError

SPECIALS = ("<PAD>", "<SOS>", "<EOS>", "<UNK>")
IMAGE_HEADS = (b"\xff\xd8\xff", b"\x89PN")

Captions = dict[int, list[str]]


class BadData(NNCaptionError):
    """The data folder is not what LEMUR's COCO loader can read."""


@dataclass(frozen=True)
class Split:
    """One split of a data set, in the order of the images' ids, as LEMUR's loader takes it."""

    annotations: Path
    images: Path
    files: dict[int, str]
    captions: Captions


def check_layout(folder: Path) -> None:
    """Raises `BadData` unless the folder is in COCO's layout."""
    if not folder.is_dir():
        raise BadData(f"There is no data set in {folder}.", _ways_out(folder))
    for split in ("train", "val"):
        for part in (folder / "annotations" / f"captions_{split}2017.json", folder / f"{split}2017"):
            if not part.exists():
                raise BadData(
                    f"{folder} is not in COCO's layout: {part.relative_to(folder)} is missing.", _ways_out(folder)
                )


def read_split(folder: Path, split: str) -> Split:
    """One split's images and captions; `BadData` where the annotations are not COCO's."""
    annotations = folder / "annotations" / f"captions_{split}2017.json"
    try:
        raw = json.loads(annotations.read_bytes())
        files = {int(image["id"]): str(image["file_name"]) for image in raw["images"]}
        captions: Captions = {image: [] for image in sorted(files)}
        for annotation in raw["annotations"]:
            if "caption" in annotation:
                captions.setdefault(int(annotation["image_id"]), []).append(str(annotation["caption"]))
    except OSError as error:
        raise BadData(f"{annotations} cannot be read: {error.strerror}.", _ways_out(folder)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadData(f"{annotations} does not hold COCO's captions: {error!r}.", _ways_out(folder)) from error
    if not files:
        raise BadData(f"{annotations} names no image.", _ways_out(folder))
    return Split(annotations, folder / f"{split}2017", files, captions)


def check_images(split: Split, image_ids: Iterable[int]) -> None:
    """Raises `BadData` for the first of the images that is missing or is none."""
    for image in image_ids:
        file = split.images / split.files[image]
        try:
            with file.open("rb") as handle:
                head = handle.read(3)
        except OSError as error:
            raise BadData(
                f"The image {file} cannot be read: {error.strerror}.",
                f"Restore it, or take it out of the annotations in {split.annotations}.",
            ) from error
        if head not in IMAGE_HEADS:
            raise BadData(f"{file} is neither a JPEG nor a PNG image.", "Restore it from the data set.")


def vocabulary(folder: Path, train: Split, tokens: dict[str, list[str]]) -> list[str]:
    """All words in the order of their ids: LEMUR's own list where it has made one, else the one it would make.

    LEMUR opens every image for it; the captions alone give the same list.
    """
    made = folder / "vocab.pth"
    if made.exists():
        return _read_vocabulary(made)
    words = {word for image in train.files for caption in train.captions[image] for word in tokens[caption]}
    return [*SPECIALS, *sorted(words)]


def fingerprint(*places: Path) -> str:
    """A name for what lies at these paths: the contents of files, and of folders every entry's name, size and time."""
    digest = hashlib.blake2b(digest_size=10)
    for place in places:
        digest.update(f"{place.resolve()}\n".encode())
        if place.is_dir():
            with os.scandir(place) as entries:
                for name, about in sorted((entry.name, entry.stat()) for entry in entries):
                    digest.update(f"{name}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
        elif place.exists():
            digest.update(hashlib.blake2b(place.read_bytes()).digest())
    return digest.hexdigest()


class _PlainUnpickler(pickle.Unpickler):
    """Reads dictionaries, lists, texts and numbers, and refuses anything that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it holds a {module}.{name}")


def _read_vocabulary(file: Path) -> list[str]:
    """The words of a `vocab.pth`, which is a zip archive around a plain pickle; torch is not needed for it."""
    try:
        with zipfile.ZipFile(file) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(name) as data:
                word2idx = _PlainUnpickler(data).load()["word2idx"]
        words = sorted(word2idx, key=word2idx.__getitem__)
        if [word2idx[word] for word in words] != list(range(len(words))) or tuple(words[:4]) != SPECIALS:
            raise ValueError("its ids are not 0, 1, 2, … with the special tokens first")
        return words
    except (
        OSError,
        zipfile.BadZipFile,
        pickle.UnpicklingError,
        StopIteration,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise BadData(
            f"LEMUR's vocabulary {file} cannot be read: {error!r}.", "Delete it; it is made anew from the captions."
        ) from error


def _ways_out(folder: Path) -> str:
    practise = f"To practise without a network: nncaption scenes {folder}"
    if folder.name != "coco":
        return f"Put the data set there: annotations/captions_SPLIT2017.json and SPLIT2017/. {practise}"
    return f"LEMUR downloads COCO (20 GB) where {folder} does not exist. {practise}"
