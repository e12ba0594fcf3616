"""What the charts share: their width, the families' colours, and what is said of a network one points at."""

from __future__ import annotations

from ab.gpt.report.draw.drawing import SERIES, About
from ab.gpt.report.facts import Epoch, Facts, Network

WIDTH = 760.0
LEMUR_LABEL = "LEMUR's BLEU"


def colours_of(facts: Facts) -> dict[str, str]:
    """A colour for each family, the largest first; those beyond the eighth share the last."""
    counts: dict[str, int] = {}
    for network in facts.proposed:
        counts[network.prefix] = counts.get(network.prefix, 0) + 1
    order = sorted(counts, key=lambda prefix: (-counts[prefix], prefix))
    return {prefix: SERIES[min(place, len(SERIES) - 1)] for place, prefix in enumerate(order)}


def about(network: Network, epoch: Epoch | None = None, more: str = "") -> About:
    """What a mark for this network says of itself."""
    row = epoch.row if epoch else network.row
    figure = f"{epoch.lemur_bleu:.4f} in epoch {epoch.number}, " if epoch else ""
    return About(row, f"{network.title}: {figure}{more}{', ' if more else ''}{row}", network.row)


def blind_score(facts: Facts) -> float | None:
    """LEMUR's figure of the best blind caption, where it is known."""
    return facts.blind["lemur_bleu"] if facts.blind else None
