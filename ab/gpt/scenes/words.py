"""The words for a drawn scene: nouns, verbs, places and relations, as a person would choose them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ab.gpt.scenes.scene import Relation
from ab.gpt.scenes.world import Zone

NOUNS: dict[str, tuple[tuple[str, str], ...]] = {
    "apple": (("apple", "apples"),),
    "ball": (("ball", "balls"),),
    "balloon": (("balloon", "balloons"),),
    "bird": (("bird", "birds"),),
    "boat": (("boat", "boats"), ("sailboat", "sailboats")),
    "book": (("book", "books"),),
    "box": (("box", "boxes"),),
    "butterfly": (("butterfly", "butterflies"),),
    "car": (("car", "cars"), ("car", "cars"), ("automobile", "automobiles")),
    "cat": (("cat", "cats"), ("cat", "cats"), ("kitty", "kitties")),
    "chair": (("chair", "chairs"),),
    "cloud": (("cloud", "clouds"),),
    "cup": (("cup", "cups"), ("mug", "mugs")),
    "fish": (("fish", "fish"),),
    "flower": (("flower", "flowers"),),
    "house": (("house", "houses"), ("house", "houses"), ("home", "homes")),
    "kite": (("kite", "kites"),),
    "moon": (("moon", "moons"),),
    "mushroom": (("mushroom", "mushrooms"),),
    "plane": (("plane", "planes"), ("airplane", "airplanes"), ("jet", "jets")),
    "star": (("star", "stars"),),
    "sun": (("sun", "suns"),),
    "table": (("table", "tables"),),
    "tree": (("tree", "trees"),),
    "umbrella": (("umbrella", "umbrellas"),),
}
"""Singular and plural of each name that a kind goes by."""

ONLY_ONE: dict[str, tuple[str, ...]] = {
    "sun": ("the sun", "the bright sun", "a yellow sun", "a bright sun"),
    "moon": ("the moon", "a {colour} moon", "a crescent moon", "a bright moon"),
}
"""Kinds that everybody knows one of; its size is not worth a word."""

SIZE_WORDS: dict[str, tuple[str, ...]] = {
    "small": ("small", "small", "little", "tiny"),
    "large": ("large", "large", "big", "huge"),
}
COLOUR_WORDS: dict[str, tuple[str, ...]] = {"gray": ("gray", "gray", "grey")}
EXACT = {1: ("a",) * 8 + ("one", "a single"), 2: ("two", "two", "two", "a pair of"), 3: ("three",), 4: ("four",)}
LOOSE = {
    1: ("a",) * 6 + ("one",),
    2: ("two", "a pair of", "a couple of"),
    3: ("three", "a few", "several"),
    4: ("four", "a group of", "several"),
}
COLLECTIVE = frozenset({"a pair of", "a group of"})

IN_LINE = {2: "side by side", 3: "in a row", 4: "in a row"}

VERBS: dict[str, dict[Zone, tuple[str, ...]]] = {
    "apple": {Zone.GROUND: ("lying",)},
    "ball": {Zone.GROUND: ("lying", "resting")},
    "balloon": {Zone.AIR: ("floating", "hovering")},
    "bird": {
        Zone.AIR: ("flying", "soaring", "gliding"),
        Zone.GROUND: ("standing",),
        Zone.TOP: ("perched", "sitting"),
    },
    "boat": {Zone.SURFACE: ("sailing", "floating", "drifting")},
    "book": {Zone.GROUND: ("standing",)},
    "box": {Zone.GROUND: ("standing", "sitting")},
    "butterfly": {Zone.AIR: ("flying", "fluttering")},
    "car": {Zone.GROUND: ("parked", "standing")},
    "cat": {Zone.GROUND: ("sitting",)},
    "chair": {Zone.GROUND: ("standing",)},
    "cloud": {Zone.AIR: ("floating", "drifting")},
    "cup": {Zone.GROUND: ("standing", "sitting")},
    "fish": {Zone.DEEP: ("swimming",)},
    "flower": {Zone.GROUND: ("growing", "blooming")},
    "house": {Zone.GROUND: ("standing",)},
    "kite": {Zone.AIR: ("flying", "soaring")},
    "moon": {Zone.AIR: ("shining", "glowing")},
    "mushroom": {Zone.GROUND: ("growing",)},
    "plane": {Zone.AIR: ("flying",)},
    "star": {Zone.AIR: ("shining", "glowing")},
    "sun": {Zone.AIR: ("shining",)},
    "table": {Zone.GROUND: ("standing",)},
    "tree": {Zone.GROUND: ("growing", "standing")},
    "umbrella": {Zone.GROUND: ("standing",)},
}
"""What a thing does where it is; on top of another it does what it does on the ground, if nothing else is said."""

VERBS_IN: dict[tuple[str, str], tuple[str, ...]] = {
    ("room", "flower"): ("standing",),
    ("street", "tree"): ("standing",),
}
"""Where the backdrop makes another verb likelier."""

PLACES: dict[str, dict[Zone, tuple[str, ...]]] = {
    "meadow": {
        Zone.AIR: ("over a green field", "above the grass", "over a meadow", "in the blue sky", "in the sky"),
        Zone.GROUND: ("on the grass", "in a green field", "in a meadow", "on a lawn", "in a grassy field", "outdoors"),
    },
    "beach": {
        Zone.AIR: ("over the beach", "above the sand", "in the sky above a beach", "in the blue sky", "in the sky"),
        Zone.GROUND: ("on the sand", "on a sandy beach", "at the beach", "on the beach", "by the sea", "on the shore"),
    },
    "sea": {
        Zone.AIR: ("over the sea", "above the water", "over the ocean", "in the sky above the sea", "in the blue sky"),
        Zone.SURFACE: ("on the water", "on the sea", "on the ocean", "at sea"),
        Zone.DEEP: ("in the water", "under water", "in the sea", "in the ocean", "below the waves"),
    },
    "snow": {
        Zone.AIR: ("over the snow", "above a snowy field", "in the gray sky", "in the sky on a snowy day"),
        Zone.GROUND: ("in the snow", "on the snow", "in a snowy field", "on the snowy ground"),
    },
    "night": {
        Zone.AIR: ("in the night sky", "in the dark sky", "in the sky at night", "on a clear night"),
        Zone.GROUND: ("at night", "in the dark", "under the night sky", "under a dark sky", "after dark"),
    },
    "room": {
        Zone.AIR: ("in a room", "inside a room", "above a wooden floor", "indoors"),
        Zone.GROUND: ("on the floor", "on a wooden floor", "in a room", "inside a room", "indoors"),
    },
    "street": {
        Zone.AIR: ("over a street", "above the road", "in the sky above a street", "in the blue sky", "in the sky"),
        Zone.GROUND: ("on the street", "on a road", "in the street", "on the road", "on the asphalt"),
    },
}
"""Where a thing of a zone is, in each backdrop."""

HERE: dict[str, tuple[str, ...]] = {
    "meadow": ("in a green field", "in a meadow", "in a grassy field"),
    "beach": ("at the beach", "on a sandy beach", "by the sea", "at the seaside"),
    "sea": ("at sea", "out at sea", "in a sea scene"),
    "snow": ("on a snowy day", "on a winter day", "in winter", "in a snowy landscape"),
    "night": ("at night", "on a dark night", "in the dark", "after dark"),
    "room": ("in a room", "indoors", "inside a room"),
    "street": ("by a road", "in a street scene", "along a street"),
}
"""Where a scene is whose things are in several zones."""

SETTINGS: dict[str, tuple[str, ...]] = {
    "meadow": ("a green field", "a grassy field", "a meadow", "a green meadow"),
    "beach": ("a sandy beach", "a beach", "a beach by the sea"),
    "sea": ("the sea", "the open sea", "the blue ocean", "a sea scene"),
    "snow": ("a snowy field", "a snowy landscape", "a winter scene", "a snowy day"),
    "night": ("a night scene", "a dark night", "a scene at night"),
    "room": ("a room", "the inside of a room", "an indoor scene"),
    "street": ("a street", "a road", "a street scene", "a quiet road"),
}

RELATION_WORDS: dict[Relation, tuple[str, ...]] = {
    Relation.LEFT: ("to the left of", "on the left of", "left of"),
    Relation.RIGHT: ("to the right of", "on the right of", "right of"),
    Relation.ABOVE: ("above", "over"),
    Relation.BELOW: ("below", "under", "beneath"),
    Relation.ON: ("on", "on top of"),
    Relation.UNDER: ("under", "underneath", "below"),
    Relation.FRONT: ("in front of",),
    Relation.BEHIND: ("behind",),
}
BESIDE = ("next to", "beside")
PICTURES = ("a picture of", "a drawing of", "an image of", "a cartoon of", "an illustration of", "a simple sketch of")
SIGHTS = ("can be seen", "{be} shown", "{be} visible")
VIEWERS = ("you can see", "we see", "this shows", "the picture shows")


def vocabulary(captions: Iterable[str]) -> frozenset[str]:
    """The different words of all captions, in lower case."""
    return frozenset(word for caption in captions for word in re.findall(r"[a-z]+", caption.lower()))
