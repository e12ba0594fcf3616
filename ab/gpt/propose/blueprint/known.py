"""Which networks are known: those that are just what their blueprint gives."""

from __future__ import annotations

from ab.gpt.propose.blueprint.at_hand import FILES
from ab.gpt.propose.blueprint.blueprint import Backbone
from ab.gpt.propose.blueprint.reading import BadBlueprint, from_json
from ab.gpt.propose.blueprint.render import render, render_encoder
from ab.gpt.train.known import FrozenEncoder, Known


def known_by(blueprint: str | None, code: str) -> Known | None:
    """What is known of a network by its blueprint; None where it has none or is another network.

    The code is held against the blueprint, letter by letter: a network cannot ask for this by what it says of itself.
    """
    if not blueprint:
        return None
    try:
        whole = from_json(blueprint)
    except BadBlueprint:  # of another edition, whose networks were rendered otherwise
        return None
    if render(whole) != code:
        return None
    encoder = whole.encoder
    if not isinstance(encoder, Backbone) or encoder.trained != "frozen":
        return Known()
    return Known(FrozenEncoder(encoder.backbone, FILES[encoder.backbone], render_encoder(encoder)))
