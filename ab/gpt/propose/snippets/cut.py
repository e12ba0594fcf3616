"""A classifier's few key blocks, cut out of its source whole, with all that they need and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from ab.gpt.gate.check.code import Code
from ab.gpt.gate.contract import Contract
from ab.gpt.propose.snippets.source import Source

MOST_BLOCKS = 3
_BYTES_A_TOKEN = 3
_LEAST_MORE = 40
"""With fewer tokens left there is no further block to look for."""


@dataclass(frozen=True)
class Cut:
    """A part of a network that can be read, and parsed, alone."""

    code: str
    blocks: tuple[str, ...]
    """The names of the blocks that it was cut for; the rest is there because they need it."""
    tokens: int


def estimated(code: str) -> int:
    """About how many tokens a code has, on the high side: network code comes to 3 or 4 bytes a token."""
    return -(-len(code.encode()) // _BYTES_A_TOKEN)


def cut(text: str, contract: Contract, budget_tokens: int) -> Cut | None:
    """An attention block, a convolution block and a stem as far as they are there and fit; None where nothing does.

    Blocks that need what the contract forbids a network are left out: who copies them would be refused for it.
    """
    code = Code.parse(text, contract)
    if not isinstance(code, Code):
        return None
    source = Source(code)
    chosen: tuple[str, ...] = ()
    best: Cut | None = None
    for names in source.by_role():
        for name in names:
            if source.covers(chosen, name):
                break
            if source.size((*chosen, name)) > budget_tokens * _BYTES_A_TOKEN:
                continue
            wider = source.join((*chosen, name))
            if wider and estimated(wider) <= budget_tokens:
                chosen = (*chosen, name)
                best = Cut(wider, chosen, estimated(wider))
                break
        if len(chosen) == MOST_BLOCKS or (best is not None and budget_tokens - best.tokens < _LEAST_MORE):
            break
    return best
