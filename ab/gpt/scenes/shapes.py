"""How each kind of thing is drawn: one function a kind, in the coordinates of a `Pen`, touching all four edges."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin

from ab.gpt.scenes.pen import BLACK, WHITE, Pen, Point
from ab.gpt.scenes.world import RGB

Shape = Callable[[Pen], None]

_WOOD: RGB = (122, 78, 42)
_LEAF: RGB = (46, 136, 52)
_GLASS: RGB = (196, 228, 244)
_INK: RGB = (30, 30, 34)
_SLATE: RGB = (92, 84, 88)
_PAPER: RGB = (250, 246, 232)
_GOLD: RGB = (250, 200, 50)
_BEAK: RGB = (244, 148, 32)


def _apple(pen: Pen) -> None:
    pen.stroke(((0.5, 0.3), (0.54, 0.14), (0.6, 0.0)), _WOOD, 2)
    pen.blob(((0.0, 0.2, 0.64, 0.94), (0.36, 0.2, 1.0, 0.94), (0.14, 0.5, 0.86, 1.0)), pen.base)
    pen.polygon(((0.57, 0.16), (0.7, 0.03), (0.92, 0.04), (0.8, 0.18)), _LEAF)
    pen.spot((0.14, 0.34, 0.32, 0.56), pen.light)


def _ball(pen: Pen) -> None:
    pen.oval((0, 0, 1, 1), pen.base)
    pen.arc((-0.5, 0.06, 0.36, 0.94), -56, 56, pen.line)
    pen.arc((0.64, 0.06, 1.5, 0.94), 124, 236, pen.line)
    pen.stroke(((0.02, 0.5), (0.98, 0.5)), pen.line)
    pen.spot((0.5, 0.12, 0.66, 0.28), pen.light)


def _balloon(pen: Pen) -> None:
    pen.stroke(((0.5, 0.66), (0.56, 0.76), (0.45, 0.88), (0.5, 1.0)), pen.line)
    pen.polygon(((0.5, 0.62), (0.6, 0.73), (0.4, 0.73)), pen.dark)
    pen.oval((0, 0, 1, 0.68), pen.base)
    pen.spot((0.2, 0.1, 0.42, 0.28), pen.light)


def _bird(pen: Pen) -> None:
    pen.stroke(((0.46, 0.8), (0.46, 1.0)), _BEAK, 1.5)
    pen.stroke(((0.58, 0.8), (0.58, 1.0)), _BEAK, 1.5)
    pen.polygon(((0.66, 0.42), (1.0, 0.24), (0.98, 0.46), (0.76, 0.68)), pen.dark)
    pen.polygon(((0.0, 0.28), (0.17, 0.18), (0.17, 0.36)), _BEAK)
    pen.blob(((0.2, 0.28, 0.86, 0.88), (0.12, 0.0, 0.48, 0.5)), pen.base)
    pen.polygon(((0.42, 0.46), (0.82, 0.44), (0.7, 0.66), (0.52, 0.7)), pen.light)
    pen.spot((0.22, 0.13, 0.29, 0.22), _INK if pen.base[0] > 60 else WHITE)


def _flying_bird(pen: Pen) -> None:
    pen.polygon(((0.52, 0.55), (0.6, 0.0), (0.84, 0.5)), pen.dark)
    pen.polygon(((0.7, 0.66), (1.0, 0.56), (0.96, 0.84), (0.7, 0.8)), pen.dark)
    pen.polygon(((0.0, 0.68), (0.14, 0.57), (0.15, 0.76)), _BEAK)
    pen.blob(((0.22, 0.48, 0.84, 1.0), (0.1, 0.4, 0.42, 0.86)), pen.base)
    pen.polygon(((0.34, 0.66), (0.34, 0.06), (0.5, 0.2), (0.68, 0.7)), pen.light)
    pen.spot((0.19, 0.52, 0.25, 0.61), _INK if pen.base[0] > 60 else WHITE)


def _boat(pen: Pen) -> None:
    pen.stroke(((0.46, 0.0), (0.46, 0.72)), _WOOD, 2)
    pen.polygon(((0.52, 0.03), (0.52, 0.62), (0.94, 0.62)), _PAPER)
    pen.polygon(((0.41, 0.14), (0.41, 0.62), (0.1, 0.62)), _PAPER)
    pen.polygon(((0.0, 0.68), (1.0, 0.68), (0.84, 1.0), (0.14, 1.0)), pen.base)
    pen.stroke(((0.06, 0.78), (0.94, 0.78)), pen.light, 1.5)


def _book(pen: Pen) -> None:
    pen.rectangle(0.04, 0.06, 1.0, 1.0, _PAPER)
    for x in (0.93, 0.965):
        pen.stroke(((x, 0.1), (x, 0.94)), _SLATE, 0.5)
    pen.rectangle(0.0, 0.0, 0.88, 0.95, pen.base)
    pen.rectangle(0.0, 0.0, 0.16, 0.95, pen.dark)
    pen.rectangle(0.3, 0.18, 0.76, 0.4, _PAPER)
    pen.stroke(((0.38, 0.29), (0.68, 0.29)), _SLATE)


def _box(pen: Pen) -> None:
    pen.rectangle(0.04, 0.2, 0.96, 1.0, pen.base)
    pen.rectangle(0.0, 0.0, 1.0, 0.24, pen.light)
    pen.rectangle(0.42, 0.0, 0.58, 0.46, pen.dark)


def _butterfly(pen: Pen) -> None:
    for way in (-0.5, 0.5):
        hind = ((0.0, 0.5), (0.68, 0.56), (0.8, 0.8), (0.52, 1.0), (0.08, 0.76))
        fore = ((0.0, 0.5), (0.4, 0.08), (0.88, 0.04), (1.0, 0.28), (0.72, 0.5))
        for wing in (hind, fore):
            pen.polygon([(0.5 + way * out, down) for out, down in wing], pen.base)
        for out, down in ((0.64, 0.28), (0.5, 0.76)):
            pen.spot((0.44 + way * out, down - 0.08, 0.56 + way * out, down + 0.08), pen.light)
        pen.stroke(((0.5, 0.26), (0.5 + way * 0.2, 0.0)), _INK)
    pen.oval((0.45, 0.2, 0.55, 0.9), _INK)


def _car(pen: Pen) -> None:
    pen.polygon(((0.16, 0.46), (0.3, 0.0), (0.7, 0.0), (0.86, 0.46)), pen.base)
    pen.polygon(((0.23, 0.42), (0.33, 0.1), (0.47, 0.1), (0.47, 0.42)), _GLASS)
    pen.polygon(((0.53, 0.42), (0.53, 0.1), (0.67, 0.1), (0.78, 0.42)), _GLASS)
    pen.polygon(((0.0, 0.5), (0.06, 0.42), (0.94, 0.42), (1.0, 0.52), (1.0, 0.82), (0.0, 0.82)), pen.base)
    pen.rectangle(0.0, 0.52, 0.05, 0.64, _GOLD)
    for left in (0.13, 0.65):
        pen.oval((left, 0.58, left + 0.21, 1.0), _INK, BLACK)
        pen.spot((left + 0.065, 0.71, left + 0.145, 0.87), (190, 190, 194))


def _cat(pen: Pen) -> None:
    dark = sum(pen.base) < 200
    pen.arc((0.52, 0.46, 1.0, 0.97), -80, 90, pen.line, 5)
    pen.arc((0.535, 0.475, 0.985, 0.955), -75, 85, pen.base, 2.6)
    pen.polygon(((0.1, 0.26), (0.08, 0.0), (0.34, 0.12)), pen.base)
    pen.polygon(((0.72, 0.26), (0.74, 0.0), (0.48, 0.12)), pen.base)
    pen.oval((0.12, 0.4, 0.72, 1.0), pen.base)
    pen.oval((0.0, 0.08, 0.82, 0.54), pen.base)
    eye: RGB = (210, 236, 96) if dark else (58, 128, 62)
    for left in (0.17, 0.51):
        pen.spot((left, 0.2, left + 0.14, 0.33), eye)
        pen.spot((left + 0.045, 0.21, left + 0.095, 0.32), _INK)
    pen.polygon(((0.37, 0.36), (0.45, 0.36), (0.41, 0.41)), (236, 128, 140), (200, 90, 104))
    whisker = (222, 222, 222) if dark else pen.line
    for y in (0.36, 0.44):
        pen.stroke(((0.02, y), (0.28, 0.4)), whisker, 0.5)
        pen.stroke(((0.8, y), (0.54, 0.4)), whisker, 0.5)
    pen.stroke(((0.42, 0.8), (0.42, 0.98)), pen.line)


def _chair(pen: Pen) -> None:
    for x in (0.16, 0.72):
        pen.rectangle(x, 0.56, x + 0.12, 1.0, pen.dark)
    pen.rectangle(0.1, 0.0, 0.9, 0.1, pen.base)
    for x in (0.1, 0.44, 0.78):
        pen.rectangle(x, 0.1, x + 0.12, 0.5, pen.base)
    pen.polygon(((0.1, 0.48), (0.9, 0.48), (1.0, 0.62), (0.0, 0.62)), pen.light)
    for x in (0.0, 0.86):
        pen.rectangle(x, 0.62, x + 0.14, 1.0, pen.base)


def _cloud(pen: Pen) -> None:
    ovals = ((0.0, 0.4, 0.4, 1.0), (0.18, 0.08, 0.56, 0.8), (0.4, 0.0, 0.82, 0.8), (0.6, 0.36, 1.0, 1.0))
    pen.blob((*ovals, (0.2, 0.46, 0.8, 1.0)), pen.base)


def _cup(pen: Pen) -> None:
    pen.arc((0.52, 0.22, 1.0, 0.74), -90, 110, pen.line, 5)
    pen.arc((0.545, 0.245, 0.975, 0.715), -90, 110, pen.base, 2.6)
    pen.polygon(((0.0, 0.12), (0.76, 0.12), (0.68, 0.92), (0.58, 1.0), (0.18, 1.0), (0.08, 0.92)), pen.base)
    pen.oval((0.0, 0.0, 0.76, 0.24), pen.light)
    pen.spot((0.08, 0.06, 0.68, 0.2), (98, 62, 36))


def _fish(pen: Pen) -> None:
    pen.polygon(((0.62, 0.5), (1.0, 0.06), (0.9, 0.5), (1.0, 0.94)), pen.dark)
    pen.polygon(((0.26, 0.22), (0.42, 0.0), (0.6, 0.24)), pen.dark)
    pen.polygon(((0.34, 0.82), (0.5, 1.0), (0.54, 0.8)), pen.dark)
    pen.oval((0.0, 0.12, 0.74, 0.9), pen.base)
    pen.arc((-0.1, 0.16, 0.28, 0.84), -60, 60, pen.line)
    pen.polygon(((0.36, 0.5), (0.54, 0.42), (0.54, 0.62)), pen.light)
    pen.spot((0.1, 0.34, 0.19, 0.5), WHITE)
    pen.spot((0.12, 0.38, 0.17, 0.47), _INK)


def _flower(pen: Pen) -> None:
    pen.stroke(((0.5, 0.4), (0.5, 1.0)), _LEAF, 3)
    pen.polygon(((0.5, 0.94), (0.2, 0.84), (0.08, 0.66), (0.36, 0.74)), _LEAF, (20, 84, 30))
    pen.polygon(((0.5, 0.88), (0.8, 0.78), (0.92, 0.6), (0.64, 0.68)), _LEAF, (20, 84, 30))
    # The box is not square, so that the round of petals is an oval in its coordinates.
    for number in range(6):
        x, y = 0.5 + 0.31 * cos(number * pi / 3), 0.27 + 0.168 * sin(number * pi / 3)
        pen.oval((x - 0.19, y - 0.105, x + 0.19, y + 0.105), pen.base)
    middle = _BEAK if pen.base[0] > 220 and pen.base[1] > 180 and pen.base[2] < 120 else _GOLD
    pen.oval((0.31, 0.165, 0.69, 0.375), middle)


def _house(pen: Pen) -> None:
    pen.rectangle(0.7, 0.06, 0.82, 0.4, _SLATE)
    pen.rectangle(0.08, 0.4, 0.92, 1.0, pen.base)
    pen.polygon(((0.0, 0.44), (0.5, 0.0), (1.0, 0.44)), _SLATE, _INK)
    pen.rectangle(0.41, 0.64, 0.61, 1.0, _WOOD if sum(pen.base) > 300 else _PAPER)
    for left in (0.16, 0.68):
        pen.rectangle(left, 0.54, left + 0.17, 0.74, _GLASS)
        pen.stroke(((left + 0.085, 0.54), (left + 0.085, 0.74)), pen.line)


def _kite(pen: Pen) -> None:
    pen.stroke(((0.5, 0.66), (0.58, 0.76), (0.42, 0.86), (0.52, 1.0)), _SLATE)
    for x, y in ((0.56, 0.77), (0.44, 0.88)):
        pen.polygon(((x, y), (x - 0.14, y - 0.03), (x - 0.14, y + 0.03)), pen.light)
        pen.polygon(((x, y), (x + 0.14, y - 0.03), (x + 0.14, y + 0.03)), pen.light)
    pen.polygon(((0.5, 0.0), (1.0, 0.27), (0.5, 0.68), (0.0, 0.27)), pen.base)
    pen.polygon(((0.5, 0.0), (1.0, 0.27), (0.5, 0.27)), pen.light)
    pen.polygon(((0.5, 0.27), (0.5, 0.68), (0.0, 0.27)), pen.light)


def _moon(pen: Pen) -> None:
    outer = [_round(step, 24, 0.72, 0.5, 0.72, 0.5) for step in range(4, 21)]
    inner = [_round(step, 24, 0.94, 0.5, 0.58, 0.38) for step in range(19, 4, -1)]
    pen.polygon((*(_turned(point) for point in outer), *(_turned(point) for point in inner)), pen.base)


def _round(step: int, steps: int, x: float, y: float, across: float, down: float) -> Point:
    angle = 2 * pi * step / steps
    return x + across * cos(angle), y + down * sin(angle)


def _turned(point: Point) -> Point:
    """Kept within the box: the crescent's horns would reach a little beyond it."""
    return min(1.0, max(0.0, point[0])), min(1.0, max(0.0, point[1]))


