"""What the drawn world holds: colours, kinds of things, backdrops, and which thing may be where."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache
from math import dist

RGB = tuple[int, int, int]

COLOURS: dict[str, RGB] = {
    "red": (214, 38, 38),
    "orange": (246, 132, 24),
    "yellow": (250, 214, 36),
    "green": (32, 140, 56),
    "blue": (34, 88, 212),
    "purple": (134, 52, 168),
    "pink": (248, 132, 184),
    "brown": (128, 76, 38),
    "black": (34, 34, 38),
    "white": (248, 248, 246),
    "gray": (134, 138, 144),
}
_VIVID = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
_ANY = tuple(COLOURS)

SIZES: dict[str, float] = {"small": 0.64, "": 1.0, "large": 1.4}
"""How much larger a thing is than its kind usually is; a thing of usual size has no word for it."""


class Zone(enum.Enum):
    """Where in a scene a thing may be."""

    AIR = "air"
    GROUND = "ground"
    SURFACE = "surface"
    DEEP = "deep"
    TOP = "top"
    """On top of another thing."""


@dataclass(frozen=True)
class Kind:
    """A kind of thing. Heights are fractions of the picture's side, `aspect` is width by height."""

    height: float
    aspect: float
    colours: tuple[str, ...] = _ANY
    most: int = 4
    """How many of them one scene may show."""
    flat: tuple[float, float] | None = None
    """From where to where, across its width, it is flat on top, so that other things can be put there."""
    perches: bool = False
    """Whether it is put on other things."""


KINDS: dict[str, Kind] = {
    "apple": Kind(0.16, 0.95, ("red", "green", "yellow"), perches=True),
    "ball": Kind(0.18, 1.0, perches=True),
    "balloon": Kind(0.32, 0.58, _VIVID),
    "bird": Kind(0.17, 1.3, perches=True),
    "boat": Kind(0.28, 1.1),
    "book": Kind(0.18, 0.8, (*_VIVID, "brown", "black"), perches=True),
    "box": Kind(0.22, 1.1, flat=(0.0, 1.0), perches=True),
    "butterfly": Kind(0.16, 1.2, (*_VIVID, "white", "brown")),
    "car": Kind(0.20, 2.0, flat=(0.34, 0.66)),
    "cat": Kind(0.22, 0.8, ("black", "white", "gray", "orange", "brown"), perches=True),
    "chair": Kind(0.30, 0.62),
    "cloud": Kind(0.15, 1.9, ("white", "gray"), most=3),
    "cup": Kind(0.16, 1.0, perches=True),
    "fish": Kind(0.15, 1.7),
    "flower": Kind(0.26, 0.55, ("red", "orange", "yellow", "purple", "pink", "white", "blue")),
    "house": Kind(0.32, 1.05),
    "kite": Kind(0.32, 0.56, _VIVID),
    "moon": Kind(0.20, 0.8, ("yellow", "white"), most=1),
    "mushroom": Kind(0.19, 0.95, ("red", "orange", "brown", "yellow", "purple")),
    "plane": Kind(0.14, 2.3),
    "star": Kind(0.16, 1.05, (*_VIVID, "white")),
    "sun": Kind(0.22, 1.0, ("yellow",), most=1),
    "table": Kind(0.25, 1.7, most=2, flat=(0.0, 1.0)),
    "tree": Kind(0.36, 0.75, ("green", "orange", "yellow", "red", "pink")),
    "umbrella": Kind(0.28, 1.0, _VIVID),
}


@dataclass(frozen=True)
class Backdrop:
    """A place: the two colours of its upper part from top to bottom, of its lower part, and what is found there."""

    upper: tuple[RGB, RGB]
    lower: tuple[RGB, RGB]
    horizon: tuple[float, float]
    homes: dict[Zone, tuple[str, ...]]


_DAY_SKY: tuple[RGB, RGB] = ((96, 168, 236), (168, 212, 246))
_DAY_AIR = ("bird", "kite", "balloon", "sun", "cloud", "butterfly", "plane")

BACKDROPS: dict[str, Backdrop] = {
    "meadow": Backdrop(
        _DAY_SKY,
        ((150, 208, 112), (116, 184, 84)),
        (0.48, 0.56),
        {
            Zone.AIR: _DAY_AIR,
            Zone.GROUND: (
                *("apple", "ball", "bird", "box", "car", "cat", "chair", "flower", "house"),
                *("mushroom", "table", "tree", "umbrella"),
            ),
        },
    ),
    "beach": Backdrop(
        _DAY_SKY,
        ((244, 226, 170), (230, 204, 138)),
        (0.42, 0.50),
        {
            Zone.AIR: ("bird", "kite", "balloon", "sun", "cloud", "plane"),
            Zone.GROUND: ("ball", "bird", "book", "box", "car", "cat", "chair", "cup", "table", "tree", "umbrella"),
        },
    ),
    "sea": Backdrop(
        _DAY_SKY,
        ((104, 184, 218), (40, 112, 168)),
        (0.40, 0.48),
        {
            Zone.AIR: ("bird", "balloon", "sun", "cloud", "plane", "kite"),
            Zone.SURFACE: ("boat",) * 5,
            Zone.DEEP: ("fish",) * 5,
        },
    ),
    "snow": Backdrop(
        ((164, 182, 206), (198, 210, 224)),
        ((244, 247, 252), (226, 234, 244)),
        (0.46, 0.54),
        {
            Zone.AIR: ("bird", "balloon", "sun", "cloud", "plane"),
            Zone.GROUND: ("ball", "bird", "box", "car", "cat", "house", "tree", "umbrella"),
        },
    ),
    "night": Backdrop(
        ((12, 16, 48), (36, 44, 92)),
        ((30, 52, 48), (20, 36, 34)),
        (0.56, 0.64),
        {
            Zone.AIR: ("star", "star", "star", "moon", "moon", "plane", "balloon", "bird"),
            Zone.GROUND: ("box", "car", "cat", "chair", "house", "tree"),
        },
    ),
    "room": Backdrop(
        ((240, 230, 208), (232, 220, 194)),
        ((190, 140, 92), (168, 118, 72)),
        (0.44, 0.52),
        {
            Zone.AIR: ("balloon", "butterfly"),
            Zone.GROUND: ("apple", "ball", "book", "box", "cat", "chair", "cup", "flower", "table", "umbrella"),
        },
    ),
    "street": Backdrop(
        _DAY_SKY,
        ((168, 166, 162), (112, 114, 120)),
        (0.44, 0.52),
        {
            Zone.AIR: ("bird", "balloon", "sun", "cloud", "plane"),
            Zone.GROUND: ("ball", "bird", "box", "car", "car", "cat", "chair", "house", "tree", "umbrella"),
        },
    ),
}

_LEAST_CONTRAST = 78.0


@cache
def visible_colours(kind: str, backdrop: str, zone: Zone) -> tuple[str, ...]:
    """The colours in which a thing stands out from what lies behind it."""
    place = BACKDROPS[backdrop]
    behind: list[RGB] = []
    if zone is not Zone.DEEP:
        behind += place.upper
    if zone is not Zone.AIR:
        behind += place.lower
    return tuple(
        name
        for name in KINDS[kind].colours
        if all(distance(COLOURS[name], other) >= _LEAST_CONTRAST for other in behind)
    )


def distance(one: RGB, other: RGB) -> float:
    """How far two colours are apart, from 0 to 442."""
    return dist(one, other)
