"""The picture of a scene: its backdrop, and its things from the farthest to the nearest."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw, ImageOps

from ab.gpt.scenes.pen import BLACK, WHITE, Pen, mix
from ab.gpt.scenes.scene import Scene
from ab.gpt.scenes.shapes import ALOFT, SHAPES
from ab.gpt.scenes.world import BACKDROPS, COLOURS, RGB, Zone

_FINER = 2
"""Drawn so much larger and then made smaller: Pillow's shapes have jagged edges."""
_SHADE = 10
"""How far, of 255, a colour may be from its name's own value."""


def draw(scene: Scene, size: int) -> Image.Image:
    """A square picture of the scene, `size` pixels wide."""
    rng = Random(scene.grain)
    side = size * _FINER
    picture = _backdrop(scene, side, rng)
    pencil = ImageDraw.Draw(picture)
    things = []
    for group in scene.groups:
        shade = _shaded(COLOURS[group.colour], rng)
        things += [(box, group, shade) for box in group.boxes]
    for box, group, shade in sorted(things, key=lambda thing: thing[0].bottom):
        shape = SHAPES[group.kind]
        if group.zone is Zone.AIR:
            shape = ALOFT.get(group.kind, shape)
        shape(Pen(pencil, side, box, shade, group.mirrored))
    return picture.reduce(_FINER)


def _shaded(colour: RGB, rng: Random) -> RGB:
    r, g, b = (min(255, max(0, part + rng.randint(-_SHADE, _SHADE))) for part in colour)
    return r, g, b


def _backdrop(scene: Scene, side: int, rng: Random) -> Image.Image:
    place = BACKDROPS[scene.backdrop]
    horizon = round(scene.horizon * side)
    picture = Image.new("RGB", (side, side))
    picture.paste(_gradient(side, horizon, *place.upper), (0, 0))
    picture.paste(_gradient(side, side - horizon, *place.lower), (0, horizon))
    _DETAILS[scene.backdrop](ImageDraw.Draw(picture), side, horizon, rng, place.lower)
    return picture


def _gradient(width: int, height: int, top: RGB, bottom: RGB) -> Image.Image:
    # One column, then made broad: to colour every pixel took most of the time of a data set.
    column = ImageOps.colorize(Image.linear_gradient("L").resize((1, height)), top, bottom)
    return column.resize((width, height), Image.Resampling.NEAREST)


Details = Callable[[ImageDraw.ImageDraw, int, int, Random, tuple[RGB, RGB]], None]


def _meadow(pencil: ImageDraw.ImageDraw, side: int, horizon: int, rng: Random, ground: tuple[RGB, RGB]) -> None:
    blade = mix(ground[1], BLACK, 0.22)
    for _ in range(50):
        x, y = rng.random() * side, rng.uniform(horizon + 0.03 * side, side)
        tip = side / 60
        pencil.line((x - tip / 2, y - tip, x, y, x + tip / 2, y - tip), fill=blade, width=max(1, side // 300))


def _beach(pencil: ImageDraw.ImageDraw, side: int, horizon: int, rng: Random, ground: tuple[RGB, RGB]) -> None:
    pencil.rectangle((0, horizon - 0.01 * side, side, horizon + 0.05 * side), fill=(70, 150, 200))
    pencil.line((0, horizon + 0.05 * side, side, horizon + 0.05 * side), fill=WHITE, width=max(1, side // 90))
    grain = mix(ground[1], BLACK, 0.14)
    for _ in range(90):
        x, y = rng.random() * side, rng.uniform(horizon + 0.07 * side, side)
        pencil.rectangle((x, y, x + side / 160, y + side / 160), fill=grain)


def _sea(pencil: ImageDraw.ImageDraw, side: int, horizon: int, rng: Random, ground: tuple[RGB, RGB]) -> None:
    crest = mix(ground[0], WHITE, 0.45)
    for _ in range(26):
        x, y = rng.random() * side, rng.uniform(horizon + 0.02 * side, side)
        reach = side / 22
        pencil.arc((x, y, x + reach, y + reach / 2), 200, 340, fill=crest, width=max(1, side // 200))


def _snow(pencil: ImageDraw.ImageDraw, side: int, horizon: int, rng: Random, ground: tuple[RGB, RGB]) -> None:
    drift = mix(ground[1], BLACK, 0.08)
    flake = side / 130
    for _ in range(60):
        x, y = rng.random() * side, rng.random() * horizon
        pencil.ellipse((x, y, x + flake, y + flake), fill=WHITE)
    for _ in range(8):
        x, y = rng.random() * side, rng.uniform(horizon + 0.05 * side, side)
        reach = side / 8
        pencil.arc((x, y, x + reach, y + reach / 4), 200, 340, fill=drift, width=max(1, side // 160))


def _night(pencil: ImageDraw.ImageDraw, side: int, horizon: int, rng: Random, ground: tuple[RGB, RGB]) -> None:
    # No little stars: captions count the stars, and these would not be among them.
    for _ in range(3):
        x, reach = rng.random() * side, rng.uniform(0.3, 0.6) * side
        pencil.chord((x - reach, horizon - reach / 9, x + reach, horizon + reach / 9), 180, 360, fill=ground[0])


def _room(pencil: ImageDraw.ImageDraw, side: int, horizon: int, rng: Random, ground: tuple[RGB, RGB]) -> None:
    seam = mix(ground[1], BLACK, 0.25)
    middle = rng.uniform(0.4, 0.6) * side
    for board in range(-14, 15):
        pencil.line((middle + board * side / 12, horizon, middle + board * side / 5, side), fill=seam, width=1)
    pencil.rectangle((0, horizon - side / 40, side, horizon), fill=(252, 248, 238), outline=(196, 184, 160))


def _street(pencil: ImageDraw.ImageDraw, side: int, horizon: int, rng: Random, ground: tuple[RGB, RGB]) -> None:
    kerb = horizon + round(0.12 * side)
    pencil.rectangle((0, kerb, side, side), fill=ground[1])
    pencil.line((0, kerb, side, kerb), fill=(212, 210, 204), width=max(2, side // 80))
    middle, start = kerb + (side - kerb) * 0.55, rng.random() * 0.2 * side
    for dash in range(-1, 6):
        left = start + dash * side / 5
        pencil.rectangle((left, middle, left + side / 9, middle + side / 60), fill=(236, 232, 214))


_DETAILS: dict[str, Details] = {
    "meadow": _meadow,
    "beach": _beach,
    "sea": _sea,
    "snow": _snow,
    "night": _night,
    "room": _room,
    "street": _street,
}
