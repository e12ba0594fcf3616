"""What stands behind `nncaption train` and `nncaption score`: a line for each worker, then a table."""

from __future__ import annotations

import json as json_format
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ab.gpt.candidate import Outcome
from ab.gpt.errors import UsageError
from ab.gpt.lemur.home import find_home
from ab.gpt.lemur.names import check_name
from ab.gpt.train.gpus import usable_gpus
from ab.gpt.train.pool import Pool, Slot, SlotWatch, make_slots
from ab.gpt.train.school import Report, best_settings, find_network, keep, open_exam
from ab.gpt.train.settings import Settings


def train_networks(
    networks: list[str],
    settings: Settings,
    prefix: str | None,
    record: bool,
    workers: int,
    gpus: list[int] | None,
    json: bool,
) -> int:
    """The exit code: 0 when every network was trained."""
    home = find_home()
    settings.check(home)
    if not networks:
        raise UsageError("There is no network to train.", "Name Net files or models: nncaption train RESNETLSTM")
    tasks = [find_network(home, what, check_name(prefix, "family") if prefix else None) for what in networks]
    slots = make_slots(min(workers, len(tasks)), usable_gpus(gpus))
    exam = open_exam(home, settings)
    reports = []
    with live_lines(slots) as watch:
        pool = Pool(home, exam, settings, slots, watch)
        for task, trained in pool.train_all(tasks):
            reports.append(keep(home, exam, task, trained, settings, record))
    _print(reports, json)
    for line in pool.early.report():
        print(line, file=sys.stderr)  # noqa: T201
    return 0 if all(report.trained.ending.outcome is Outcome.TRAINED for report in reports) else 1


def score_network(name: str, settings: Settings, epochs: int, gpus: list[int] | None, json: bool) -> int:
    """The exit code: 0 when the network was trained and scored."""
    home = find_home()
    task = find_network(home, name)
    settings = best_settings(home, task.name, settings)
    settings = replace(settings, epochs=epochs or settings.epochs).check(home)
    slots = make_slots(1, usable_gpus(gpus)[:1])
    exam = open_exam(home, settings)
    with live_lines(slots) as watch:
        [(_, trained)] = Pool(home, exam, settings, slots, watch).train_all([task])
    report = keep(home, exam, task, trained, settings, record=False)
    _print([report], json)
    return 0 if trained.ending.outcome is Outcome.TRAINED else 1


@contextmanager
def live_lines(slots: list[Slot]) -> Iterator[SlotWatch]:
    """A line for each slot on the terminal, with what its network does now; plain lines where there is no terminal."""
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stderr)
    lines: dict[int, tuple[str, str]] = {}

    def table() -> Table:
        shown = Table(box=None, show_header=False, pad_edge=False)
        for slot in slots:
            name, doing = lines.get(slot.number, ("", "waiting"))
            where = f"GPU {slot.gpu}" if slot.gpu is not None else f"CPU {slot.number}"
            shown.add_row(where, name, Text(doing))
        return shown

    with Live(table(), console=console, transient=True, auto_refresh=False) as live:

        def watch(slot: int, name: str, event: dict[str, Any]) -> None:
            doing = describe(event, lines.get(slot, ("", ""))[1])
            lines[slot] = (name, doing)
            if console.is_terminal:
                live.update(table(), refresh=True)
            elif "done" in event or "ended" in event:
                console.print(f"{name}: {doing}", soft_wrap=True, markup=False, highlight=False)

        yield watch


def describe(event: dict[str, Any], before: str) -> str:
    """What an event says, in a few words."""
    if "ended" in event:
        return str(event["ended"])
    if "done" in event:
        return f"epoch {event['done']}: LEMUR BLEU {event['lemur_bleu']:.4f}, BLEU-4 {event['bleu4']:.4f}"
    if "encoded" in event:
        return f"running the frozen encoder · picture {event['encoded']} of {event['of']}"
    if "batch" in event:
        return f"{before.partition(' · ')[0]} · batch {event['batch']} of {event['of']}"
    if "phase" in event:
        words = {"load": "loading data", "build": "building", "learn": "learning", "eval": "evaluating"}
        return f"epoch {event['epoch']}: {words.get(event['phase'], event['phase'])}"
    return before


def short_name(name: str) -> str:
    """A model's name with as much of its hash as one needs to tell it from others."""
    return re.sub(r"-([0-9a-f]{8})[0-9a-f]{24}$", r"-\1", name)


def _print(reports: list[Report], json: bool) -> None:
    if json:
        print(json_format.dumps([report.as_json() for report in reports], indent=2))  # noqa: T201
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console.width = 120
    table = Table(box=None, pad_edge=False)
    for heading in ("network", "outcome"):
        table.add_column(heading, no_wrap=True)
    for heading in ("epoch", "LEMUR", "95%", "BLEU-4", "CIDEr-D", "ROUGE-L", "distinct", "s", "MB"):
        table.add_column(heading, justify="right", no_wrap=True)
    for report in reports:
        trained = report.trained
        outcome = "collapsed" if trained.collapsed else trained.ending.outcome.value
        if not trained.epochs:
            table.add_row(short_name(report.name), outcome)
        for epoch in trained.epochs:
            scores = epoch.scores
            interval = scores.intervals["lemur_bleu"]
            table.add_row(
                short_name(report.name) if epoch is trained.epochs[0] else "",
                outcome if epoch is trained.epochs[-1] else "",
                str(epoch.number),
                f"{epoch.lemur_bleu:.4f}",
                f"{interval.low:.3f}–{interval.high:.3f}",
                f"{scores.bleu4:.4f}",
                f"{scores.cider_d:.3f}",
                f"{scores.rouge_l:.3f}",
                f"{scores.distinct:.0%}",
                f"{epoch.learn_seconds + epoch.eval_seconds:.0f}",
                f"{epoch.peak_memory / 1e6:.0f}",
            )
    console.print(table)
    for report in reports:
        trained = report.trained
        for note in trained.notes:
            console.print(f"{report.name}: {escape(note)}")
        if trained.ending.outcome is not Outcome.TRAINED:
            console.print(f"\n{report.name}: {escape(str(trained.ending))}", style="bold")
            console.print(escape(trained.ending.evidence), style="dim")
        elif trained.best is not None and trained.collapsed:
            scores = trained.best.scores
            lead = scores.lead
            console.print(
                f"{report.name}: collapsed: BLEU-4 is {lead.mean:+.4f} [{lead.low:+.4f}, {lead.high:+.4f}] against the"
                f" best blind caption, '{escape(scores.blind.caption)}'",
                style="yellow",
            )
        console.print(f"details: {report.file}", style="dim", soft_wrap=True)
