"""Captions for 300 images: LEMUR's ResNetTransformer against a rendered Transformer of its size.

Both have a ResNet-50 without weights in front, an image as one vector, six layers, 768 wide, a vocabulary of 27,000,
and search with four beams for 20 tokens, in one process with the same number of threads. LEMUR's search goes through
the images one by one, so that its time grows with their number: the short benchmark measures a few and multiplies.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from ab.gpt.lemur.home import find_package
from ab.gpt.propose.blueprint.blueprint import Backbone, Beam, Blueprint, Pooled, Training, Transformer
from ab.gpt.propose.blueprint.render import render
from benchmarks.measure import REPO, Comparison

IMAGES, FEW = 300, 15
RENDERED = Blueprint(
    encoder=Backbone("resnet50", "none", "wholly"),
    memory=Pooled(),
    decoder=Transformer("Transformer", 768, 8, 6, 3, "post", "sinusoidal", False),
    dropout=0.1,
    training=Training("adamw", "constant", 0.1, 0.0, 3.0, 1, False),
    decoding=Beam(4, 0.7, 20),
)
CHILD = """
import json, os, sys, time, types
order = json.loads(sys.argv[1])
import torch
from ab.gpt.train.weights import weights_policy

weights_policy(pretrained=False)
torch.set_num_threads(os.cpu_count() or 1)
words = {"<PAD>": 0, "<SOS>": 1, "<EOS>": 2, "<UNK>": 3}
vocabulary = types.ModuleType("ab.nn.loader.coco_.Caption")
vocabulary.GLOBAL_CAPTION_VOCAB = {"word2idx": words, "idx2word": {number: word for word, number in words.items()}}
sys.modules[vocabulary.__name__] = vocabulary  # what the network needs of LEMUR, without its database


def built(code):
    module = types.ModuleType("net")
    exec(compile(code, "net.py", "exec"), module.__dict__)
    torch.manual_seed(0)
    return module.Net((4, 3, 64, 64), (27000,), {}, torch.device("cpu")).eval()


def measured(net, count, batch):
    started = time.perf_counter()
    with torch.no_grad():
        lengths = [net(images).shape[1] for images in torch.randn(count, 3, 64, 64).split(batch)]
    return time.perf_counter() - started, lengths


ours = built(order["ours"])
measured(ours, 4, 4)
fast, ours_lengths = measured(ours, order["images"], 100)
del ours
stock = built(order["stock"])
measured(stock, 1, 1)
slow, stock_lengths = measured(stock, order["stock_images"], 100)
print(json.dumps({"ours": fast, "stock": slow, "lengths": [ours_lengths, stock_lengths]}))
"""


def compare(images: int) -> Callable[[int], list[Comparison]]:
    """The benchmark in which LEMUR's network writes captions for so many images; it runs once."""

    def run(_runs: int) -> list[Comparison]:
        order = {
            "ours": render(RENDERED),
            "stock": (find_package() / "nn" / "ResNetTransformer.py").read_text(encoding="utf-8"),
            "images": IMAGES,
            "stock_images": images,
        }
        seen = _measured(order)
        if {length for lengths in seen["lengths"] for length in lengths} != {RENDERED.decoding.length}:
            raise AssertionError(f"the captions have not the same length: {seen['lengths']}")
        scaled = "" if images == IMAGES else f", LEMUR's from {images}"
        name = f"captions for {IMAGES} images, 4 beams{scaled}"
        return [Comparison(name, [seen["stock"] * IMAGES / images], [seen["ours"]], at_least=15)]

    return run


def _measured(order: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(order)], cwd=REPO, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen
