"""A run on the terminal: its essentials in tables, and one candidate from prompt to score."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import TYPE_CHECKING, Any

from ab.gpt.errors import UsageError
from ab.gpt.ledger import Ledger
from ab.gpt.report.intervals import Share
from ab.gpt.report.tables import Score, Tables, make_tables
from ab.gpt.runs import Listed, state_of
from ab.gpt.train.command import short_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_HEADINGS = {
    "snippets": "snippets", "model": "model", "mode": "mode", "prompt": "prompt version", "baseline": "baseline",
}  # fmt: skip

_ATTEMPT_JSON = ("extracted", "fixes", "findings", "smoke")


def about(ledger: Ledger) -> dict[str, Any]:
    """A run's name, state and origin, as plain values."""
    noted = ledger.about
    return {
        "run": ledger.folder.name,
        "folder": str(ledger.folder),
        "state": state_of(ledger),
        "seconds": noted.get("seconds", 0.0),
        **{name: noted.get(name) for name in ("began", "command", "versions", "git", "machine", "plan")},
    }


def show_runs(listed: list[Listed]) -> None:
    """Prints the list of runs."""
    from rich.text import Text

    console = _console()
    if not listed:
        console.print("There are no runs yet. Begin one: nncaption search")
        return
    table = _table("run", "began", "candidates", "trained", "best LEMUR BLEU", "state")
    for one in listed:
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.began))
        best = "" if one.best is None else f"{one.best:.4f}"
        table.add_row(one.name, began, str(one.candidates), str(one.trained), best, Text(one.state))
    console.print(table)


def show_run(ledger: Ledger) -> None:
    """Prints what came out of a run so far."""
    console = _console()
    tables = make_tables(ledger)
    noted = ledger.about
    console.print(f"[bold]{ledger.folder.name}[/] · {state_of(ledger)} · {noted.get('seconds', 0) / 60:.1f} minutes")
    if not tables.overall.proposed:
        console.print("No candidate has ended yet.")
    else:
        console.print(_success(tables))
        if tables.falls:
            console.print(_falls(tables))
        if tables.families or tables.baselines:
            console.print(_scores(tables))
    if fault := tables.outcomes.get("infrastructure"):
        console.print(f"{fault} lost to the machine and counted nowhere; `nncaption resume` tries them again.")
    if tables.unfinished:
        console.print(f"{tables.unfinished} not ended yet.")
    console.print(f"more: nncaption show {ledger.folder.name} NUMBER · {ledger.folder}", style="dim", soft_wrap=True)


def find_candidate(ledger: Ledger, which: str) -> sqlite3.Row:
    """The candidate with a number, or with a name that begins like this (a baseline by its name)."""
    rows = ledger.candidates()
    if which.isdecimal():
        found = [row for row in rows if row["kind"] == "proposed" and row["number"] == int(which)]
    else:
        found = [row for row in rows if (row["name"] or "").startswith(which)]
    if len(found) != 1:
        what = "There is no candidate" if not found else f"There are {len(found)} candidates"
        known = sum(row["kind"] == "proposed" for row in rows)
        raise UsageError(f"{what} {which!r} in {ledger.folder.name}.", f"Numbers go from 0 to {known - 1}.")
    return found[0]


def candidate_as_json(ledger: Ledger, row: sqlite3.Row) -> dict[str, Any]:
    """Everything that is known of a candidate, as plain values."""
    return {
        **{name: row[name] for name in row.keys() if name not in ("hyper", "snippets", "blueprint", "notes")},  # noqa: SIM118
        **{name: json.loads(row[name] or "null") for name in ("hyper", "snippets", "blueprint", "notes")},
        "replies": [{**dict(reply), "prompt": json.loads(reply["prompt"])} for reply in ledger.replies(row["id"])],
        "attempts": [
            {**dict(one), **{name: json.loads(one[name] or "null") for name in _ATTEMPT_JSON}}
            for one in ledger.attempts(row["id"])
        ],
        "epochs": [
            {**{key: epoch[key] for key in epoch.keys() if key != "predicted"}, "scores": json.loads(epoch["scores"])}  # noqa: SIM118
            for epoch in ledger.epochs(row["id"])
        ],
    }


