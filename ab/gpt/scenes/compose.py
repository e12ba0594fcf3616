"""Scenes out of numbers: a seed, a split and an index always give the same scene, whatever else is drawn."""

from __future__ import annotations

import hashlib
from random import Random

from ab.gpt.scenes.scene import Box, Group, Scene
from ab.gpt.scenes.world import BACKDROPS, KINDS, SIZES, Zone, visible_colours

TRAIN, VAL = "train", "val"

_MARGIN = 0.025
_EDGE = 0.03
_TRIES = 10


def compose(seed: int, split: str, index: int) -> Scene:
    """The scene of one image; its description never occurs in the other split, whatever the seed and the sizes."""
    rng = Random(f"{seed}/{split}/{index}")
    while True:
        scene = _attempt(rng)
        if scene is not None and split_of(scene) == split:
            return scene


def split_of(scene: Scene) -> str:
    """The split that a scene belongs to, by its description alone: one in five descriptions is for validation.

    So the splits are disjoint without either knowing how large the other is, and a larger data set begins with the
    smaller one.
    """
    return VAL if hashlib.sha256(scene.description.encode()).digest()[0] < 256 // 5 else TRAIN


def _attempt(rng: Random) -> Scene | None:
    """A scene, or None where one of its things found no room."""
    backdrop = rng.choice(tuple(BACKDROPS))
    horizon = rng.uniform(*BACKDROPS[backdrop].horizon)
    groups: list[Group] = []
    for _ in range(rng.choices((1, 2, 3), (20, 50, 30))[0]):
        bases = [group for group in groups if _carries(group, groups)]
        if bases and rng.random() < 0.6:
            group = _perched(rng, backdrop, rng.choice(bases), groups)
        else:
            group = _placed(rng, backdrop, horizon, groups)
        if group is None:
            return None
        groups.append(group)
    if all(KINDS[group.kind].most == 1 for group in groups):
        return None  # The sun alone is no picture.
    return Scene(backdrop, horizon, tuple(groups), rng.getrandbits(32))


def _carries(group: Group, groups: list[Group]) -> bool:
    """Whether something can be put on it: a single thing, flat on top, with nothing on it yet."""
    taken = any(other.zone is Zone.TOP for other in groups)
    return group.count == 1 and KINDS[group.kind].flat is not None and not taken


def _placed(rng: Random, backdrop: str, horizon: float, groups: list[Group]) -> Group | None:
    """A new group somewhere where its kind is at home, clear of the groups that are there."""
    homes = [(zone, kind) for zone, kinds in BACKDROPS[backdrop].homes.items() for kind in kinds]
    zone, kind = rng.choice(homes)
    colour = _colour(rng, kind, backdrop, zone, groups)
    if colour is None:
        return None
    count = min(rng.choices((1, 2, 3, 4), (46, 22, 18, 14))[0], KINDS[kind].most)
    size = rng.choice(tuple(SIZES))
    height = KINDS[kind].height * SIZES[size]
    width = height * KINDS[kind].aspect
    for _ in range(_TRIES):
        boxes = _row(rng, count, width, height, zone, horizon)
        if boxes is None:
            return None
        group = Group(kind, colour, size, zone, boxes, rng.random() < 0.5)
        if not any(group.extent.near(other.extent, _MARGIN) for other in groups):
            return group
    return None


def _perched(rng: Random, backdrop: str, base: Group, groups: list[Group]) -> Group | None:
    """A single thing standing on the base."""
    kind = rng.choice([name for name, kind in KINDS.items() if kind.perches and name != base.kind])
    colour = _colour(rng, kind, backdrop, Zone.TOP, groups)
    flat = KINDS[base.kind].flat
    if colour is None or flat is None:
        return None
    size = rng.choice(tuple(SIZES))
    height = KINDS[kind].height * SIZES[size]
    width = height * KINDS[kind].aspect
    under = base.boxes[0]
    first, last = under.left + under.width * flat[0] + width / 2, under.left + under.width * flat[1] - width / 2
    top = under.top - height
    if first > last or top < _EDGE:
        return None
    x = rng.uniform(first, last)
    box = Box(x - width / 2, top, x + width / 2, under.top)
    if any(box.near(other.extent, _MARGIN) for other in groups if other is not base):
        return None
    return Group(kind, colour, size, Zone.TOP, (box,), rng.random() < 0.5)


def _colour(rng: Random, kind: str, backdrop: str, zone: Zone, groups: list[Group]) -> str | None:
    """A colour that stands out and that no other group of this kind has; None if there is no such colour."""
    alike = [group for group in groups if group.kind == kind]
    if alike and KINDS[kind].most == 1:
        return None
    taken = {group.colour for group in alike}
    free = [colour for colour in visible_colours(kind, backdrop, zone) if colour not in taken]
    return rng.choice(free) if free else None


def _row(rng: Random, count: int, width: float, height: float, zone: Zone, horizon: float) -> tuple[Box, ...] | None:
    """Boxes for things side by side, a little out of line; None if the zone is too small for them."""
    top, bottom = {
        Zone.AIR: (_EDGE, horizon - 0.02),
        Zone.GROUND: (max(_EDGE, horizon + 0.08 - height), 0.97),
        Zone.SURFACE: (max(_EDGE, horizon + 0.03 - height), horizon + 0.06),
        Zone.DEEP: (horizon + 0.10, 0.97),
    }[zone]
    gap = rng.uniform(0.025, 0.05)
    whole = count * width + (count - 1) * gap
    slack_x, slack_y = 1 - 2 * _EDGE - whole, bottom - top - height
    if slack_x < 0 or slack_y < 0:
        return None
    left = _EDGE + rng.random() * slack_x
    jitter = min(slack_y, 0.08 if zone in (Zone.AIR, Zone.DEEP) else 0.03)
    base = top + rng.random() * (slack_y - jitter)
    boxes = []
    for number in range(count):
        x, y = left + number * (width + gap), base + rng.random() * jitter
        boxes.append(Box(x, y, x + width, y + height))
    return tuple(boxes)
