"""Drawn scenes: the same bytes from the same numbers, true pictures and captions, and folders that are safe."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations, permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image, ImageChops
from pycocotools.coco import COCO

from ab.gpt.errors import NNCaptionError, UsageError
from ab.gpt.scenes import SceneReport, draw_scenes, words
from ab.gpt.scenes.captions import captions
from ab.gpt.scenes.compose import TRAIN, VAL, compose, split_of
from ab.gpt.scenes.draw import draw
from ab.gpt.scenes.folder import FolderTaken, FolderUnusable
from ab.gpt.scenes.layout import EDITION
from ab.gpt.scenes.scene import Box, Group, Relation, Scene
from ab.gpt.scenes.world import BACKDROPS, COLOURS, KINDS, SIZES, Zone, distance, visible_colours

ROOT = Path(__file__).parents[2]
SMALL: dict[str, Any] = {"train": 6, "val": 3, "size": 32}


def told(seed: int, split: str, index: int) -> tuple[str, ...]:
    return captions(compose(seed, split, index), Random(f"{seed}/{split}/{index}/captions"))


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below a folder, with the time of its last change."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


def files(folder: Path) -> dict[str, bytes]:
    return {name: data for name, (_, data) in contents(folder).items() if data}


def in_another_process(code: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", f"from pathlib import Path\nfrom ab.gpt.scenes import draw_scenes\n{code}"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> SceneReport:
    return draw_scenes(tmp_path_factory.mktemp("scenes") / "thousand", train=800, val=200, size=32)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [compose(7, split, index) for split in (TRAIN, VAL) for index in range(300)]


# The layout


@pytest.mark.parametrize(("split", "number"), [("train", 800), ("val", 200)])
def test_layout_is_cocos(thousand: SceneReport, split: str, number: int) -> None:
    coco = COCO(str(thousand.folder / "annotations" / f"captions_{split}2017.json"))
    assert len(coco.getImgIds()) == number == len(list((thousand.folder / f"{split}2017").iterdir()))
    for image in coco.loadImgs(coco.getImgIds()):
        assert re.fullmatch(r"\d{12}\.jpg", image["file_name"]) and int(image["file_name"][:12]) == image["id"]
        with Image.open(thousand.folder / f"{split}2017" / image["file_name"]) as picture:
            assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (image["width"], image["height"]))
        its = [annotation["caption"] for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]]))]
        assert len(its) == len(set(its)) == 5
    info = coco.dataset["info"]
    assert "not photographs" in info["description"] and "practice" in info["description"]
    assert (info["seed"], info["version"]) == (0, f"{EDITION}.0")
    assert info["settings"] == {"train": 800, "val": 200, "size": 32, "seed": 0, "edition": EDITION}


def test_ids_of_the_splits_differ(thousand: SceneReport) -> None:
    of_splits = []
    for split in (TRAIN, VAL):
        whole = json.loads((thousand.folder / "annotations" / f"captions_{split}2017.json").read_text())
        of_splits.append((whole["images"], whole["annotations"]))
    for train, val in zip(*of_splits, strict=True):
        ids = [item["id"] for item in train] + [item["id"] for item in val]
        assert len(ids) == len(set(ids))


def test_captions_are_many_and_english(thousand: SceneReport) -> None:
    everything = [caption for split, n in ((TRAIN, 800), (VAL, 200)) for i in range(n) for caption in told(0, split, i)]
    assert thousand.distinct_captions == len(set(everything)) >= 2000
    assert thousand.vocabulary == len(words.vocabulary(everything)) >= 150
    for caption in everything:
        assert re.fullmatch(r"[A-Z][a-z]*(,? [a-z]+)+\.", caption), caption
        assert not re.search(r"\b(\w+) \1\b", caption), caption
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", caption.lower()), caption


def test_every_kind_colour_and_count_occurs(scenes: list[Scene]) -> None:
    groups = [group for scene in scenes for group in scene.groups]
    assert {group.kind for group in groups} == set(KINDS) and len(KINDS) >= 12
    assert {group.colour for group in groups} == set(COLOURS) and len(COLOURS) >= 8
    assert {group.size for group in groups} == set(SIZES)
    assert {group.count for group in groups} == {1, 2, 3, 4}
    assert {scene.backdrop for scene in scenes} == set(BACKDROPS)
    pairs = [(scene, *pair) for scene in scenes for pair in permutations(scene.groups, 2)]
    assert {scene.relation(one, other) for scene, one, other in pairs} >= set(Relation)


# The same from the same numbers


def test_same_bytes_in_any_process(tmp_path: Path) -> None:
    for name, hash_seed in (("one", "1"), ("two", "2")):
        code = f"draw_scenes(Path({str(tmp_path / name)!r}), train=12, val=4, size=48, seed=5)"
        ended = in_another_process(code, hash_seed)
        assert ended.returncode == 0, ended.stderr
    draw_scenes(tmp_path / "here", train=12, val=4, size=48, seed=5)
    assert files(tmp_path / "one") == files(tmp_path / "two") == files(tmp_path / "here")
    assert len(files(tmp_path / "one")) == 18
    draw_scenes(tmp_path / "other", train=12, val=4, size=48, seed=6)
    assert files(tmp_path / "other").keys() == files(tmp_path / "one").keys()
    assert not set(files(tmp_path / "other").values()) & set(files(tmp_path / "one").values())


def test_edition_is_raised_when_the_scenes_change() -> None:
    """If this fails, and the change is meant: raise EDITION, and put the new digest here."""
    known = {1: "e30c2cca919a8bc7"}
    text = "\n".join(f"{compose(0, s, i).description}|{told(0, s, i)}" for s in (TRAIN, VAL) for i in range(50))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == known[EDITION]


def test_larger_begins_with_smaller(tmp_path: Path) -> None:
    draw_scenes(tmp_path / "small", train=5, val=2, size=32)
    draw_scenes(tmp_path / "large", train=9, val=7, size=32)
    small, large = files(tmp_path / "small"), files(tmp_path / "large")
    for name, data in small.items():
        if name.endswith(".jpg"):
            assert large[name] == data
            continue
        begun, whole = json.loads(data), json.loads(large[name])
        assert whole["images"][: len(begun["images"])] == begun["images"]
        assert whole["annotations"][: len(begun["annotations"])] == begun["annotations"]


def test_no_description_in_both_splits() -> None:
    train = {compose(seed, TRAIN, index).description for seed in (0, 1) for index in range(400)}
    val = {compose(seed, VAL, index).description for seed in (0, 1) for index in range(150)}
    assert not train & val
    assert len(train) > 700, "scenes hardly repeat"
    assert split_of(compose(3, VAL, 0)) == VAL


# What the pictures show


def test_things_keep_apart_and_inside(scenes: list[Scene]) -> None:
    for scene in scenes:
        boxes = [box for group in scene.groups for box in group.boxes]
        assert all(box.left >= 0 and box.top >= 0 and box.right <= 1 and box.bottom <= 1 for box in boxes)
        for one, other in combinations(boxes, 2):
            apart = max(other.left - one.right, one.left - other.right, other.top - one.bottom, one.top - other.bottom)
            assert apart >= 0, scene
        for group in scene.groups:
            for box in group.boxes:
                assert box.height == pytest.approx(KINDS[group.kind].height * SIZES[group.size])
                if group.zone is Zone.AIR:
                    assert box.bottom < scene.horizon
                elif group.zone is Zone.DEEP:
                    assert box.top > scene.horizon
                elif group.zone in (Zone.GROUND, Zone.SURFACE):
                    assert box.bottom > scene.horizon


def holds(relation: Relation, one: Group, other: Group) -> bool:
    """Whether a relation is true of every thing of the one and every thing of the other, by their boxes alone."""
    return all(_holds(relation, a, b) for a in one.boxes for b in other.boxes)


def _holds(relation: Relation, a: Box, b: Box) -> bool:
    if relation in (Relation.RIGHT, Relation.BELOW, Relation.UNDER, Relation.FRONT):
        a, b, relation = b, a, relation.converse
    if relation is Relation.LEFT:
        return a.right <= b.left
    if relation is Relation.ON:
        return abs(a.bottom - b.top) < 1e-6 and b.left <= a.x <= b.right
    return a.bottom <= b.top  # above, and behind: on the ground, what is farther is higher in the picture


def test_relations_are_true_of_the_boxes(scenes: list[Scene]) -> None:
    found = 0
    for scene in scenes:
        for one, other in permutations(scene.groups, 2):
            relation = scene.relation(one, other)
            if relation is None:
                assert scene.relation(other, one) is None
                continue
            found += 1
            assert holds(relation, one, other), scene
            assert scene.relation(other, one) is relation.converse
            if relation in (Relation.FRONT, Relation.BEHIND):
                assert one.zone is other.zone is Zone.GROUND
    assert found > 300


def alone(backdrop: str, zone: Zone, kind: str, colour: str, mirrored: bool) -> Scene:
    height = min(0.5, 0.8 / KINDS[kind].aspect)
    width = height * KINDS[kind].aspect
    box = Box(0.5 - width / 2, 0.25, 0.5 + width / 2, 0.25 + height)
    return Scene(backdrop, 0.5, (Group(kind, colour, "", zone, (box,), mirrored),), 11)


def homes() -> Iterator[tuple[str, Zone, str]]:
    for backdrop, place in BACKDROPS.items():
        for zone, kinds in place.homes.items():
            for kind in sorted(set(kinds)):
                yield backdrop, zone, kind


def difference(scene: Scene, size: int) -> Image.Image:
    """Where the picture differs from its backdrop."""
    empty = Scene(scene.backdrop, scene.horizon, (), scene.grain)
    gap = ImageChops.difference(draw(scene, size), draw(empty, size)).convert("L")
    return gap.point(lambda value: 255 if value > 6 else 0)


@pytest.mark.parametrize(("backdrop", "zone", "kind"), list(homes()))
def test_things_fill_their_boxes_in_their_colours(backdrop: str, zone: Zone, kind: str) -> None:
    colours = visible_colours(kind, backdrop, zone)
    assert colours, "it could never be drawn there"
    for colour, mirrored in ((colours[0], False), (colours[-1], True)):
        scene = alone(backdrop, zone, kind, colour, mirrored)
        box = scene.groups[0].boxes[0]
        seen = difference(scene, 100).getbbox()
        assert seen is not None
        for edge, where in zip(seen, (box.left, box.top, box.right, box.bottom), strict=True):
            assert abs(edge - 100 * where) <= 5
        assert seen[0] >= 100 * box.left - 1 and seen[1] >= 100 * box.top - 1, "outside its box"
        assert seen[2] <= 100 * box.right + 1 and seen[3] <= 100 * box.bottom + 1, "outside its box"
        data = draw(scene, 100).crop(seen).tobytes()
        pixels = list(zip(data[::3], data[1::3], data[2::3], strict=True))
        alike = sum(distance(pixel, COLOURS[colour]) < 40 for pixel in pixels)
        assert alike > 0.06 * len(pixels), f"hardly anything {colour}"


def test_as_many_things_as_the_scene_says(scenes: list[Scene]) -> None:
    """Counted in the pixels: columns with something, between columns with nothing."""
    seen = set()
    for scene in scenes:
        if len(scene.groups) == 1 and (group := scene.groups[0]).count > 1:
            across, _ = difference(scene, 160).getprojection()
            runs = sum(now and not before for before, now in zip([0, *across], across, strict=False))
            assert runs == group.count, scene
            seen.add(group.count)
    assert seen == {2, 3, 4}


# What the captions say

SIZE_OF = {word: size for size, known in words.SIZE_WORDS.items() for word in known}
COLOUR_OF = {**{colour: colour for colour in COLOURS}, "grey": "gray"}
KIND_OF = {noun: kind for kind, known in words.NOUNS.items() for pair in known for noun in pair}
COUNTS = {
    **{word: {1} for word in ("a", "an", "one", "a single")},
    **{word: {2} for word in ("two", "a pair of", "a couple of")},
    **{"three": {3}, "four": {4}, "a few": {3}, "several": {3, 4}, "a group of": {4}},
}


def one_of(known: object) -> str:
    return "|".join(sorted(known, key=len, reverse=True))  # type: ignore[call-overload]


MENTION = re.compile(
    rf"\b({one_of(COUNTS)}) (?:({one_of(SIZE_OF)}) )?(?:({one_of(COLOUR_OF)}) )?({one_of(KIND_OF)})\b"
    r"(?: side by side| in a row)?"
    r"|\b(?:the|a) (?:(?:bright|yellow|white|crescent) )?(sun|moon)\b"
)
MEANINGS = (
    (("to the left of", "on the left of", "left of"), {Relation.LEFT}),
    (("to the right of", "on the right of", "right of"), {Relation.RIGHT}),
    (("next to", "beside"), {Relation.LEFT, Relation.RIGHT}),
    (("above", "over"), {Relation.ABOVE}),
    (("below", "under", "beneath", "underneath"), {Relation.BELOW, Relation.UNDER}),
    (("on", "on top of"), {Relation.ON}),
    (("in front of",), {Relation.FRONT}),
    (("behind",), {Relation.BEHIND}),
)
"""What the words mean, written down once more: a slip in the generator's own table must not pass."""
RELATIONS = {word: meant for known, meant in MEANINGS for word in known}
BETWEEN = re.compile(rf"(?: is| are)?(?: sitting| lying| standing| perched| resting)? ({one_of(RELATIONS)}) ")


