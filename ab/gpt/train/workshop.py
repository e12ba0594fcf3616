"""The folder in which one training runs: a LEMUR root of its own, with everything it may see and nothing else."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from ab.gpt.isolate.foreign import MODULE
from ab.gpt.lemur.home import Home, make_root
from ab.gpt.train.dataset import read_split
from ab.gpt.train.exam import Exam


@dataclass(frozen=True)
class Workshop:
    """A job's folder, and the places outside it that the job may read."""

    folder: Path
    readable: tuple[Path, ...]

    def clear(self) -> None:
        """Leaves nothing of the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def set_up(folder: Path, home: Home, exam: Exam, code: str, dataset: str = "coco") -> Workshop:
    """A fresh folder with the network, LEMUR's data folder in small, and decoys for validation captions."""
    data = Path(exam.folder)
    shown = folder / "data" / dataset
    shutil.rmtree(folder, ignore_errors=True)
    make_root(folder, home.db_file.name)
    (shown / "annotations").mkdir(parents=True)
    (folder / f"{MODULE}.py").write_text(code, encoding="utf-8")
    (folder / "words.json").write_text(json.dumps(exam.words))
    train_annotations = data / "annotations" / "captions_train2017.json"
    (shown / "annotations" / train_annotations.name).symlink_to(train_annotations.resolve())
    for split in ("train", "val"):
        (shown / f"{split}2017").symlink_to((data / f"{split}2017").resolve())
    (shown / "annotations" / "captions_val2017.json").write_text(json.dumps(_decoy_annotations(data, exam)))
    readable = (
        train_annotations.resolve(),
        (data / "train2017").resolve(),
        (data / "val2017").resolve(),
        home.package.parent,
    )
    return Workshop(folder, readable)


def _decoy_annotations(data: Path, exam: Exam) -> dict[str, list[dict[str, object]]]:
    files = read_split(data, "val").files
    images: list[dict[str, object]] = [{"id": image, "file_name": files[image]} for image in exam.image_ids]
    pairs = [
        (image, caption)
        for image, captions in zip(exam.image_ids, exam.decoy_captions, strict=True)
        for caption in captions
    ]
    annotations: list[dict[str, object]] = [
        {"id": number, "image_id": image, "caption": caption} for number, (image, caption) in enumerate(pairs, start=1)
    ]
    return {"images": images, "annotations": annotations}
