"""Repositories on this disk that stand for LEMUR's, a fork of it, and a contributor's clone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ab.gpt.lemur.home import find_package
from tests.gpt.contribute.clones import commit_all, git, git_environment, network, write_tree

IGNORED = shutil.ignore_patterns("__pycache__")


@pytest.fixture(autouse=True)
def plain_git(monkeypatch, tmp_path_factory):
    """Git knows nobody's settings; for authors see the clone."""
    for name, value in git_environment(tmp_path_factory.mktemp("home")).items():
        monkeypatch.setenv(name, value)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tree(tmp_path) -> Path:
    """A tree like LEMUR's with two networks."""
    return write_tree(tmp_path / "tree", [network(101, "C5C-Old"), network(102, "C10C-Old")])


@pytest.fixture
def upstream(tree, tmp_path) -> Path:
    """LEMUR's own repository, bare."""
    git(tree, "init", "--quiet", "--initial-branch=main")
    know_me(tree)
    commit_all(tree, "LEMUR")
    git(tmp_path, "clone", "--quiet", "--bare", str(tree), "upstream.git")
    return tmp_path / "upstream.git"


@pytest.fixture
def fork(upstream, tmp_path) -> Path:
    """A contributor's fork, bare."""
    git(tmp_path, "clone", "--quiet", "--bare", str(upstream), "fork.git")
    return tmp_path / "fork.git"


@pytest.fixture
def clone(upstream, fork, tmp_path) -> Path:
    """A clone of the fork that knows LEMUR's repository as `upstream`."""
    git(tmp_path, "clone", "--quiet", str(fork), "clone")
    folder = tmp_path / "clone"
    git(folder, "remote", "add", "upstream", str(upstream))
    know_me(folder)
    return folder


def know_me(folder: Path) -> None:
    git(folder, "config", "user.name", "Ada Contributor")
    git(folder, "config", "user.email", "ada@example.org")


@pytest.fixture(scope="session")
def captioners(tmp_path_factory) -> Path:
    """A clone-like tree of the installed LEMUR's captioning models with all of their statistics."""
    source = find_package()
    folder = tmp_path_factory.mktemp("captioners")
    package = folder / "ab" / "nn"
    for part in ("loader", "metric", "transform"):
        shutil.copytree(source / part, package / part, ignore=IGNORED)
    shutil.copy(source / "api.py", package / "api.py")
    (package / "nn").mkdir()
    for statistics in (source / "stat" / "train").glob("img-captioning_*"):
        shutil.copytree(statistics, package / "stat" / "train" / statistics.name)
        model = f"{statistics.name.rpartition('_')[2]}.py"
        shutil.copy(source / "nn" / model, package / "nn" / model)
    return folder
