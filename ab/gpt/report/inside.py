"""What is inside of a network: its ingredients, its parts and its decoder, read once from code or blueprint."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import lru_cache

from ab.gpt.report import anatomy, ingredients
from ab.gpt.report.anatomy import Anatomy
from ab.gpt.report.facts import Network


@dataclass(frozen=True)
class Inside:
    """Ingredients in words, and the parts for a drawing."""

    ingredients: frozenset[str] = frozenset()
    anatomy: Anatomy = field(default_factory=Anatomy)


def inside_of(network: Network) -> Inside:
    """What is inside of a network; nothing where neither code nor blueprint can be read."""
    if network.blueprint:
        return Inside(ingredients.of_blueprint(network.blueprint), anatomy.of_blueprint(network.blueprint))
    return _of_code(network.code)


def decoder(network: Network) -> str:
    """The kind of decoder, as the papers' first table has it."""
    found = inside_of(network).ingredients
    kinds = [kind for kind in ("Transformer", "LSTM", "GRU") if f"decoder: {kind}" in found]
    if not kinds:
        return "other" if network.code else "none"
    attends = kinds[0] != "Transformer" and found & {"additive attention", "dot attention", "multi-head attention"}
    return "+".join(kinds) + (" (attention)" if attends else "")


@lru_cache(maxsize=16384)
def _of_code(code: str) -> Inside:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Inside()
    return Inside(ingredients.of_tree(tree), anatomy.of_tree(tree))
