"""A data set that gives the batches of LEMUR's COCO loader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from PIL import Image
from torchvision import transforms

from ab.gpt.train.cache import CAPTIONS, PICTURES
from ab.gpt.train.data import pictures
from ab.gpt.train.data.captions import CaptionTable
from ab.gpt.train.data.head import Parts, split_transform
from ab.gpt.train.data.transforms import Fixed, lemur_transform, validation_transform

Batch = tuple[torch.Tensor, torch.Tensor]


class Captioned(torch.utils.data.Dataset[Any]):
    """Pictures and captions by their places; a loader asks for whole batches at once.

    The numbers that are drawn at random are the same, in the same order, as when each picture goes through LEMUR's
    transform alone, so the same seed gives the same batches.
    """

    def __init__(self, source: Source, captions: CaptionTable, words: Sequence[str]) -> None:
        self.source = source
        self.captions = captions
        self.idx2word = dict(enumerate(words))
        self.word2idx = {word: number for number, word in enumerate(words)}

    def __len__(self) -> int:
        return len(self.captions)

    def __getitem__(self, place: int) -> Batch:
        images, captions = self.__getitems__([place])
        return images[0], captions[0]

    def __getitems__(self, places: list[int]) -> Batch:
        return self.source.images(places), torch.from_numpy(self.captions.batch(places))

    @staticmethod
    def collate_fn(batch: Batch) -> Batch:
        """The batch itself: it is put together already."""
        return batch


class Source:
    """Where images come from."""

    def images(self, places: Sequence[int]) -> torch.Tensor:
        """The images of a batch after the whole transform."""
        raise NotImplementedError

    def draw_from(self, chance: torch.Generator | None) -> bool:  # noqa: ARG002 (most cannot)
        """True where what is random comes from this source of chance from now on; None stands for torch's own."""
        return False


class Kept(Source):
    """Images whose head is kept in an array; the tail is done for the whole batch where it can be."""

    def __init__(self, pictures: Any, parts: Parts, fixed: Callable[[Any], Any] | None = None) -> None:
        self.pictures = pictures
        self.parts = parts
        self.each = fixed or parts.each()
        self.as_batch = parts.as_batch and (fixed is None or not parts.is_random)
        self.chance: torch.Generator | None = None

    def draw_from(self, chance: torch.Generator | None) -> bool:
        self.chance = chance if self.as_batch else None
        return self.as_batch

    def images(self, places: Sequence[int]) -> torch.Tensor:
        chosen = self.pictures[numpy.asarray(places)]
        if not self.as_batch:
            return torch.stack([_flat(self.each(_picture(array))) for array in chosen])
        images = torch.from_numpy(chosen).permute(0, 3, 1, 2)
        for step in self.parts.tail:
            if isinstance(step, transforms.RandomHorizontalFlip):
                mirrored = draw_mirrored(places, step.p, self.chance)
                images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
            elif isinstance(step, transforms.ToTensor):
                images = images.contiguous().to(torch.get_default_dtype()).div(255)
            else:
                images = step(images)
        return images


class Opened(Source):
    """Images that are opened each time, where they would take too much room to be kept."""

    def __init__(self, files: Sequence[Path], transform: Callable[[Any], Any]) -> None:
        self.files = files
        self.transform = transform

    def images(self, places: Sequence[int]) -> torch.Tensor:
        opened = (pictures.open_picture(self.files[place]) for place in places)
        return torch.stack([_flat(self.transform(picture)) for picture in opened])


def captioned(
    folder: Path, split: str, files: Sequence[str] | None, words: Sequence[str], transform: str, seed: int
) -> Captioned:
    """One split from a folder of kept things; with files its pictures are opened each time."""
    step = lemur_transform(transform)
    fixed = None
    if split == "val":
        step = validation_transform(step)
    captions = CaptionTable.load(folder / CAPTIONS.format(split=split))
    if files is not None:
        source: Source = Opened([Path(file) for file in files], Fixed(step, seed) if split == "val" else step)
        return Captioned(source, captions, words)
    parts = split_transform(step)
    if parts is None:
        raise ValueError(f"the transform {transform} has no head that could have been kept")
    if split == "val":
        fixed = Fixed(parts.each(), seed)
    return Captioned(Kept(pictures.load(folder / PICTURES.format(split=split)), parts, fixed), captions, words)


def draw_mirrored(places: Sequence[int], share: float, chance: torch.Generator | None) -> torch.Tensor:
    """Which pictures are mirrored: one number for each, drawn one by one as the transform itself draws them."""
    return torch.cat([torch.rand(1, generator=chance) for _ in places]) < share


def _picture(array: Any) -> Image.Image:
    return Image.fromarray(array if array.shape[2] == 3 else array[:, :, 0])


def _flat(image: torch.Tensor) -> torch.Tensor:
    return image.squeeze(0) if image.dim() == 4 and image.size(0) == 1 else image
