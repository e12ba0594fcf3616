"""Pieces of code, and how they are put together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

HEADS = '''
def in_heads(x: Tensor, heads: int, parts: int) -> tuple[Tensor, ...]:
    """From [B, N, parts * width] so many parts, each [B, heads, N, width / heads]."""
    return x.unflatten(-1, (parts, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
'''
"""What every attention with heads takes."""


@dataclass(frozen=True)
class Part:
    """The definitions that a part of a network takes, in order, and the expression that builds it."""

    code: tuple[str, ...]
    build: str = ""
    width: int = 0
    """Of what comes out of it, where that is not said elsewhere."""


def indented(lines: Iterable[str], depth: int) -> str:
    """The lines, so many times four spaces in; empty ones stay empty."""
    return "\n".join(" " * (4 * depth) + line if line else "" for line in lines)


def lines(*parts: str | None) -> str:
    """The parts one under another, without those that are None."""
    return "\n".join(part.strip("\n") for part in parts if part is not None)


def imports(body: str) -> str:
    """The import lines that some code needs."""
    plain = ["import math"] if re.search(r"\bmath\.", body) else []
    plain += ["from typing import NamedTuple"]
    torch = ["import torch", "import torch.nn as nn"]
    torch += ["import torch.nn.functional as F"] if re.search(r"\bF\.", body) else []
    torch += ["import torchvision"] if re.search(r"\btorchvision\.", body) else []
    return "\n".join([*plain, "", *torch, "from torch import Tensor", "from torch.utils.data import DataLoader"])
