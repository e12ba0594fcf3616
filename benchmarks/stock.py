"""What stock LEMUR does, each function in a process of its own, in a LEMUR root. Nothing of it is changed.

But for one thing: NLTK's downloader, which LEMUR calls each time, finds no network on many a machine and would be
measured instead.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from benchmarks.ground import TRANSFORM


def vocabulary() -> dict[str, Any]:
    """Seconds for the vocabulary: made, as LEMUR does by opening every image, and read again from its own file."""
    caption = _caption()
    train, _ = _data_sets()
    started = time.perf_counter()
    word2idx, _ = caption.build_vocab(train, threshold=1)
    made = time.perf_counter() - started
    import torch

    started = time.perf_counter()
    torch.load(Path(train.root) / "vocab.pth")
    return {"seconds": made, "again": time.perf_counter() - started, "words": list(word2idx)}


def batches(workers: int) -> dict[str, Any]:
    """Seconds of one epoch of training batches of 32, the first and the second, and what was in the first batch."""
    import torch
    from ab.nn.util.Train import train_loader_f

    train, _ = _data_sets()
    torch.manual_seed(0)
    return epochs(train_loader_f(train, 32, workers))


def epochs(loader: Any) -> dict[str, Any]:
    """Seconds of two epochs of a loader, with a sum over the batches by which they can be compared."""
    seconds, sums = [], []
    for _ in range(2):
        total = 0.0
        started = time.perf_counter()
        for images, captions in loader:
            total += float(images[0, 0, 0, 0]) + float(captions[-1, 0, 1])
        seconds.append(time.perf_counter() - started)
        sums.append(total)
    return {"first": seconds[0], "second": seconds[1], "sums": sums}


def bleu(ids: str) -> dict[str, Any]:
    """Seconds of LEMUR's metric over batches of 32 images, and its figure."""
    from ab.nn.metric.bleu import create_metric

    return over_batches(create_metric((1,)), **json.loads(Path(ids).read_bytes()))


def over_batches(metric: Any, references: list[list[list[int]]], predicted: list[list[int]]) -> dict[str, Any]:
    """Seconds of a metric that sees predictions and references as LEMUR's `Train` shows them, and its figure."""
    import torch

    def padded(rows: list[list[int]]) -> list[list[int]]:
        longest = max(map(len, rows))
        return [row + [0] * (longest - len(row)) for row in rows]

    batches = []
    for start in range(0, len(predicted), 32):
        some = references[start : start + 32]
        longest = max(len(caption) for image in some for caption in image)
        most = max(map(len, some))
        labels = [
            [caption + [0] * (longest - len(caption)) for caption in image] + [[0] * longest] * (most - len(image))
            for image in some
        ]
        batches.append((torch.tensor(padded(predicted[start : start + 32])), torch.tensor(labels)))
    started = time.perf_counter()
    metric.reset()
    for ids, captions in batches:
        metric(ids, captions)
    figure = metric.result()
    return {"seconds": time.perf_counter() - started, "figure": repr(figure)}


def candidates(files: list[str], prefix: str, workers: int) -> dict[str, Any]:
    """What NNGPT does for each candidate: LEMUR's `check_nn`, one after the other in one process."""
    import ab.nn.api as api

    _caption()
    began = time.perf_counter()
    ended, names = [], []
    for number, file in enumerate(files):
        prm = {
            "lr": 1e-3, "momentum": 0.9, "batch": 32, "epoch": 1, "transform": TRANSFORM, "num_workers": workers,
        }  # fmt: skip
        name, _, _, _ = api.check_nn(
            Path(file).read_text(), "img-captioning", "coco", "bleu", prm, prefix=prefix, save_path=f"out/{number}"
        )
        ended.append(time.perf_counter() - began)
        names.append(name)
    return {"ended": ended, "names": names}


def _caption() -> Any:
    import nltk

    nltk.download = lambda *_args, **_kwargs: True
    from ab.nn.loader.coco_ import Caption

    return Caption


def _data_sets() -> tuple[Any, Any]:
    """LEMUR's training and validation sets, with the vocabulary made from the captions where there is none yet."""
    _caption()
    import torch
    from ab.nn.util.Loader import load_dataset

    from ab.gpt.lemur.home import find_home
    from ab.gpt.train.words import kept_vocabulary

    folder = find_home().coco
    words = kept_vocabulary(find_home(), folder)
    word2idx = {word: number for number, word in enumerate(words)}
    torch.save({"word2idx": word2idx, "idx2word": dict(enumerate(words))}, folder / "vocab.pth")
    _, _, train, val = load_dataset("img-captioning", "coco", TRANSFORM)
    return train, val
