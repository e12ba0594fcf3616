"""`python -m benchmarks [NAME…]` measures stock LEMUR and ours in turn and prints a table of ratios."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from benchmarks import blueprints, candidates, data, database, decoding, features, growth, speeds
from benchmarks.ground import Asked, Ground, ground
from benchmarks.measure import Comparison, table
from benchmarks.picture import draw

OnGround = Callable[[Ground], list[Comparison]]

ON_GROUND: dict[str, OnGround] = {
    "vocabulary": data.compare_vocabulary,
    "batches": data.compare_batches,
    "bleu": data.compare_bleu,
    "candidates": candidates.compare_candidates,
    "memory": candidates.compare_memory,
    "growth": growth.compare_growth,
    "features": features.compare_features,
    "speeds": speeds.compare_speeds,
}
"""What needs a data set."""
ALONE: dict[str, Callable[[int], list[Comparison]]] = {
    "database": database.compare,
    "decoding": decoding.compare(decoding.FEW),
    "decoding-full": decoding.compare(decoding.IMAGES),
    "blueprints": blueprints.compare,
}
"""What needs nothing but the number of runs."""
LONG = ("decoding-full", "blueprints", "features", "speeds")
"""What takes half an hour, or measures no stock LEMUR, and is run only where it is named."""
SMOKE = Asked(images=96, short=64, candidates=2, runs=1)
"""Sizes at which only whether it works can be seen."""


def main() -> int:
    """Runs the benchmarks that are named, or all of them; 0 when they ran, whatever they say."""
    asked = _asked()
    print(
        f"Python {platform.python_version()}, nn-dataset {metadata.version('nn-dataset')}, torch"
        f" {metadata.version('torch')}, {os.cpu_count()} cores, {platform.platform()}"
    )
    names = asked.names or [name for name in (*ON_GROUND, *ALONE) if name not in LONG]
    results: list[Comparison] = []

    def add(more: list[Comparison]) -> None:
        results.extend(more)
        print(table(more), flush=True)

    on_ground = [name for name in names if name in ON_GROUND]
    if on_ground:
        with ground(asked.ground) as place:
            print(f"data: {asked.ground.data or 'drawn scenes'}, {asked.ground.images:,} training images", flush=True)
            for name in on_ground:
                add(ON_GROUND[name](place))
    for name in names:
        if name in ALONE:
            add(ALONE[name](asked.ground.runs))
    if len(names) > 1:
        print(f"\n{table(results)}")
    if asked.json:
        asked.json.write_text(json.dumps([result.as_json() for result in results], indent=2) + "\n")
    if asked.picture:
        draw(results, asked.picture)
    return 0


def _asked() -> argparse.Namespace:
    names = [*ON_GROUND, *ALONE]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which, of: {', '.join(names)} (all but {', '.join(LONG)})"
    )
    parser.add_argument("--data", type=Path, help="a data set in COCO's layout (drawn scenes)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write name, stock, ours and ratio into a file")
    parser.add_argument("--picture", type=Path, metavar="FILE.png", help="also draw the ratios and how cost grows")
    parser.add_argument("--images", type=int, help=f"training images for the data path ({Asked.images})")
    parser.add_argument("--short", type=int, help=f"training images of a short candidate ({Asked.short})")
    parser.add_argument("--candidates", type=int, help=f"short candidates ({Asked.candidates})")
    parser.add_argument("--runs", type=int, help=f"runs of each; the build of the database runs once ({Asked.runs})")
    parser.add_argument("--smoke", action="store_true", help="the smallest sizes, to see whether it works")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(names)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    given = {name: value for name in ("images", "short", "candidates", "runs") if (value := getattr(asked, name))}
    sizes = SMOKE if asked.smoke else Asked()
    asked.ground = Asked(**{**vars(sizes), **given, "data": asked.data and asked.data.resolve()})
    return asked


if __name__ == "__main__":
    sys.exit(main())