def meant(scene: Scene, mention: re.Match[str]) -> list[Group]:
    """The groups of the scene that a caption may mean by these words."""
    count, size, colour, noun, only = mention.groups()
    if only:
        return [group for group in scene.groups if group.kind == only]
    return [
        group
        for group in scene.groups
        if group.kind == KIND_OF[noun]
        and group.count in COUNTS[count]
        and (size is None or group.size == SIZE_OF[size])
        and (colour is None or group.colour == COLOUR_OF[colour])
    ]


def test_captions_are_true() -> None:
    """Every thing that a caption names is there, in its number, size and colour, and lies as the caption says."""
    related = 0
    for split, index in ((split, index) for split in (TRAIN, VAL) for index in range(400)):
        scene = compose(1, split, index)
        about_all = 0
        for caption in told(1, split, index):
            sentence = caption[0].lower() + caption[1:]
            mentions = list(MENTION.finditer(sentence))
            assert mentions, caption
            for mention in mentions:
                assert len(meant(scene, mention)) == 1, (caption, scene.description)
            named = [meant(scene, mention)[0] for mention in mentions]
            about_all += {id(group) for group in named} == {id(group) for group in scene.groups}
            for mention, group in zip(mentions, named, strict=True):
                forms = {pair[group.count > 1] for pair in words.NOUNS[group.kind]}
                assert (mention[4] or mention[5]) in forms, f"singular or plural: {caption}"
            nouns = re.findall(rf"\b({one_of(KIND_OF)})\b", sentence)
            assert len(nouns) == len(mentions), f"something is named that was not checked: {caption}"
            for number in range(len(mentions) - 1):
                one, other = named[number : number + 2]
                between = sentence[mentions[number].end() : mentions[number + 1].start()]
                if match := BETWEEN.fullmatch(between):
                    related += 1
                    assert agrees(match[1], one, other), (caption, scene.description)
                elif match := re.search(rf"({one_of(RELATIONS)}) (it|them)\.", sentence):
                    related += 1
                    assert agrees(match[1], other, one), (caption, scene.description)
                    assert (one.count == 1) == (match[2] == "it"), caption
            if match := re.search(r" on the (left|right) and .* on the (left|right)\.", sentence):
                related += 1
                relation = Relation.LEFT if match[1] == "left" else Relation.RIGHT
                assert holds(relation, *named) and match[1] != match[2], caption
        assert about_all >= 3, "three of five mention everything"
    assert related > 500


