"""Drawings as PNG, drawn by Pillow at twice their size, on white."""

from __future__ import annotations

import math
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

from ab.gpt.candidate import plain
from ab.gpt.report.draw.drawing import LIGHT, Circle, Drawing, Line, Point, Polygon, Rect, Shape, Text

SCALE = 2
_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")

Pixels = tuple[float, float]


def png_bytes(drawing: Drawing) -> bytes:
    """The drawing as a PNG file's bytes."""
    size = (math.ceil(drawing.width * SCALE), math.ceil(drawing.height * SCALE))
    image = Image.new("RGB", size, LIGHT["paper"])
    pen = ImageDraw.Draw(image, "RGBA")
    for shape in drawing.shapes:
        _draw(image, pen, shape)
    kept = BytesIO()
    image.save(kept, "PNG", compress_level=6)
    return kept.getvalue()


def write_png(drawing: Drawing, file: Path) -> None:
    """Writes the drawing to a file."""
    file.write_bytes(png_bytes(drawing))


def _draw(image: Image.Image, pen: ImageDraw.ImageDraw, shape: Shape) -> None:
    if isinstance(shape, Rect):
        corner = (shape.x + max(0, shape.width), shape.y + shape.height)
        box = [round(value * SCALE) for value in (shape.x, shape.y, *corner)]
        fill, stroke = _colour(shape.fill, shape.opacity), _colour(shape.stroke, shape.opacity)
        pen.rounded_rectangle(box, shape.round * SCALE, fill, stroke, SCALE if stroke else 0)
    elif isinstance(shape, Circle):
        edges = (shape.x - shape.r, shape.y - shape.r, shape.x + shape.r, shape.y + shape.r)
        pen.ellipse(
            [value * SCALE for value in edges],
            _colour(shape.fill, shape.opacity),
            _colour(shape.stroke, shape.opacity),
            SCALE,
        )
    elif isinstance(shape, Polygon):
        pen.polygon([(x * SCALE, y * SCALE) for x, y in shape.points], _colour(shape.fill, shape.opacity))
    elif isinstance(shape, Line):
        _line(pen, shape)
    else:
        _text(image, pen, shape)


def _line(pen: ImageDraw.ImageDraw, line: Line) -> None:
    points = [(x * SCALE, y * SCALE) for x, y in line.points]
    colour, width = _colour(line.stroke, line.opacity), max(1, round(line.width * SCALE))
    if not line.dash:
        pen.line(points, colour, width, joint="curve")
        return
    for start, end in pairwise(points):
        for piece in _dashes(start, end):
            pen.line(piece, colour, width)


def _dashes(start: Pixels, end: Pixels) -> list[list[Point]]:
    length = math.dist(start, end)
    on, step = 5 * SCALE, 9 * SCALE

    def at(way: float) -> Point:
        share = min(1.0, way / length)
        return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share

    return [[at(k * step), at(k * step + on)] for k in range(math.ceil(length / step))] if length else []


def _text(image: Image.Image, pen: ImageDraw.ImageDraw, text: Text) -> None:
    font = _font(round(text.size * SCALE), text.bold)
    words = plain(text.text).replace("\n", " ")
    anchor = {"start": "ls", "middle": "ms", "end": "rs"}[text.anchor]
    if not text.upright:
        pen.text((text.x * SCALE, text.y * SCALE), words, _colour(text.fill, 1), font, anchor)
        return
    width, height = math.ceil(font.getlength(words)), round(text.size * SCALE * 1.4)
    tile = Image.new("L", (width, height), 0)
    ImageDraw.Draw(tile).text((0, text.size * SCALE), words, 255, font, "ls")
    tile = tile.rotate(90, expand=True)
    shift = {"start": width, "middle": width / 2, "end": 0}[text.anchor]
    image.paste(LIGHT[text.fill], (round(text.x * SCALE - text.size * SCALE), round(text.y * SCALE - shift)), tile)


def _colour(name: str, opacity: float) -> tuple[int, ...] | None:
    return (*ImageColor.getrgb(LIGHT[name])[:3], round(255 * opacity)) if name else None


@cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of the system's, else Pillow's own."""
    try:
        return ImageFont.truetype(_FONTS[bold], size)
    except OSError:
        return ImageFont.load_default(size)
