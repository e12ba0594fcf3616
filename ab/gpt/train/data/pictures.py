"""Pictures after the head of a transform, in one file that is mapped into memory and shared by all who read it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy
from PIL import Image

from ab.gpt.train.data.head import Parts

_AT_ONCE = 64


class BadPicture(Exception):
    """A file of the data set that is no whole picture; never a network's fault."""


def build(files: Sequence[Path], parts: Parts, out: Path, tell: Callable[[int, int], None] | None = None) -> None:
    """Decodes every picture once; the file is there when all of it is, and not before."""
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    first = as_array(files[0], parts)
    shape = (len(files), *first.shape)
    try:
        kept = numpy.lib.format.open_memmap(temporary, mode="w+", dtype=numpy.uint8, shape=shape)
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:  # Pillow lets others run while it decodes and resizes
            for start in range(0, len(files), _AT_ONCE):
                some = files[start : start + _AT_ONCE]
                for place, array in enumerate(threads.map(lambda file: as_array(file, parts), some), start=start):
                    kept[place] = array
                if tell:
                    tell(start, len(files))
        kept.flush()
        del kept
        with open(temporary, "rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


def load(file: Path) -> Any:
    """The pictures of a finished file, read from the disk as they are asked for."""
    return numpy.load(file, mmap_mode="r")


def open_picture(file: Path) -> Any:
    """A picture as LEMUR's loader would open it; `BadPicture` names the file that is none, or is cut off."""
    try:
        with Image.open(file) as opened:
            return opened.convert("RGB").copy()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadPicture(f"{file}: {error}") from error


def as_array(file: Path, parts: Parts) -> Any:
    """One picture after the head."""
    array = numpy.asarray(parts.fixed_head(open_picture(file)))
    return array if array.ndim == 3 else array[:, :, None]
