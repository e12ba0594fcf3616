"""Small trees like LEMUR's, repositories of them, and networks to contribute; nothing here needs a network."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

from ab.gpt.contribute.contribution import Contribution
from ab.gpt.lemur.names import model_name
from ab.gpt.lemur.records import trial_uid
from ab.gpt.train.scores.intervals import Interval

CONFIG = "img-captioning_coco_bleu_{}"
PRM = {"batch": 32, "lr": 0.001, "momentum": 0.9, "transform": "norm_256"}


def net_code(width: int) -> str:
    """A network that reads well; it is never run here."""
    return f"""import torch.nn as nn


def supported_hyperparameters():
    return {{'lr', 'momentum'}}


class Net(nn.Module):
    def __init__(self, in_shape, out_shape, prm, device):
        super().__init__()
        self.layer = nn.Linear({width}, 8)

    def train_setup(self, prm):
        pass

    def learn(self, train_data):
        pass
"""


def trials(epoch: int, count: int = 1, best: float = 0.1) -> list[dict]:
    """An epoch's trials as LEMUR writes them."""
    rows = []
    for number in range(count):
        prm = {**PRM, "lr": 0.001 * (number + 1)}
        own = {"accuracy": best + epoch / 1000 - number / 10000, "duration": epoch * 1_000_000 + number}
        rows.append(dict(sorted({**prm, **own, "uid": trial_uid(prm)}.items())))
    return rows


def stat_files(name: str, epochs: int = 5, count: int = 1, best: float = 0.1) -> dict[str, bytes]:
    """All epochs of a network, by their place under LEMUR's statistics."""
    folder = CONFIG.format(name)
    return {
        f"{folder}/{epoch}.json": json.dumps(trials(epoch, count, best), indent=4).encode()
        for epoch in range(1, epochs + 1)
    }


def network(width: int = 1, prefix: str = "C5C-Test", **changes) -> Contribution:
    """A network that beats what it has to beat."""
    code = net_code(width)
    name = model_name(prefix, code)
    one = Contribution(
        name=name,
        code=code,
        stat_files=stat_files(name),
        score=Interval(0.14, 0.15, 0.16),
        baseline=0.11,
        blind=0.12,
        how_made="Proposed by a small language model from five classifiers.",
        commands=[f"nncaption train {name} --epochs 5"],
    )
    return replace(one, **changes)


def write_tree(folder: Path, networks: list[Contribution]) -> Path:
    """A tree like LEMUR's with some networks and their statistics."""
    package = folder / "ab" / "nn"
    for part in ("nn", "loader", "metric", "transform", "stat/train"):
        (package / part).mkdir(parents=True)
    for file in ("api.py", "nn/__init__.py", "metric/bleu.py", "transform/norm_256.py", "loader/coco.py"):
        (package / file).write_text("# LEMUR's\n")
    (folder / "README.md").write_text("# LEMUR\n")
    for one in networks:
        (package / "nn" / f"{one.name}.py").write_text(one.code)
        for place, content in one.stat_files.items():
            file = package / "stat" / "train" / place
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
    return folder


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit_all(folder: Path, message: str = "more") -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def state(folder: Path) -> dict[str, object]:
    """Everything of a clone that its user can see: refs, HEAD, index, and the work tree."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
    return {
        "refs": git(folder, "for-each-ref"),
        "head": (folder / ".git" / "HEAD").read_text(),
        "index": git(folder, "ls-files", "--stage"),
        "config": (folder / ".git" / "config").read_text(),
        "locks": [str(path) for path in (folder / ".git").rglob("*.lock")],
        "files": files,
    }


def git_environment(home: Path) -> dict[str, str]:
    """Git without the settings of whoever runs the tests."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
