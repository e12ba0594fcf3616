"""What five people would say of one scene: true, differently worded, some about all of it and some about a part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from ab.gpt.scenes import words
from ab.gpt.scenes.scene import Group, Relation, Scene
from ab.gpt.scenes.world import Zone

PER_IMAGE = 5
_ABOUT_ALL = 3
"""How many of them mention everything."""
_BESIDE = 0.16
"""The widest gap across which a thing is next to another, in fractions of the picture's side."""


def captions(scene: Scene, rng: Random) -> tuple[str, ...]:
    """Five distinct sentences, each of another shape and each true of the scene."""
    told: list[str] = []
    shapes: list[Shape] = []
    while len(told) < PER_IMAGE:
        # Every scene fits more than five shapes; going round again is for a sentence that came out the same.
        shapes = shapes or rng.sample(_SHAPES, len(_SHAPES))
        full = len(told) < _ABOUT_ALL
        sentence = shapes.pop()(Voice(scene, rng, full), _chosen(scene, rng, full))
        if sentence is not None and (finished := f"{sentence[0].upper()}{sentence[1:]}.") not in told:
            told.append(finished)
    rng.shuffle(told)
    return tuple(told)


def _chosen(scene: Scene, rng: Random, full: bool) -> list[Group]:
    """The groups to speak of, in the order of speaking."""
    number = len(scene.groups)
    return rng.sample(scene.groups, number if full else rng.randint(1, min(2, number)))


@dataclass(frozen=True)
class Voice:
    """One person's way with words: how to name a group, a place, a relation."""

    scene: Scene
    rng: Random
    full: bool
    """Whether this person looks closely."""

    def name(self, group: Group, *, new: bool = False) -> str:
        """A group with its article or number; `new` where it follows 'there is' or 'there are'.

        There is no 'the sun' then, and no 'a pair of' or 'a group of': people do not agree on the verb's number.
        """
        if group.kind in words.ONLY_ONE:
            known = [text for text in words.ONLY_ONE[group.kind] if not (new and text.startswith("the "))]
            return self.rng.choice(known).format(colour=group.colour)
        parts = []
        if group.size and self.rng.random() < (0.75 if self.full else 0.3):
            parts.append(self.rng.choice(words.SIZE_WORDS[group.size]))
        if self._told_apart_by_colour(group) or self.rng.random() < (0.95 if self.full else 0.6):
            parts.append(self.rng.choice(words.COLOUR_WORDS.get(group.colour, (group.colour,))))
        parts.append(self.rng.choice(words.NOUNS[group.kind])[group.count > 1])
        numbers = (words.EXACT if self.full else words.LOOSE)[group.count]
        number = self.rng.choice([word for word in numbers if not (new and word in words.COLLECTIVE)])
        if number == "a" and parts[0][0] in "aeiou":
            number = "an"
        if group.count > 1 and self.rng.random() < 0.12:
            parts.append(words.IN_LINE[group.count])
        return " ".join((number, *parts))

    def _told_apart_by_colour(self, group: Group) -> bool:
        return sum(other.kind == group.kind for other in self.scene.groups) > 1

    def listed(self, groups: Sequence[Group], *, new: bool = False) -> str:
        """All of them: one, one and another, or one, another and a third."""
        names = [self.name(group, new=new) for group in groups]
        return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))

    def place(self, group: Group) -> str:
        """Where a group is: in its zone of the backdrop, or on the thing that carries it."""
        if group.zone is Zone.TOP:
            return f"{self.rng.choice(words.RELATION_WORDS[Relation.ON])} {self.name(self._base(group))}"
        return self.rng.choice(words.PLACES[self.scene.backdrop][group.zone])

    def _base(self, group: Group) -> Group:
        return next(other for other in self.scene.groups if self.scene.relation(group, other) is Relation.ON)

    def common_place(self, groups: Sequence[Group]) -> str:
        """Where all of them are."""
        zones = {group.zone for group in groups}
        if len(zones) == 1 and Zone.TOP not in zones:
            return self.place(groups[0])
        return self.rng.choice(words.HERE[self.scene.backdrop])

    def verb(self, group: Group) -> str:
        """What a group is doing, as in 'flying'."""
        return self.rng.choice(self.verbs(group))

    def verbs(self, group: Group) -> tuple[str, ...]:
        """All that the group may be said to be doing."""
        verbs = words.VERBS[group.kind]
        usual = verbs.get(group.zone) or verbs[Zone.GROUND]
        return words.VERBS_IN.get((self.scene.backdrop, group.kind), usual)

    def relation(self, one: Group, other: Group) -> str | None:
        """How the one lies to the other, as in 'to the left of'; None if no word fits."""
        relation = self.scene.relation(one, other)
        if relation is None:
            return None
        known = words.RELATION_WORDS[relation]
        a, b = one.extent, other.extent
        if relation in (Relation.LEFT, Relation.RIGHT) and max(b.left - a.right, a.left - b.right) < _BESIDE:
            known += words.BESIDE
        return self.rng.choice(known)


