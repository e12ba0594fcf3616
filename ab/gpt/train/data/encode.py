"""The job that runs a frozen encoder over kept pictures: the toolkit's own code and torchvision's, behind walls.

No network has a part in it, so none can leave something in what all the others read.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

HEARTBEAT_SECONDS = 1.0
_PIXELS = {"cpu": 1 << 18, "cuda": 1 << 24}
"""Of all pictures in a batch. On a CPU few, so that memory for what passes between layers need not be fetched anew."""
_SMALLEST = 64 * 64
"""Smaller pictures are enlarged."""


class Channel(Protocol):
    """Where the child says how far it is."""

    def send(self, event: dict[str, Any]) -> None:
        """Passes one event to the parent."""


def work(order: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Whether the features of all splits are kept, and the bytes that they take; 0 if the transform is too random."""
    os.chdir(order["folder"])
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(order["threads"])
    import torch

    from ab.gpt.train.data import pictures
    from ab.gpt.train.data.captioned import Kept
    from ab.gpt.train.data.features import save
    from ab.gpt.train.data.head import split_transform
    from ab.gpt.train.data.transforms import lemur_transform, validation_transform
    from ab.gpt.train.weights import weights_policy

    torch.set_num_threads(order["threads"])
    weights_policy(pretrained=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = importlib.import_module(order["module"]).Encoder().to(device, memory_format=torch.channels_last).eval()
    transform = lemur_transform(order["transform"])
    sources: dict[str, list[Kept]] = {}
    for split, file in order["pictures"].items():
        parts = split_transform(transform if split == "train" else validation_transform(transform))
        kept = pictures.load(Path(file))
        sources[split] = [Kept(kept, version) for version in (parts.versions if parts else ())]
        if not sources[split]:
            return {"kept": False, "bytes": 0}

    @torch.inference_mode()
    def features(split: str, start: int, end: int) -> Any:
        """Of some pictures, [pictures, versions, …]."""
        images = (source.images(range(start, end)).to(device) for source in sources[split])
        made = [encoder(some.contiguous(memory_format=torch.channels_last)).float().cpu() for some in images]
        return torch.stack(made, 1).numpy()

    shapes = {split: (len(some[0].pictures), *features(split, 0, 1).shape[1:]) for split, some in sources.items()}
    total = sum(4 * int(torch.Size(shape).numel()) for shape in shapes.values())
    if total > order["most_bytes"]:
        return {"kept": False, "bytes": total}
    of = sum(shape[0] for shape in shapes.values())

    def batches(split: str, done: int) -> Iterator[Any]:
        count = shapes[split][0]
        pixels = max(_SMALLEST, sources[split][0].images([0])[0, 0].numel())
        at_once = max(1, _PIXELS[device.type] // pixels)
        told = 0.0
        for start in range(0, count, at_once):
            if time.monotonic() - told > HEARTBEAT_SECONDS:
                told = time.monotonic()
                channel.send({"done": done + start, "of": of})
            yield features(split, start, min(start + at_once, count))

    done = 0
    for split, shape in shapes.items():
        save(batches(split, done), shape, Path(order["out"][split]))
        done += shape[0]
    return {"kept": True, "bytes": total}
