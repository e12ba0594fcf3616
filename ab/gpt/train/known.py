"""What is known of a network before it trains, because the toolkit has written its code itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FrozenEncoder:
    """What a network does to its images before anything in it learns; the same for every network that has it.

    Whoever makes one vouches for it: the network looks at its images through its attribute `encoder` and nothing else,
    and that is an `Encoder` of this code, which never changes.
    """

    name: str
    """Torchvision's: `mobilenet_v2`."""
    weights: str
    """The file with its weights in torch's cache."""
    code: str
    """A module with the class `Encoder`."""


@dataclass(frozen=True)
class Known:
    """A network that gives each image the same caption whatever is beside it, so that many go through it at once."""

    encoder: FrozenEncoder | None = None
    """Where it has one that stays as it is while everything behind it learns."""
