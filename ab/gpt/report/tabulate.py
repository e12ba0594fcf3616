"""The tables of a report: the papers' two, success by what was asked, outcomes, candidates, epochs, ingredients."""

from __future__ import annotations

from ab.gpt.report.charts.tradeoff import PRICES, front_of
from ab.gpt.report.draw.scale import duration, short
from ab.gpt.report.facts import Epoch, Facts, Network, rows_of
from ab.gpt.report.inside import decoder
from ab.gpt.report.intervals import Share
from ab.gpt.report.shared import Common
from ab.gpt.report.table import NOTHING, Cell, Column, Table
from ab.gpt.report.tables import Success, Tables, best_of_each, grouped

TITLES = {
    "snippets": "Success by number of snippets", "model": "Success by model", "mode": "Code against blueprints",
    "baseline": "Success by baseline", "prompt": "Success by version of the prompt", "run": "Success by run",
}  # fmt: skip


def counts_table(facts: Facts) -> Table:
    """The papers' first table: how many networks each family has, by decoder."""
    columns = [Column("Models (prefix)", True), Column("Decoder", True), Column("Models"), Column("Proposed")]
    columns += [Column("Not collapsed" if facts.from_lemur else "Beat the blind caption")]
    table = Table("counts", "Generated models by prefix and decoder", columns)
    whole: list[Network] = []
    for prefix, family in grouped(facts.proposed, lambda network: network.prefix).items():
        ran = [network for network in family if network.trained]
        for kind, some in grouped(ran, decoder).items():
            alive = [network for network in some if network.alive]
            row = [Cell(prefix), Cell(kind), _count(some), Cell("", "", ""), _count(alive)]
            table.rows.append(row)
        if not ran:
            table.rows.append([Cell(prefix), Cell("none trained"), _count([]), Cell("", "", ""), _count([])])
        first = table.rows[-max(1, len(grouped(ran, decoder)))]
        first[3] = _count(family)
        whole += ran
    alive = [network for network in whole if network.alive]
    table.rows.append([Cell("Total"), Cell(""), _count(whole), _count(facts.proposed), _count(alive)])
    return table


def bleu_table(facts: Facts) -> Table:
    """The papers' second table: the best of each family against the baselines, and the blind caption."""
    columns = [Column("Method / family", True), Column("LEMUR's BLEU"), Column("95% interval")]
    columns += [Column("BLEU-4"), Column("95% interval "), Column("Epoch"), Column("Best network", True)]
    note = (
        "LEMUR's BLEU is the mean of sentence scores over token ids, BLEU-4 the corpus score of COCO's evaluation."
        " Collapsed: no better than one blind caption for all images."
    )
    table = Table("bleu", "BLEU by family against the baselines", columns, note="" if facts.from_lemur else note)
    for network in (*facts.baselines, *best_of_each(facts)):
        epoch = network.best
        if epoch:
            name = f"Baseline {network.name or network.baseline}" if not network.proposed else network.prefix
            collapsed = ", collapsed" if network.collapsed else ""
            table.rows.append([
                Cell(name), _score(epoch.lemur_bleu, epoch), _interval(epoch.low, epoch.high, epoch),
                _score(epoch.bleu4, epoch), _interval(epoch.bleu4_low, epoch.bleu4_high, epoch),
                Cell(str(epoch.number), epoch.number, epoch.row),
                Cell(network.title + collapsed, network.name, network.row),
            ])  # fmt: skip
    if facts.blind:
        blind, said, by_bleu4 = facts.blind, f"“{facts.blind['lemur_caption']}”", facts.blind["caption"]
        if by_bleu4 != blind["lemur_caption"]:
            said += f"; by BLEU-4 “{by_bleu4}”"
        scores = [Cell(f"{blind[key]:.4f}", blind[key], blind.get("row", "")) for key in ("lemur_bleu", "bleu4")]
        nothing = Cell(NOTHING, "")
        table.rows.append([Cell("The best blind caption"), scores[0], nothing, scores[1], nothing, nothing, Cell(said)])
    return table.without_empty_columns()


def success_table(name: str, groups: list[Success]) -> Table:
    """How many of each group run, trained and beat the blind caption, and what a network that runs cost."""
    columns = [Column(name.capitalize(), True), Column("Proposed"), Column("Run"), Column("Trained")]
    columns += [
        Column("Beat the blind caption"),
        Column("Tokens a running network"),
        Column("Seconds a running network"),
    ]
    table = Table(f"success-{name}", TITLES[name], columns, note="Shares with 95% intervals after Wilson.")
    for group in groups:
        tokens, seconds = group.tokens_each, group.seconds_each
        table.rows.append([
            Cell(group.group or NOTHING), Cell(f"{group.proposed:,}", group.proposed, group.rows),
            *(_share(share, group.rows) for share in (group.runs, group.trained, group.alive)),
            Cell(short(tokens) if tokens else NOTHING, tokens or "", group.rows),
            Cell(duration(seconds) if seconds else NOTHING, seconds or "", group.rows),
        ])  # fmt: skip
    return table


