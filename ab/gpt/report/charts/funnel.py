"""Where candidates fell: a bar for each step from the reply to a network that sees."""

from __future__ import annotations

from ab.gpt.report.charts.common import WIDTH
from ab.gpt.report.draw.drawing import About, Drawing, Rect, Text, shortened
from ab.gpt.report.draw.frame import Key, legend
from ab.gpt.report.funnel import Step

_ROW, _BAR, _LEFT, _FULL = 42.0, 22.0, 210.0, 300.0


def funnel_chart(steps: list[Step]) -> Drawing:
    """One bar for each step, with what became of those who came no further."""
    drawing = Drawing("funnel", "From reply to trained network", _described(steps), WIDTH, 0)
    keys = [Key("came so far", "s0", "box"), Key("with the first reply alone, before repairs", "ink", "line")]
    top = legend(drawing, keys, _LEFT, 2, WIDTH) + 8
    whole = max((step.count for step in steps), default=0) or 1
    for place, step in enumerate(steps):
        y = top + place * _ROW
        said = About(step.rows, f"{step.label}: {step.count} of {whole}")
        drawing.add(Text(_LEFT - 12, y + 15, step.label, 12, "ink", "end", about=said))
        drawing.add(Rect(_LEFT, y, _FULL, _BAR, "soft", round=3))
        drawing.add(Rect(_LEFT, y, _FULL * step.count / whole, _BAR, "s0", round=3, about=said))
        if step.at_first is not None and step.at_first != step.count:
            x = _LEFT + _FULL * step.at_first / whole
            drawing.add(Rect(x - 1, y - 3, 2, _BAR + 6, "ink", about=About(step.rows, f"{step.at_first} at first")))
        share = f"{step.count:,} · {step.count / whole:.0%}"
        drawing.text(_LEFT + _FULL + 12, y + 15, share, 12, "ink", bold=True, about=About(step.rows))
        if step.fell:
            fell = ", ".join(f"{outcome.replace('_', ' ')} {count}" for outcome, count in step.fell.items())
            drawing.text(_LEFT + 4, y + _BAR + 13, shortened(f"ended here: {fell}", WIDTH - _LEFT - 8, 11), 11, "bad")
    drawing.height = top + len(steps) * _ROW + 4
    return drawing


def _described(steps: list[Step]) -> str:
    return "How many candidates came so far: " + "; ".join(f"{step.label}: {step.count}" for step in steps) + "."
