"""From a reply to a network: what a blueprint's text becomes, and proposers that are no language model."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ab.gpt.propose.blueprint.blueprint import Blueprint
from ab.gpt.propose.blueprint.draw import cross, draw, mutate
from ab.gpt.propose.blueprint.names import family
from ab.gpt.propose.blueprint.reading import BadBlueprint, from_json, to_json
from ab.gpt.propose.blueprint.render import render
from ab.gpt.propose.blueprint.settle import settle
from ab.gpt.propose.blueprint.shape import EVERYTHING, Space
from ab.gpt.propose.llm.protocol import Backend, Completion, Message, OnToken, Request, answer_of

Scored = Sequence[tuple[str, float]]
"""Blueprints as JSON, each with its score; more is better."""


@dataclass(frozen=True)
class Drafted:
    """A network that a reply describes."""

    code: str
    blueprint: str
    """As JSON, settled: rendered again it is the same code."""
    family: str
    """The second part of the family's prefix: `BlueprintLSTM`."""
    changes: tuple[str, ...] = ()
    """What was settled, as sentences."""


def code_of(reply: str, allowed: Space = EVERYTHING) -> Drafted:
    """The network that a reply describes; `BadBlueprint` where it describes none, or one that was not asked for.

    What a model thought in front, and a fence around the JSON, are passed over.
    """
    answer = answer_of(reply)
    first, last = answer.find("{"), answer.rfind("}")
    if not 0 <= first < last:
        raise BadBlueprint("The reply holds no JSON object.", "Give one JSON object and nothing else.")
    settled = settle(from_json(answer[first : last + 1]))
    blueprint = settled.blueprint
    if not allowed.has_encoder(blueprint.encoder):
        raise BadBlueprint("The encoder is not one that was asked for.", f"Take {allowed}.")
    if allowed.light and (size := allowed.too_large(blueprint)):
        raise BadBlueprint(f"A light network was asked for, and this one has {size}.", "Take the sizes of the schema.")
    return Drafted(render(blueprint), to_json(blueprint), family(blueprint), settled.changes)


class Unthinking(Backend):
    """What stands in a model's place and thinks nothing: the control that a model must beat.

    A network of its making goes by its own prefix and is never passed off as a model's.
    """

    name: str
    family: str
    """The first part of the prefix: `rand-BlueprintLSTM`."""

    def __init__(self, space: Space = EVERYTHING) -> None:
        self.space = space
        self.context = 1 << 20

    def count(self, messages: Sequence[Message]) -> int:  # noqa: ARG002 (nothing is read)
        """None at all."""
        return 0

    def answer(
        self,
        request: Request,
        on_token: OnToken | None = None,
        stop: threading.Event | None = None,  # noqa: ARG002 (it is done at once)
    ) -> Completion:
        started = time.monotonic()
        text = self.blueprint(request.seed)
        if on_token is not None:
            on_token(text)
        return Completion(text, 0, 0, time.monotonic() - started, "stop", self.name)

    def blueprint(self, seed: int) -> str:
        """A blueprint as JSON: the same for the same seed."""
        raise NotImplementedError


class Uniform(Unthinking):
    """Blueprints by chance, each choice by itself."""

    name = "uniform draws"
    family = "rand"

    def blueprint(self, seed: int) -> str:
        return to_json(draw(random.Random(seed), self.space))


class Evolving(Unthinking):
    """Children of the best so far: crossed now and then, and changed a little.

    It is a (mu + 1) strategy: children and parents compete, and one is born whenever one is asked for, since several
    are in training at any time. Until there are `mu` scores, and in a tenth of the cases, it draws by chance.
    """

    name = "evolution"
    family = "evo"

    def __init__(
        self,
        scored: Callable[[], Scored],
        space: Space = EVERYTHING,
        mu: int = 8,
        crossing: float = 0.3,
        fresh: float = 0.1,
    ) -> None:
        super().__init__(space)
        self.scored = scored
        self.mu = mu
        self.crossing = crossing
        self.fresh = fresh

    def blueprint(self, seed: int) -> str:
        """The same for the same seed and the same scores."""
        rng = random.Random(f"evolution/{seed}")  # its first networks are not those of uniform draws
        parents = self.parents()
        if len(parents) < self.mu or rng.random() < self.fresh:
            return to_json(draw(rng, self.space))
        one, other = rng.sample(parents, 2) if len(parents) > 1 else (parents[0], parents[0])
        child = cross(one, other, rng) if rng.random() < self.crossing else one
        return to_json(mutate(child, rng, self.space))

    def parents(self) -> list[Blueprint]:
        """The best so far, each once, of those that the space holds."""
        scores: dict[Blueprint, float] = {}
        for text, score in self.scored():
            blueprint = settle(from_json(text)).blueprint
            if math.isfinite(score) and self.space.holds(blueprint):
                scores[blueprint] = max(score, scores.get(blueprint, -math.inf))
        return sorted(scores, key=lambda blueprint: (-scores[blueprint], to_json(blueprint)))[: self.mu]
