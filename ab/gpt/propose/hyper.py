"""The hyper-parameters that a model suggests beside its code, as far as LEMUR would take them."""

from __future__ import annotations

import re

RANGES: dict[str, tuple[float, float]] = {"lr": (1e-5, 1e-1), "momentum": (0.0, 0.999), "batch": (1, 1024)}
"""What is believed: a suggestion outside is a slip of the pen, and the run's own value stands."""
_LONGEST_LOOK = 200_000
_NAMES = {"lr": r"lr|learning[ _]rate", "momentum": "momentum", "batch": r"batch(?:[ _]size)?"}
_VALUE = r"""["'`*]*\s*(?:[:=]|is|of)\s*["'`*]*(\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)"""


def suggested(reply: str) -> dict[str, float]:
    """The hyper-parameters in a reply's own words: outside of its code, each once and within its range."""
    words = re.sub(r"(?s)```.*?(?:```|\Z)", " ", reply[-_LONGEST_LOOK:])
    found: dict[str, float] = {}
    for name, spelled in _NAMES.items():
        values = {float(value) for value in re.findall(rf"(?i)(?<![\w.])(?:{spelled}){_VALUE}", words)}
        low, high = RANGES[name]
        # Several different values are a discussion and no suggestion.
        if len(values) == 1 and low <= (value := values.pop()) <= high:
            found[name] = round(value) if name == "batch" else value
    return found