def show_candidate(ledger: Ledger, row: sqlite3.Row) -> None:
    """Prints a candidate from who proposed it to how it scored."""
    from rich.markup import escape
    from rich.syntax import Syntax

    console = _console()
    console.print(f"[bold]{escape(row['name'] or str(row['number']))}[/] · {row['mode']} by {escape(row['model'])}")
    shown = ", ".join(json.loads(row["snippets"])) or "none"
    console.print(f"baseline {row['baseline']} · {row['n']} snippets: {escape(shown)} · seed {row['seed']}")
    for reply, attempt in _pairs(ledger, row):
        if reply is not None:
            left = json.loads(reply["left_out"])
            more = f" · left out: {', '.join(left)}" if left else ""
            what = f"repair {reply['attempt']}" if reply["attempt"] else "proposal"
            console.print(
                f"\n[bold]{what}[/]: {reply['tokens']} tokens"
                f" in {reply['seconds']:.1f} s, {reply['prompt_tokens']} of prompt, ended with {reply['finish']}"
                f"{escape(more)}"
            )
        if attempt is not None:
            for name in json.loads(attempt["fixes"]):
                console.print(f"  fixed: {escape(name)}", style="cyan")
            for finding in json.loads(attempt["findings"]):
                colour = "red" if finding["severity"] == "error" else "yellow"
                where = f" line {finding['line']}:" if finding["line"] else ""
                console.print(f"  [{colour}]{finding['code']}[/]{where} {escape(finding['sentence'])}", soft_wrap=True)
    if row["outcome"]:
        console.print(f"\n[bold]{row['outcome']}[/] ({row['stage']}): {escape(row['reason'] or '')}", soft_wrap=True)
    if row["quality"] is not None:
        console.print(f"code quality {row['quality']:.2f}")
    if row["evidence"]:
        console.print(escape(row["evidence"]), style="dim", soft_wrap=True)
    if epochs := ledger.epochs(row["id"]):
        table = _table("epoch", "LEMUR", "BLEU-4", "loss", "learning s", "evaluating s")
        for epoch in epochs:
            loss = "" if epoch["train_loss"] is None else f"{epoch['train_loss']:.3f}"
            table.add_row(
                str(epoch["number"]), f"{epoch['lemur_bleu']:.4f}", f"{epoch['bleu4']:.4f}", loss,
                f"{epoch['learn_seconds']:.1f}", f"{epoch['eval_seconds']:.1f}",
            )  # fmt: skip
        console.print(table)
    if row["code"] and console.is_terminal:
        console.print(Syntax(row["code"], "python", line_numbers=True))
    elif row["code"]:
        console.print(row["code"], markup=False, highlight=False, soft_wrap=True)


def _pairs(ledger: Ledger, row: sqlite3.Row) -> list[tuple[sqlite3.Row | None, sqlite3.Row | None]]:
    """Each reply with what the gate made of it."""
    replies = {reply["attempt"]: reply for reply in ledger.replies(row["id"])}
    attempts = {attempt["number"]: attempt for attempt in ledger.attempts(row["id"])}
    return [(replies.get(number), attempts.get(number)) for number in sorted({*replies, *attempts})]


def _success(tables: Tables) -> Table:
    table = _table("", "proposed", "runs", "trained", "beats blind", "tokens each", "s each")
    groups = [("all", [tables.overall])] + [(name, ones) for name, ones in tables.by.items() if len(ones) > 1]
    for name, ones in groups:
        for one in ones:
            label = one.group if name == "all" else f"{_HEADINGS[name]} {one.group}"
            tokens = "" if one.tokens_each is None else f"{one.tokens_each:,.0f}"
            seconds = "" if one.seconds_each is None else f"{one.seconds_each:.1f}"
            table.add_row(
                label, str(one.proposed), _share(one.runs), _share(one.trained), _share(one.alive), tokens, seconds
            )
    return table


def _falls(tables: Tables) -> Table:
    table = _table("fell at", "as", "candidates")
    for stage, outcome, count in tables.falls:
        table.add_row(stage, outcome, str(count))
    return table


def _scores(tables: Tables) -> Table:
    table = _table("best network", "LEMUR BLEU", "95%", "BLEU-4", "")
    for kind, scores in (("baseline", tables.baselines), ("", tables.families)):
        for score in scores:
            word = "collapsed" if score.collapsed else ""
            table.add_row(short_name(score.name), f"{score.lemur_bleu:.4f}", _span(score), f"{score.bleu4:.4f}",
                          " ".join(filter(None, (kind, word))))  # fmt: skip
    return table


def _span(score: Score) -> str:
    return f"{score.low:.3f}–{score.high:.3f}"


def _share(share: Share) -> str:
    if not share.of:
        return ""
    return f"{share.count} = {share.count / share.of:.0%} [{share.low:.0%}–{share.high:.0%}]"


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, title_justify="left")
    for number, heading in enumerate(headings):
        left = number == 0 or heading in ("as", "state", "")
        table.add_column(heading, justify="left" if left else "right", overflow="fold")
    return table


def _console() -> Console:
    from rich.console import Console

    console = Console()
    # Names are there to be typed, and figures to be read: a narrow terminal wraps lines, nothing is cut.
    console.width = max(console.width, 100) if console.is_terminal else 140
    return console
