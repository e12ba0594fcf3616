"""A pen that draws one thing inside its box, in coordinates from 0 to 1 across the box."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import ImageDraw

from ab.gpt.scenes.scene import Box
from ab.gpt.scenes.world import RGB

Point = tuple[float, float]
Oval = tuple[float, float, float, float]
"""Left, top, right, bottom."""

BLACK: RGB = (0, 0, 0)
WHITE: RGB = (255, 255, 255)


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """A colour between two, `share` of the way from the one to the other."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(one, other, strict=True))
    return r, g, b


class Pen:
    """Draws filled and outlined shapes in shades of one colour; never outside its box."""

    def __init__(self, draw: ImageDraw.ImageDraw, side: int, box: Box, colour: RGB, mirrored: bool) -> None:
        self._draw = draw
        self._mirrored = mirrored
        self.width = max(1, round(side / 130))
        """Of outlines, in pixels."""
        inset = (self.width + 1) / 2
        self._left, self._top = box.left * side + inset, box.top * side + inset
        self._across, self._down = box.width * side - 2 * inset, box.height * side - 2 * inset
        self.base = colour
        self.dark = mix(colour, BLACK, 0.3)
        self.light = mix(colour, WHITE, 0.45)
        self.line = mix(colour, BLACK, 0.62)

    def at(self, x: float, y: float) -> Point:
        """Pixels of a point of the box."""
        return self._left + (1 - x if self._mirrored else x) * self._across, self._top + y * self._down

    def polygon(self, points: Sequence[Point], fill: RGB, line: RGB | None = None) -> None:
        corners = [self.at(*point) for point in points]
        self._draw.polygon(corners, fill=fill)
        # Joints drawn as curves: Pillow's own polygon outline leaves spikes at sharp corners.
        outline = [*corners, corners[0], corners[1]]
        self._draw.line(outline, fill=line or self.line, width=self.width, joint="curve")

    def rectangle(self, left: float, top: float, right: float, bottom: float, fill: RGB) -> None:
        self.polygon(((left, top), (right, top), (right, bottom), (left, bottom)), fill)

    def oval(self, oval: Oval, fill: RGB, line: RGB | None = None) -> None:
        self._draw.ellipse(self._bounds(oval), fill=fill, outline=line or self.line, width=self.width)

    def spot(self, oval: Oval, fill: RGB) -> None:
        """An oval without an outline."""
        self._draw.ellipse(self._bounds(oval), fill=fill)

    def dome(self, oval: Oval, fill: RGB) -> None:
        """The upper half of an oval."""
        self._draw.chord(self._bounds(oval), 180, 360, fill=fill, outline=self.line, width=self.width)

    def arc(self, oval: Oval, start: float, end: float, colour: RGB, strength: float = 1) -> None:
        """A part of an oval's rim, in degrees clockwise from three o'clock."""
        if self._mirrored:
            start, end = 180 - end, 180 - start
        self._draw.arc(self._bounds(oval), start, end, fill=colour, width=max(1, round(self.width * strength)))

    def blob(self, ovals: Sequence[Oval], fill: RGB) -> None:
        """Ovals grown together, with one outline around all."""
        for oval in ovals:
            self._draw.ellipse(self._bounds(oval), fill=self.line)
        for oval in ovals:
            left, top, right, bottom = self._bounds(oval)
            self._draw.ellipse(
                (left + self.width, top + self.width, right - self.width, bottom - self.width), fill=fill
            )

    def stroke(self, points: Sequence[Point], colour: RGB, strength: float = 1) -> None:
        """An open line, `strength` times as thick as an outline."""
        width = max(1, round(self.width * strength))
        self._draw.line([self.at(*point) for point in points], fill=colour, width=width, joint="curve")

    def _bounds(self, oval: Oval) -> Oval:
        (one, top), (other, bottom) = self.at(oval[0], oval[1]), self.at(oval[2], oval[3])
        return min(one, other), top, max(one, other), bottom
