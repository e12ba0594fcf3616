"""A data set of drawn scenes in a folder, from its settings alone."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from ab.gpt.errors import UsageError
from ab.gpt.scenes.captions import captions
from ab.gpt.scenes.compose import compose
from ab.gpt.scenes.draw import draw
from ab.gpt.scenes.folder import FolderTaken, absolute, captions_there, clear_errors, whole_folder
from ab.gpt.scenes.layout import (
    ANNOTATIONS,
    MOST,
    SPLITS,
    Settings,
    annotations_name,
    annotations_text,
    image_folder,
    image_name,
)
from ab.gpt.scenes.words import vocabulary

Progress = Callable[[int, int], None]
"""Called with the number of images that are drawn, and of all images."""

SMALLEST = 32
LARGEST = 4096
_QUALITY = 90


@dataclass(frozen=True)
class SceneReport:
    """What lies in the folder now."""

    folder: Path
    train: int
    val: int
    distinct_captions: int
    vocabulary: int
    """Different words of all captions, in lower case and without punctuation."""
    seconds: float
    drawn: bool
    """False where the very same data set was there already, and nothing was done."""


def draw_scenes(
    folder: Path,
    *,
    train: int = 400,
    val: int = 100,
    size: int = 160,
    seed: int = 0,
    progress: Progress | None = None,
) -> SceneReport:
    """A folder of drawn scenes with five captions each, laid out as COCO's captions of 2017 are.

    The same numbers give the same bytes, a larger data set begins with the smaller one, and no description of a scene
    occurs in both splits. The folder must not exist, or be empty, or hold this very data set already.
    """
    began = time.monotonic()
    settings = _checked(Settings(train, val, size, seed))
    folder = absolute(Path(folder))
    there = captions_there(folder, settings)
    drawn = False
    if there is None:
        try:
            with whole_folder(folder) as workplace:
                there = _fill(workplace, folder, settings, progress)
            drawn = True
        except FolderTaken:
            # Perhaps by another process, with just these scenes.
            there = captions_there(folder, settings)
            if there is None:
                raise
    seconds = time.monotonic() - began
    return SceneReport(folder, train, val, len(set(there)), len(vocabulary(there)), seconds, drawn)


def _checked(settings: Settings) -> Settings:
    limits = (
        ("train", settings.train, 1, MOST, "images"),
        ("val", settings.val, 1, MOST, "images"),
        ("size", settings.size, SMALLEST, LARGEST, "pixels"),
    )
    for name, number, least, most, what in limits:
        if not least <= number <= most:
            raise UsageError(f"{name} is {number}.", f"Choose from {least} to {most} {what}.")
    return settings


def _fill(workplace: Path, folder: Path, settings: Settings, progress: Progress | None) -> list[str]:
    """Draws everything into the workplace; all captions."""
    told: list[str] = []
    done, total = 0, settings.train + settings.val
    with clear_errors(folder):
        (workplace / ANNOTATIONS).mkdir()
    for split in SPLITS:
        of_split = []
        for image in _images(workplace, folder, split, settings):
            of_split.append(image)
            told += image
            done += 1
            if progress is not None:
                progress(done, total)
        with clear_errors(folder):
            file = workplace / ANNOTATIONS / annotations_name(split)
            file.write_bytes(annotations_text(split, settings, of_split).encode())
    return told


def _images(workplace: Path, folder: Path, split: str, settings: Settings) -> Iterator[tuple[str, ...]]:
    """Draws the images of a split, one for each step; the captions of each."""
    place = workplace / image_folder(split)
    with clear_errors(folder):
        place.mkdir()
    for index in range(settings.number(split)):
        scene = compose(settings.seed, split, index)
        # In memory first: Pillow keeps to itself why a file could not be written.
        picture = io.BytesIO()
        draw(scene, settings.size).save(picture, "JPEG", quality=_QUALITY)
        with clear_errors(folder):
            (place / image_name(split, index)).write_bytes(picture.getbuffer())
        yield captions(scene, Random(f"{settings.seed}/{split}/{index}/captions"))
