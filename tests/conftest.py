"""What all tests share: a small LEMUR of its own, cut from the installed one, which is only ever read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ab
from ab.gpt.lemur.home import Home, find_package

REPO = Path(__file__).resolve().parent.parent
CLASSIFIERS = ("AlexNet", "ResNet", "SqueezeNet-1", "VGG", "MobileNetV2", "DenseNet")
CAPTIONERS = ("RESNETLSTM", "ResNetTransformer")
SHARED = Path(os.environ.get("NNCAPTION_SHARED_DATA", REPO.parent / "shared" / "data"))
if "NLTK_DATA" not in os.environ and (SHARED / "nltk_data").is_dir():
    # Stock LEMUR cannot cut captions without punkt_tab; tests that compare with it skip where it is nowhere.
    os.environ["NLTK_DATA"] = str(SHARED / "nltk_data")
TRIALS_KEPT, EPOCHS_KEPT = 4, (1, 2, 3)
SHIPPED = {file.stem for file in (REPO / "ab" / "nn" / "nn").glob("*.py")}
"""Models of this package: where it is installed, they lie among LEMUR's own."""


@pytest.fixture(scope="session")
def lemur_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site folder with LEMUR's code, its captioners, a few classifiers and a little of their statistics."""
    source = find_package()
    site = tmp_path_factory.mktemp("site")
    package = site / "ab" / "nn"
    package.mkdir(parents=True)
    (site / "ab" / "__init__.py").write_text(
        '__path__ = __import__("pkgutil").extend_path(__path__, __name__)\nfrom ab.nn import *\n'
    )
    for part in ("__init__.py", "api.py", "train.py"):
        shutil.copy(source / part, package / part)
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("util", "loader", "metric", "transform"):
        shutil.copytree(source / part, package / part, ignore=ignore)
    (package / "nn").mkdir()
    shutil.copy(source / "nn" / "__init__.py", package / "nn" / "__init__.py")
    configs = [name for name in os.listdir(source / "stat" / "train") if _kept(name)]
    models = {name.rpartition("_")[2] for name in configs} | set(CLASSIFIERS)
    for model in sorted(models):
        if (source / "nn" / f"{model}.py").exists():
            shutil.copy(source / "nn" / f"{model}.py", package / "nn")
    for name in configs:
        folder = package / "stat" / "train" / name
        folder.mkdir(parents=True)
        for epoch in EPOCHS_KEPT:
            file = source / "stat" / "train" / name / f"{epoch}.json"
            if file.exists():
                trials = json.loads(file.read_text())[:TRIALS_KEPT]
                (folder / file.name).write_text(json.dumps(trials, indent=4))
    (package / "stat" / "run").mkdir()
    for name in [*sorted(os.listdir(source / "stat" / "run"))[:5], "img-captioning_RESNETLSTM"]:
        shutil.copytree(source / "stat" / "run" / name, package / "stat" / "run" / name, dirs_exist_ok=True)
    about = site / "nn_dataset-2.1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: nn-dataset\nVersion: 2.1.2\n")
    (about / "RECORD").write_text("")
    return site


def _kept(config: str) -> bool:
    task, _, _, model = config.split("_")
    if task == "img-captioning":
        return model not in SHIPPED
    return task == "img-classification" and model in CLASSIFIERS


@pytest.fixture
def site(lemur_template: Path, tmp_path: Path) -> Path:
    """A copy of the small LEMUR that the test may change."""
    return Path(shutil.copytree(lemur_template, tmp_path / "site"))


@pytest.fixture
def home(site: Path, tmp_path: Path) -> Home:
    """The small LEMUR with a root of its own, without a database yet."""
    root = tmp_path / "root"
    root.mkdir()
    return Home(root, site / "ab" / "nn", "2.1.2")


@pytest.fixture
def run_python(home: Home, site: Path):
    """Runs Python code in the root, in a process that sees this project and the small LEMUR."""

    def run(code: str, *arguments: str, timeout: float = 120, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=home.root,
            env=child_environment(site),
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check:
            assert done.returncode == 0, done.stderr[-4000:]
        return done

    return run


def child_environment(site: Path) -> dict[str, str]:
    """The environment of a child that imports `ab` from this clone and `ab.nn` from the small LEMUR."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(REPO), str(site))), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="session", autouse=True)
def installed_lemur_is_left_alone():
    """Fails the session if a test has changed the statistics or models inside the installed package."""
    package = find_package(ab.__path__)
    watched = [package / "stat", package / "stat" / "train", package / "nn", package / "metric", package / "loader"]
    before = [folder.stat().st_mtime_ns for folder in watched]
    yield
    after = [folder.stat().st_mtime_ns for folder in watched]
    assert before == after, "a test has written into the installed LEMUR"


@pytest.fixture(scope="session")
def flickr8k(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real photographs in COCO's layout, which the project may not carry; skips where they are not at hand."""
    import tarfile

    shared = Path(os.environ.get("NNCAPTION_SHARED_DATA", REPO.parent / "shared" / "data"))
    if not (shared / "flickr8k.tar").is_file():
        pytest.skip(f"no flickr8k.tar in {shared}; NNCAPTION_SHARED_DATA names the folder that holds it")
    folder = tmp_path_factory.mktemp("flickr8k")
    with tarfile.open(shared / "flickr8k.tar") as archive:
        archive.extractall(folder, filter="data")
    [annotations] = folder.rglob("annotations")
    return annotations.parent


def left_running(before: set[int], warm: int | None = None) -> list[int]:
    """Our descendants that were not there before, but for a warm process; the killed may still have to be buried."""
    from ab.gpt.isolate.tree import descendants

    deadline = time.monotonic() + 1
    while left := [pid for pid in descendants(os.getpid()) if pid not in {*before, warm}]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return left
