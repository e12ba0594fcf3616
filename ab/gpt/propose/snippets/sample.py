"""A seeded choice among LEMUR's classifiers: of many families, rather the better ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ab.gpt.gate.contract import CAPTIONING, Contract
from ab.gpt.lemur.home import Home
from ab.gpt.propose.snippets.cut import cut
from ab.gpt.propose.snippets.family import encoders_of, family_of
from ab.gpt.propose.snippets.rank import Classifier, ranked_classifiers

T = TypeVar("T")

USUAL_TOKENS = 350
"""Of one snippet, where nothing is said: a block with what it needs."""
LEAST_TOKENS = 120
"""Below this hardly a block is left whole."""
_TRIES = 4
_LEAST_WEIGHT = 25


@dataclass(frozen=True)
class Snippet:
    """A few blocks of one classifier."""

    model: str
    family: str
    code: str
    tokens: int
    """About so many, rather too many than too few."""
    blocks: tuple[str, ...]
    accuracy: float
    """The best that LEMUR has recorded of the classifier, on whatever data."""


def sample(
    home: Home,
    n: int,
    seed: int,
    leave_out: str = "",
    budget_tokens: int | None = None,
    contract: Contract = CAPTIONING,
) -> list[Snippet]:
    """Blocks of n classifiers, for all of them together so many tokens; the same seed gives the same.

    Each is of another family as long as there are families, and none of the family that the encoder of the captioner
    `leave_out` is from. There are fewer than n where LEMUR has no more.
    """
    families = _families(home, leave_out) if n > 0 else {}
    left = USUAL_TOKENS * n if budget_tokens is None else budget_tokens
    chance = random.Random(seed)
    chosen: list[Snippet] = []
    before = -1
    while len(chosen) < n and len(chosen) > before:
        # One round goes through all families; only where there are too few of them is there another.
        before, waiting = len(chosen), [family for family, members in families.items() if members]
        while waiting and len(chosen) < n:
            family = _draw(chance, waiting, [max(one.quality for one in families[name]) for name in waiting])
            waiting.remove(family)
            room = _room(left, n - len(chosen))
            found = _one_of(home, family, families[family], chance, room, {one.code for one in chosen}, contract)
            if found is not None:
                chosen.append(found)
                left -= found.tokens
    return chosen


def _room(left: int, wanted: int) -> int:
    """How many tokens the next snippet may have: up to two shares, as long as there is something for the others."""
    share = left // wanted
    return max(share, min(2 * share, left - LEAST_TOKENS * (wanted - 1)))


def _one_of(
    home: Home,
    family: str,
    members: list[Classifier],
    chance: random.Random,
    room: int,
    seen: set[str],
    contract: Contract,
) -> Snippet | None:
    """A snippet of one of a family's members, which is taken out; None where those that were tried have nothing."""
    for _ in range(min(_TRIES, len(members))):
        model = _draw(chance, members, [one.quality for one in members])
        members.remove(model)
        file = home.code_dir("nn") / f"{model.name}.py"
        part = cut(file.read_text(encoding="utf-8"), contract, room) if file.is_file() else None
        if part is not None and part.code not in seen:
            return Snippet(model.name, family, part.code, part.tokens, part.blocks, model.accuracy)
    return None


def _families(home: Home, leave_out: str) -> dict[str, list[Classifier]]:
    """The classifiers by family, in an order that is the same everywhere."""
    families: dict[str, list[Classifier]] = {}
    for classifier in ranked_classifiers(home):
        families.setdefault(family_of(classifier.name), []).append(classifier)
    file = home.code_dir("nn") / f"{leave_out}.py"
    code = file.read_text(encoding="utf-8") if leave_out and file.is_file() else ""
    own = encoders_of(leave_out, code, families)
    return {family: families[family] for family in sorted(families) if family not in own}


def _draw(chance: random.Random, items: Sequence[T], qualities: Sequence[int]) -> T:
    """One of the items, the best up to five times as often as the worst. By whole numbers, which never differ."""
    weights = [_LEAST_WEIGHT + quality for quality in qualities]
    mark = chance.randrange(sum(weights))
    for item, weight in zip(items, weights, strict=True):
        mark -= weight
        if mark < 0:
            return item
    raise ValueError("nothing to draw from")