def _mushroom(pen: Pen) -> None:
    pen.polygon(((0.36, 0.5), (0.64, 0.5), (0.72, 1.0), (0.28, 1.0)), _PAPER)
    pen.dome((0.0, 0.0, 1.0, 1.14), pen.base)
    for left, top in ((0.2, 0.28), (0.46, 0.1), (0.66, 0.32)):
        pen.spot((left, top, left + 0.16, top + 0.15), WHITE)


def _plane(pen: Pen) -> None:
    pen.polygon(((0.82, 0.46), (0.9, 0.0), (1.0, 0.0), (0.97, 0.5)), pen.dark)
    pen.polygon(((0.4, 0.44), (0.56, 0.08), (0.64, 0.08), (0.58, 0.46)), pen.dark)
    pen.oval((0.0, 0.34, 0.99, 0.78), pen.base)
    pen.polygon(((0.36, 0.6), (0.66, 1.0), (0.76, 1.0), (0.62, 0.6)), pen.light)
    pen.polygon(((0.06, 0.5), (0.13, 0.42), (0.18, 0.42), (0.18, 0.53)), _GLASS)
    for left in (0.27, 0.38, 0.49, 0.6, 0.71):
        pen.spot((left, 0.44, left + 0.05, 0.55), _GLASS)