Shape = Callable[[Voice, list[Group]], "str | None"]


def _is(group: Group) -> str:
    return "is" if group.count == 1 else "are"


def _it(group: Group) -> str:
    return "it" if group.count == 1 else "them"


def _plain(voice: Voice, groups: list[Group]) -> str:
    """A red ball and two cats on the grass."""
    if len(groups) == 1:
        return f"{voice.name(groups[0])} {voice.place(groups[0])}"
    return f"{voice.listed(groups)} {voice.common_place(groups)}"


def _there(voice: Voice, groups: list[Group]) -> str:
    """There is a red ball on the grass."""
    if len(groups) == 1:
        return f"there {_is(groups[0])} {voice.name(groups[0], new=True)} {voice.place(groups[0])}"
    return f"there {_is(groups[0])} {voice.listed(groups, new=True)} {voice.common_place(groups)}"


def _pictured(voice: Voice, groups: list[Group]) -> str:
    """A drawing of a red ball on the grass."""
    return f"{voice.rng.choice(words.PICTURES)} {_plain(voice, groups)}"


def _set(voice: Voice, groups: list[Group]) -> str:
    """A green field with a red ball."""
    sentence = f"{voice.rng.choice(words.SETTINGS[voice.scene.backdrop])} with {voice.listed(groups)}"
    aloft = all(group.zone is Zone.AIR for group in groups)
    return f"{sentence} {_spot(voice, groups[0])}" if aloft else sentence


def _seen(voice: Voice, groups: list[Group]) -> str:
    """A red ball can be seen on the grass."""
    be = "are" if len(groups) > 1 else _is(groups[0])
    return f"{voice.listed(groups)} {voice.rng.choice(words.SIGHTS).format(be=be)} {voice.common_place(groups)}"


def _shown(voice: Voice, groups: list[Group]) -> str:
    """You can see a red ball on the grass."""
    return f"{voice.rng.choice(words.VIEWERS)} {_plain(voice, groups)}"


def _doing(voice: Voice, groups: list[Group]) -> str | None:
    """A red ball lying on the grass."""
    if len(groups) > 2:
        return None
    one, other = groups[0], groups[-1]
    sentence = f"{voice.name(one)} {voice.verb(one)} {voice.place(one)}"
    if one.zone is other.zone:
        return sentence if one is other else f"{sentence} with {voice.name(other)}"
    if upper := _stacked(voice, one, other):
        return f"{voice.name(upper)} {voice.verb(upper)} {_on(voice, groups)}"
    return f"{sentence} and {voice.name(other)} {voice.verb(other)} {_there_too(voice, other)}"


def _is_doing(voice: Voice, groups: list[Group]) -> str | None:
    """A red ball is lying on the grass while a bird is flying over a meadow."""
    if len(groups) > 2:
        return None
    one, other = groups[0], groups[-1]
    if one is not other and (upper := _stacked(voice, one, other)):
        return f"{voice.name(upper)} {_is(upper)} {voice.verb(upper)} {_on(voice, groups)}"
    shared = [verb for verb in voice.verbs(one) if verb in voice.verbs(other)]
    if one is not other and one.zone is other.zone and shared:
        return f"{voice.listed(groups)} are {voice.rng.choice(shared)} {voice.place(one)}"
    sentence = f"{voice.name(one)} {_is(one)} {voice.verb(one)} {voice.place(one)}"
    if one is other:
        return sentence
    link = voice.rng.choice(("and", "while"))
    return f"{sentence} {link} {voice.name(other)} {_is(other)} {voice.verb(other)} {_there_too(voice, other)}"


