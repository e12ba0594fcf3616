"""The families that ship: whole, what their names say, free of what a maintainer sends back, told of, and trainable."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ab.gpt.contribute.gatekeeper import gatekeeper
from ab.gpt.contribute.verify import verify
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import SPLITTER, model_name
from ab.gpt.propose.blueprint.at_hand import FILES
from ab.gpt.scenes import draw_scenes
from tests.conftest import REPO, child_environment

PACKAGE = REPO / "ab" / "nn"
FAMILIES = sorted(file.stem for file in (PACKAGE / "nn").glob("*.py"))
PAGE = REPO / "docs" / "families.md"


@pytest.fixture(scope="module")
def home(lemur_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The small LEMUR with what this project adds to it, as after an installation."""
    folder = tmp_path_factory.mktemp("families")
    site = Path(shutil.copytree(lemur_template, folder / "site"))
    shutil.copytree(PACKAGE, site / "ab" / "nn", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "root").mkdir()
    return Home(folder / "root", site / "ab" / "nn", "2.1.2")


def statistics(name: str) -> dict[int, list[dict[str, object]]]:
    """A network's trials by epoch."""
    folder = PACKAGE / "stat" / "train" / SPLITTER.join(("img-captioning", "flickr8k", "bleu", name))
    return {int(file.stem): json.loads(file.read_text()) for file in folder.iterdir()}


def test_there_are_twenty_of_both_kinds():
    kinds = Counter(name.partition("-")[0] for name in FAMILIES)
    assert len(FAMILIES) >= 20 and set(kinds) == {"C5C", "C10C"}, kinds
    assert all(re.fullmatch(r"C(5|10)C-Blueprint(LSTM|GRU|Transformer)-[0-9a-f]{32}", name) for name in FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_each_is_what_its_name_says_with_five_epochs(name):
    code = (PACKAGE / "nn" / f"{name}.py").read_text()
    assert model_name(name.rpartition("-")[0], code) == name
    epochs = statistics(name)
    assert sorted(epochs) == [1, 2, 3, 4, 5] and all(len(trials) == len(epochs[1]) >= 1 for trials in epochs.values())


def test_a_maintainer_finds_nothing(home):
    root = home.package.parent.parent
    with gatekeeper(home, run=False) as check:
        findings = verify(root, check_code=check, database=True)
    ours = [str(finding) for finding in findings if any(name in str(finding) for name in FAMILIES)]
    assert not ours


def test_the_page_tells_of_each_with_the_scores_of_the_statistics():
    text = PAGE.read_text()
    told = re.findall(r"^## (C\S+)$", text, re.MULTILINE)
    assert sorted(told) == FAMILIES
    for name in FAMILIES:
        epochs = statistics(name)
        by_epoch = ", ".join(f"{epochs[number][0]['accuracy']:.4f}" for number in sorted(epochs))
        head, _, tail = name.rpartition("-")
        assert f"| {head}-{tail[:6]} |" in text and by_epoch in text, name


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_lemurs_own_train_trains_it(home, name, tmp_path):
    """By `python -m ab.nn.train -c img-captioning_flickr8k_bleu_<name>`, with random numbers for ImageNet's weights."""
    config = SPLITTER.join(("img-captioning", "flickr8k", "bleu", name))
    root = Home(tmp_path, Path(shutil.copytree(home.package.parent.parent, tmp_path / "site")) / "ab" / "nn", "2.1.2")
    draw_scenes(root.data / "flickr8k", train=200, val=8, size=64)  # too few steps stay below LEMUR's minimum
    random_weights(tmp_path / "torch")
    place = root.stat_train / config
    shutil.rmtree(place)
    words = ["-c", config, "-t", "1", "-e", "1", "-f", "echo_64", "-b", "3", "-w", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "ab.nn.train", *words, "--min_learning_rate", "0.0005", "-l", "0.001"],
        cwd=tmp_path, env={**child_environment(tmp_path / "site"), "TORCH_HOME": str(tmp_path / "torch")},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert [file.name for file in place.glob("*.json")] == ["1.json"], (done.stdout + done.stderr)[-2000:]


def random_weights(torch_home: Path) -> None:
    """What torchvision takes for the backbone's weights, in torch's cache."""
    import torch
    import torchvision

    folder = torch_home / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(torchvision.models.mobilenet_v2(weights=None).state_dict(), folder / FILES["mobilenet_v2"])