def _star(pen: Pen) -> None:
    corners: list[Point] = []
    for number in range(10):
        reach, angle = (1.0 if number % 2 == 0 else 0.42), pi * number / 5
        corners.append((0.5 + reach * sin(angle) / 1.9022, (1 - reach * cos(angle)) / 1.8091))
    pen.polygon(corners, pen.base)


def _sun(pen: Pen) -> None:
    for number in range(12):
        angle = pi * number / 6
        inner, outer = (
            (0.5 + 0.3 * cos(angle), 0.5 + 0.3 * sin(angle)),
            (0.5 + 0.5 * cos(angle), 0.5 + 0.5 * sin(angle)),
        )
        pen.stroke((inner, outer), _BEAK, 2)
    pen.oval((0.18, 0.18, 0.82, 0.82), pen.base, _BEAK)


def _table(pen: Pen) -> None:
    for x in (0.2, 0.73):
        pen.rectangle(x, 0.2, x + 0.07, 0.84, pen.dark)
    for x in (0.06, 0.86):
        pen.rectangle(x, 0.2, x + 0.08, 1.0, pen.base)
    pen.rectangle(0.0, 0.0, 1.0, 0.22, pen.base)
    pen.stroke(((0.03, 0.08), (0.97, 0.08)), pen.light, 1.5)


