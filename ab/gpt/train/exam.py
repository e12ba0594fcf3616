"""What every network is examined on, made ready once: a vocabulary, fixed images, true captions, and decoys.

The child that trains foreign code gets the images, the training captions, and decoys in place of the validation
captions; the true ones never leave the parent. So nothing that the child reads, remembers or patches can reach them,
and a network that answers with the decoys has looked where it should not.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from ab.gpt.lemur.home import Home
from ab.gpt.train.dataset import (
    BadData,
    Captions,
    Split,
    check_images,
    check_layout,
    fingerprint,
    read_split,
    vocabulary,
)
from ab.gpt.train.scores import Ground, Scores, Vocabulary, lemur_bleu
from ab.gpt.train.words import Tokenize, tokenizer, tokens_of

EDITION = 1
"""Raised when an exam would come out differently for the same data, so that kept ones are made anew."""

Ids = list[int]


@dataclass(frozen=True)
class Exam:
    """Fixed images and their captions as ids. `references` and `decoys` are as LEMUR's loader gives them, unpadded."""

    folder: str
    words: list[str]
    tokenizer: str
    image_ids: list[int]
    references: list[list[Ids]]
    decoys: list[list[Ids]]
    decoy_captions: list[list[str]]
    blind: list[Ids]
    """The distinct training captions: what a network could say without looking."""
    train_images: int

    @cached_property
    def key(self) -> str:
        """What token ids and scores depend on; captions of an exam with another key mean something else."""
        text = json.dumps([self.words, self.image_ids, self.references])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def ground(self) -> Ground:
        """The scorer on these images, with the best blind caption found."""
        return Ground(self.references, Vocabulary.of(dict(enumerate(self.words))), self.blind)

    def score(self, predicted: list[Ids], seed: int = 0) -> Scores:
        """All scores of a network's captions for these images."""
        return self.ground.score(predicted, seed=seed)

    def on_decoys(self, predicted: list[Ids]) -> float:
        """LEMUR's figure against the decoys: what the child must have measured if it was honest."""
        return lemur_bleu(predicted, self.decoys)

    def shares(self, predicted: list[Ids]) -> tuple[float, float]:
        """The shares of captions that repeat a true caption, and a decoy, to the letter."""
        vocabulary = self.ground.vocabulary
        said = [tuple(vocabulary.clean(ids)) for ids in predicted]

        def share(answers: list[list[Ids]]) -> float:
            hits = sum(
                len(one) > 3 and one in {tuple(vocabulary.clean(caption)) for caption in captions}
                for one, captions in zip(said, answers, strict=True)
            )
            return hits / max(1, len(said))

        return share(self.references), share(self.decoys)


def make_exam(home: Home, folder: Path, val_images: int | None = 300, seed: int = 0) -> Exam:
    """The exam on a data set: from the cache under LEMUR's `out/` while the data stays the same, else made now."""
    check_layout(folder)
    name, tokenize = tokenizer()
    annotations = [folder / "annotations" / f"captions_{split}2017.json" for split in ("train", "val")]
    key = fingerprint(*annotations, folder / "vocab.pth")
    kept = home.out / "nncaption" / "exams" / f"{key}-{EDITION}-{name}-{val_images or 'all'}-{seed}.json"
    exam = _load(kept) or _make(folder, name, tokenize, val_images, seed)
    check_images(read_split(folder, "val"), exam.image_ids)
    if not kept.exists():
        with contextlib.suppress(OSError):  # where nothing can be kept it is made each time
            _save(exam, kept)
    return exam


def _make(folder: Path, name: str, tokenize: Tokenize, val_images: int | None, seed: int) -> Exam:
    train, val = read_split(folder, "train"), read_split(folder, "val")
    check_images(train, train.files)
    image_ids = choose_images(val, val_images, seed)
    decoys = choose_decoys(train, image_ids, seed)
    texts = {caption for captions in train.captions.values() for caption in captions}
    texts |= {caption for image in image_ids for caption in val.captions[image]} | {""}
    tokens = tokens_of(texts, tokenize)
    words = vocabulary(folder, train, tokens)
    index = {word: number for number, word in enumerate(words)}
    sos, eos, unknown = (index[word] for word in ("<SOS>", "<EOS>", "<UNK>"))

    def ids(caption: str) -> Ids:
        return [sos, *(index.get(word, unknown) for word in tokens[caption]), eos]

    return Exam(
        folder=str(folder),
        words=words,
        tokenizer=name,
        image_ids=image_ids,
        references=[[ids(caption) for caption in val.captions[image] or [""]] for image in image_ids],
        decoys=[[ids(caption) for caption in decoys[image]] for image in image_ids],
        decoy_captions=[decoys[image] for image in image_ids],
        blind=[ids(caption) for caption in sorted({c for captions in train.captions.values() for c in captions})],
        train_images=len(train.files),
    )


def choose_images(split: Split, count: int | None, seed: int) -> list[int]:
    """A fixed, seeded choice of validation images, or all of them for None; the same for every network."""
    ids = sorted(split.files)
    if count is None or count >= len(ids):
        return ids
    if count < 1:
        raise BadData(f"{count} validation images are not enough to score anything.", "Ask for at least one.")
    return sorted(random.Random(f"validation {seed}").sample(ids, count))


def choose_decoys(train: Split, image_ids: list[int], seed: int) -> Captions:
    """For each validation image the captions of some training image: what a child that peeks will find."""
    dice = random.Random(f"decoys {seed}")
    donors = [image for image in sorted(train.files) if train.captions[image]]
    if not donors:
        raise BadData(f"{train.annotations} has no captions to learn from.", "Complete the annotations.")
    return {image: train.captions[dice.choice(donors)] for image in image_ids}


def _load(file: Path) -> Exam | None:
    if not file.exists():
        return None
    try:
        return Exam(**json.loads(file.read_bytes()))
    except (ValueError, TypeError):
        return None  # of another edition, or cut off: it is made anew


def _save(exam: Exam, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(asdict(exam)))
    temporary.replace(file)
