"""Run in a process of its own, in a LEMUR root: the batches of LEMUR's loader and ours, compared bit for bit."""

import json
import sys
from pathlib import Path

import torch
from ab.nn.util.Train import test_loader_f, train_loader_f

from ab.gpt.train.data.captioned import captioned
from ab.gpt.train.lesson import lemur_data, seed_everything

order = json.loads(sys.argv[1])
outcome = {}
out_shape, *stock = lemur_data(order)
words = json.loads(Path(order["words"]).read_text())

ours = [
    captioned(Path(order["cache"]), split, order["files"].get(split), words, order["prm"]["transform"], order["seed"])
    for split in ("train", "val")
]
assert out_shape == (len(words),)
for workers in (0, 2):
    for name, make, pair in (("train", train_loader_f, 0), ("val", test_loader_f, 1)):
        batches = []
        for data in (stock[pair], ours[pair]):
            seed_everything(11)
            loader = make(data, 10, workers)
            batches.append([batch for _ in range(2) for batch in loader])
        assert len(batches[0]) == len(batches[1]) > 3
        for (image, caption), (image2, caption2) in zip(*batches, strict=True):
            assert image.dtype == image2.dtype and image.shape == image2.shape, (image.shape, image2.shape)
            assert torch.equal(image, image2), (name, workers, float((image - image2).abs().max()))
            assert caption.dtype == caption2.dtype and torch.equal(caption, caption2), name
        outcome[f"{name}-{workers}"] = len(batches[0])
one = ours[0][3]
assert one[0].dim() == 3 and one[1].dim() == 2
print(json.dumps(outcome))