def _tree(pen: Pen) -> None:
    pen.polygon(((0.43, 0.5), (0.57, 0.5), (0.62, 1.0), (0.38, 1.0)), _WOOD, (64, 40, 22))
    pen.blob(((0.0, 0.22, 0.62, 0.68), (0.38, 0.22, 1.0, 0.68), (0.14, 0.0, 0.86, 0.5)), pen.base)
    for left, top in ((0.3, 0.12), (0.16, 0.36), (0.6, 0.34)):
        pen.spot((left, top, left + 0.16, top + 0.08), pen.light)


def _umbrella(pen: Pen) -> None:
    pen.stroke(((0.5, 0.0), (0.5, 0.9)), _WOOD, 2.4)
    pen.arc((0.5, 0.8, 0.7, 1.0), 0, 180, _WOOD, 2.4)
    pen.dome((0.0, 0.06, 1.0, 1.04), pen.base)
    pen.arc((0.3, 0.06, 0.7, 1.04), 180, 360, pen.line)
    for left in (0.0, 0.3, 0.7):
        right = 0.7 if left == 0.3 else left + 0.3
        pen.spot((left + 0.02, 0.52, right - 0.02, 0.6), pen.dark)


SHAPES: dict[str, Shape] = {
    "apple": _apple,
    "ball": _ball,
    "balloon": _balloon,
    "bird": _bird,
    "boat": _boat,
    "book": _book,
    "box": _box,
    "butterfly": _butterfly,
    "car": _car,
    "cat": _cat,
    "chair": _chair,
    "cloud": _cloud,
    "cup": _cup,
    "fish": _fish,
    "flower": _flower,
    "house": _house,
    "kite": _kite,
    "moon": _moon,
    "mushroom": _mushroom,
    "plane": _plane,
    "star": _star,
    "sun": _sun,
    "table": _table,
    "tree": _tree,
    "umbrella": _umbrella,
}

ALOFT: dict[str, Shape] = {"bird": _flying_bird}
"""Kinds that look otherwise in the air."""
