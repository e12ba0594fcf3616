"""What each setting of `--speed` does to the learning of rendered networks, and to what they learn."""

from __future__ import annotations

from typing import Any

from ab.gpt.train.settings import SPEEDS
from benchmarks.ground import Ground
from benchmarks.measure import Comparison

EPOCHS = 2
"""The first with all that a setting has to make ready, such as compiling."""


def compare_speeds(ground: Ground) -> list[Comparison]:
    """Seconds of each epoch's learning without a setting and with it; the losses are printed beside them."""
    root = ground.root("ours", ground.asked.short)
    seen: dict[str, list[dict[str, Any]]] = {}
    for _ in range(ground.asked.runs):
        for speed in ("", *SPEEDS):
            seen.setdefault(speed, []).append(
                ground.call(ground.again(root), "benchmarks.ours:learning", speed, EPOCHS)
            )
    results = []
    for network in seen[""][0]:
        for speed in SPEEDS:
            losses = [seen[one][0][network]["loss"] for one in ("", speed)]
            print(f"{network}, {speed}: losses {losses[1]} against {losses[0]}", flush=True)
            for epoch in range(EPOCHS):
                usual, fast = ([run[network]["seconds"][epoch] for run in seen[one]] for one in ("", speed))
                about = f"{network}, {ground.asked.short:,} images, epoch {epoch + 1}: {speed}"
                results.append(Comparison(about, usual, fast))
    return results
