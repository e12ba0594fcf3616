"""Which classifiers are of one family: LEMUR holds thousands of variants of a few dozen ideas."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FIRST_WORD = re.compile(r"[A-Za-z][A-Za-z]*?(?=[vV]?\d|-|$)")
_HASH = re.compile(r"[0-9a-f]{32}\Z")
_SHORTEST = 3


def family_of(model: str) -> str:
    """The first word of a model's name, without what counts its variants.

    `rl-bb-init-<hash>`, `rl-init1-<hash>` are both `rl`; DPN68 and DPN131-<uuid> are `DPN`; MobileNetV2 is `MobileNet`.
    """
    found = _FIRST_WORD.match(model)
    return "nameless" if _HASH.match(model) or found is None else found[0]


def encoders_of(baseline: str, code: str, families: Iterable[str]) -> set[str]:
    """The families that a captioner's own encoder comes from: its name or its code names them."""
    named = {word.lower() for word in re.findall(r"[A-Za-z]+", code)}
    name = baseline.lower()
    return {
        family
        for family in families
        if len(family) >= _SHORTEST and (family.lower() in name or family.lower() in named)
    }
