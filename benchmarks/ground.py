"""The same ground for stock LEMUR and for ours: a LEMUR of its own, roots to work in, and a data set cut to size."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ab.gpt.lemur.bootstrap import ensure
from ab.gpt.lemur.home import Home, find_package
from ab.gpt.train.dataset import check_layout
from benchmarks.measure import REPO

TRANSFORM = "echo_64_flip"


@dataclass(frozen=True)
class Asked:
    """What is measured on: a data set in COCO's layout or drawn scenes, and how much of it."""

    data: Path | None = None
    images: int = 6000
    """Training images for vocabulary, batches and growth."""
    short: int = 1000
    """Training images of a short candidate, and validation images for BLEU."""
    candidates: int = 10
    runs: int = 3


class Ground:
    """A small LEMUR in a temporary folder: the installed one is only read, its statistics stay as they are."""

    def __init__(self, folder: Path, asked: Asked) -> None:
        self.folder = folder
        self.asked = asked
        self.site = folder / "site"
        _small_lemur(self.site)
        self.data = asked.data or self._drawn()
        check_layout(self.data)

    def root(self, name: str, images: int) -> Path:
        """A new LEMUR root with a database and as many training images of the data set."""
        root = self.folder / name
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        (root / "ab").mkdir()
        (root / "README.md").touch()
        _cut(self.data, root / "data" / "coco", images)
        ensure(Home(root, self.site / "ab" / "nn", "2.1.2"))
        return root

    def again(self, root: Path) -> Path:
        """The same root without anything that was made in it, but for the database."""
        shutil.rmtree(root / "out", ignore_errors=True)
        (root / "data" / "coco" / "vocab.pth").unlink(missing_ok=True)
        for name in ("stat/train", "nn"):
            for entry in (self.site / "ab" / "nn" / name).glob("*Bench*"):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        return root

    def call(self, root: Path, function: str, *arguments: object) -> Any:
        """What a function `module:name` returns that is run in a new process in this root."""
        return self.ask(root, function, *arguments)[0]

    def ask(self, root: Path, function: str, *arguments: object) -> tuple[Any, str]:
        """The same, and all that the process printed."""
        return self.answer(self.start(root, function, *arguments), function)

    def timed(self, root: Path, function: str, *arguments: object) -> tuple[Any, float]:
        """The same, and the seconds of the whole process."""
        began = time.perf_counter()
        answer = self.call(root, function, *arguments)
        return answer, time.perf_counter() - began

    def answer(self, process: subprocess.Popen[str], function: str) -> tuple[Any, str]:
        """What a started process says at its end, and all that it printed."""
        with process:
            out, error = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{function} ended with {process.returncode}:\n{error[-3000:]}\n{out[-1000:]}")
        return json.loads(out.splitlines()[-1]), out

    def start(self, root: Path, function: str, *arguments: object) -> subprocess.Popen[str]:
        """The process itself; the last line of what it prints is the function's answer as JSON."""
        module, _, name = function.partition(":")
        code = (
            f"import json, sys, nncaption; nncaption.light_ab(); from {module} import {name};"
            f" answer = {name}(*json.loads(sys.argv[1])); print(); print(json.dumps(answer))"
        )
        environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join([str(REPO), str(self.site)]), "PYTHONDONTWRITEBYTECODE": "",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-c", code, json.dumps(arguments)],
            cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _drawn(self) -> Path:
        from ab.gpt.scenes import draw_scenes

        folder = self.folder / "scenes"
        draw_scenes(folder, train=max(self.asked.images, self.asked.short), val=max(self.asked.short, 32), size=160)
        return folder


@contextlib.contextmanager
def ground(asked: Asked) -> Iterator[Ground]:
    """A ground that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="nncaption-benchmarks-") as folder:
        yield Ground(Path(folder), asked)


def _small_lemur(site: Path) -> None:
    """LEMUR's code with one of its captioners and no statistics but that one's: its database is built in a moment."""
    source = find_package()
    package = site / "ab" / "nn"
    package.mkdir(parents=True)
    (site / "ab" / "__init__.py").write_text(
        '__path__ = __import__("pkgutil").extend_path(__path__, __name__)\nfrom ab.nn import *\n'
    )
    for part in ("__init__.py", "api.py", "train.py"):
        shutil.copy(source / part, package / part)
    for part in ("util", "loader", "metric", "transform"):
        shutil.copytree(source / part, package / part, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "nn").mkdir()
    for name in ("__init__", "RESNETLSTM", "ResNetTransformer"):
        shutil.copy(source / "nn" / f"{name}.py", package / "nn")
    shutil.copytree(
        source / "stat" / "train" / "img-captioning_coco_bleu_RESNETLSTM",
        package / "stat" / "train" / "img-captioning_coco_bleu_RESNETLSTM",
    )
    (package / "stat" / "run").mkdir()
    about = site / "nn_dataset-2.1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: nn-dataset\nVersion: 2.1.2\n")
    (about / "RECORD").touch()


def _cut(data: Path, folder: Path, images: int) -> None:
    """The first images of the training split and all of validation; pictures get a second name."""
    (folder / "annotations").mkdir(parents=True)
    for split in ("train", "val"):
        annotations = json.loads((data / "annotations" / f"captions_{split}2017.json").read_bytes())
        if split == "train":
            annotations["images"] = annotations["images"][:images]
        kept = {image["id"] for image in annotations["images"]}
        annotations["annotations"] = [one for one in annotations["annotations"] if one["image_id"] in kept]
        (folder / "annotations" / f"captions_{split}2017.json").write_text(json.dumps(annotations))
        pictures = folder / f"{split}2017"
        pictures.mkdir()
        for image in annotations["images"]:
            _place(data / f"{split}2017" / image["file_name"], pictures / image["file_name"])


def _place(picture: Path, there: Path) -> None:
    """A second name for a picture, or a copy where the file system has none; a job's walls would hide a symlink."""
    try:
        os.link(picture.resolve(), there)
    except OSError:
        shutil.copy(picture, there)
