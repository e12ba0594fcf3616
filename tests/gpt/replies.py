"""Replies made by hand, one for each way in which a candidate can end, and the files that replay them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.gpt.train.nets import net

OUTSIDE = "self.vocab_size != 100"
"""True where a network is trained, and false in the smoke run, whose vocabulary has a hundred words."""

CRASH = "numpy.lib.stride_tricks.as_strided(numpy.zeros(1), (1 << 40,), (8,)).sum()"
"""Reads memory that is not there: the process dies as if something had killed it."""


def fenced(code: str, words: str = "") -> str:
    """A reply as a model gives it."""
    return f"{words}\n```python\n{code}```\n"


def good(width: int, **parts: str) -> str:
    """A small network that learns; each width is another network."""
    return clean(net(**parts)).replace("64", str(width))


def clean(code: str) -> str:
    """The small network without the imports that only its hostile relatives need."""
    return "\n".join(line for line in code.split("\n") if not line.startswith("import os, sys")) + "\n"


REPLIES: dict[str, tuple[str, ...]] = {
    "trained": (fenced(good(48)),),
    "no_code": ("I cannot do that.", "Still no code."),
    "syntax": (
        fenced(good(64).replace("return self.out(states), hidden", "return return self.out states")),
        fenced(good(64).replace("for _ in range(12):", "for in range 12 do:")),
    ),
    "contract": (
        fenced(good(56).replace("def forward", "def look")),
        fenced(good(56).replace("def forward", "def look")),
    ),
    "forbidden": (
        fenced(good(40, top="import socket\nsocket.create_connection")),
        fenced(good(40, top="import subprocess\nsubprocess.run")),
    ),
    "duplicate": (fenced(good(48)),),
    "smoke": (
        fenced(good(32, forward="images = images.flatten(1)")),
        fenced(good(32, forward="images = images.flatten(1)")),
    ),
    "mended": (fenced(good(72, learn="undefined.thing()")), fenced(good(72), "The name was not defined.")),
    "train_error": (fenced(good(80, learn=f"if {OUTSIDE}:\n            raise RuntimeError('not today')")),),
    "diverged": (
        fenced(
            good(88).replace(
                "loss = self.criterion(logits.reshape(-1, self.vocab_size), captions[:, 1:].reshape(-1))",
                f"loss = self.criterion(logits.reshape(-1, self.vocab_size) * (float('nan') if {OUTSIDE} else 1),"
                " captions[:, 1:].reshape(-1))",
            )
        ),
    ),
    "timeout": (fenced(good(96, learn=f"while {OUTSIDE}:\n            pass")),),
    "below_minimum": (
        fenced(good(104).replace("return torch.cat(said, 1)", f"return torch.cat(said, 1) * (0 if {OUTSIDE} else 1)")),
    ),
    "infrastructure": (
        fenced(
            good(
                112,
                top="import numpy",
                learn=f"if {OUTSIDE}:\n            {CRASH}",
            )
        ),
    ),
}
"""The replies of each candidate in order: the proposal, then what it answers when it is asked to mend it."""


def write_replies(file: Path, *names: str) -> Path:
    """A file that replays the replies of these candidates in their order."""
    lines = [json.dumps({"text": text}) for name in names or REPLIES for text in REPLIES[name]]
    file.write_text("\n".join(lines) + "\n")
    return file