def agrees(word: str, one: Group, other: Group) -> bool:
    """Whether the boxes are as the word says."""
    a, b = one.extent, other.extent
    near = max(b.left - a.right, a.left - b.right) < 0.2 or word not in ("next to", "beside")
    return near and any(holds(relation, one, other) for relation in RELATIONS[word])


# The folder


def test_report_and_nothing_to_do(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    first = draw_scenes(tmp_path / "a" / "b", **SMALL, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(number, 9) for number in range(1, 10)]
    assert first.drawn and (first.folder, first.train, first.val) == (tmp_path / "a" / "b", 6, 3)
    before = contents(tmp_path)
    again = draw_scenes(tmp_path / "a" / "b", **SMALL)
    assert not again.drawn
    assert (again.distinct_captions, again.vocabulary) == (first.distinct_captions, first.vocabulary)
    assert contents(tmp_path) == before


def test_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert draw_scenes(tmp_path / "empty", **SMALL).drawn
    assert [entry.name for entry in tmp_path.iterdir()] == ["empty"]


@pytest.mark.parametrize(
    "wrong", [{"train": 0}, {"val": 0}, {"train": -1}, {"val": -5}, {"size": 31}, {"size": 0}, {"train": 10**7}]
)
def test_wrong_numbers(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        draw_scenes(tmp_path / "new", **{**SMALL, **wrong})
    assert not list(tmp_path.iterdir())


def foreign(folder: Path, what: str) -> None:
    """Makes a folder that must not be touched."""
    if what == "file":
        folder.write_text("mine")
        return
    if what == "photographs":
        (folder / "annotations").mkdir(parents=True)
        (folder / "annotations" / "captions_train2017.json").write_text("{}")
        return
    if what == "coco":
        for name in ("annotations", "train2017", "val2017"):
            (folder / name).mkdir(parents=True)
        for split in (TRAIN, VAL):
            (folder / "annotations" / f"captions_{split}2017.json").write_text('{"info": {"year": 2017}, "images": []}')
        return
    draw_scenes(folder, **{**SMALL, **({"seed": 9} if what == "another seed" else {})})
    if what == "an image is missing":
        (folder / "train2017" / "000000000003.jpg").unlink()
    elif what == "an image is empty":
        (folder / "train2017" / "000000000003.jpg").write_bytes(b"")
    elif what == "a file too many":
        (folder / "train2017" / "mine.jpg").write_text("mine")
    elif what == "a broken list":
        (folder / "annotations" / "captions_val2017.json").write_text('{"info": ')
    elif what == "a linked part":
        (folder / "val2017").rename(folder.with_name("elsewhere"))
        (folder / "val2017").symlink_to(folder.with_name("elsewhere"))


@pytest.mark.parametrize(
    "what",
    [
        *("file", "photographs", "coco", "another seed", "an image is missing", "an image is empty"),
        *("a file too many", "a broken list", "a linked part"),
    ],
)
def test_foreign_folder_is_left_alone(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "scenes"
    foreign(folder, what)
    before = contents(tmp_path)
    with pytest.raises(FolderTaken) as refusal:
        draw_scenes(folder, **SMALL)
    assert str(folder) in refusal.value.what and refusal.value.way_out
    assert contents(tmp_path) == before
    if what == "another seed":
        assert "seed 9" in refusal.value.what


@pytest.mark.parametrize("target", ["real", "nowhere", "link"])
def test_links_are_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / target)
    before = contents(tmp_path)
    with pytest.raises(FolderTaken, match="symbolic link"):
        draw_scenes(tmp_path / "link", **SMALL)
    assert contents(tmp_path) == before


def test_current_folder_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FolderUnusable, match="inside it"):
        draw_scenes(Path("."), **SMALL)
    assert draw_scenes(Path("below"), **SMALL).folder == tmp_path / "below"


def test_parent_that_is_a_file_or_a_loop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = contents(tmp_path)
    for parent in ("file", "loop"):
        with pytest.raises(NNCaptionError, match="scenes"):
            draw_scenes(tmp_path / parent / "scenes", **SMALL)
    assert contents(tmp_path) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_parent_that_is_read_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(FolderUnusable, match="may not be"):
            draw_scenes(tmp_path / "scenes", **SMALL)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(("number", "says"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "may not be")])
