"""`ab` is one package however LEMUR, NNGPT and NN-Caption come together, and LEMUR survives our leaving.

Each case is a virtual environment of its own with the small LEMUR in it; heavy libraries are borrowed from the
environment that runs the tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from tests.conftest import REPO

FAMILY = "C5C-Sample-0123456789abcdef0123456789abcdef"
CONFIG = f"img-captioning_coco_bleu_{FAMILY}"
NNGPT_INIT = '__path__ = __import__("pkgutil").extend_path(__path__, __name__)\nfrom ab.gpt import *\n'
ONE_AB = """
import contextlib, io, json, runpy, sys
import ab.nn.util.Const, ab.gpt.NNCaption
import ab.gpt.lemur.home as home
import ab
rows = len(ab.data(task="img-captioning"))
sys.argv[1:] = ["--version"]
with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
    del sys.modules["ab.gpt.NNCaption"]
    runpy.run_module("ab.gpt.NNCaption", run_name="__main__", alter_sys=True)
print(json.dumps({"nn": sys.modules["ab"].nn.__file__, "gpt": ab.gpt.__file__, "rows": rows,
                  "package": str(home.find_home().package), "version": said.getvalue()}))
"""
TRIAL = {"accuracy": 0.1, "batch": 4, "duration": 9, "lr": 0.1, "momentum": 0.9, "transform": "norm_32", "uid": "x"}


class Environment:
    """A virtual environment whose own site-packages hold the small LEMUR."""

    def __init__(self, folder: Path, lemur: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        self.site = next(folder.glob("lib/python3*/site-packages"))
        self.work = folder / "work"
        self.work.mkdir()
        shutil.copytree(lemur, self.site, dirs_exist_ok=True)
        # All but `ab`, so that the environment has one LEMUR, its own.
        borrowed = folder / "borrowed"
        borrowed.mkdir()
        for entry in Path(sysconfig.get_path("purelib")).iterdir():
            if not entry.name.startswith(("ab", "nn_dataset", "nn_caption", "nn_gpt", "__editable__", "nncaption")):
                (borrowed / entry.name).symlink_to(entry)
        (self.site / "borrowed.pth").write_text(f"{borrowed}\n")

    def pip(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "--python", str(self.python), *arguments, "--no-input", "-q"],
            capture_output=True,
            text=True,
            cwd=self.work,
        )
        assert done.returncode == 0, done.stderr

    def install(self, *what: str) -> None:
        self.pip("install", "--no-deps", "--no-build-isolation", "--no-index", *what)

    def run(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(self.python), *arguments],
            cwd=cwd or self.work,
            capture_output=True,
            text=True,
            timeout=120,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def says(self, code: str, cwd: Path | None = None) -> str:
        """The last line that a piece of Python prints."""
        return self.run("-c", code, cwd=cwd).stdout.splitlines()[-1]

    def has_one_ab(self, cwd: Path | None = None) -> dict[str, str]:
        """The files of LEMUR and NN-Caption, which are parts of the same `ab`, and LEMUR's as `lemur.home` finds it.

        One process for everything, because each import of LEMUR takes seconds.
        """
        found: dict[str, str] = json.loads(self.says(ONE_AB, cwd))
        assert int(found.pop("rows")) > 0
        assert "nncaption" in found.pop("version")
        return found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a contributor would have it, with a family, a metric and statistics that ship."""
    copy = tmp_path_factory.mktemp("source") / "project"
    kept = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=REPO, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in kept:
        if (REPO / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, copy / name)
    net = "def supported_hyperparameters():\n    return {'lr', 'momentum'}\n\n\nclass Net:\n    pass\n"
    metric = "def create_metric(out_shape):\n    return 'sample metric'\n"
    loader = "def loader(transform_fn, task):\n    return 'sample loader'\n"
    for kind, name, text in (("nn", FAMILY, net), ("metric", "sample", metric), ("loader", "sampledata", loader)):
        (copy / "ab" / "nn" / kind).mkdir(exist_ok=True)
        (copy / "ab" / "nn" / kind / f"{name}.py").write_text(text)
    statistics = copy / "ab" / "nn" / "stat" / "train" / CONFIG
    statistics.mkdir(parents=True)
    (statistics / "1.json").write_text(json.dumps([TRIAL], indent=4))
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(folder),
            str(source),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return next(folder.glob("nn_caption-*.whl"))


@pytest.fixture
def environment(tmp_path: Path, lemur_template: Path) -> Environment:
    return Environment(tmp_path / "env", lemur_template)


def test_installed_from_a_wheel_beside_lemur(environment, wheel):
    environment.install(str(wheel))
    environment.has_one_ab()
    seconds = []
    for command in (
        [str(environment.python), "-m", "ab.gpt.NNCaption"],
        [str(environment.python.with_name("nncaption"))],
    ):
        started = time.monotonic()
        done = subprocess.run([*command, "--help"], cwd=environment.work, capture_output=True, text=True)
        seconds.append(time.monotonic() - started)
        assert done.returncode == 0 and "doctor" in done.stdout
    assert min(seconds) < 0.5