def outcomes_table(facts: Facts) -> Table:
    """How candidates ended: outcome by outcome, with the stage."""
    columns = [Column("Outcome", True), Column("Stage", True), Column("Candidates"), Column("For example", True)]
    table = Table("outcomes", "How candidates ended", columns)
    groups: dict[tuple[str, str], list[Network]] = {}
    for network in facts.proposed:
        outcome = network.outcome or {"gated": "waiting for training"}.get(network.state, "under way")
        groups.setdefault((outcome, network.stage or ""), []).append(network)
    for (outcome, stage), networks in sorted(groups.items(), key=lambda pair: -len(pair[1])):
        first = networks[0]
        reason = first.reason if len(first.reason) <= 160 else first.reason[:159] + "…"
        table.rows.append(
            [
                Cell(outcome.replace("_", " ")),
                Cell(stage),
                _count(networks),
                Cell(reason, None, first.row if reason else ""),
            ]
        )
    return table


def common_table(common: Common) -> Table:
    """The share of each ingredient among the best and the worst networks."""
    columns = [Column("Ingredient", True), Column("Among the best"), Column("Among the worst"), Column("Apart", True)]
    note = (
        f"The best {len(common.best)} and the worst {len(common.worst)} networks. Many are looked at: a hint, no proof."
    )
    table = Table("ingredients", "What the best networks have in common", columns, note=note)
    for one in common.ingredients:
        apart = "intervals apart" if one.differs else ""
        table.rows.append(
            [Cell(one.name), _share(one.best, one.best_rows), _share(one.worst, one.worst_rows), Cell(apart)]
        )
    return table


def front_table(facts: Facts) -> Table:
    """The networks that nothing cheaper beats, for each price."""
    columns = [Column("Price", True), Column("Network", True), Column("Costs"), Column("LEMUR's BLEU")]
    table = Table("fronts", "What nothing cheaper beats", columns)
    for price in PRICES:
        for network in front_of([*facts.trained, *facts.baselines], price):
            cost, epoch = price.of(network), network.best
            if cost and epoch:
                table.rows.append([
                    Cell(price.label), Cell(network.title, network.name, network.row),
                    Cell(price.write(cost), cost, network.row), _score(epoch.lemur_bleu, epoch),
                ])  # fmt: skip
    return table


def candidates_table(facts: Facts) -> Table:
    """Every network with its figures; the page shows it sortable."""
    columns = [
        *(Column(name, True) for name in ("Run", "Kind")), Column("Number"),
        *(Column(name, True) for name in ("Name", "Family", "Model", "Mode", "Decoder")), Column("Snippets"),
        *(Column(name, True) for name in ("Outcome", "Stage")),
        *(Column(name) for name in (
            "LEMUR's BLEU", "Low", "High", "BLEU-4", "Best epoch", "Collapsed", "Parameters", "Repairs", "Tokens",
            "Prompt tokens", "Cost", "Proposing s", "Gate s", "Training s", "Code quality",
        )),
    ]  # fmt: skip
    table = Table("candidates", "All networks", columns)
    for network in facts.networks:
        best = network.best
        values = (
            network.run, network.kind, network.number, network.name, network.prefix, network.model, network.mode,
            decoder(network), network.n, network.outcome or network.state, network.stage or "",
            *((best.lemur_bleu, best.low, best.high, best.bleu4, best.number) if best else (None,) * 5),
            network.collapsed if network.trained else None, network.parameters, network.repairs, network.tokens,
            network.prompt_tokens, network.cost, network.propose_seconds, network.gate_seconds, network.train_seconds,
            network.quality,
        )  # fmt: skip
        table.rows.append(
            [Cell("" if value is None else str(value), "" if value is None else value, network.row) for value in values]
        )
    return table


def epochs_table(facts: Facts) -> Table:
    """Every trained epoch."""
    names = ("Network", "Epoch", "LEMUR's BLEU", "Low", "High", "BLEU-4", "CIDEr-D", "ROUGE-L", "Training loss", "Rate")
    table = Table("epochs", "All epochs", [Column(name, name == "Network") for name in names])
    for network in facts.networks:
        for epoch in network.epochs:
            values = (
                network.name or network.title, epoch.number, epoch.lemur_bleu, epoch.low, epoch.high, epoch.bleu4,
                epoch.cider_d, epoch.rouge_l, epoch.train_loss, epoch.lr,
            )  # fmt: skip
            table.rows.append(
                [
                    Cell("" if value is None else str(value), "" if value is None else value, epoch.row)
                    for value in values
                ]
            )
    return table


def tables_in_page(facts: Facts, tables: Tables, common: Common | None) -> dict[str, Table]:
    """The tables that the page shows as they are, by their names."""
    shown = [counts_table(facts), bleu_table(facts), front_table(facts)]
    if not facts.from_lemur:
        shown.append(outcomes_table(facts))
        shown += [success_table(name, groups) for name, groups in tables.by.items() if groups]
    if common:
        shown.append(common_table(common))
    return {table.name: table for table in shown}


def _count(networks: list[Network]) -> Cell:
    return Cell(f"{len(networks):,}", len(networks), rows_of(networks))


def _share(share: Share, rows: str) -> Cell:
    if not share.of:
        return Cell(NOTHING, "", rows)
    return Cell(f"{share.count:,} · {share.mean:.0%} [{share.low:.0%}, {share.high:.0%}]", share.mean, rows)


def _score(value: float | None, epoch: Epoch) -> Cell:
    return Cell(NOTHING, "") if value is None else Cell(f"{value:.4f}", value, epoch.row)


def _interval(low: float | None, high: float | None, epoch: Epoch) -> Cell:
    if low is None or high is None:
        return Cell(NOTHING, "")
    return Cell(f"{low:.3f}–{high:.3f}", None, epoch.row)
