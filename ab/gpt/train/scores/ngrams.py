"""The counting that every BLEU rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from ab.gpt.train.scores.captions import ORDERS, Caption

_BETWEEN = object()
"""Stands between two references that are read as one list; it is equal to no token, so nothing matches across it."""


def grams(tokens: Caption, n: int) -> Sequence[Hashable]:
    """The n-grams of a caption in their order, single tokens bare; none where it is shorter than n."""
    if n == 1:
        return tokens
    return list(zip(*[tokens[start:] for start in range(n)], strict=False))


def clipped_matches(hypothesis: Caption, references: Sequence[Caption]) -> tuple[int, int, int, int]:
    """How many 1- to 4-grams of the hypothesis are matched, each at most as often as one reference holds it."""
    joined: list[Hashable] = []
    for reference in references:
        joined += reference
        joined.append(_BETWEEN)
    matches = [0, 0, 0, 0]
    for n in ORDERS:
        found = grams(hypothesis, n)
        distinct = set(found)
        shared = distinct.intersection(grams(joined, n))
        if not shared:
            break  # an n-gram that is matched begins with a matched one that is shorter
        repeated = _repeated(found, shared, references, n) if len(distinct) < len(found) else 0
        matches[n - 1] = len(shared) + repeated
    return matches[0], matches[1], matches[2], matches[3]


def closest_length(length: int, references: Sequence[Caption]) -> int:
    """The length of the reference nearest to `length`; of two that are as near the shorter."""
    return min([(abs(len(reference) - length), len(reference)) for reference in references])[1]


def _repeated(found: Sequence[Hashable], shared: set[Hashable], references: Sequence[Caption], n: int) -> int:
    """What the second and later occurrences of n-grams add to the matches."""
    counts = {gram: count for gram, count in Counter(found).items() if count > 1 and gram in shared}
    if not counts:
        return 0
    held = [grams(reference, n) for reference in references]
    return sum(min(count, max([g.count(gram) for g in held])) - 1 for gram, count in counts.items())
