"""The data path: the vocabulary, and an epoch of batches without learning."""

from __future__ import annotations

import json

from benchmarks.ground import Ground
from benchmarks.measure import Comparison

STOCK_WORKERS = 2
"""LEMUR's `train` loads with two processes unless told otherwise, ours with none."""


def compare_vocabulary(ground: Ground) -> list[Comparison]:
    """Both make the same words of the same captions; LEMUR opens every image for it."""
    stock_root, our_root = ground.root("stock", ground.asked.images), ground.root("ours", ground.asked.images)
    stock, ours = [], []
    for _ in range(ground.asked.runs):
        stock.append(ground.call(ground.again(stock_root), "benchmarks.stock:vocabulary"))
        ours.append(ground.call(ground.again(our_root), "benchmarks.ours:vocabulary"))
        if stock[-1]["words"] != ours[-1]["words"]:
            raise AssertionError("the two vocabularies differ")
    made = [one["seconds"] for one in stock]
    return [
        Comparison("vocabulary, first time", made, [one["seconds"] for one in ours], at_least=5),
        Comparison("vocabulary, cached, against made", made, [one["again"] for one in ours], at_least=100),
        Comparison(
            "vocabulary, cached, against LEMUR's own file",
            [one["again"] for one in stock],
            [one["again"] for one in ours],
        ),
    ]


def compare_batches(ground: Ground) -> list[Comparison]:
    """Both give the same batches in the same order, which a sum over each epoch confirms."""
    stock_root, our_root = ground.root("stock", ground.asked.images), ground.root("ours", ground.asked.images)
    stock, side_by_side, ours = [], [], []
    for _ in range(ground.asked.runs):
        stock.append(ground.call(stock_root, "benchmarks.stock:batches", 0))
        side_by_side.append(ground.call(stock_root, "benchmarks.stock:batches", STOCK_WORKERS))
        ours.append(ground.call(ground.again(our_root), "benchmarks.ours:batches", 0))
        if stock[-1]["sums"] != ours[-1]["sums"]:
            raise AssertionError("the batches differ")

    def seconds(runs: list[dict[str, float]], epoch: str) -> list[float]:
        return [run[epoch] for run in runs]

    return [
        Comparison("batches, second epoch on", seconds(stock, "second"), seconds(ours, "second"), at_least=10),
        Comparison("batches, first epoch", seconds(stock, "first"), seconds(ours, "first"), at_least=1),
        Comparison(
            f"batches, second epoch on, stock with {STOCK_WORKERS} loader processes",
            seconds(side_by_side, "second"),
            seconds(ours, "second"),
        ),
        Comparison(
            f"batches, first epoch, stock with {STOCK_WORKERS} loader processes",
            seconds(side_by_side, "first"),
            seconds(ours, "first"),
        ),
    ]


def compare_bleu(ground: Ground) -> list[Comparison]:
    """Both give the same figure to the last digit for the same predictions."""
    root = ground.root("ours", ground.asked.short)
    ids = ground.call(root, "benchmarks.ours:exam_ids", ground.asked.short)
    given = root / "ids.json"
    given.write_text(json.dumps(ids))
    stock, ours = [], []
    for _ in range(ground.asked.runs):
        stock.append(ground.call(root, "benchmarks.stock:bleu", str(given)))
        ours.append(ground.call(root, "benchmarks.ours:bleu", str(given)))
        if stock[-1]["figure"] != ours[-1]["figure"]:
            raise AssertionError("the two figures differ")
    name = f"BLEU of {len(ids['predicted']):,} images"
    return [Comparison(name, [one["seconds"] for one in stock], [one["seconds"] for one in ours], at_least=4)]
