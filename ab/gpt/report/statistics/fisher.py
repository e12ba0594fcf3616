"""Fisher's exact test: how likely two shares would come out at least so unequal if there were no difference."""

from __future__ import annotations

from math import comb

_TIES = 1 + 1e-9
"""Tables that are as likely but for rounding count as at least as extreme."""


def fisher_exact(success: int, of: int, other_success: int, other_of: int) -> float:
    """The two-sided p-value of one share against the other; 1 where there is nothing to compare."""
    if not of or not other_of:
        return 1.0
    successes = success + other_success
    ways = comb(of + other_of, successes)

    def chance(place: int) -> float:
        return comb(of, place) * comb(other_of, successes - place) / ways

    seen = chance(success) * _TIES
    places = range(max(0, successes - other_of), min(of, successes) + 1)
    return min(1.0, sum(p for place in places if (p := chance(place)) <= seen))
