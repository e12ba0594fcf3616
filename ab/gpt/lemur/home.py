"""Where LEMUR lives: its root, its package folders and its version, found without importing it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ab.gpt.errors import NNCaptionError

DISTRIBUTION = "nn-dataset"
KNOWN_VERSIONS = re.compile(r"2\.1\.\d+$")
"""2.2 changed how statistics are kept; what differs between versions has to be learnt here first."""

INSTALL = f"Install it with: pip install '{DISTRIBUTION}~=2.1.2'"


class LemurMissing(NNCaptionError):
    """LEMUR is not installed, or what is installed under its name is not whole."""


class LemurUnknown(NNCaptionError):
    """LEMUR is there, in a version whose files and tables this toolkit does not know."""


@dataclass(frozen=True)
class Home:
    """LEMUR's places. `root` is where it writes, `package` is the folder `ab/nn` that Python would import."""

    root: Path
    package: Path
    version: str

    @property
    def db_file(self) -> Path:
        return self.root / "db" / "ab.nn.db"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def coco(self) -> Path:
        return self.data / "coco"

    @property
    def stat_train(self) -> Path:
        return self.package / "stat" / "train"

    @property
    def stat_run(self) -> Path:
        return self.package / "stat" / "run"

    def code_dir(self, kind: str) -> Path:
        """The folder of LEMUR's code files of one kind: `nn`, `metric`, `transform` or `loader`."""
        return self.package / kind


def find_home(cwd: Path | None = None, search_path: Iterable[str] | None = None) -> Home:
    """LEMUR as a Python started in its root would find it; raises `LemurMissing` or `LemurUnknown`.

    A root that holds a LEMUR of its own, such as a demo's folder or a clone, is complete in itself: nothing that is
    done there touches the installed one. `search_path` stands for the entries of `ab.__path__`, for whoever looks at an
    environment that is not this one.
    """
    root = find_root(cwd)
    if search_path is None:
        search_path = [str(root / "ab"), *sys.modules["ab"].__path__]
    package = find_package(search_path)
    version = _version_of(package)
    if not KNOWN_VERSIONS.match(version):
        raise LemurUnknown(
            f"LEMUR {version} at {package} is of a version that NN-Caption does not know (it knows 2.1.x).", INSTALL
        )
    return Home(root, package, version)


def find_root(cwd: Path | None = None) -> Path:
    """LEMUR's root by LEMUR's own rule: the nearest folder upwards with `ab/` and `README.md`, else `cwd`."""
    here = (cwd or Path()).absolute()
    for folder in (here, *here.parents):
        if (folder / "ab").exists() and (folder / "README.md").exists():
            return folder
    return here


def find_package(search_path: Iterable[str] | None = None) -> Path:
    """The folder `ab/nn` that `import ab.nn` would take: the first on the path that is a regular package."""
    if search_path is None:
        search_path = list(sys.modules["ab"].__path__)
    entries = [Path(entry) for entry in search_path]
    package = next((entry / "nn" for entry in entries if (entry / "nn" / "__init__.py").is_file()), None)
    if package is None:
        raise LemurMissing("LEMUR is not installed: no package 'ab.nn' on Python's path.", INSTALL)
    for part in ("nn", "metric", "transform", "loader", "stat/train", "util/db/Write.py"):
        if not (package / part).exists():
            raise LemurMissing(f"LEMUR at {package} is not whole: {part} is missing.", INSTALL)
    return package.resolve()


def _version_of(package: Path) -> str:
    """LEMUR's version: of the distribution that owns the folder, else of the clone that the folder lies in."""
    top = package.parent.parent
    for distribution in metadata.distributions(name=DISTRIBUTION, path=[str(top)]):
        return distribution.version
    version_file = top / "version"
    if version_file.is_file():
        return version_file.read_text(encoding="utf-8").strip()
    return "without a version"


def make_root(folder: Path, database: str) -> None:
    """Makes a folder one that LEMUR takes for its root: with `ab/`, `README.md`, and a file under `db/`."""
    for part in ("ab", "db"):
        (folder / part).mkdir(parents=True)
    (folder / "README.md").write_text("A LEMUR root of its own, for one job.\n")
    (folder / "db" / database).touch()
