"""LEMUR's classifiers and how good each is among its likes."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ab.gpt.lemur.files import write_whole
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.queries import best_accuracies, count_epochs

TASK = "img-classification"
FILE = "classifiers.json"
log = logging.getLogger(__name__)


class Classifier(NamedTuple):
    """One classifier."""

    name: str
    accuracy: float
    """The best that LEMUR has recorded, on whatever data."""
    quality: int
    """How many of a hundred classifiers it beats on the same data, on average."""


def ranked_classifiers(home: Home) -> list[Classifier]:
    """All of LEMUR's classifiers in the order of their names; kept in a file until LEMUR knows more of them."""
    file = home.out / "nncaption" / FILE
    key = [home.version, str(home.package), count_epochs(home, TASK)]
    kept = _read(file, key)
    if kept is None:
        kept = _ranked(best_accuracies(home, TASK))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, json.dumps({"key": key, "classifiers": kept}))
        except OSError as error:
            log.info("The classifiers cannot be kept in %s, and are ranked anew each time: %s.", file, error)
    return kept


def _read(file: Path, key: list[object]) -> list[Classifier] | None:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return [Classifier(*one) for one in kept["classifiers"]] if kept["key"] == key else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _ranked(reached: Iterable[tuple[str, str, str, float]]) -> list[Classifier]:
    """Accuracies on different data do not compare, so a classifier counts by its rank on each."""
    by_data: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
    for model, dataset, metric, accuracy in reached:
        by_data[dataset, metric].append((accuracy, model))
    ranks: dict[str, list[int]] = defaultdict(list)
    best: dict[str, float] = {}
    for scores in by_data.values():
        for rank, (accuracy, model) in enumerate(sorted(scores)):
            ranks[model].append(100 * rank // len(scores))
            best[model] = max(accuracy, best.get(model, 0.0))
    return [Classifier(model, best[model], sum(ranks[model]) // len(ranks[model])) for model in sorted(best)]
