"""The first lines of a report: plain sentences about what was found, each with the rows that it stands on."""

from __future__ import annotations

from dataclasses import dataclass

from ab.gpt.report.draw.scale import duration, short
from ab.gpt.report.facts import Facts, Network, rows_of
from ab.gpt.report.intervals import Share
from ab.gpt.report.statistics.fisher import fisher_exact
from ab.gpt.report.tables import Success, Tables

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Said:
    """One sentence."""

    text: str
    row: str = ""


@dataclass(frozen=True)
class Tile:
    """One number that stands large at the top."""

    value: str
    label: str
    more: str = ""
    row: str = ""


def tiles_of(facts: Facts, tables: Tables) -> list[Tile]:
    """The numbers at the top."""
    if facts.from_lemur:
        return _lemur_tiles(facts)
    overall, ended = tables.overall, facts.ended
    tiles = [Tile(f"{len(facts.proposed):,}", "networks proposed", _unfinished(tables), rows_of(facts.proposed))]
    groups = (
        ("run", overall.runs, [network for network in ended if network.runs]),
        ("trained", overall.trained, [network for network in ended if network.trained]),
        ("beat the best blind caption", overall.alive, [network for network in ended if network.alive]),
    )
    tiles += [Tile(f"{share.count:,}", label, str(share), rows_of(some)) for label, share, some in groups]
    tiles += _best_tile(facts)
    tokens = sum(network.tokens + network.prompt_tokens for network in facts.proposed)
    cost = sum(network.cost for network in facts.proposed)
    tiles.append(
        Tile(short(tokens), "tokens, prompts included", f"cost {cost:,.2f}" if cost else "", rows_of(facts.proposed))
    )
    seconds = sum(network.seconds for network in facts.networks)
    tiles.append(Tile(duration(seconds), "of proposing, gate and training", "", rows_of(facts.networks)))
    return tiles


def _unfinished(tables: Tables) -> str:
    return f"{tables.unfinished} under way" if tables.unfinished else ""


def _best_tile(facts: Facts) -> list[Tile]:
    if not facts.trained:
        return []
    epoch = facts.trained[0].best
    assert epoch is not None
    interval = "" if epoch.low is None or epoch.high is None else f"{epoch.low:.3f} to {epoch.high:.3f}"
    return [Tile(f"{epoch.lemur_bleu:.4f}", "best LEMUR BLEU", interval, epoch.row)]


def _lemur_tiles(facts: Facts) -> list[Tile]:
    collapsed = [network for network in facts.networks if network.collapsed]
    families = {network.prefix for network in facts.networks}
    share = Share(len(collapsed), len(facts.networks))
    return [
        Tile(f"{len(facts.networks):,}", "models", "", rows_of(facts.networks)),
        Tile(f"{len(families):,}", "families"),
        Tile(f"{len(collapsed):,}", "collapsed models", str(share), rows_of(collapsed)),
        *_best_tile(facts),
    ]  # fmt: skip


def sentences_of(facts: Facts, tables: Tables) -> list[Said]:
    """What was found, sentence by sentence."""
    said = [Said(note) for note in facts.notes]
    if not facts.networks:
        return [*said, Said("Nothing has been proposed yet.")]
    overall = tables.overall
    if not facts.from_lemur and not overall.proposed:
        said.append(Said("No candidate has come to its end yet."))
    elif not facts.from_lemur:
        said.append(
            Said(
                f"Of {overall.proposed:,} networks that came to their end, {overall.runs} run,"
                f" {overall.trained} trained, and {overall.alive} caption better than one"
                " blind caption for all images.",
                overall.rows,
            )
        )
    said += _about_the_best(facts)
    if tables.falls:
        stage, outcome, count = tables.falls[0]
        fallen = [n for n in facts.ended if n.stage == stage and n.outcome == outcome]
        of = sum(count for _, _, count in tables.falls)
        kind = f"{outcome.replace('_', ' ')} at the stage {stage}"
        often = "once" if count == 1 else f"{count:,} times"
        most = f"{of:,} did not come to a trained network; the most frequent reason is {kind}, {often}."
        said.append(Said(most, rows_of(fallen)))
    for name, word in (("snippets", "snippets"), ("model", "model"), ("mode", "mode")):
        said += _about_groups(word, tables.by.get(name, []))
    return said


def _about_the_best(facts: Facts) -> list[Said]:
    if not facts.trained:
        return [] if facts.from_lemur else [Said("No proposed network has been trained yet.")]
    best = facts.trained[0]
    epoch = best.best
    assert epoch is not None
    bleu4 = f" and BLEU-4 {epoch.bleu4:.4f}" if epoch.bleu4 is not None else ""
    said = [Said(f"The best network is {best.title} with LEMUR's BLEU {epoch.lemur_bleu:.4f}{bleu4}.", epoch.row)]
    if best.collapsed:
        said.append(Said("Even the best is collapsed: it does not beat one blind caption for all images.", best.row))
    if facts.baselines:
        said.append(_against(best, max(facts.baselines, key=lambda n: n.best.lemur_bleu if n.best else 0.0)))
    return said


def _against(best: Network, baseline: Network) -> Said:
    mine, theirs = best.best, baseline.best
    assert mine is not None and theirs is not None
    name = baseline.name or baseline.baseline
    what = f"The best baseline, {name}, has {theirs.lemur_bleu:.4f}"
    rows = f"{mine.row} {theirs.row}"
    if None in (mine.low, mine.high, theirs.low, theirs.high):
        return Said(f"{what}.", rows)
    assert mine.low is not None and mine.high is not None and theirs.low is not None and theirs.high is not None
    if mine.low > theirs.high:
        return Said(f"{what}; the best network's interval lies wholly above it.", rows)
    if mine.high < theirs.low:
        return Said(f"{what}; its interval lies wholly above the best network's.", rows)
    return Said(f"{what}; the intervals overlap: no difference shown.", rows)


def _about_groups(what: str, groups: list[Success]) -> list[Said]:
    """The two groups that differ most, where there are two or more; honest about chance."""
    if len(groups) < 2:
        return []
    pairs = [(a, b) for place, a in enumerate(groups) for b in groups[place + 1 :]]
    tests = [fisher_exact(a.trained.count, a.trained.of, b.trained.count, b.trained.of) for a, b in pairs]
    p, (a, b) = min(zip(tests, pairs, strict=True), key=lambda one: one[0])
    p = min(1.0, p * len(pairs))
    names = f"{what} {a.group or '–'} against {b.group or '–'}"
    counts = f"{a.trained.count} of {a.trained.of} against {b.trained.count} of {b.trained.of} trained"
    verdict = "a difference beyond chance" if p < SIGNIFICANT else "no difference shown"
    corrected = f", corrected for {len(pairs)} comparisons" if len(pairs) > 1 else ""
    return [
        Said(f"By {names}: {counts}; {verdict} (Fisher's exact test, p = {p:.2g}{corrected}).", f"{a.rows} {b.rows}")
    ]
