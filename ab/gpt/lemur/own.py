"""A LEMUR of its own in a folder: for a demo or a trial, after which nothing of the installed one has changed."""

from __future__ import annotations

import shutil
from pathlib import Path

from ab.gpt.lemur.home import Home

TASKS = {"img-captioning": "", "img-classification": "cifar-10"}
"""All captioners, and what was written by hand among the classifiers, with their scores on one data set."""
_PARTS = ("util", "loader", "metric", "transform")
_INIT = '__path__ = __import__("pkgutil").extend_path(__path__, __name__)\nfrom ab.nn import *\n'
_README = "A LEMUR of its own, cut from the installed one. What is recorded here is recorded nowhere else.\n"


def own_lemur(home: Home, folder: Path) -> Home:
    """A LEMUR whose root and package both lie in the folder; one that is there already is taken as it is."""
    own = Home(folder, folder / "ab" / "nn", home.version)
    if (folder / "README.md").is_file():
        return own
    shutil.rmtree(folder / "ab", ignore_errors=True)
    own.package.mkdir(parents=True)
    (folder / "ab" / "__init__.py").write_text(_INIT)
    ignore = shutil.ignore_patterns("__pycache__")
    for file in ("__init__.py", "api.py", "train.py"):
        shutil.copy(home.package / file, own.package)
    for part in _PARTS:
        shutil.copytree(home.package / part, own.package / part, ignore=ignore)
    own.code_dir("nn").mkdir()
    own.stat_train.mkdir(parents=True)
    own.stat_run.mkdir(parents=True)
    shutil.copy(home.code_dir("nn") / "__init__.py", own.code_dir("nn"))
    for place in sorted(home.stat_train.iterdir()):
        if model := _kept(place.name):
            code = home.code_dir("nn") / f"{model}.py"
            if code.is_file():
                shutil.copy(code, own.code_dir("nn"))
                shutil.copytree(place, own.stat_train / place.name)
    _sign(own, folder)
    return own


def _sign(own: Home, folder: Path) -> None:
    """Says of which version it is, and last of all, that it is whole."""
    about = folder / f"nn_dataset-{own.version}.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: nn-dataset\nVersion: {own.version}\n")
    (about / "RECORD").write_text("")
    (folder / "README.md").write_text(_README)


def _kept(config: str) -> str:
    """The model of a configuration that is taken over, or nothing."""
    parts = config.split("_", 3)
    if len(parts) < 4 or parts[0] not in TASKS:
        return ""
    by_hand = "-" not in parts[3] and parts[1] == TASKS[parts[0]]
    return parts[3] if by_hand or parts[0] == "img-captioning" else ""
