"""How a network is trained: what was asked for, the same for every candidate of a run."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ab.gpt.errors import UsageError
from ab.gpt.isolate.walls import NAMES
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import BadName, check_name

TASK, METRIC = "img-captioning", "bleu"
SPEEDS = ("bf16", "channels-last", "compile", "fused")
RULES = ("none", "median", "halving")


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters, data and limits of a training."""

    epochs: int = 5
    lr: float = 1e-3
    momentum: float = 0.9
    batch: int = 32
    transform: str = "echo_256_flip"
    dataset: str = "coco"
    """LEMUR's name of a captioning data set; it lies in `data/<name>` under LEMUR's root, in COCO's layout."""
    val_images: int | None = 300
    seed: int = 0
    pretrained: bool = True
    start_seconds: float = 300.0
    """For loading the data and building the network."""
    epoch_minutes: float = 30.0
    eval_minutes: float = 10.0
    memory_gb: float = 16.0
    threads: int = 0
    loader_workers: int = 0
    cache_gb: float = 20.0
    """Room for pictures that are kept between trainings; 0 for LEMUR's own loader, which opens them every epoch."""
    features: bool = True
    """Keep what a frozen encoder makes of the pictures as well, where a blueprint says that it is frozen."""
    speed: frozenset[str] = frozenset()
    """What makes training faster and may change results: of `SPEEDS`, none unless asked for."""
    stop_early: str = "none"
    """The rule by which trials that cannot win are stopped: of `RULES`."""
    at_once: int = 0
    """Images that are captioned at once where the network allows it; as many as a step learns from if that is more."""
    gpu: int | None = None
    walls: frozenset[str] = frozenset()
    """The walls that are demanded: without them nothing is run."""

    def data_folder(self, home: Home) -> Path:
        """Where the data set lies, be it there or not; `UsageError` where its name cannot be one of LEMUR's."""
        try:
            return home.data / check_name(self.dataset, "data set")
        except BadName as error:
            raise UsageError(f"--dataset: {error.what}", error.way_out) from error

    def as_json(self) -> dict[str, Any]:
        """The settings as plain values."""
        return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Settings:
        """The settings that were written down; what an older toolkit did not know keeps its default."""
        known = {one.name for one in fields(cls)}
        sets = {name for name in known if isinstance(getattr(cls, name, None), frozenset)}
        read: dict[str, Any] = {k: frozenset(v) if k in sets else v for k, v in values.items() if k in known}
        return cls(**read)

    @property
    def prm(self) -> dict[str, int | float | str]:
        """The hyper-parameters as LEMUR records them."""
        return {"lr": self.lr, "momentum": self.momentum, "batch": self.batch, "transform": self.transform}

    @property
    def cores(self) -> int:
        """CPU threads for the training."""
        return self.threads or os.cpu_count() or 1

    def phase_seconds(self, phase: str) -> float:
        """The wall-clock limit of one phase: learning and evaluating have theirs for each epoch."""
        return {"learn": 60 * self.epoch_minutes, "eval": 60 * self.eval_minutes}.get(phase, self.start_seconds)

    @property
    def limit_seconds(self) -> float:
        """The wall-clock limit of the whole training."""
        return self.start_seconds + self.epochs * (self.phase_seconds("learn") + self.phase_seconds("eval"))

    def check(self, home: Home) -> Settings:
        """The settings themselves; `UsageError` for the first that LEMUR could not train with."""
        if not (home.code_dir("transform") / f"{self.transform}.py").is_file() or "/" in self.transform:
            near = sorted(file.stem for file in home.code_dir("transform").glob(f"{self.transform[:4]}*.py"))[:8]
            raise UsageError(
                f"--transform: LEMUR has no transform {self.transform!r}.",
                f"Some that begin like it: {', '.join(near) or 'none'}; all are in {home.code_dir('transform')}.",
            )
        self.data_folder(home)
        for flag, given, known in (
            ("--speed", self.speed, SPEEDS),
            ("--stop-early", {self.stop_early}, RULES),
            ("--walls", self.walls, NAMES),
        ):
            if unknown := set(given) - set(known):
                raise UsageError(f"{flag}: {sorted(unknown)[0]!r} is not allowed.", f"It takes {', '.join(known)}.")
        for flag, value, low, high in (
            ("--epochs", self.epochs, 1, 10_000),
            ("--batch", self.batch, 1, 4096),
            ("--lr", self.lr, 1e-8, 10.0),
            ("--momentum", self.momentum, 0.0, 1.0),
            ("--val-images", self.val_images if self.val_images is not None else 1, 1, 10_000_000),
            ("--epoch-minutes", self.epoch_minutes, 0.001, 100_000),
            ("--cache-gb", self.cache_gb, 0.0, 1_000_000),
        ):
            if not low <= value <= high:
                raise UsageError(f"{flag}: {value} is not allowed.", f"It takes {low} to {high}.")
        return self
