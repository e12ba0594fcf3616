"""Quality against what it cost: a dot for each network, and the front of those that nothing cheaper beats."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ab.gpt.report.charts.common import LEMUR_LABEL, WIDTH, about, blind_score
from ab.gpt.report.draw.drawing import Circle, Drawing, Line
from ab.gpt.report.draw.frame import Frame, Key, legend, x_axis, y_axis
from ab.gpt.report.draw.scale import duration, linear, logarithmic, short
from ab.gpt.report.facts import Facts, Network


class Price(NamedTuple):
    """One thing that a network costs."""

    name: str
    label: str
    of: Callable[[Network], float | None]
    write: Callable[[float], str]


PRICES = (
    Price("parameters", "parameters", lambda network: network.parameters, short),
    Price("seconds", "training time", lambda network: network.train_seconds, duration),
    Price("tokens", "tokens that were written for it", lambda network: network.tokens, short),
)


def front_of(networks: list[Network], price: Price) -> list[Network]:
    """The networks that none as cheap or cheaper beats, cheapest first."""
    priced = [
        (cost, -epoch.lemur_bleu, network)
        for network in networks
        if (cost := price.of(network)) and (epoch := network.best)
    ]  # fmt: skip
    front: list[Network] = []
    highest = float("-inf")
    for _, score, network in sorted(priced, key=lambda one: one[:2]):
        if -score > highest:
            front.append(network)
            highest = -score
    return front


def tradeoff_chart(facts: Facts, price: Price, colours: dict[str, str]) -> Drawing:
    """Networks by their price and LEMUR's figure; the front as a line of steps."""
    everyone = [*facts.trained, *facts.baselines]
    shown = [network for network in everyone if price.of(network)]
    front = front_of(shown, price)
    drawing = Drawing(f"cost-{price.name}", f"Quality against {price.label}", _described(front, price), WIDTH, 0)
    families = list(dict.fromkeys(network.prefix for network in shown if network.proposed))
    keys = [Key(prefix, colours.get(prefix, "s0")) for prefix in families[:8]]
    keys += [Key("baseline", "base", "ring"), Key("nothing cheaper is better", "ink", "line")]
    blind = blind_score(facts)
    keys += [Key("the best blind caption", "bad", "dashes")] if blind else []
    top = legend(drawing, keys, 64, 2, WIDTH) + 10
    frame = Frame(64, top, WIDTH - 20, top + 300)
    across = logarithmic([float(price.of(network) or 0) for network in shown], frame.left + 10, frame.right - 10)
    up = linear([e.lemur_bleu for n in shown if (e := n.best)] + [blind or 0], frame.bottom, frame.top)
    y_axis(drawing, frame, up, LEMUR_LABEL)
    x_axis(drawing, frame, across, f"{price.label} (logarithmic)", price.write)
    if blind:
        drawing.add(Line(((frame.left, up(blind)), (frame.right, up(blind))), "bad", 1.4, dash=True))
    for network in reversed(shown):
        cost, epoch = price.of(network), network.best
        if cost and epoch:
            colour = colours.get(network.prefix, "s0") if network.proposed else "base"
            fill, stroke = ("paper", colour) if not network.proposed else (colour, "")
            said = about(network, epoch, f"{price.write(cost)} {price.label}")
            drawing.add(Circle(across(cost), up(epoch.lemur_bleu), 4.2, fill, stroke, 0.75, said))
    _steps(drawing, [(across(float(price.of(n) or 0)), up(e.lemur_bleu)) for n in front if (e := n.best)], frame.right)
    for network in front:
        if epoch := network.best:
            x, y = across(float(price.of(network) or 0)), up(epoch.lemur_bleu)
            drawing.add(Circle(x, y, 6.5, "", "ink", about=about(network, epoch)))
    drawing.height = frame.bottom + 46
    return drawing


def _steps(drawing: Drawing, points: list[tuple[float, float]], right: float) -> None:
    corners: list[tuple[float, float]] = []
    for x, y in points:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    if corners:
        corners.append((right, corners[-1][1]))
        drawing.add(Line(tuple(corners), "ink", 1.5, opacity=0.8))


def _described(front: list[Network], price: Price) -> str:
    parts = [
        f"{network.title} with {price.write(float(price.of(network) or 0))} reaches {epoch.lemur_bleu:.4f}"
        for network in front[:10]
        if (epoch := network.best)
    ]
    return f"{LEMUR_LABEL} against {price.label}, a dot for each network. Nothing cheaper beats: {'; '.join(parts)}."
