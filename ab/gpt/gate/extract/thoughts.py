"""What a reasoning model thought, told apart from what it answered."""

from __future__ import annotations

import re
from itertools import islice

_NAMES = "think thinking thought reasoning reflection scratchpad"
_TAG = re.compile("<(/?)(?:" + "|".join(f"{n}|{n.title()}|{n.upper()}" for n in _NAMES.split()) + ")>")
_MOST_TAGS = 50_000


def split_thoughts(reply: str) -> tuple[str, str]:
    """The answer and the thoughts. A thought may lack its end or, where a prompt began it, its beginning."""
    answer: list[str] = []
    thoughts: list[str] = []
    at, thinking = 0, False
    for tag in islice(_TAG.finditer(reply), _MOST_TAGS):
        part = reply[at : tag.start()]
        if tag[1] and not thinking:
            thoughts += [*answer, part]
            answer = []
        else:
            (thoughts if thinking else answer).append(part)
        thinking = not tag[1]
        at = tag.end()
    (thoughts if thinking else answer).append(reply[at:])
    return "\n".join(answer), "\n".join(thoughts)


def without_tags(reply: str) -> str:
    """The reply with the marks of thoughts left out, and the thoughts left in."""
    return _TAG.sub("\n", reply, count=_MOST_TAGS)
