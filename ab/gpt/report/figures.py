"""All figures of a report, in the order of the page."""

from __future__ import annotations

from dataclasses import dataclass

from ab.gpt.report.charts.architecture import architecture
from ab.gpt.report.charts.common import colours_of
from ab.gpt.report.charts.curves import curves_chart
from ab.gpt.report.charts.families import families_chart
from ab.gpt.report.charts.funnel import funnel_chart
from ab.gpt.report.charts.shared import common_chart
from ab.gpt.report.charts.spread import spread_chart
from ab.gpt.report.charts.success import success_chart
from ab.gpt.report.charts.tradeoff import PRICES, tradeoff_chart
from ab.gpt.report.draw.drawing import Drawing
from ab.gpt.report.facts import Facts
from ab.gpt.report.from_lemur import LemurFacts
from ab.gpt.report.funnel import Step
from ab.gpt.report.inside import inside_of
from ab.gpt.report.shared import Common
from ab.gpt.report.tables import Tables, best_of_each, grouped

_SUCCESS = {
    "snippets": ("Success by number of snippets", "snippets shown"),
    "model": ("Success by model", "model"),
    "mode": ("Code against blueprints", "mode"),
    "baseline": ("Success by baseline", "baseline"),
    "prompt": ("Success by version of the prompt", "prompt"),
    "run": ("Success by run", "run"),
}
ALWAYS = ("snippets", "model")
"""The papers show these two; the others only where there is something to compare."""
ARCHITECTURES = 3


@dataclass(frozen=True)
class Figures:
    """The drawings by the section that they belong to; a section without anything to draw has none."""

    success: list[Drawing]
    families: Drawing | None
    spread: list[Drawing]
    curves: Drawing | None
    funnel: Drawing | None
    tradeoffs: list[Drawing]
    common: Drawing | None
    architectures: list[Drawing]

    @property
    def all(self) -> list[Drawing]:
        single = (self.families, self.curves, self.funnel, self.common)
        return [*self.success, *self.spread, *self.tradeoffs, *self.architectures, *(one for one in single if one)]


def draw_figures(facts: Facts, tables: Tables, steps: list[Step], common: Common | None) -> Figures:
    """The figures of what was read and counted."""
    colours = colours_of(facts)
    bests = best_of_each(facts)
    trained = facts.trained
    everyone = [*trained, *facts.baselines]
    spread = []
    if trained:
        spread.append(spread_chart(facts, grouped(trained, lambda network: network.prefix), colours, "family"))
    if isinstance(facts, LemurFacts) and facts.trials:
        spread.append(
            spread_chart(facts, grouped(list(facts.trials), lambda trial: trial.title), {}, "trials of a model")
        )
    if trained and len(facts.runs) > 1:
        spread.append(spread_chart(facts, grouped(trained, lambda network: network.run), {}, "run"))
    tops = [*bests[:ARCHITECTURES], *facts.baselines[:2]]
    return Figures(
        success=[
            success_chart(f"success-{name}", title, label, tables.by[name])
            for name, (title, label) in _SUCCESS.items()
            if not facts.from_lemur and tables.by[name] and (name in ALWAYS or len(tables.by[name]) > 1)
        ],
        families=families_chart(facts, bests, facts.baselines) if everyone else None,
        spread=spread,
        curves=curves_chart(facts, bests, colours) if everyone else None,
        funnel=funnel_chart(steps) if steps and steps[0].count else None,
        tradeoffs=[
            tradeoff_chart(facts, price, colours) for price in PRICES if any(price.of(network) for network in trained)
        ],
        common=common_chart(common) if common and common.ingredients else None,
        architectures=[
            architecture(network, anatomy, f"architecture-{place}")
            for place, network in enumerate(tops, 1)
            if (anatomy := inside_of(network).anatomy)
        ],
    )
