"""Whole splits for LEMUR's own `train`, which runs in the process of whoever started it: true captions included."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from ab.gpt.lemur.home import Home, find_home
from ab.gpt.train.cache import CAPTIONS, PICTURES
from ab.gpt.train.data import pictures
from ab.gpt.train.data.captioned import Captioned, Kept, Opened, Source
from ab.gpt.train.data.captions import CaptionTable, save
from ab.gpt.train.data.head import Parts, split_transform
from ab.gpt.train.dataset import Split, check_layout, fingerprint, read_split
from ab.gpt.train.room import made_by_one
from ab.gpt.train.words import kept_vocabulary, tokenizer

EDITION = 1


class Chosen(Captioned):
    """A split of which some pictures were chosen, in an order."""

    places: Sequence[int] | None = None

    def choose(self, places: Sequence[int]) -> None:
        """Has only these pictures in the data set from now on."""
        self.places = places

    def __len__(self) -> int:
        return len(self.captions) if self.places is None else len(self.places)

    def __getitems__(self, places: list[int]) -> Any:
        chosen = places if self.places is None else [self.places[place] for place in places]
        return super().__getitems__(chosen)


def whole_split(name: str, transform: Any) -> tuple[list[str], Chosen]:
    """The vocabulary and one split of COCO in LEMUR's root, from what was kept or made now."""
    home = find_home()
    check_layout(home.coco)
    words = kept_vocabulary(home, home.coco)
    split = read_split(home.coco, name)
    files = [split.images / split.files[image] for image in sorted(split.files)]
    parts = split_transform(transform)
    folder = _folder(home, split, name, words, parts)
    captions, kept = (folder / file.format(split=name) for file in (CAPTIONS, PICTURES))
    folder.mkdir(parents=True, exist_ok=True)
    with made_by_one(folder):
        if not captions.exists():
            save(_ids(split, words), captions)
        if parts is not None and not kept.exists():
            pictures.build(files, parts, kept)
    source: Source = Opened(files, transform) if parts is None else Kept(pictures.load(kept), parts)
    return words, Chosen(source, CaptionTable.load(captions), words)


def _folder(home: Home, split: Split, name: str, words: list[str], parts: Parts | None) -> Path:
    """Where this split after this head is kept: both files are there only when all of each is."""
    versions = [metadata.version(package) for package in ("pillow", "torchvision", "numpy", "nltk")]
    about = [str(EDITION), name, tokenizer()[0], "\n".join(words), parts.key if parts else "opened", *versions]
    digest = hashlib.sha256("\0".join([*about, fingerprint(split.annotations, split.images)]).encode())
    return home.out / "nncaption" / "cache" / f"whole-{digest.hexdigest()[:20]}"


def _ids(split: Split, words: list[str]) -> list[list[list[int]]]:
    _, tokenize = tokenizer()
    index = {word: number for number, word in enumerate(words)}
    sos, eos, unknown = (index[word] for word in ("<SOS>", "<EOS>", "<UNK>"))
    return [
        [[sos, *(index.get(word, unknown) for word in tokenize(caption.lower())), eos] for caption in captions]
        for captions in (split.captions[image] or [""] for image in sorted(split.files))
    ]
