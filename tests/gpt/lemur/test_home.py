"""LEMUR's places are found as LEMUR finds them, and without importing it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from ab.gpt.lemur.home import LemurMissing, LemurUnknown, find_home, find_package, find_root
from ab.gpt.lemur.own import own_lemur


def test_finds_the_installed_lemur_without_importing_it(tmp_path):
    home = find_home(tmp_path)
    assert home.version.startswith("2.1.")
    assert home.stat_train.is_dir()
    assert home.root == tmp_path
    assert "ab.nn" not in sys.modules


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_root_is_the_nearest_folder_upwards_with_ab_and_readme(tmp_path, depth):
    top = tmp_path / "top"
    (top / "ab").mkdir(parents=True)
    (top / "README.md").touch()
    below = top.joinpath(*["sub"] * depth)
    below.mkdir(parents=True, exist_ok=True)
    assert find_root(below) == top


def test_root_is_the_working_directory_where_there_is_none(tmp_path):
    (tmp_path / "ab").mkdir()  # without README.md
    assert find_root(tmp_path) == tmp_path


def test_root_and_package_agree_with_lemur_itself(home, run_python):
    said = run_python(
        "import ab.nn.util.Const as c; print(c.ab_root_path, c.db_file, c.stat_train_dir, c.nn_dir, sep='\\n')"
    )
    root, db_file, stat_train, nn_dir = said.stdout.strip().splitlines()[-4:]
    assert Path(root) == home.root
    assert Path(db_file) == home.db_file
    assert Path(stat_train) == home.stat_train
    assert Path(nn_dir) == home.code_dir("nn")


def test_a_root_with_a_lemur_of_its_own_is_complete_in_itself(home, tmp_path):
    """What is done in a demo's folder, or in a clone, is done there, whichever way the command was started."""
    own = own_lemur(home, tmp_path / "own")
    assert find_home(own.root) == find_home(own.data) == own != home


def test_no_lemur(tmp_path):
    with pytest.raises(LemurMissing, match="pip install"):
        find_package([str(tmp_path)])


def test_half_a_lemur(site):
    shutil.rmtree(site / "ab" / "nn" / "transform")
    with pytest.raises(LemurMissing, match="transform is missing"):
        find_package([str(site / "ab")])


@pytest.mark.parametrize("version", ["2.2.1", "3.0", "2.1.2.dev1"])
def test_unknown_version_is_named_with_the_way_out(site, version):
    (site / "nn_dataset-2.1.2.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: nn-dataset\nVersion: {version}\n"
    )
    with pytest.raises(LemurUnknown, match=rf"{version}.*2\.1\.x.*pip install"):
        find_home(search_path=[str(site / "ab")])


def test_version_of_a_clone_comes_from_its_version_file(site):
    shutil.rmtree(site / "nn_dataset-2.1.2.dist-info")
    (site / "version").write_text("2.1.7\n")
    assert find_home(search_path=[str(site / "ab")]).version == "2.1.7"
