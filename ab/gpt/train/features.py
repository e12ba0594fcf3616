"""What frozen encoders make of the pictures, computed once and lent to every training that has the same encoder.

The features of an encoder lie in a folder beside the pictures from which they were made, under a key that changes with
those pictures, the encoder's code, its weights and the libraries that run it. A job of the toolkit's own makes them
behind walls; the folder stays while somebody reads it, and is among those that go when the room is used up.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import Timeout

from ab.gpt.isolate.job import GIB, How, IsolationFailed, Job, Limits
from ab.gpt.isolate.run import run
from ab.gpt.isolate.warm import Warm
from ab.gpt.lemur.home import Home, make_root
from ab.gpt.train.cache import FEATURES, PICTURES, READY, SPLITS, Prepared
from ab.gpt.train.checkpoints import checkpoints, torch_home
from ab.gpt.train.dataset import fingerprint
from ab.gpt.train.known import FrozenEncoder
from ab.gpt.train.room import LOCK_SECONDS, GivenUp, bytes_read, made_by_one, make_room, mark
from ab.gpt.train.settings import Settings

EDITION = 1
MODULE = "frozen_encoder"

log = logging.getLogger(__name__)

Tell = Callable[[int, int], None]


class NotMade(Exception):
    """The job that makes features has failed."""


@dataclass
class Shelf:
    """The features that the trainings of a pool have in common."""

    home: Home
    prepared: Prepared | None
    warm: Warm | None = None
    stop: threading.Event | None = None
    _readers: Counter[Path] = field(default_factory=Counter)
    _refused: dict[Path, int] = field(default_factory=dict)
    """How many bytes would be wanted of what could not be kept; 0 where no room would help."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def lent(
        self, encoder: FrozenEncoder | None, settings: Settings, tell: Tell = lambda _done, _of: None
    ) -> Iterator[Prepared | None]:
        """What a training may read, with its encoder's features where they are kept or can be made now."""
        folder = self._take(encoder, settings, tell) if encoder else None
        try:
            yield self.prepared if folder is None or self.prepared is None else replace(self.prepared, features=folder)
        finally:
            if folder is not None:
                self._give_back(folder)

    def _take(self, encoder: FrozenEncoder, settings: Settings, tell: Tell) -> Path | None:
        """The folder with the encoder's features, marked as read; None where the encoder has to run as usual."""
        weights = checkpoints() / encoder.weights
        wanted = settings.features and settings.pretrained and weights.is_file()
        if self.prepared is None or self.prepared.files or not wanted:
            return None
        folder = self.prepared.folder.with_name(f"features-{_key(self.prepared, encoder, weights, settings)}")
        try:
            with made_by_one(folder, self.stop):
                if not _ready(folder) and not self._make(folder, encoder, settings, tell):
                    return None
                os.utime(folder)
                self._mark(folder)
        except GivenUp:
            return None
        except (NotMade, OSError, IsolationFailed, Timeout) as error:
            self._refused[folder] = 0
            log.warning(
                "No features of %s are kept (%s): it runs in every training, which is slower.", encoder.name, error
            )
            return None
        make_room(folder.parent, int(settings.cache_gb * GIB), keep=folder)
        return folder

    def _make(self, folder: Path, encoder: FrozenEncoder, settings: Settings, tell: Tell) -> bool:
        """True when the folder is filled; what a killed process left there goes first."""
        room = int(settings.cache_gb * GIB) - bytes_read(folder.parent)
        if folder in self._refused and not 0 < self._refused[folder] <= room:
            return False
        shutil.rmtree(folder, ignore_errors=True)
        shop = folder / "job"
        try:
            make_root(shop, self.home.db_file.name)
            (shop / f"{MODULE}.py").write_text(encoder.code, encoding="utf-8")
            result = run(self._job(shop, settings, room), lambda event: _hear(event, tell), self.stop, warm=self.warm)
            if result.how is How.STOPPED:
                return False
            if result.how is not How.RETURNED:
                raise NotMade(f"{result.error_type or result.how.value}: {result.reason}")
            if not result.value["kept"]:
                self._refused[folder] = int(result.value["bytes"])
                return False
            sizes = {}
            for name in (FEATURES.format(split=split) for split in SPLITS):
                (shop / name).replace(folder / name)
                sizes[name] = (folder / name).stat().st_size
            shutil.rmtree(shop, ignore_errors=True)
            (folder / READY).write_text(json.dumps({"edition": EDITION, "encoder": encoder.name, "sizes": sizes}))
            return True
        finally:
            if not _ready(folder):
                shutil.rmtree(folder, ignore_errors=True)

    def _job(self, shop: Path, settings: Settings, room: int) -> Job:
        """The job that computes the features; of a data set it sees what is kept, and nothing of the true captions."""
        assert self.prepared is not None
        kept = self.prepared.folder.resolve()
        order = {
            "folder": str(shop.resolve()),
            "module": MODULE,
            "transform": settings.transform,
            "pictures": {split: str(kept / PICTURES.format(split=split)) for split in SPLITS},
            "out": {split: FEATURES.format(split=split) for split in SPLITS},
            "most_bytes": room,
            "threads": settings.cores,
        }
        environment = {"TORCH_HOME": str(torch_home())}
        if settings.gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = str(settings.gpu)
        limits = Limits(
            wall_seconds=LOCK_SECONDS,
            memory_bytes=int(settings.memory_gb * GIB),
            folder_bytes=room + GIB,
            file_bytes=room + GIB,
        )
        return Job(
            "ab.gpt.train.data.encode:work",
            order,
            shop.resolve(),
            (kept, torch_home(), self.home.package.parent),
            (str(shop.resolve()), str(self.home.package.parent.parent)),
            environment,
            limits,
            gpu=settings.gpu is not None,
            require=settings.walls,
        )

    def _mark(self, folder: Path) -> None:
        with self._lock:
            self._readers[folder] += 1
            mark(folder)

    def _give_back(self, folder: Path) -> None:
        with self._lock:
            self._readers[folder] -= 1
            if not self._readers[folder]:
                mark(folder).unlink(missing_ok=True)


def _key(prepared: Prepared, encoder: FrozenEncoder, weights: Path, settings: Settings) -> str:
    """The name of what this encoder makes of these pictures; the pictures' own stands for data and transform."""
    device = "cpu" if settings.gpu is None else "gpu"
    versions = [metadata.version(package) for package in ("torch", "torchvision", "numpy")]
    parts = [str(EDITION), prepared.folder.name, encoder.name, encoder.code, fingerprint(weights), device, *versions]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _ready(folder: Path) -> bool:
    """True where a folder holds whole files of this edition."""
    try:
        about: dict[str, Any] = json.loads((folder / READY).read_text())
        sizes = {name: (folder / name).stat().st_size for name in about["sizes"]}
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return bool(sizes) and sizes == about["sizes"] and about.get("edition") == EDITION


def _hear(event: dict[str, Any], tell: Tell) -> None:
    if type(event.get("done")) is int and type(event.get("of")) is int:
        tell(event["done"], event["of"])