def test_failing_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str) -> None:
    whole = Path.write_bytes

    def write(file: Path, data: bytes) -> int:
        if file.name == "000000000004.jpg":
            raise OSError(number, os.strerror(number), str(file))
        return whole(file, data)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(FolderUnusable, match=says) as failure:
        draw_scenes(tmp_path / "new" / "scenes", **SMALL)
    assert str(tmp_path / "new" / "scenes") in failure.value.what and failure.value.way_out
    assert not list(tmp_path.iterdir())


def test_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 5:
            assert [entry.name for entry in (tmp_path / "new").iterdir()] == [f".scenes.partial-{os.getpid()}"]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_scenes(tmp_path / "new" / "scenes", **SMALL, progress=interrupt)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_killed_half_way_leaves_no_folder(tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "def kill(done, total):\n    if done == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"draw_scenes(Path({str(tmp_path / 'scenes')!r}), train=6, val=3, size=32, progress=kill)"
    )
    assert in_another_process(code).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert re.fullmatch(r"\.scenes\.partial-\d+", left.name)
    others = [tmp_path / name for name in (".scenes.partial-1", ".other.partial-999999999", ".scenes.partial-x")]
    for other in others:
        other.mkdir()
    assert draw_scenes(tmp_path / "scenes", **SMALL).drawn
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "scenes", *others]), "those of the living stay"
    draw_scenes(tmp_path / "fresh", **SMALL)
    assert files(tmp_path / "scenes") == files(tmp_path / "fresh")


def test_filled_by_somebody_else_meanwhile(tmp_path: Path) -> None:
    def meddle(done: int, total: int) -> None:
        if done == total:
            (tmp_path / "scenes").mkdir()
            (tmp_path / "scenes" / "mine").write_text("mine")

    with pytest.raises(FolderTaken):
        draw_scenes(tmp_path / "scenes", **SMALL, progress=meddle)
    assert files(tmp_path) == {"scenes/mine": b"mine"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["scenes"]


def test_two_at_once_draw_one(tmp_path: Path) -> None:
    def race(done: int, total: int) -> None:
        if done == 2:
            code = f"print(draw_scenes(Path({str(tmp_path / 'scenes')!r}), train=6, val=3, size=32).drawn)"
            assert in_another_process(code).stdout == "True\n"

    assert not draw_scenes(tmp_path / "scenes", **SMALL, progress=race).drawn
    assert [entry.name for entry in tmp_path.iterdir()] == ["scenes"]
