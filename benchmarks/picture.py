"""A picture of what was measured: the ratios as bars, and how cost grows."""

from __future__ import annotations

import math
import re
import statistics
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.measure import Comparison

WIDTH, ROW, LEFT, RIGHT = 1100, 30, 560, 90
DARK, GREY, OURS, STOCK, GRID = "#222222", "#777777", "#2b6cb0", "#b7791f", "#dddddd"
_PLOT = 300


def draw(results: list[Comparison], file: Path) -> None:
    """Writes the picture; the ratios on a scale on which twice as far is ten times as much."""
    bars = [result for result in results if result.ratio and not result.name.startswith("growth")]
    growths = [result for result in results if re.search(r"growth: [\d,]+ images", result.name)]
    height = 60 + ROW * len(bars) + (_PLOT + 80 if growths else 0)
    image = Image.new("RGB", (WIDTH, height), "white")
    pen = ImageDraw.Draw(image)
    font, bold = ImageFont.load_default(14), ImageFont.load_default(17)
    pen.text((20, 15), "stock LEMUR ÷ ours (more is better)", fill=DARK, font=bold)
    most = max([result.ratio or 1 for result in bars], default=1)
    scale = (WIDTH - LEFT - RIGHT) / math.log10(max(most, 10))
    for place, result in enumerate(bars):
        top = 50 + ROW * place
        pen.text((20, top + 5), result.name[:74], fill=DARK, font=font)
        length = max(2.0, math.log10(max(result.ratio or 1, 1)) * scale)
        pen.rectangle((LEFT, top + 4, LEFT + length, top + ROW - 6), fill=OURS)
        pen.text((LEFT + length + 8, top + 5), f"{result.ratio:.1f}", fill=DARK, font=font)
        if result.at_least:
            mark = LEFT + math.log10(result.at_least) * scale
            pen.line((mark, top, mark, top + ROW - 2), fill=DARK, width=2)
    if growths:
        _growth(pen, growths, 60 + ROW * len(bars), font, bold)
    image.save(file)


def _growth(pen: ImageDraw.ImageDraw, growths: list[Comparison], top: int, font: object, bold: object) -> None:
    """Seconds of an epoch of batches by the number of images, both on logarithmic scales."""
    pen.text((20, top + 10), "seconds of an epoch of batches by training images", fill=DARK, font=bold)  # type: ignore[arg-type]
    lines: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for result in growths:
        found = re.search(r"growth: ([\d,]+) images, (.*)", result.name)
        assert found
        images = int(found[1].replace(",", ""))
        for who, runs in (("stock", result.stock), ("ours", result.ours)):
            if runs:
                lines.setdefault((who, found[2]), []).append((images, statistics.median(runs)))
    points = [point for line in lines.values() for point in line]
    low_x, high_x = min(x for x, _ in points), max(x for x, _ in points)
    low_y, high_y = min(y for _, y in points), max(y for _, y in points)
    box = (90, top + 50, WIDTH - 260, top + 40 + _PLOT)

    def at(x: float, y: float) -> tuple[float, float]:
        along = math.log(x / low_x) / math.log(high_x / low_x) if high_x > low_x else 0.5
        up = math.log(y / low_y) / math.log(high_y / low_y) if high_y > low_y else 0.5
        return box[0] + along * (box[2] - box[0]), box[3] - up * (box[3] - box[1])

    for x in sorted({x for x, _ in points}):
        pen.line((*at(x, low_y), *at(x, high_y)), fill=GRID)
        pen.text((at(x, low_y)[0] - 15, box[3] + 8), f"{x:,}", fill=GREY, font=font)  # type: ignore[arg-type]
    for mark in (low_y, math.sqrt(low_y * high_y), high_y):
        pen.text((20, at(low_x, mark)[1] - 8), f"{mark:.3g} s", fill=GREY, font=font)  # type: ignore[arg-type]
    for (who, what), line in lines.items():
        colour = STOCK if who == "stock" else OURS
        places = [at(x, y) for x, y in sorted(line)]
        pen.line(places, fill=colour, width=3 if what.startswith("later") else 1)
        for along, up in places:
            pen.ellipse((along - 4, up - 4, along + 4, up + 4), fill=colour)
        pen.text((places[-1][0] + 12, places[-1][1] - 8), f"{who}, {what}", fill=colour, font=font)  # type: ignore[arg-type]
