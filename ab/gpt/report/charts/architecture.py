"""The drawing of a network: the image's way down on the left, the words' way down on the right."""

from __future__ import annotations

from ab.gpt.report.anatomy import Anatomy, Part
from ab.gpt.report.draw.drawing import Drawing, Line, Polygon, Rect, Text, shortened
from ab.gpt.report.facts import Network

_WIDTH, _COLUMN, _GAP, _EDGE = 640.0, 268.0, 16.0, 20.0
_BOX, _INNER = 42.0, 17.0
_MOST, _MOST_INSIDE = 12, 7


def architecture(network: Network, anatomy: Anatomy, name: str = "architecture") -> Drawing:
    """Boxes in two columns, joined by arrows; what is in a box stands in it."""
    drawing = Drawing(name, f"Architecture of {network.title}", _described(anatomy), _WIDTH, 0)
    right = _WIDTH - _EDGE - _COLUMN
    left_end = _column(drawing, _EDGE, "image", anatomy.encoder, "s0")
    right_end = _column(drawing, right, "words so far", anatomy.decoder, "s2")
    y = 60.0
    _bridge(drawing, left_end, right - 6, y)
    remembered = f"remembered as {anatomy.memory}" if anatomy.memory else "the image, remembered"
    drawing.text(_EDGE + _COLUMN / 2, left_end + 20, shortened(remembered, _COLUMN, 11), 11, "muted", "middle")
    drawing.text(right + _COLUMN / 2, right_end + 20, "next word", 11, "muted", "middle")
    drawing.height = max(left_end, right_end) + 34
    return drawing


def _column(drawing: Drawing, x: float, head: str, parts: list[Part], colour: str) -> float:
    middle = x + _COLUMN / 2
    drawing.text(middle, 18, head, 12, "muted", "middle", True)
    y = 26.0
    hidden = len(parts) - _MOST
    shown = [*parts[:_MOST], *([Part(f"and {hidden} more")] if hidden > 0 else [])]
    for part in shown or [Part("not to be read from the code")]:
        _arrow(drawing, middle, y, y + _GAP)
        y = _box(drawing, x, y + _GAP, part, colour)
    return y


def _box(drawing: Drawing, x: float, y: float, part: Part, colour: str) -> float:
    inside = part.inside[:_MOST_INSIDE]
    more = len(part.inside) - len(inside)
    lines = len(inside) + (more > 0)
    height = (_BOX if part.detail else _BOX - 14) + (lines * _INNER + 4 if lines else 0)
    drawing.add(Rect(x, y, _COLUMN, height, "soft", colour, 5))
    drawing.add(Rect(x, y, 4, height, colour, round=2))
    drawing.add(Text(x + 14, y + 18, shortened(part.label, _COLUMN - 30, 13), 13, "ink", bold=True))
    if part.detail:
        drawing.add(Text(x + 14, y + 34, shortened(part.detail, _COLUMN - 26, 11), 11, "muted"))
    base = y + (_BOX if part.detail else _BOX - 14) + 6
    for place, one in enumerate(inside):
        text = f"{one.label}  {one.detail}" if one.detail else one.label
        drawing.add(Text(x + 24, base + place * _INNER + 4, shortened(text, _COLUMN - 38, 11), 11, "ink"))
    if more > 0:
        drawing.add(Text(x + 24, base + len(inside) * _INNER + 4, f"and {more} more", 11, "muted"))
    return y + height


def _arrow(drawing: Drawing, x: float, top: float, bottom: float) -> None:
    drawing.add(Line(((x, top), (x, bottom - 4)), "axis", 1.5))
    drawing.add(Polygon(((x - 4, bottom - 6), (x + 4, bottom - 6), (x, bottom)), "axis"))


def _bridge(drawing: Drawing, bottom: float, right: float, y: float) -> None:
    """The way of the image's memory to the words."""
    x = _EDGE + _COLUMN + 22
    drawing.add(Line(((_EDGE + _COLUMN, bottom - 12), (x, bottom - 12), (x, y), (right - 4, y)), "axis", 1.5))
    drawing.add(Polygon(((right - 6, y - 4), (right - 6, y + 4), (right, y)), "axis"))


def _described(anatomy: Anatomy) -> str:
    def said(parts: list[Part]) -> str:
        return (
            ", then ".join(part.label + (f" ({part.detail})" if part.detail else "") for part in parts[:10])
            or "unknown"
        )

    return f"The image goes through {said(anatomy.encoder)}. The caption is written by {said(anatomy.decoder)}."
