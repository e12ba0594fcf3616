"""The page that goes with families: what they are, what they score, and how each one came about, from the ledgers."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from ab.gpt.contribute.contribution import Contribution
from ab.gpt.contribute.request import lemur_command
from ab.gpt.propose.blueprint.names import describe
from ab.gpt.propose.blueprint.reading import from_json
from ab.gpt.report.facts import Facts, Network, Run

HEAD = """# Families that ship

{count} image captioners that a language model proposed and this toolkit checked, trained and scored. Their Net files
lie in `ab/nn/nn`, their statistics in `ab/nn/stat/train`; `pip install .` makes them LEMUR's. This page is written by
`nncaption ship` from the ledgers of {runs}: nothing in it is typed by hand.

Scores are those of the epoch with the best LEMUR figure, on {images} validation images, computed outside of the process
that trained, with 95% bootstrap intervals over images. The best single caption for all of these images gets
{blind}. What collapsed, which is what does not
clear that caption's BLEU-4 by its interval, is not shipped.
"""
SCORES = """## Scores

| network | parameters | LEMUR's BLEU by epoch | best [95%] | BLEU-4 [95%] | CIDEr-D |
|---|---:|---|---:|---:|---:|
"""


def page_of(chosen: Sequence[Contribution], facts: Facts) -> str:
    """The page for networks that all come from these runs."""
    names = {one.name: one for one in chosen}
    networks = [network for network in facts.trained if network.name in names]
    runs = {run.name: run for run in facts.runs}
    head = HEAD.format(
        count=len(networks),
        runs=" and ".join(f"`{run}`" for run in runs),
        images=" or ".join(map(str, sorted({one.images for one in chosen if one.images}))),
        blind=_blind(facts),
    )
    sections = [head, SCORES + "\n".join(map(_score, networks)), *map(_run, runs.values())]
    sections += [_network(network, names[network.name], runs[network.run]) for network in networks]
    return "\n".join(f"{section.strip()}\n" for section in sections)


def _blind(facts: Facts) -> str:
    """What the best blind captions score; without a figure where the runs have different ones."""
    blind = facts.blind
    return f"{blind['lemur_bleu']:.4f} by LEMUR's figure, and a BLEU-4 of {blind['bleu4']:.4f}" if blind else "less"


def _score(network: Network) -> str:
    best = network.best
    assert best is not None
    by_epoch = ", ".join(f"{epoch.lemur_bleu:.4f}" for epoch in network.epochs)
    lemur = f"{best.lemur_bleu:.4f} {_interval(best.low, best.high)}"
    bleu = f"{best.bleu4:.4f} {_interval(best.bleu4_low, best.bleu4_high)}"
    return (
        f"| {network.title} | {network.parameters or 0:,} | {by_epoch} | {lemur} | {bleu} | {_figure(best.cider_d)} |"
    )


def _run(run: Run) -> str:
    about = run.about
    versions, git = about.get("versions") or {}, about.get("git") or {}
    machine = about.get("machine") or {}
    made_with = ", ".join(f"{name} {version}" for name, version in versions.items())
    changed = " with changes" if git.get("changed") else ""
    return f"""## Run {run.name}

- command: `{shlex.join(["nncaption", *about.get("command", [])])}`
- began {_day(about.get("began"))}, {(about.get("seconds") or 0) / 60:.0f} minutes
- code: nn-caption at {str(git.get("commit", "unknown"))[:10]}{changed}
- with {made_with}
- on {machine.get("processor", "")}, {machine.get("cores", "?")} cores, {len(machine.get("gpus") or [])} GPUs, \
{machine.get("memory_gb", "?")} GB
"""


def _network(network: Network, one: Contribution, run: Run) -> str:
    train: dict[str, Any] = (run.about.get("plan") or {}).get("train", {})
    reply = network.replies[0] if network.replies else None
    speed = ", ".join(train.get("speed") or ())
    lines = [
        f"- proposed by {network.model} as candidate {network.number} of run {network.run}, {_day(network.began)}, seed"
        f" {network.seed}, {network.mode} mode, starting from {network.baseline}",
        f"- shown: {', '.join(network.snippets) or 'no classifiers'}",
        f"- prompt {network.prompt_version}, {network.prompt_tokens} tokens; reply {network.tokens} tokens"
        + (f", ended by {reply.finish}" if reply else "")
        + f"; {network.repairs} repairs",
        *(f"- changed: {fix}" for fix in (network.counted.fixes if network.counted else ())),
        f"- trained {len(network.epochs)} epochs, batch {network.batch}, {train.get('transform')}"
        + (f", with {speed}" if speed else "")
        + f", in {network.train_seconds / 60:.1f} minutes; row {network.row}, LEMUR's uid {network.uid}",
        *(f"- note: {note}" for note in network.notes),
    ]
    made_of = describe(from_json(network.blueprint)) if network.blueprint else []
    again = [lemur_command(config, max(epochs), epochs[max(epochs)]) for config, epochs in one.epochs.items()]
    blocks = [f"## {network.name}", "\n".join(lines)]
    if made_of:
        blocks.append("\n".join(f"    {line}" for line in made_of))
    return "\n\n".join([*blocks, "\n".join(["```sh", *again, "```"])])


def _interval(low: float | None, high: float | None) -> str:
    return f"[{_figure(low)}, {_figure(high)}]"


def _figure(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "–"


def _day(seconds: float | None) -> str:
    return (
        "at a time not known"
        if not seconds
        else datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    )
