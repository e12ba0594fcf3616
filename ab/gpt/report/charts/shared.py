"""What the best networks have in common: two dots a line, the ingredient's share among the best and the worst."""

from __future__ import annotations

from ab.gpt.report.charts.common import WIDTH
from ab.gpt.report.draw.drawing import About, Circle, Drawing, Line, Text, shortened
from ab.gpt.report.draw.frame import Frame, Key, legend, x_axis
from ab.gpt.report.draw.scale import Scale
from ab.gpt.report.shared import Common, Ingredient

_ROW, _LEFT = 28.0, 230.0
MOST = 24


def common_chart(common: Common) -> Drawing:
    """The ingredients with the largest differences."""
    shown = sorted(common.ingredients, key=lambda one: -abs(one.best.mean - one.worst.mean))[:MOST]
    shown.sort(key=lambda one: one.worst.mean - one.best.mean)
    drawing = Drawing("ingredients", "What the best networks have in common", _described(shown), WIDTH, 0)
    keys = [
        Key(f"among the best {len(common.best)}", "s2"),
        Key(f"among the worst {len(common.worst)}", "s1", "ring"),
    ]
    top = legend(drawing, keys, _LEFT, 2, WIDTH) + 10
    frame = Frame(_LEFT, top, WIDTH - 30, top + len(shown) * _ROW + 4)
    scale = Scale(0, 1, frame.left, frame.right)
    x_axis(drawing, frame, scale, "share that has it, with 95% intervals", lambda value: f"{value:.0%}", 5)
    for place, one in enumerate(shown):
        y = top + 14 + place * _ROW
        drawing.add(Text(_LEFT - 12, y + 4, shortened(one.name, _LEFT - 18), 12, "ink", "end", one.differs))
        for share, rows, colour, shift in (
            (one.worst, one.worst_rows, "s1", 3.5),
            (one.best, one.best_rows, "s2", -3.5),
        ):
            said = About(rows, f"{one.name}: {share.count} of {share.of}, {share}")
            ends = ((scale(share.low), y + shift), (scale(share.high), y + shift))
            drawing.add(Line(ends, colour, 1.6, opacity=0.7, about=said))
            ring = colour == "s1"
            drawing.add(
                Circle(
                    scale(share.mean), y + shift, 4.2, "paper" if ring else colour, colour if ring else "", about=said
                )
            )
    drawing.height = frame.bottom + 46
    return drawing


def _described(shown: list[Ingredient]) -> str:
    parts = [f"{one.name}: {one.best} of the best, {one.worst} of the worst" for one in shown[:10]]
    return f"The share of each ingredient among the best and the worst quarter. {'; '.join(parts)}."
