"""Ground for trainings: a small LEMUR with drawn scenes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ab.gpt.isolate.warm import Warm
from ab.gpt.lemur.home import Home
from ab.gpt.scenes import draw_scenes
from ab.gpt.train.exam import Exam, make_exam
from ab.gpt.train.settings import Settings
from ab.gpt.train.trainer import warm_trainer

QUICK = Settings(epochs=1, batch=16, transform="echo_32", pretrained=False, threads=2, memory_gb=6)


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn scenes: 64 to learn from, 24 to be examined on."""
    folder = tmp_path_factory.mktemp("scenes") / "coco"
    draw_scenes(folder, train=64, val=24, size=64)
    return folder


@pytest.fixture(scope="module")
def ground(lemur_template: Path, scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Exam]:
    """A LEMUR that the tests of a module share, with its exam on the drawn scenes."""
    site = Path(shutil.copytree(lemur_template, tmp_path_factory.mktemp("shared") / "site"))
    root = site.parent / "root"
    root.mkdir()
    home = Home(root, site / "ab" / "nn", "2.1.2")
    shutil.copytree(scenes, home.coco)
    return home, make_exam(home, home.coco)


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """A process from which trainings are forked, as in a pool."""
    with warm_trainer() as process:
        yield process