def test_installed_families_are_lemurs_own(environment, wheel):
    environment.install(str(wheel))
    code = f"""
import json
from ab.nn.util.db.Calc import patterns_to_configs
from ab.nn.util.Util import get_ab_nn_attr
import ab.nn.api as api
rows = api.data(nn="{FAMILY}")
print(json.dumps([
    patterns_to_configs("{CONFIG}", False, False),
    sorted(get_ab_nn_attr("nn.{FAMILY}", "supported_hyperparameters")()),
    get_ab_nn_attr("metric.sample", "create_metric")(None),
    get_ab_nn_attr("loader.sampledata", "loader")(None, None),
    list(rows.accuracy), list(rows.epoch), "class Net" in rows.nn_code[0]]))
"""
    assert json.loads(environment.says(code)) == [
        [["img-captioning", "coco", "bleu", FAMILY]],
        ["lr", "momentum"],
        "sample metric",
        "sample loader",
        [0.1],
        [1],
        True,
    ]


def test_families_installed_after_the_database_was_built(environment, wheel):
    environment.run("-c", "import ab.nn.api")  # LEMUR alone, which builds the database
    environment.install(str(wheel))
    report = environment.run("-m", "nncaption", "bootstrap", "--json")
    assert json.loads(report.stdout)["rows"] >= 1
    assert environment.says(f"import ab.nn.api as a; print(list(a.data(nn='{FAMILY}').accuracy))") == "[0.1]"


def test_editable(environment, source, tmp_path):
    clone = shutil.copytree(source, tmp_path / "clone")
    environment.install("-e", str(clone))
    assert str(clone) in environment.has_one_ab()["gpt"]
    seconds = []
    for _ in range(5):
        started = time.monotonic()
        subprocess.run([str(environment.python.with_name("nncaption")), "--help"], capture_output=True, check=True)
        seconds.append(time.monotonic() - started)
    assert min(seconds) < 0.5  # what the others took longer was the machine's


def test_started_from_inside_a_clone_of_lemurs_repository(environment, wheel, lemur_template, tmp_path):
    environment.install(str(wheel))
    clone = shutil.copytree(lemur_template / "ab", tmp_path / "nn-dataset" / "ab").parent
    (clone / "README.md").write_text("LEMUR\n")
    (clone / "version").write_text("2.1.2\n")
    found = environment.has_one_ab(cwd=clone)
    assert Path(found["package"]) == Path(found["nn"]).parent == (clone / "ab" / "nn").resolve()
    assert found["gpt"] == str(environment.site / "ab" / "gpt" / "__init__.py")


@pytest.mark.parametrize("order", ["NNGPT first", "NNGPT last"])
def test_with_nngpts_init_in_place(environment, wheel, order):
    def nngpt() -> None:
        (environment.site / "ab" / "__init__.py").write_text(NNGPT_INIT)
        (environment.site / "ab" / "gpt").mkdir(exist_ok=True)
        (environment.site / "ab" / "gpt" / "__init__.py").write_text(
            "import os\n\nos.environ['WANDB_MODE'] = 'disabled'\n"
        )
        (environment.site / "ab" / "gpt" / "NNAlter.py").write_text("here = True\n")

    if order == "NNGPT first":
        nngpt()
    environment.install(str(wheel))
    if order == "NNGPT last":
        nngpt()
    assert environment.says("import ab.gpt.NNAlter as a, ab.gpt.NNCaption, ab.nn.util.Const; print(a.here)") == "True"
    assert "nncaption" in environment.run("-m", "ab.gpt.NNCaption", "--version").stdout
    assert "nncaption" in environment.run("-m", "nncaption", "--version").stdout


def test_lemur_imports_after_uninstall(environment, wheel):
    environment.install(str(wheel))
    environment.pip("uninstall", "-y", "nn-caption")
    assert not list((environment.site / "ab").glob("gpt/**/*.py"))
    assert environment.says("import ab.nn.api as a; print(len(a.data(task='img-captioning')) > 0)") == "True"
    assert (environment.site / "ab" / "nn" / "nn" / "RESNETLSTM.py").exists()


def test_without_lemur_there_is_one_clear_error(environment, wheel):
    environment.install(str(wheel))
    shutil.rmtree(environment.site / "ab" / "nn")
    done = environment.run("-m", "nncaption", "bootstrap", check=False)
    assert done.returncode == 1
    assert "LEMUR is not installed" in done.stderr and "pip install" in done.stderr
    assert not (environment.work / "db").exists()


def test_the_wheel_holds_what_it_should(wheel):
    import zipfile

    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "docs"))]
    for name in ("ab/__init__.py", "ab/gpt/NNCaption.py", "ab/gpt/lemur/home.py", "nncaption.py", "ab/gpt/py.typed"):
        assert name in names
    assert "ab/nn/__init__.py" not in names and "ab/nn/nn/__init__.py" not in names
    assert f"ab/nn/nn/{FAMILY}.py" in names and f"ab/nn/stat/train/{CONFIG}/1.json" in names


def test_every_dependency_has_its_reason():
    """`CONTRIBUTING.md` says of each why it is there."""
    import configparser

    parser = configparser.ConfigParser()
    parser.read(REPO / "setup.cfg")
    lists = [parser["options"]["install_requires"], *parser["options.extras_require"].values()]
    lines = {line.strip() for text in lists for line in text.splitlines()}
    names = {re.match(r"[A-Za-z0-9-]+", line)[0] for line in lines if line and not line.startswith("%")}
    table = (REPO / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Dependencies")[2]
    missing = sorted(name for name in names if not re.search(rf"\b{name}\b", table, re.IGNORECASE))
    assert len(names) > 12 and not missing