def _related(voice: Voice, groups: list[Group]) -> str | None:
    """A red ball in front of a house in a meadow, with a bird in the sky."""
    pair = _pair(voice, groups)
    if pair is None:
        return None
    one, other = pair
    place = voice.common_place(pair) if Zone.TOP in (one.zone, other.zone) else voice.place(other)
    sentence = f"{voice.name(one)} {voice.relation(one, other)} {voice.name(other)} {place}"
    rest = [group for group in groups if group not in pair]
    return f"{sentence}, with {voice.listed(rest)} {_spot(voice, rest[0])}" if rest else sentence


def _is_related(voice: Voice, groups: list[Group]) -> str | None:
    """A red ball is in front of a house."""
    pair = _pair(voice, groups)
    if pair is None or len(groups) > 2:
        return None
    one, other = pair
    return f"{voice.name(one)} {_is(one)} {voice.relation(one, other)} {voice.name(other)}"


def _with_it(voice: Voice, groups: list[Group]) -> str | None:
    """A house in a meadow with a red ball in front of it."""
    pair = _pair(voice, groups)
    if pair is None or len(groups) > 2 or pair[1].zone is Zone.TOP:
        return None
    one, other = pair
    first = f"{voice.name(other)} {voice.place(other)}"
    return f"{first} with {voice.name(one)} {voice.relation(one, other)} {_it(other)}"


def _sides(voice: Voice, groups: list[Group]) -> str | None:
    """A red ball on the left and a house on the right."""
    pair = _pair(voice, groups)
    if pair is None or len(groups) > 2:
        return None
    one, other = pair
    sides = {Relation.LEFT: ("left", "right"), Relation.RIGHT: ("right", "left")}
    relation = voice.scene.relation(one, other)
    if relation not in sides:
        return None
    here, there = sides[relation]
    return f"{voice.name(one)} on the {here} and {voice.name(other)} on the {there}"


def _stacked(voice: Voice, one: Group, other: Group) -> Group | None:
    """The one that stands on the other, if one of them does."""
    relation = voice.scene.relation(one, other)
    return {Relation.ON: one, Relation.UNDER: other}.get(relation) if relation else None


def _on(voice: Voice, groups: list[Group]) -> str:
    """On a table in a room: for two groups of which one carries the other."""
    lower = next(group for group in groups if group.zone is not Zone.TOP)
    return f"{voice.rng.choice(words.RELATION_WORDS[Relation.ON])} {voice.name(lower)} {voice.place(lower)}"


def _pair(voice: Voice, groups: list[Group]) -> tuple[Group, Group] | None:
    """Two of the groups with a word for how the one lies to the other; a thing and what it stands on come first."""
    pairs = [(a, b) for a in groups for b in groups if a is not b and voice.scene.relation(a, b)]
    stacked = [(a, b) for a, b in pairs if _stacked(voice, a, b)]
    # The first of the list is not always the same: the groups come in a random order.
    return next(iter(stacked or pairs), None)


def _there_too(voice: Voice, group: Group) -> str:
    """Where a second group is, without saying again over which field."""
    return _spot(voice, group) if group.zone is Zone.AIR else voice.place(group)


def _spot(voice: Voice, group: Group) -> str:
    """Where a group is that is mentioned last and in passing."""
    if group.zone is Zone.AIR:
        return "in the air" if voice.scene.backdrop == "room" else voice.rng.choice(("in the sky", "overhead"))
    return {Zone.SURFACE: "on the water", Zone.DEEP: "in the water"}.get(group.zone, "nearby")


_SHAPES: tuple[Shape, ...] = (
    _plain,
    _there,
    _pictured,
    _set,
    _seen,
    _shown,
    _doing,
    _is_doing,
    _related,
    _is_related,
    _with_it,
    _sides,
)
