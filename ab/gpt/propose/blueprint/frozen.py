"""Which networks are known to have an encoder that never changes: those that are just what their blueprint gives."""

from __future__ import annotations

from ab.gpt.propose.blueprint.at_hand import FILES
from ab.gpt.propose.blueprint.blueprint import Backbone
from ab.gpt.propose.blueprint.reading import BadBlueprint, from_json
from ab.gpt.propose.blueprint.render import render, render_encoder
from ab.gpt.train.frozen import FrozenEncoder


def frozen_encoder(blueprint: str | None, code: str) -> FrozenEncoder | None:
    """The encoder of a network with a blueprint that keeps it frozen; None for any other.

    The code is held against the blueprint, letter by letter: a network cannot ask for this by what it says of itself.
    """
    if not blueprint:
        return None
    try:
        whole = from_json(blueprint)
    except BadBlueprint:  # of another edition, whose networks were rendered otherwise
        return None
    encoder = whole.encoder
    if not isinstance(encoder, Backbone) or encoder.trained != "frozen" or render(whole) != code:
        return None
    return FrozenEncoder(encoder.backbone, FILES[encoder.backbone], render_encoder(encoder))
