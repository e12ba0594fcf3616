"""COCO's layout of images and captions: names of files, ids, and the JSON of a split."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ab.gpt.scenes.compose import TRAIN, VAL
from ab.gpt.version import __version__

EDITION = 1
"""Raised whenever the same settings would give other pictures or captions than before."""
ANNOTATIONS = "annotations"
SPLITS = (TRAIN, VAL)
MOST = 1_000_000
"""Images of one split; the ids of the splits are far enough apart for that."""

_FIRST_ID = {TRAIN: 1, VAL: 10_000_001}
_CAPTIONS_APART = 10
_DATE = "2025-01-01 00:00:00"
DESCRIPTION = "Scenes drawn by NN-Caption, not photographs, with made-up captions: for practice only"


@dataclass(frozen=True)
class Settings:
    """All that the bytes of a data set depend on."""

    train: int
    val: int
    size: int
    seed: int
    edition: int = EDITION

    def number(self, split: str) -> int:
        return self.train if split == TRAIN else self.val


def image_folder(split: str) -> str:
    return f"{split}2017"


def annotations_name(split: str) -> str:
    return f"captions_{split}2017.json"


def image_name(split: str, index: int) -> str:
    """Twelve digits, as COCO's; ids of train and val differ, as COCO's do."""
    return f"{_FIRST_ID[split] + index:012d}.jpg"


def annotations_text(split: str, settings: Settings, captions: Iterable[tuple[str, ...]]) -> str:
    """The JSON of a split, for the captions of its images in their order."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for index, told in enumerate(captions):
        image_id = _FIRST_ID[split] + index
        images.append(
            {
                "id": image_id,
                "file_name": image_name(split, index),
                "width": settings.size,
                "height": settings.size,
                "license": 1,
                "date_captured": _DATE,
            }
        )
        annotations += [
            {"id": image_id * _CAPTIONS_APART + number, "image_id": image_id, "caption": caption}
            for number, caption in enumerate(told)
        ]
    whole = {"info": _info(settings), "licenses": _LICENSES, "images": images, "annotations": annotations}
    return json.dumps(whole) + "\n"


_LICENSES = [{"id": 1, "name": "MIT License", "url": "https://opensource.org/license/mit"}]


def _info(settings: Settings) -> dict[str, object]:
    return {
        "description": DESCRIPTION,
        "contributor": f"NN-Caption {__version__}",
        "version": f"{settings.edition}.0",
        "year": int(_DATE[:4]),
        "date_created": _DATE[:10].replace("-", "/"),
        "seed": settings.seed,
        "settings": asdict(settings),
    }
