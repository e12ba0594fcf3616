"""Learning curves: LEMUR's BLEU after each epoch, the best network of each family standing out."""

from __future__ import annotations

from ab.gpt.report.charts.common import LEMUR_LABEL, WIDTH, about, blind_score
from ab.gpt.report.draw.drawing import Circle, Drawing, Line
from ab.gpt.report.draw.frame import Frame, Key, legend, y_axis
from ab.gpt.report.draw.scale import Scale, linear
from ab.gpt.report.facts import Facts, Network

MOST_FAINT = 300
"""So many networks are drawn behind the best ones; more would only make the area grey."""


def curves_chart(facts: Facts, bests: list[Network], colours: dict[str, str], name: str = "curves") -> Drawing:
    """A line for each network over its epochs."""
    others = [network for network in facts.trained if network not in bests]
    faint = others[:: max(1, -(-len(others) // MOST_FAINT))]
    drawing = Drawing(name, "Learning curves", _described(bests, facts.baselines), WIDTH, 0)
    blind = blind_score(facts)
    keys = [Key(network.prefix, colours.get(network.prefix, "s0"), "line") for network in bests[:8]]
    keys += [Key(f"baseline {network.name or network.baseline}", "base", "dashes") for network in facts.baselines[:4]]
    keys += [Key("other networks", "axis", "line")] if faint else []
    keys += [Key("the best blind caption", "bad", "dashes")] if blind else []
    top = legend(drawing, keys, 64, 2, WIDTH) + 10
    frame = Frame(64, top, WIDTH - 20, top + 300)
    everything = [*faint, *bests, *facts.baselines]
    scores = [epoch.lemur_bleu for network in everything for epoch in network.epochs]
    scale = linear([*scores, blind or 0], frame.bottom, frame.top)
    last = max((epoch.number for network in everything for epoch in network.epochs), default=1)
    across = Scale(1 if last > 1 else 0.5, last if last > 1 else 1.5, frame.left + 12, frame.right - 12)
    y_axis(drawing, frame, scale, LEMUR_LABEL)
    _epoch_axis(drawing, frame, across, last)
    for network in faint:
        _curve(drawing, across, scale, network, "axis", 1, 0.45, dots=False)
    if blind:
        drawing.add(Line(((frame.left, scale(blind)), (frame.right, scale(blind))), "bad", 1.4, dash=True))
    for network in facts.baselines:
        _curve(drawing, across, scale, network, "base", 2, 1, dash=True)
    for network in bests[:8]:
        _curve(drawing, across, scale, network, colours.get(network.prefix, "s0"), 2.2, 1)
    drawing.height = frame.bottom + 46
    return drawing


def network_curve(network: Network) -> Drawing:
    """One network's own learning curve, small, with intervals."""
    drawing = Drawing("curve", f"Learning curve of {network.title}", _told(network), 420, 220)
    frame = Frame(64, 10, 406, 170)
    values = [value for e in network.epochs for value in (e.lemur_bleu, e.high or 0)]
    scale = linear(values, frame.bottom, frame.top)
    last = max((epoch.number for epoch in network.epochs), default=1)
    across = Scale(1 if last > 1 else 0.5, last if last > 1 else 1.5, frame.left + 12, frame.right - 12)
    y_axis(drawing, frame, scale, LEMUR_LABEL)
    _epoch_axis(drawing, frame, across, last)
    for epoch in network.epochs:
        if epoch.low is not None and epoch.high is not None:
            x = across(epoch.number)
            drawing.add(Line(((x, scale(epoch.low)), (x, scale(epoch.high))), "s0", 1.4, opacity=0.6))
    _curve(drawing, across, scale, network, "s0", 2, 1)
    return drawing


def _curve(
    drawing: Drawing, across: Scale, up: Scale, network: Network, colour: str, width: float, opacity: float,
    dash: bool = False, dots: bool = True,
) -> None:  # fmt: skip
    points = tuple((across(epoch.number), up(epoch.lemur_bleu)) for epoch in network.epochs)
    if len(points) > 1:
        drawing.add(Line(points, colour, width, dash, opacity, about(network, network.best)))
    if dots or len(points) == 1:
        for epoch, (x, y) in zip(network.epochs, points, strict=True):
            drawing.add(Circle(x, y, 3.2 if dots else 2, colour, opacity=opacity, about=about(network, epoch)))


def _epoch_axis(drawing: Drawing, frame: Frame, across: Scale, last: int) -> None:
    step = max(1, -(-last // 10))
    numbers = [number for number in range(1, last + 1) if (number - 1) % step == 0]
    drawing.add(Line(((frame.left, frame.bottom), (frame.right, frame.bottom)), "axis"))
    for number in numbers:
        drawing.add(Line(((across(number), frame.bottom), (across(number), frame.bottom + 4)), "axis"))
        drawing.text(across(number), frame.bottom + 18, str(number), 11, "muted", "middle")
    drawing.text((frame.left + frame.right) / 2, frame.bottom + 38, "epoch", 12, "muted", "middle")


def _told(network: Network) -> str:
    scores = ", ".join(f"{epoch.lemur_bleu:.4f}" for epoch in network.epochs[:20])
    return f"{LEMUR_LABEL} after each epoch: {scores or 'none'}."


def _described(bests: list[Network], baselines: list[Network]) -> str:
    parts = [
        f"{network.title} from {network.epochs[0].lemur_bleu:.4f} to {network.epochs[-1].lemur_bleu:.4f}"
        for network in (*bests[:8], *baselines[:4])
        if network.epochs
    ]
    return f"{LEMUR_LABEL} after each epoch, a line for each network. {'; '.join(parts)}."
