"""A picture as a list of simple shapes in named colours, from which SVG and PNG are made alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Union

LIGHT = {
    "ink": "#1c2128", "muted": "#57606a", "grid": "#e3e6ea", "axis": "#9aa3ad", "paper": "#ffffff", "soft": "#eef1f4",
    "s0": "#2563a8", "s1": "#a04a18", "s2": "#2b7a4b", "s3": "#7a4fa3", "s4": "#17727a", "s5": "#a63a63",
    "s6": "#6d6a12", "s7": "#4f5d75", "good": "#2b7a4b", "bad": "#a8322d", "base": "#57606a",
}  # fmt: skip
"""The colours on paper; the page has others for the dark."""
SERIES = ("s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7")

Point = tuple[float, float]


class About(NamedTuple):
    """What a shape stands for: the id of its row, what is shown when one points at it, the network to open."""

    row: str = ""
    title: str = ""
    network: str = ""


NOTHING = About()


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    fill: str = ""
    stroke: str = ""
    round: float = 0
    opacity: float = 1
    about: About = NOTHING


@dataclass(frozen=True)
class Line:
    points: tuple[Point, ...]
    stroke: str = "ink"
    width: float = 1
    dash: bool = False
    opacity: float = 1
    about: About = NOTHING


@dataclass(frozen=True)
class Circle:
    x: float
    y: float
    r: float
    fill: str = "s0"
    stroke: str = ""
    opacity: float = 1
    about: About = NOTHING


@dataclass(frozen=True)
class Polygon:
    points: tuple[Point, ...]
    fill: str = "ink"
    opacity: float = 1
    about: About = NOTHING


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    """Of the baseline."""
    text: str
    size: float = 12
    fill: str = "ink"
    anchor: str = "start"
    bold: bool = False
    upright: bool = False
    """Written upwards, as along a vertical axis."""
    about: About = NOTHING


Shape = Union[Rect, Line, Circle, Polygon, Text]  # noqa: UP007 (used at run time on 3.10)


@dataclass
class Drawing:
    """A picture with a name, a sentence that says what is to be seen, and its shapes from back to front."""

    name: str
    title: str
    description: str
    width: float
    height: float
    shapes: list[Shape] = field(default_factory=list)

    def add(self, *shapes: Shape) -> None:
        """Puts shapes on top."""
        self.shapes += shapes

    def text(self, x: float, y: float, text: str, size: float = 12, fill: str = "ink", anchor: str = "start",
             bold: bool = False, about: About = NOTHING) -> None:  # fmt: skip
        """Puts a text on top."""
        self.shapes.append(Text(x, y, text, size, fill, anchor, bold, about=about))


_NARROW, _WIDE = set("iljtfrI.,:;'|![]()- "), set("mwMW%@—")


def text_width(text: str, size: float = 12, bold: bool = False) -> float:
    """About how wide a text comes out in the usual fonts without serifs; never much less than it is."""
    units = sum(0.36 if char in _NARROW else 0.95 if char in _WIDE else 0.7 if char.isupper() else 0.6 for char in text)
    return units * size * (1.12 if bold else 1.0)


def shortened(text: str, width: float, size: float = 12, bold: bool = False) -> str:
    """The text, cut in its middle where it would be wider."""
    if text_width(text, size, bold) <= width:
        return text
    keep = min(len(text), 400)
    while keep > 4 and text_width(text[:keep], size, bold) > width:
        keep -= 1
    head = (keep - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (keep - 1 - head) :]}"
