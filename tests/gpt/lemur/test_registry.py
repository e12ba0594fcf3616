"""Net files are placed where LEMUR finds them, and nothing else is touched."""

from __future__ import annotations

import pytest

from ab.gpt.lemur.bootstrap import ensure
from ab.gpt.lemur.names import BadName, Config, full_name, lemur_hash
from ab.gpt.lemur.records import Epoch, record_trial
from ab.gpt.lemur.registry import NameTaken, NotPlaced, list_placed, place, remove

CODE = "def supported_hyperparameters():\n    return {'lr', 'momentum'}\n\nclass Net:\n    pass\n"


def test_placed_under_prefix_and_hash(home):
    placed = place(home, CODE, prefix="C5C-RESNETLSTM")
    assert placed.name == f"C5C-RESNETLSTM-{lemur_hash(CODE)}"
    assert placed.file.read_text() == CODE
    assert [one.name for one in list_placed(home)] == [placed.name]


def test_the_name_that_tables_show_is_enough(home):
    [whole] = [file.stem for file in home.code_dir("nn").glob("C5C-RESNETLSTM-c425*.py")]
    assert full_name(home, whole[:-24]) == whole == full_name(home, whole)
    for other in ("C5C-RESNETLSTM", "C5C-RESNETLSTM-c4", "C5C-RESNETLSTM-000000", "RESNETLSTM", "../x"):
        assert full_name(home, other) == other


def test_hash_is_lemurs(run_python):
    text = "a b\tc\n  d\u00a0e\x1cf"
    said = run_python("import sys; from ab.nn.util.Util import uuid4; print(uuid4(sys.argv[1]))", text)
    assert said.stdout.split()[-1] == lemur_hash(text)


def test_lemurs_train_finds_it(home, run_python):
    """The configuration is known to LEMUR's own train, which then tries to load the model."""
    name = place(home, CODE, prefix="C5C-RESNETLSTM").name
    code = f"""
from ab.nn.util.db.Calc import patterns_to_configs
from ab.nn.util.Util import get_ab_nn_attr
print(patterns_to_configs("img-captioning_coco_bleu_{name}", False, False))
print(get_ab_nn_attr("nn.{name}", "supported_hyperparameters")())
"""
    said = run_python(code).stdout
    assert f"('img-captioning', 'coco', 'bleu', '{name}')" in said
    assert "lr" in said.splitlines()[-1]


def test_same_code_same_name_other_code_is_an_error(home):
    first = place(home, CODE, name="Mine")
    again = place(home, CODE.replace("    pass", "\tpass\n"), name="Mine")
    assert (again.name, again.file.read_text()) == (first.name, CODE)
    with pytest.raises(NameTaken, match="Mine"):
        place(home, CODE + "x = 1\n", name="Mine")
    assert first.file.read_text() == CODE
    with pytest.raises(NameTaken):
        place(home, CODE, name="AlexNet")


@pytest.mark.parametrize("name", ["../up", "a/b", "a_b", "a.b", "", "-a", "a" * 300, "a\nb", "C:\\x", "a b", "ä"])
def test_names_that_lemur_could_not_use(home, name):
    before = sorted(home.package.rglob("*"))
    for call in (lambda: place(home, CODE, name=name), lambda: remove(home, name)):
        with pytest.raises(BadName) as caught:
            call()
        assert caught.value.way_out
    with pytest.raises(BadName):
        place(home, CODE, prefix="x_" + name)
    assert sorted(home.package.rglob("*")) == before


def test_only_what_was_placed_is_removed(home):
    placed = place(home, CODE, prefix="C5C-RESNETLSTM")
    remove(home, placed.name)
    assert not placed.file.exists() and list_placed(home) == []
    with pytest.raises(NotPlaced, match="AlexNet"):
        remove(home, "AlexNet")
    assert (home.code_dir("nn") / "AlexNet.py").exists()


def test_a_model_with_records_is_not_orphaned(home):
    ensure(home)
    placed = place(home, CODE, prefix="C5C-RESNETLSTM")
    config = Config("img-captioning", "coco", "bleu", placed.name)
    record_trial(home, config, {"lr": 0.1, "batch": 2, "transform": "norm_32"}, [Epoch(1, 0.1, 5)])
    with pytest.raises(NotPlaced, match="statistics"):
        remove(home, placed.name)
    remove(home, placed.name, with_records=True)
    assert not (home.stat_train / str(config)).exists()
    assert list_placed(home) == []


def test_a_damaged_list_of_placed_models_is_named(home):
    place(home, CODE, name="Mine")
    (home.package / "stat" / "nncaption-placed.json").write_text("[{")
    with pytest.raises(NotPlaced, match="cannot be read"):
        list_placed(home)
