"""The nouns of a drawn scene, and what is true of them: `Box`, `Group`, `Scene`, `Relation`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property

from ab.gpt.scenes.world import Zone


@dataclass(frozen=True)
class Box:
    """A rectangle in fractions of the picture's side; y grows downwards, as in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def x(self) -> float:
        return (self.left + self.right) / 2

    @property
    def y(self) -> float:
        return (self.top + self.bottom) / 2

    def near(self, other: Box, margin: float) -> bool:
        """Whether the two overlap, or come closer than the margin."""
        return (
            self.left < other.right + margin
            and other.left < self.right + margin
            and self.top < other.bottom + margin
            and other.top < self.bottom + margin
        )


class Relation(enum.Enum):
    """How one group of things lies to another."""

    LEFT = "left of"
    RIGHT = "right of"
    ABOVE = "above"
    BELOW = "below"
    ON = "on"
    UNDER = "under"
    FRONT = "in front of"
    BEHIND = "behind"

    @property
    def converse(self) -> Relation:
        return _CONVERSES[self]


_PAIRS = (
    (Relation.LEFT, Relation.RIGHT),
    (Relation.ABOVE, Relation.BELOW),
    (Relation.ON, Relation.UNDER),
    (Relation.FRONT, Relation.BEHIND),
)
_CONVERSES = {**dict(_PAIRS), **{there: here for here, there in _PAIRS}}


@dataclass(frozen=True)
class Group:
    """All things of one kind, colour and size in a scene: one to four of them."""

    kind: str
    colour: str
    size: str
    zone: Zone
    boxes: tuple[Box, ...]
    mirrored: bool = False

    @property
    def count(self) -> int:
        return len(self.boxes)

    @cached_property
    def extent(self) -> Box:
        """The smallest box around all of them."""
        return Box(
            min(box.left for box in self.boxes),
            min(box.top for box in self.boxes),
            max(box.right for box in self.boxes),
            max(box.bottom for box in self.boxes),
        )

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.count), self.size, self.colour, self.kind, self.zone.value)))


@dataclass(frozen=True)
class Scene:
    """Everything that a picture shows, and all that its captions may speak of."""

    backdrop: str
    horizon: float
    groups: tuple[Group, ...]
    grain: int
    """Decides on the small things that nobody speaks of: blades of grass, waves, shades of a colour."""

    def relation(self, one: Group, other: Group) -> Relation | None:
        """How the one lies to the other; None where people would not agree on a word."""
        a, b = one.extent, other.extent
        across, down = b.x - a.x, b.y - a.y
        if one.zone is Zone.TOP and b.left <= a.x <= b.right and abs(a.bottom - b.top) < 1e-9:
            return Relation.ON
        if other.zone is Zone.TOP and a.left <= b.x <= a.right and abs(b.bottom - a.top) < 1e-9:
            return Relation.UNDER
        if abs(across) > 1.2 * abs(down):
            if a.right <= b.left:
                return Relation.LEFT
            return Relation.RIGHT if b.right <= a.left else None
        if abs(down) > abs(across) and a.left < b.right and b.left < a.right:
            # On the ground, lower in the picture is nearer to the eye.
            grounded = one.zone is other.zone is Zone.GROUND
            if a.bottom <= b.top:
                return Relation.BEHIND if grounded else Relation.ABOVE
            if b.bottom <= a.top:
                return Relation.FRONT if grounded else Relation.BELOW
        return None

    @cached_property
    def description(self) -> str:
        """The scene in one canonical line, without measures: two scenes with one description deserve the same words."""
        groups = sorted(self.groups, key=str)
        relations = (
            f"{i} {relation.value} {j}"
            for i, one in enumerate(groups)
            for j, other in enumerate(groups)
            if i < j and (relation := self.relation(one, other))
        )
        return "; ".join((self.backdrop, *map(str, groups), *relations))
