"""How many candidates run, train and see, by what they were asked with: bars with Wilson's intervals."""

from __future__ import annotations

from collections.abc import Sequence

from ab.gpt.report.charts.common import WIDTH
from ab.gpt.report.draw.drawing import About, Drawing, Line, Rect, Text, shortened, text_width
from ab.gpt.report.draw.frame import Frame, Key, gutter, legend, x_axis
from ab.gpt.report.draw.scale import Scale
from ab.gpt.report.intervals import Share
from ab.gpt.report.tables import Success

_BAR, _GAP, _PAUSE = 13, 3, 16
_SHARES = (("runs", "runs", "s0"), ("trained", "trained", "s4"), ("alive", "beats the best blind caption", "s2"))


def success_chart(name: str, title: str, label: str, groups: Sequence[Success]) -> Drawing:
    """One block of bars for each group."""
    left = max(gutter(group.group for group in groups), text_width(label, 12) + 16)
    block = len(_SHARES) * (_BAR + _GAP) + _PAUSE
    height = 40 + len(groups) * block + 50
    drawing = Drawing(name, title, _described(label, groups), WIDTH, height)
    top = legend(drawing, [Key(text, colour, "box") for _, text, colour in _SHARES], left, 2, WIDTH) + 10
    frame = Frame(left, top, WIDTH - 120, top + len(groups) * block - _PAUSE / 2)
    scale = Scale(0, 1, frame.left, frame.right)
    x_axis(drawing, frame, scale, "share of the candidates, with 95% intervals", lambda value: f"{value:.0%}", 5)
    drawing.text(left - 12, top - 4, label, 11, "muted", "end")
    for place, group in enumerate(groups):
        y = top + 4 + place * block
        drawing.add(
            Text(left - 12, y + 22, shortened(group.group or "–", left - 20, bold=True), 12, "ink", "end", True)
        )
        for number, (field, text, colour) in enumerate(_SHARES):
            share: Share = getattr(group, field)
            _bar(drawing, scale, y + number * (_BAR + _GAP), share, colour, f"{group.group}: {text}", group.rows)
    drawing.height = frame.bottom + 48
    return drawing


def _bar(drawing: Drawing, scale: Scale, y: float, share: Share, colour: str, what: str, rows: str) -> None:
    if not share.of:
        return
    said = About(rows, f"{what} {share.count} of {share.of}, {share}")
    drawing.add(Rect(scale(0), y, scale(share.mean) - scale(0), _BAR, colour, round=2, opacity=0.85, about=said))
    middle = y + _BAR / 2
    drawing.add(Line(((scale(share.low), middle), (scale(share.high), middle)), "ink", 1.4, about=said))
    for end in (share.low, share.high):
        drawing.add(Line(((scale(end), middle - 3.5), (scale(end), middle + 3.5)), "ink", 1.4))
    drawing.text(scale(1) + 14, y + 11, f"{share.count} of {share.of}", 11, "muted", about=About(rows))


def _described(label: str, groups: Sequence[Success]) -> str:
    parts = [f"{group.group}: {group.trained.count} of {group.trained.of} trained" for group in groups[:12]]
    return f"Bars of the shares of candidates that run, trained and beat the blind caption, by {label}. " + "; ".join(
        parts
    )
