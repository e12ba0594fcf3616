"""All captions of a split as token ids, in three arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy


class CaptionTable:
    """The captions of each picture; `batch` gives what LEMUR's collate gives, without cutting any text."""

    def __init__(self, ids: Any, caption_ends: Any, picture_ends: Any) -> None:
        self.ids = ids
        self.starts = numpy.concatenate([[0], caption_ends[:-1]]) if len(caption_ends) else caption_ends
        self.lengths = caption_ends - self.starts
        self.first = numpy.concatenate([[0], picture_ends[:-1]]) if len(picture_ends) else picture_ends
        self.counts = picture_ends - self.first

    @classmethod
    def load(cls, file: Path) -> CaptionTable:
        """The table in a file that `save` has written."""
        with numpy.load(file) as kept:
            return cls(kept["ids"], kept["caption_ends"], kept["picture_ends"])

    def __len__(self) -> int:
        return len(self.counts)

    def batch(self, places: Sequence[int]) -> Any:
        """Token ids [pictures, most captions, longest caption], filled with PAD (0)."""
        chosen = numpy.asarray(places)
        counts = self.counts[chosen]
        rows = numpy.repeat(numpy.arange(len(chosen)), counts)
        within = numpy.arange(len(rows)) - numpy.repeat(numpy.cumsum(counts) - counts, counts)
        captions = numpy.repeat(self.first[chosen], counts) + within
        lengths = self.lengths[captions]
        filled = numpy.zeros((len(chosen), int(counts.max()), int(lengths.max())), dtype=numpy.int64)
        place = numpy.arange(filled.shape[2])
        inside = place < lengths[:, None]
        filled[rows, within] = numpy.where(inside, self.ids[(self.starts[captions, None] + place) * inside], 0)
        return filled


def save(pictures: Sequence[Sequence[Sequence[int]]], file: Path) -> None:
    """Writes the captions of all pictures; the file is there when all of it is."""
    ids = numpy.fromiter((token for captions in pictures for caption in captions for token in caption), numpy.int32)
    lengths = numpy.fromiter((len(caption) for captions in pictures for caption in captions), numpy.int64)
    counts = numpy.fromiter((len(captions) for captions in pictures), numpy.int64)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as handle:
            numpy.savez(handle, ids=ids, caption_ends=numpy.cumsum(lengths), picture_ends=numpy.cumsum(counts))
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
