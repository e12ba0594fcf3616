"""What is made once of a data set for all trainings: captions as token ids, and pictures after a transform's head.

Everything lies in a folder of its own under a key that changes with the data, the tokenizer, the vocabulary, the
transform and the libraries that resize; an older one is never mistaken for it. Pictures are decoded in a job behind
walls, which may write into that folder and nowhere else. The oldest folders go when the room is used up.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from ab.gpt.isolate.job import GIB, How, Job, Limits
from ab.gpt.isolate.run import run
from ab.gpt.isolate.warm import Warm
from ab.gpt.lemur.home import Home, make_root
from ab.gpt.train.dataset import BadData, fingerprint, read_split
from ab.gpt.train.exam import Exam
from ab.gpt.train.room import LOCK_SECONDS, made_by_one, make_room, mark
from ab.gpt.train.settings import Settings
from ab.gpt.train.words import tokenizer

EDITION = 1
CAPTIONS = "captions-{split}.npz"
PICTURES = "pictures-{split}.npy"
FEATURES = "features-{split}.npy"
SPLITS = ("train", "val")
READY = "ready.json"

log = logging.getLogger(__name__)

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Prepared:
    """A folder with what is ready; where pictures are not kept, the files that are opened each time."""

    folder: Path
    files: dict[str, list[str]] = field(default_factory=dict)
    features: Path | None = None
    """A folder with what a network's frozen encoder makes of the pictures."""

    @property
    def feature_files(self) -> dict[str, str]:
        """The files with what the encoder makes of each split; none where it runs itself."""
        if self.features is None:
            return {}
        return {split: str(self.features.resolve() / FEATURES.format(split=split)) for split in SPLITS}

    @property
    def folders(self) -> list[Path]:
        """The folders that a training reads."""
        return [folder.resolve() for folder in (self.folder, self.features) if folder is not None]


