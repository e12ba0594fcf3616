"""How the networks' best epochs are spread, family by family: a dot for each network, a box for the middle half."""

from __future__ import annotations

import hashlib
from statistics import quantiles

from ab.gpt.report.charts.common import LEMUR_LABEL, WIDTH, about, blind_score
from ab.gpt.report.draw.drawing import About, Circle, Drawing, Line, Rect, Text, shortened
from ab.gpt.report.draw.frame import Frame, Key, gutter, legend, x_axis
from ab.gpt.report.draw.scale import Scale, linear
from ab.gpt.report.facts import Facts, Network, rows_of

_ROW, _HALF = 46.0, 15.0


def spread_chart(facts: Facts, groups: dict[str, list[Network]], colours: dict[str, str], what: str) -> Drawing:
    """A strip for each group of trained networks."""
    left = gutter(groups)
    drawing = Drawing(
        f"spread-{what.partition(' ')[0]}", f"Best epoch of each network, by {what}", _described(groups, what), WIDTH, 0
    )
    blind = blind_score(facts)
    keys = [Key("one network", "s0"), Key("collapsed", "s0", "ring"), Key("middle half, median", "axis", "box")]
    keys += [Key("the best blind caption", "muted", "dashes")] if blind else []
    top = legend(drawing, keys, left, 2, WIDTH) + 8
    frame = Frame(left, top, WIDTH - 70, top + len(groups) * _ROW)
    values = [epoch.lemur_bleu for group in groups.values() for n in group if (epoch := n.best)]
    scale = linear([*values, blind or 0], frame.left, frame.right)
    x_axis(drawing, frame, scale, f"{LEMUR_LABEL} of the best epoch")
    if blind:
        drawing.add(Line(((scale(blind), top), (scale(blind), frame.bottom)), "muted", 1.4, dash=True))
    for place, (name, group) in enumerate(groups.items()):
        middle = top + _ROW * (place + 0.5)
        drawing.add(Text(left - 12, middle + 4, shortened(name or "–", left - 16, bold=True), 12, "ink", "end", True))
        _strip(drawing, scale, middle, group, colours.get(name, "s0"))
        drawing.text(WIDTH - 60, middle + 4, f"n = {len(group)}", 11, "muted", about=About(rows_of(group)))
    drawing.height = frame.bottom + 46
    return drawing


def _strip(drawing: Drawing, scale: Scale, middle: float, group: list[Network], colour: str) -> None:
    scores = [epoch.lemur_bleu for network in group if (epoch := network.best)]
    if len(scores) >= 4:
        low, median, high = quantiles(scores, n=4, method="inclusive")
        said = About(rows_of(group), f"median {median:.4f}, middle half {low:.4f} to {high:.4f}")
        drawing.add(
            Rect(scale(low), middle - 17, max(1.0, scale(high) - scale(low)), 34, "soft", "axis", 3, about=said),
            Line(((scale(median), middle - 17), (scale(median), middle + 17)), "ink", 2, about=said),
        )
    crowded = 0.45 if len(group) > 150 else 0.75
    for network in group:
        if epoch := network.best:
            ring = network.collapsed
            drawing.add(
                Circle(
                    scale(epoch.lemur_bleu), middle + _jitter(network.row), 3.4, "paper" if ring else colour,
                    colour if ring else "", crowded, about(network, epoch),
                )
            )  # fmt: skip


def _jitter(row: str) -> float:
    """A shift off the line that is the same every time."""
    return (hashlib.md5(row.encode()).digest()[0] / 127.5 - 1) * _HALF


def _described(groups: dict[str, list[Network]], what: str) -> str:
    parts = []
    for name, group in list(groups.items())[:12]:
        scores = [epoch.lemur_bleu for network in group if (epoch := network.best)]
        parts.append(f"{name or 'none'}: {len(scores)} networks from {min(scores):.4f} to {max(scores):.4f}")
    return f"A dot for each trained network at {LEMUR_LABEL} of its best epoch, by {what}. {'; '.join(parts)}."
