"""A frozen encoder that runs in every training, and one that has run once for all of them."""

from __future__ import annotations

from typing import Any

from benchmarks.ground import Ground
from benchmarks.measure import Comparison

TRANSFORM = "echo_256_flip"
"""What a search takes where nothing else is said."""
NETWORKS, EPOCHS = 2, 3


def compare_features(ground: Ground) -> list[Comparison]:
    """The same networks with and without; the weights are made by chance, which takes as long as ImageNet's."""
    root = ground.root("ours", ground.asked.short)
    weights = str(ground.folder / "torch")
    ground.call(root, "benchmarks.ours:weights_by_chance", weights)
    runs: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for _ in range(ground.asked.runs):
        for kept in runs:
            sizes = TRANSFORM, NETWORKS, EPOCHS
            runs[kept].append(ground.call(ground.again(root), "benchmarks.ours:frozen", weights, *sizes, kept))
    about = f"frozen encoder run each time, and once, {ground.asked.short:,} images"

    def comparison(what: str, key: str) -> Comparison:
        each, once = ([seconds for run in runs[kept] for seconds in run[key]] for kept in (False, True))
        return Comparison(f"{about}: {what}", each, once)

    return [
        comparison("an epoch's learning", "learn"),
        comparison("an epoch's evaluation", "eval"),
        comparison(f"{NETWORKS} networks of {EPOCHS} epochs", "whole"),
    ]
