"""Whether cost grows no faster than the work: more images, more candidates, more workers."""

from __future__ import annotations

from benchmarks.candidates import PREFIX, run
from benchmarks.ground import Ground
from benchmarks.measure import Comparison
from benchmarks.nets import write_nets

IMAGES = (1000, 2000, 4000, 8000)
CANDIDATES = (1, 4, 16)


def compare_growth(ground: Ground) -> list[Comparison]:
    """An epoch of batches by images for both; candidates and workers for ours, whose stock side is left empty."""
    results = []
    sizes = [size for size in IMAGES if size <= max(ground.asked.images, IMAGES[0])] or [ground.asked.images]
    for size in sizes if ground.asked.images >= IMAGES[0] else [ground.asked.images // 2, ground.asked.images]:
        stock = ground.call(ground.root(f"stock-{size}", size), "benchmarks.stock:batches", 0)
        ours = ground.call(ground.root(f"ours-{size}", size), "benchmarks.ours:batches", 0)
        results += [
            Comparison(f"growth: {size:,} images, first epoch", [stock["first"]], [ours["first"]]),
            Comparison(f"growth: {size:,} images, later epochs", [stock["second"]], [ours["second"]]),
        ]
    most = max(CANDIDATES) if ground.asked.candidates >= 10 else ground.asked.candidates
    files = [str(file) for file in write_nets(ground.folder / "nets", most)]
    root = ground.root("ours-candidates", ground.asked.short)
    for count in [count for count in CANDIDATES if count <= most]:
        taken, _, _ = run(ground, ground.again(root), "ours", files[:count])
        results.append(Comparison(f"growth: {count} candidates", [], [taken]))
    for workers in (1, 2):
        again = ground.again(root)
        _, seconds = ground.timed(again, "benchmarks.ours:candidates", files[: min(8, most)], f"{PREFIX}-ours", workers)
        results.append(Comparison(f"growth: {min(8, most)} candidates, workers: {workers}", [], [seconds]))
    return results
