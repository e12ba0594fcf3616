"""BLEU by family against the baselines: the best network of each, with its interval, and the blind caption's line."""

from __future__ import annotations

from ab.gpt.report.charts.common import LEMUR_LABEL, WIDTH, about, blind_score
from ab.gpt.report.draw.drawing import Circle, Drawing, Line, Text, shortened
from ab.gpt.report.draw.frame import Frame, Key, gutter, legend, x_axis
from ab.gpt.report.draw.scale import linear
from ab.gpt.report.facts import Epoch, Facts, Network

_ROW = 30.0
_KINDS = (
    ("a family's best network", "s0", "dot"),
    ("collapsed", "bad", "ring"),
    ("baseline", "base", "dot"),
)


def families_chart(facts: Facts, families: list[Network], baselines: list[Network]) -> Drawing:
    """A line for each family and baseline, best first."""
    rows = [(network, network.best) for network in (*families, *baselines)]
    scored = sorted(((n, e) for n, e in rows if e), key=lambda pair: -pair[1].lemur_bleu)
    left = gutter(_label(network) for network, _ in scored)
    drawing = Drawing("families", "BLEU by family against the baselines", _described(scored), WIDTH, 0)
    blind = blind_score(facts)
    keys = [Key(*kind) for kind in _KINDS] + ([Key("the best blind caption", "muted", "dashes")] if blind else [])
    top = legend(drawing, keys, left, 2, WIDTH) + 12
    frame = Frame(left, top, WIDTH - 70, top + len(scored) * _ROW + 6)
    values = [value for _, epoch in scored for value in (epoch.lemur_bleu, epoch.high or 0)] + [blind or 0]
    scale = linear(values, frame.left, frame.right)
    sure = ", with 95% intervals over the images" if any(epoch.low is not None for _, epoch in scored) else ""
    x_axis(drawing, frame, scale, f"{LEMUR_LABEL} of the best epoch{sure}")
    if blind:
        drawing.add(Line(((scale(blind), top), (scale(blind), frame.bottom)), "muted", 1.4, dash=True))
    for place, (network, epoch) in enumerate(scored):
        y = top + 18 + place * _ROW
        said = about(network, epoch)
        drawing.add(
            Text(left - 12, y + 4, shortened(_label(network), left - 16, bold=True), 12, "ink", "end", network.proposed)
        )
        colour = "base" if not network.proposed else "bad" if network.collapsed else "s0"
        if epoch.low is not None and epoch.high is not None:
            drawing.add(Line(((scale(epoch.low), y), (scale(epoch.high), y)), colour, 2, about=said))
        ring = network.collapsed
        drawing.add(
            Circle(scale(epoch.lemur_bleu), y, 5.5, "paper" if ring else colour, colour if ring else "", about=said)
        )
        drawing.text(WIDTH - 60, y + 4, f"{epoch.lemur_bleu:.4f}", 12, "ink", about=said)
    drawing.height = frame.bottom + 46
    return drawing


def _label(network: Network) -> str:
    return network.prefix if network.proposed else network.name or network.baseline


def _described(scored: list[tuple[Network, Epoch]]) -> str:
    parts = [f"{_label(network)} {epoch.lemur_bleu:.4f}" for network, epoch in scored[:12]]
    return f"{LEMUR_LABEL} of the best network of each family and of the baselines: {', '.join(parts) or 'none yet'}."
