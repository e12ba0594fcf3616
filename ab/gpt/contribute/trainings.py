"""What is known of the trainings of a network: from the ledgers of runs, and from what `nncaption train` has kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ab.gpt.candidate import Outcome
from ab.gpt.ledger import DamagedLedger
from ab.gpt.lemur.home import Home
from ab.gpt.plan import Plan
from ab.gpt.report.reading import reading
from ab.gpt.train.scores.intervals import Interval
from ab.gpt.train.settings import Settings

MODES = {
    "code": "as the code of a whole Net file",
    "blueprint": "as a blueprint in JSON, held to a schema and rendered to a Net file",
}


@dataclass(frozen=True)
class Training:
    """One training whose captions were scored here, on images that are told."""

    name: str
    score: Interval
    """LEMUR's figure of the best epoch, with its 95% interval."""
    collapsed: bool
    blind: float | None
    """What the best caption that never looks at an image gets on the same images."""
    image_ids: tuple[int, ...]
    epochs: int
    settings: Settings
    baseline: str = ""
    how_made: str = ""
    run: str = ""
    drawn: bool = False
    """On practice pictures, which say nothing of photographs."""

    @property
    def ground(self) -> tuple[str, tuple[int, ...]]:
        """Scores are compared on the same images of the same data set."""
        return self.settings.dataset, self.image_ids

    @property
    def command(self) -> str:
        """The command that does the training again."""
        settings = self.settings
        given = {
            "epochs": self.epochs, "lr": settings.lr, "momentum": settings.momentum, "batch": settings.batch,
            "transform": settings.transform, "dataset": settings.dataset, "val-images": settings.val_images or 0,
            "seed": settings.seed,
        }  # fmt: skip
        words = [f"--{flag} {value}" for flag, value in given.items()]
        words += [f"--speed {' '.join(sorted(settings.speed))}"] if settings.speed else []
        return " ".join(["nncaption train", self.name, *words, *([] if settings.pretrained else ["--no-pretrained"])])


def of_run(folder: Path) -> list[Training]:
    """The trainings in a run's ledger that came to their end, the baselines' too, in their order."""
    with reading(folder) as db:
        about = {row["key"]: json.loads(row["value"]) for row in db.execute("SELECT key, value FROM run")}
        epochs: dict[int, list[tuple[float, dict[str, Any]]]] = {}
        for row in db.execute("SELECT candidate, lemur_bleu, scores FROM epoch ORDER BY candidate, number"):
            epochs.setdefault(row["candidate"], []).append((row["lemur_bleu"], json.loads(row["scores"])))
        settings = Plan.from_json(about["plan"]).train
        image_ids = tuple((about.get("exam") or {}).get("image_ids", ()))
        return [
            Training(
                row["name"],
                **_scored(epochs[row["id"]]),
                image_ids=image_ids,
                settings=replace(settings, **{**json.loads(row["hyper"] or "{}"), **_fitted(row["batch"])}),
                baseline=row["baseline"] if row["kind"] == "proposed" else "",
                how_made=_how_made(row, about, folder.resolve().name) if row["kind"] == "proposed" else "",
                run=folder.resolve().name,
                drawn=bool((about.get("exam") or {}).get("drawn")),
            )
            for row in db.execute(
                "SELECT c.*, r.prompt_version FROM candidate c"
                " LEFT JOIN reply r ON r.candidate = c.id AND r.attempt = 0"
                " WHERE c.outcome = ? AND c.name IS NOT NULL ORDER BY c.id",
                (Outcome.TRAINED.value,),
            )
            if epochs.get(row["id"])
        ]


def of_network(home: Home, name: str, runs: Iterable[Path]) -> list[Training]:
    """All trainings of a network that are known: in the runs' ledgers, and what `train`, `score` or `trials` kept."""
    found = [*_kept(home, name)]
    for folder in runs:
        try:
            found += [training for training in of_run(folder) if training.name == name]
        except DamagedLedger:
            continue  # `nncaption runs` tells of it
    return found


def _kept(home: Home, name: str) -> Iterator[Training]:
    for file in sorted((home.out / "nncaption" / "trained" / name).glob("*.json")):
        try:
            kept = json.loads(file.read_bytes())
            if kept["outcome"] != Outcome.TRAINED.value or not kept["epochs"]:
                continue
            yield Training(
                name,
                **_scored([(epoch["lemur_bleu"], epoch["scores"]) for epoch in kept["epochs"]]),
                image_ids=tuple(kept["image_ids"]),
                settings=Settings.from_json({**kept["settings"], **_fitted(kept["batch"])}),
                drawn=bool(kept.get("drawn")),
            )
        except (ValueError, KeyError, TypeError):
            continue  # of another edition, or cut off: it says nothing


def _scored(epochs: list[tuple[float, dict[str, Any]]]) -> dict[str, Any]:
    """What the epochs of a training say of its best one."""
    _, best = max(epochs, key=lambda epoch: epoch[0])
    return {
        "score": Interval(**best["intervals"]["lemur_bleu"]),
        "blind": best["blind"]["lemur_bleu"],
        "collapsed": bool(best["collapsed"]),
        "epochs": len(epochs),
    }


def _fitted(batch: int | None) -> dict[str, int]:
    """The batch size that fitted into memory, where it is known."""
    return {"batch": batch} if batch else {}


def _how_made(row: Any, about: dict[str, Any], run: str) -> str:
    version = (about.get("versions") or {}).get("nn-caption", "")
    commit = (about.get("git") or {}).get("commit", "")
    shown = f" and was shown parts of {row['n']} of LEMUR's classifiers" if row["n"] else ""
    return (
        f"{row['prefix']}: a language model, {row['model']}, was asked to change LEMUR's {row['baseline']}{shown}; it"
        f" proposed each network {MODES[row['mode']]}. Each was checked and run for two steps before it was trained."
        f" NN-Caption {version}{f' at {commit[:10]}' if commit else ''}, run {run}, seed {about['plan']['seed']}"
        f"{', prompt ' + row['prompt_version'] if row['prompt_version'] else ''}."
    )
