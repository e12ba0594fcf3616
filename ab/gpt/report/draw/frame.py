"""The plot's frame: axes with ticks, grid and labels, and the legend above."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ab.gpt.report.draw.drawing import Circle, Drawing, Line, Rect, Text, text_width
from ab.gpt.report.draw.scale import Scale, short

SIZE = 12
LINE = 18


@dataclass(frozen=True)
class Frame:
    """The plot's area within a drawing."""

    left: float
    top: float
    right: float
    bottom: float


def x_axis(
    drawing: Drawing, frame: Frame, scale: Scale, label: str, write: Callable[[float], str] = short, about: int = 6
) -> None:
    """Ticks, grid and label along the bottom."""
    last = -1e9
    for tick in scale.ticks(about):
        x, text = scale(tick), write(tick)
        drawing.add(Line(((x, frame.top), (x, frame.bottom)), "grid"))
        half = text_width(text, 11) / 2
        if x - half > last:
            drawing.add(Text(x, frame.bottom + 16, text, 11, "muted", "middle"))
            last = x + half + 6
    drawing.add(Line(((frame.left, frame.bottom), (frame.right, frame.bottom)), "axis"))
    drawing.add(Text((frame.left + frame.right) / 2, frame.bottom + 36, label, SIZE, "muted", "middle"))


def y_axis(drawing: Drawing, frame: Frame, scale: Scale, label: str, write: Callable[[float], str] = short) -> None:
    """Ticks, grid and label along the left side."""
    for tick in scale.ticks(5):
        y = scale(tick)
        drawing.add(Line(((frame.left, y), (frame.right, y)), "grid"))
        drawing.add(Text(frame.left - 8, y + 4, write(tick), 11, "muted", "end"))
    drawing.add(Line(((frame.left, frame.top), (frame.left, frame.bottom)), "axis"))
    drawing.add(Text(15, (frame.top + frame.bottom) / 2, label, SIZE, "muted", "middle", upright=True))


def gutter(labels: Iterable[str], bold: bool = True) -> float:
    """Room on the left for labels of rows, within reason."""
    return min(250.0, max((text_width(label, SIZE, bold) for label in labels), default=60.0) + 22)


@dataclass(frozen=True)
class Key:
    """One entry of a legend."""

    label: str
    colour: str
    kind: str = "dot"
    """`dot`, `ring`, `line`, `dashes` or `box`."""


def legend(drawing: Drawing, keys: Sequence[Key], left: float, top: float, right: float) -> float:
    """Draws the entries in rows from the left; the height that they took."""
    x, y = left, top + 10
    for key in keys:
        width = 20 + text_width(key.label, SIZE) + 18
        if x > left and x + width - 18 > right:
            x, y = left, y + LINE
        middle = y - 4
        if key.kind == "box":
            drawing.add(Rect(x, middle - 5, 12, 10, key.colour, round=2))
        elif key.kind in ("line", "dashes"):
            drawing.add(Line(((x, middle), (x + 15, middle)), key.colour, 2, key.kind == "dashes"))
        else:
            ring = key.kind == "ring"
            drawing.add(Circle(x + 6, middle, 4.5, "paper" if ring else key.colour, key.colour if ring else ""))
        drawing.text(x + 20, y, key.label, SIZE, "muted")
        x += width
    return y - top + 10 if keys else 0
