"""A gate to LEMUR's twelve captioners and to a small network that is known to run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ab.gpt.gate.check.catalogue import Catalogue, load_catalogue
from ab.gpt.gate.smoke import warm_smoke
from ab.gpt.isolate.warm import Warm
from ab.gpt.lemur.home import Home


@pytest.fixture(scope="session")
def catalogue_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what torch has is kept: asking it takes seconds."""
    folder = tmp_path_factory.mktemp("catalogue")
    load_catalogue(folder)
    return folder


@pytest.fixture(scope="session")
def torch_catalogue(catalogue_folder: Path) -> Catalogue:
    """What torch has."""
    return load_catalogue(catalogue_folder)


@pytest.fixture(scope="session")
def gate_home(lemur_template: Path, catalogue_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A LEMUR that all tests of the gate share; nothing at the gate writes into its package."""
    site = Path(shutil.copytree(lemur_template, tmp_path_factory.mktemp("gate") / "site"))
    root = site.parent / "root"
    root.mkdir()
    home = Home(root, site / "ab" / "nn", "2.1.2")
    shutil.copytree(catalogue_folder, home.out / "nncaption")
    return home


@pytest.fixture(scope="session")
def warm_network() -> Iterator[Warm]:
    """A process with torch in it, from which smoke runs are forked."""
    with warm_smoke() as process:
        yield process
