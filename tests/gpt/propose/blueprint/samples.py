"""Blueprints for the tests: one that can be varied, and few that hold every choice there is."""

from __future__ import annotations

import random
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from ab.gpt.propose.blueprint.blueprint import (
    Beam,
    Blueprint,
    Greedy,
    Pooled,
    Recurrent,
    Stage,
    Stages,
    Stem,
    Tokens,
    Training,
    Transformer,
)
from ab.gpt.propose.blueprint.draw import draw
from ab.gpt.propose.blueprint.render import render

LSTM = Recurrent("LSTM", 640, 1, "additive", "both", False)
GRU = Recurrent("GRU", 640, 2, "multihead4", "feed", True)
TRANSFORMER = Transformer("Transformer", 640, 4, 2, 2, "pre", "learned", False)
SMALL = Blueprint(
    encoder=Stages(Stem("patch", 32), (Stage("plain", 32, 1, 2, "none"), Stage("fire", 64, 1, 1, "none"))),
    memory=Tokens("grid", 4, "none"),
    decoder=LSTM,
    dropout=0.0,
    training=Training("adamw", "constant", 0.1, 0.0, 1.0, 5, False),
    decoding=Greedy(1, 20),
)
DECODERS = {
    "LSTM": LSTM,
    "LSTM without attention": replace(LSTM, attention="none", feature="init", layers=2),
    "GRU": GRU,
    "GRU with dot attention": replace(GRU, attention="dot", feature="init"),
    "Transformer": TRANSFORMER,
    "Transformer, post-norm": replace(TRANSFORMER, norm="post", positions="sinusoidal", tied=True),
    "Transformer with a pooled image": TRANSFORMER,
}
DECODINGS = {"greedy": Greedy(1, 20), "beam": Beam(4, 0.7, 20), "beam without penalty": Beam(3, 0.0, 20)}


def sample(decoder: str, decoding: str = "greedy", **values: Any) -> Blueprint:
    """The small blueprint with one of the decoders and decodings."""
    pooled = "pooled" in decoder or "without attention" in decoder
    memory = Pooled() if pooled else SMALL.memory
    return replace(SMALL, decoder=DECODERS[decoder], decoding=DECODINGS[decoding], memory=memory, **values)


def drawn(count: int, seed: int = 0) -> list[Blueprint]:
    """Blueprints by chance, the same every time."""
    return [draw(random.Random(f"{seed}/{number}")) for number in range(count)]


def choices(part: Any) -> Iterator[tuple[str, Any]]:
    """Every choice that was made, with the class and field in which it was."""
    for field in fields(part):
        value = getattr(part, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if is_dataclass(item):
                yield f"{type(part).__name__}.{field.name}", type(item).__name__
                yield from choices(item)
            else:
                yield f"{type(part).__name__}.{field.name}", item


def cover(blueprints: list[Blueprint]) -> list[Blueprint]:
    """Few of the blueprints in which every choice of all of them occurs."""
    left = {choice for blueprint in blueprints for choice in choices(blueprint)}
    chosen = []
    while left:
        best = max(blueprints, key=lambda blueprint: len(left.intersection(choices(blueprint))))
        chosen.append(best)
        left.difference_update(choices(best))
    return chosen


def network(blueprint: Blueprint, vocabulary: int = 60, seed: int = 0, weights: str = "") -> Any:
    """The rendered network as an object on the CPU; the file that it comes from is `network(...).file`."""
    import torch

    module = types.ModuleType("rendered")
    code = render(blueprint)
    exec(compile(code, "rendered.py", "exec"), module.__dict__)
    torch.set_num_threads(1)  # threads that wait for each other spin, which a busy machine makes very slow
    torch.manual_seed(seed)
    net = module.Net((4, 3, 64, 64), (vocabulary,), {}, torch.device("cpu"))
    net.file = module
    return net
