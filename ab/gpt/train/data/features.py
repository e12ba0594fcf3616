"""What a frozen encoder makes of every picture, computed once: the file of it, and batches from that file.

The file is read and not mapped into memory: what is mapped counts as the memory of whoever looks at it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import nn

from ab.gpt.train.data.captioned import Captioned, Kept, Source, draw_mirrored


class FeatureFile:
    """Features by picture and version, [pictures, versions, …]: plain ones first, then mirrored ones."""

    def __init__(self, file: Path) -> None:
        about = numpy.load(file, mmap_mode="r")
        self.shape: tuple[int, ...] = about.shape
        self.start: int = about.offset
        self.size: int = about[0, 0].nbytes
        self.file = open(file, "rb", buffering=0)  # noqa: SIM115 (as long as the data set lives)

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, places: Sequence[int], versions: Sequence[int]) -> torch.Tensor:
        """The features of some pictures, of each the version that is asked for."""
        found = numpy.empty((len(places), *self.shape[2:]), numpy.float32)
        for row, (place, version) in enumerate(zip(places, versions, strict=True)):
            at = self.start + (int(place) * self.shape[1] + int(version)) * self.size
            found[row].flat = numpy.frombuffer(os.pread(self.file.fileno(), self.size, at), numpy.float32)
        return torch.from_numpy(found)


def save(batches: Iterable[Any], shape: tuple[int, ...], file: Path) -> None:
    """Writes features one batch after the other; the file is there when all of it is, and a full disk is an error."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    about = {"descr": "<f4", "fortran_order": False, "shape": shape}
    try:
        with open(temporary, "wb") as handle:
            numpy.lib.format.write_array_header_1_0(handle, about)
            for batch in batches:
                handle.write(numpy.ascontiguousarray(batch, "<f4").data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


class Featured(Source):
    """Features in the place of images, mirrored just where the images would have been."""

    def __init__(self, features: FeatureFile, share: float | None) -> None:
        self.features = features
        self.share = share
        """How many are mirrored; None where no number is drawn for it."""
        self.chance: torch.Generator | None = None

    def draw_from(self, chance: torch.Generator | None) -> bool:
        self.chance = chance
        return True

    def images(self, places: Sequence[int]) -> torch.Tensor:
        """The features of a batch."""
        if self.share is None:
            return self.features.read(places, [0] * len(places))
        return self.features.read(places, draw_mirrored(places, self.share, self.chance).tolist())


def skip_encoder(model: nn.Module, files: dict[str, FeatureFile], sets: dict[str, Captioned]) -> None:
    """Has a network that is built already take features for images, and its data sets give them."""
    for split, data in sets.items():
        assert isinstance(data.source, Kept)
        mirror = data.source.parts.mirror
        data.source = Featured(files[split], None if mirror is None else mirror.p)
    model.encoder = nn.Identity()
