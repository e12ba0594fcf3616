"""A signature is the flags; what is wrong is named, with what is allowed, and exit code 2."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest

from ab.gpt import flags
from ab.gpt.errors import UsageError

seen: dict[str, object] = {}


def paint(
    *files: Annotated[Path, "what to paint"],
    coats: Annotated[int, "how many"] = 2,
    thin: Annotated[float, "share of water"] = 0.5,
    colour: Annotated[Literal["red", "blue"], "which"] = "red",
    sizes: Annotated[list[int], "in cm"] = [5, 10],  # noqa: B006
    label: Annotated[str | None, "a text"] = None,
    dry: Annotated[bool, "wait"] = True,
) -> int:
    """Paints files.

    At length.
    """
    seen.clear()
    seen.update(files=files, coats=coats, thin=thin, colour=colour, sizes=sizes, label=label, dry=dry)
    return 7


def call(*argv: str) -> int:
    return flags.run({"paint": paint}, argv, "prog", "1.0", "About.")


def test_defaults():
    assert call("paint") == 7
    assert seen == {
        "files": (), "coats": 2, "thin": 0.5, "colour": "red", "sizes": [5, 10], "label": None, "dry": True
    }  # fmt: skip


def test_flags_win_over_the_yaml_file_and_that_over_defaults(tmp_path):
    file = tmp_path / "paint.yaml"
    file.write_text("coats: 9\nthin: 1\nsizes: [1, 2]\ndry: false\nlabel: null\nfiles: [a.txt]\n")
    call("paint", "b.txt", "--config", str(file), "--coats", "3", "--sizes=7")
    assert seen == {
        "files": (Path("b.txt"),), "coats": 3, "thin": 1.0, "colour": "red", "sizes": [7], "label": None, "dry": False
    }  # fmt: skip
    call("paint", "--config", str(file), "--dry")
    assert (seen["files"], seen["sizes"], seen["dry"]) == ((Path("a.txt"),), [1, 2], True)


@pytest.mark.parametrize(
    ("argv", "named", "way_out"),
    [
        (["paint", "--coast", "3"], "'--coast'. Did you mean '--coats'?", "--coats, --thin"),
        (["paint", "--coats", "x"], "--coats: 'x'", "a whole number"),
        (["paint", "--coats", "1.5"], "--coats: '1.5'", "a whole number"),
        (["paint", "--thin", "wet"], "--thin: 'wet'", "a number"),
        (["paint", "--colour", "green"], "--colour: 'green'", "one of red, blue"),
        (["paint", "--sizes", "1,b"], "--sizes: 'b'", "separated by commas"),
        (["paint", "--coats"], "--coats", "--help"),
        (["piant"], "'piant'. Did you mean 'paint'?", "paint"),
        (["paint", "--config", "/no/such.yaml"], "/no/such.yaml", "that exists"),
    ],
)
def test_what_is_wrong_is_named(argv, named, way_out):
    with pytest.raises(UsageError) as caught:
        call(*argv)
    assert named in caught.value.what and way_out in caught.value.way_out
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("coast: 3", "'coast'. Did you mean 'coats'?"),
        ("coats: [1, 2]", "--coats: [1, 2]"),
        ("coats: true", "--coats: True"),
        ("coats: null", "--coats: None"),
        ("dry: perhaps", "--dry: 'perhaps'"),
        ("colour: green", "--colour: 'green'"),
        ("- coats", "does not hold options"),
        ("coats: [", "not YAML"),
        ("", None),
    ],
)
def test_what_is_wrong_in_the_yaml_file_is_named(tmp_path, text, named):
    file = tmp_path / "paint.yaml"
    file.write_text(text)
    if named is None:
        assert call("paint", "--config", str(file)) == 7
        return
    with pytest.raises(UsageError) as caught:
        call("paint", "--config", str(file))
    assert named in caught.value.what and str(file) in caught.value.what and caught.value.way_out


def test_help_has_every_flag_with_its_default(capsys):
    with pytest.raises(SystemExit) as ended:
        call("paint", "--help")
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for words in ("Paints files.", "At length.", "--coats", "how many (2)", "red|blue", "--no-dry", "--config"):
        assert words in said


def test_a_missing_argument_is_named():
    def needs(folder: Annotated[Path, "where"]) -> int:
        """Needs."""
        return 0

    with pytest.raises(UsageError, match="folder is missing"):
        flags.run({"needs": needs}, ["needs"], "prog", "1.0", "About.")
