"""Whole candidates: from Net file to recorded score, the memory of two workers, and what is not computing."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from ab.gpt.isolate.tree import exact_memory
from benchmarks.ground import Ground
from benchmarks.measure import Comparison
from benchmarks.nets import computed, share_of_the_rest, write_nets

PREFIX = "Bench"
SAMPLE_SECONDS = 0.25


def compare_candidates(ground: Ground) -> list[Comparison]:
    """Short candidates one after the other; the whole command with its start, and what of it was not computing."""
    files = [str(file) for file in write_nets(ground.folder / "nets", ground.asked.candidates)]
    stock_root, our_root = ground.root("stock", ground.asked.short), ground.root("ours", ground.asked.short)
    seconds: dict[str, list[float]] = {"stock": [], "ours": []}
    shares: dict[str, list[float]] = {"stock": [], "ours": []}
    for _ in range(ground.asked.runs):
        for who, root in (("stock", stock_root), ("ours", our_root)):
            taken, ended, compute = run(ground, ground.again(root), who, files)
            seconds[who].append(taken)
            shares[who] += share_of_the_rest(ended, compute)
    name = f"{len(files)} short candidates, 1 epoch on {ground.asked.short:,} images, Net file to recorded score"
    results = [Comparison(name, seconds["stock"], seconds["ours"], at_least=3)]
    if len(files) > 1:
        results.append(
            Comparison(
                "share of a candidate that is not forward, backward or optimizer, after the first",
                [100 * share for share in shares["stock"]],
                [100 * share for share in shares["ours"]],
                unit="%",
                at_most=15,
            )
        )
    return results


def compare_memory(ground: Ground) -> list[Comparison]:
    """Two workers at once: two processes of stock LEMUR, and ours with `--workers 2`; the most they held together."""
    count = 2 * max(1, min(3, ground.asked.candidates // 2))
    files = [str(file) for file in write_nets(ground.folder / "nets", count)]
    stock_roots = [ground.root(f"stock{number}", ground.asked.short) for number in (1, 2)]
    our_root = ground.root("ours", ground.asked.short)
    stock, ours = [], []
    for _ in range(ground.asked.runs):
        halves = [(ground.again(root), files[at::2], 1) for at, root in enumerate(stock_roots)]
        stock.append(peak_of(ground, "stock", halves) / 1e6)
        ours.append(peak_of(ground, "ours", [(ground.again(our_root), files, 2)]) / 1e6)
    return [Comparison("memory of two workers", stock, ours, unit="MB", at_least=1)]


def run(ground: Ground, root: Path, who: str, files: list[str]) -> tuple[float, list[float], dict[int, float]]:
    """Seconds of the whole process, when each candidate ended, and for how long each computed."""
    began = time.perf_counter()
    answer, said = ground.ask(root, f"benchmarks.{who}:candidates", files, f"{PREFIX}-{who}", 1)
    return time.perf_counter() - began, answer["ended"], computed(answer.get("log", said))


def peak_of(ground: Ground, who: str, works: list[tuple[Path, list[str], int]]) -> int:
    """The most bytes that the processes held at once, each shared page counted once in each process tree."""
    started = [
        ground.start(root, f"benchmarks.{who}:candidates", files, f"{PREFIX}-{who}-{number}", workers)
        for number, (root, files, workers) in enumerate(works)
    ]
    answers: list[Any] = [None] * len(started)

    def wait(place: int) -> None:
        answers[place] = ground.answer(started[place], who)

    threads = [threading.Thread(target=wait, args=(place,)) for place in range(len(started))]
    for thread in threads:
        thread.start()
    peak = 0
    while any(thread.is_alive() for thread in threads):
        peak = max(peak, sum(exact_memory(process.pid) for process in started if process.poll() is None))
        time.sleep(SAMPLE_SECONDS)
    if None in answers:
        raise RuntimeError(f"a worker of {who} ended with an error")
    return peak