def prepare(
    home: Home,
    exam: Exam,
    settings: Settings,
    warm: Warm | None = None,
    tell: Tell | None = None,
    stop: threading.Event | None = None,
) -> Prepared | None:
    """What trainings with these settings share, made now if it is not there; None where LEMUR's loader is wanted."""
    if not settings.cache_gb:
        return None
    folder = home.out / "nncaption" / "cache" / cache_key(home, exam, settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with made_by_one(folder):
        about = _ready(folder, settings)
        try:
            if about is None:
                about = _make(home, exam, settings, folder, warm, tell, stop)
            os.utime(folder)
            mark(folder)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            log.warning("Nothing can be kept in %s (%s): LEMUR's own loader is used, which is slower.", folder, error)
            return None
    make_room(folder.parent, int(settings.cache_gb * GIB), keep=folder)
    return Prepared(folder, {} if about["pictures"] else _files(exam))


_FINAL = (How.RETURNED, How.MEMORY, How.DISK)
"""After these it would end the same way again; a job that was stopped or killed says nothing of the next."""


def _make(
    home: Home,
    exam: Exam,
    settings: Settings,
    folder: Path,
    warm: Warm | None,
    tell: Tell | None,
    stop: threading.Event | None,
) -> dict[str, Any]:
    """What is said of a folder that has just been filled; what a killed process left there goes first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    _save_captions(exam, folder)
    how, pictures = _build_pictures(home, exam, settings, folder, warm, tell, stop)
    about: dict[str, Any] = {
        "edition": EDITION, "pictures": pictures, "data": exam.folder, "transform": settings.transform,
        "cache_gb": settings.cache_gb,
    }  # fmt: skip
    if how in _FINAL:
        (folder / READY).write_text(json.dumps(about))
    else:
        log.warning("Pictures are opened anew each time, for keeping them ended early (%s); the next tries again.", how)
    return about


def cache_key(home: Home, exam: Exam, settings: Settings) -> str:
    """The name of what belongs to this data, tokenizer, vocabulary and transform, with these libraries."""
    data = Path(exam.folder)
    annotations = [data / "annotations" / f"captions_{split}2017.json" for split in ("train", "val")]
    transform = (home.code_dir("transform") / f"{settings.transform}.py").read_text()
    versions = [metadata.version(package) for package in ("pillow", "torchvision", "numpy")]
    parts = [
        str(EDITION), fingerprint(*annotations, data / "train2017", data / "val2017"), exam.tokenizer,
        json.dumps(exam.words), json.dumps(exam.image_ids), json.dumps(exam.decoy_captions), transform, *versions,
    ]  # fmt: skip
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _ready(folder: Path, settings: Settings) -> dict[str, Any] | None:
    """What is in a finished folder; None where it is not finished, files are gone, or there was less room then."""
    try:
        about: dict[str, Any] = json.loads((folder / READY).read_text())
    except (OSError, ValueError):
        return None
    names = [CAPTIONS, PICTURES] if about.get("pictures") else [CAPTIONS]
    whole = all((folder / name.format(split=split)).is_file() for name in names for split in ("train", "val"))
    whole = whole and (about.get("pictures") or about.get("cache_gb", 0) >= settings.cache_gb)
    return about if whole and about.get("edition") == EDITION else None


def _save_captions(exam: Exam, folder: Path) -> None:
    """The training captions, and for validation the decoys: the true ones never come near a child."""
    from ab.gpt.train.data.captions import save

    train = read_split(Path(exam.folder), "train")
    _, tokenize = tokenizer()
    index = {word: number for number, word in enumerate(exam.words)}
    sos, eos, unknown = (index[word] for word in ("<SOS>", "<EOS>", "<UNK>"))
    known: dict[str, list[int]] = {}

    def ids(caption: str) -> list[int]:
        if caption not in known:
            known[caption] = [sos, *(index.get(word, unknown) for word in tokenize(caption.lower())), eos]
        return known[caption]

    pictures = [[ids(caption) for caption in train.captions[image] or [""]] for image in sorted(train.files)]
    save(pictures, folder / CAPTIONS.format(split="train"))
    save(exam.decoys, folder / CAPTIONS.format(split="val"))


def _build_pictures(
    home: Home,
    exam: Exam,
    settings: Settings,
    folder: Path,
    warm: Warm | None,
    tell: Tell | None,
    stop: threading.Event | None,
) -> tuple[How, bool]:
    """True when the pictures of both splits are kept; false where the transform or the room does not allow it."""
    data = Path(exam.folder)
    files = _files(exam)
    shop = folder / "job"
    make_root(shop, home.db_file.name)
    order = {
        "folder": str(shop.resolve()),
        "out": {split: PICTURES.format(split=split) for split in files},
        "transform": settings.transform,
        "files": files,
        "most_bytes": int(settings.cache_gb * GIB / 2),
    }
    job = Job(
        "ab.gpt.train.data.work:work",
        order,
        shop.resolve(),
        ((data / "train2017").resolve(), (data / "val2017").resolve(), home.package.parent),
        (str(home.package.parent.parent),),
        limits=Limits(
            wall_seconds=LOCK_SECONDS,
            folder_bytes=int(settings.cache_gb * GIB) + GIB,
            file_bytes=int(settings.cache_gb * GIB) + GIB,
        ),
        require=settings.walls,
    )

    def hear(event: dict[str, object]) -> None:
        if tell and type(event.get("done")) is int and type(event.get("of")) is int:
            tell(f"keeping {event.get('split')} pictures", event["done"], event["of"])  # type: ignore[arg-type]

    result = run(job, hear, stop, warm=warm)
    if result.error_type == "BadPicture":
        shutil.rmtree(folder, ignore_errors=True)
        raise BadData(
            f"An image cannot be read: {result.reason}.", "Restore it, or take it out of the data set's annotations."
        )
    kept = result.how is How.RETURNED and bool(result.value)
    for split in files if kept else ():
        (shop / PICTURES.format(split=split)).replace(folder / PICTURES.format(split=split))
    shutil.rmtree(shop, ignore_errors=True)
    return result.how, kept


def _files(exam: Exam) -> dict[str, list[str]]:
    """The pictures of both splits in the order of their captions."""
    data = Path(exam.folder)
    found = {}
    for split in ("train", "val"):
        names = read_split(data, split).files
        ids = sorted(names) if split == "train" else exam.image_ids
        found[split] = [str((data / f"{split}2017").resolve() / names[image]) for image in ids]
    return found
