"""Whether foreign code has replaced functions that a training stands on.

A courtesy to whoever reads the outcome, not the wall: what a child says of itself is never believed. But a network that
patches torch or the metric should be told so by name.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

WATCHED = (
    "builtins",
    "json",
    "os",
    "time",
    "torch",
    "torch.nn.functional",
    "torch.utils.data",
    "torch.utils.data.dataloader",
    "nltk.translate.bleu_score",
    "ab.nn.metric.bleu",
    "ab.nn.util.Train",
    "ab.nn.util.Util",
    "ab.nn.loader.coco_.Caption",
    "ab.gpt.train.lesson",
    "ab.gpt.train.worker",
)
_DATA = (int, float, str, bytes, bool, type(None), dict, list, set, tuple)


class Seal:
    """The functions, classes and methods of the watched modules as they are now."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Takes everything as it is now for untouched: after replacements of our own."""
        self._before = dict(_callables())

    def broken(self) -> list[str]:
        """The names of what was replaced since."""
        now = dict(_callables())
        return sorted(name for name, thing in self._before.items() if now.get(name) is not thing)[:20]


def _callables() -> list[tuple[str, Any]]:
    found = []
    for name in WATCHED:
        module = sys.modules.get(name)
        if isinstance(module, ModuleType):
            for key, value in list(vars(module).items()):
                if key.startswith("__") or isinstance(value, (*_DATA, ModuleType)):
                    continue
                found.append((f"{name}.{key}", value))
                if isinstance(value, type) and value.__module__ == name:
                    found += [
                        (f"{name}.{key}.{inner}", method)
                        for inner, method in list(vars(value).items())
                        if callable(method) or isinstance(method, (classmethod, staticmethod, property))
                    ]
    tensor = sys.modules["torch"].Tensor if "torch" in sys.modules else object
    for inner in ("cpu", "tolist", "argmax", "dim", "to", "__getitem__"):
        if hasattr(tensor, inner):
            found.append((f"torch.Tensor.{inner}", vars(tensor).get(inner, getattr(tensor, inner))))
    return found
