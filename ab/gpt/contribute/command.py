"""What stands behind `nncaption contribute`, `nncaption ship`, `nncaption trials` and `nncaption verify`."""

from __future__ import annotations

import json as json_format
import queue
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ab.gpt.candidate import Ending, Outcome
from ab.gpt.contribute.contribute import Contributed, Wishes, contribute
from ab.gpt.contribute.finding import Finding
from ab.gpt.contribute.gatekeeper import gatekeeper
from ab.gpt.contribute.layout import Tree
from ab.gpt.contribute.ship import ship
from ab.gpt.contribute.sources import contributions
from ab.gpt.contribute.study import Space, Studied, study
from ab.gpt.contribute.study_listener import shown_prm
from ab.gpt.contribute.verify import verify
from ab.gpt.errors import UsageError
from ab.gpt.lemur.home import Home, find_home
from ab.gpt.lemur.names import check_name
from ab.gpt.progress import bar
from ab.gpt.train.command import live_lines, short_name
from ab.gpt.train.exam import Exam
from ab.gpt.train.gpus import usable_gpus
from ab.gpt.train.pool import Slot, SlotWatch, Task, make_slots
from ab.gpt.train.school import find_network, keep, open_exam
from ab.gpt.train.settings import Settings
from ab.gpt.train.trainer import Trained, warm_trainer

if TYPE_CHECKING:
    from rich.console import Console

_MOST_FILES = 12


def contribute_networks(words: list[str], repo: Path, wishes: Wishes, code: bool, run: bool, json: bool) -> int:
    """The exit code: 0 where something is, or would be, in the branch."""
    home = find_home()
    meant = contributions(home, words)
    with bar() as progress, ExitStack() as opened:
        check = opened.enter_context(gatekeeper(home, run)) if code else None
        done = contribute(repo, meant, wishes, check_code=check, ran=code and run, progress=progress)
    if json:
        print(json_format.dumps(asdict(done), indent=2, default=str))  # noqa: T201
    else:
        _show_contributed(done, wishes.dry_run)
    return 0 if done.chosen else 1


def _show_contributed(done: Contributed, dry_run: bool) -> None:
    console = _console()

    def say(text: str, style: str = "") -> None:
        console.print(text, style=style, markup=False)

    for name, reason in done.left_out:
        say(f"left out: {name}: {reason}", "yellow")
    if not done.chosen:
        say("Nothing goes in.", "bold")
        return
    for note in done.notes:
        say(f"note: {note}", "dim")
    if done.commit is None:
        say(f"The branch {done.branch!r} holds all of it already; nothing is new.", "bold")
    else:
        verb = "would hold" if dry_run else "holds"
        say(f"The branch {done.branch!r} {verb} {len(done.files):,} new files at {done.commit[:10]}:", "bold")
        shown = done.files if dry_run else done.files[:_MOST_FILES]
        for file in shown:
            say(f"  {file}")
        if more := len(done.files) - len(shown):
            say(f"  and {more:,} more")
    if dry_run:
        say(f"\n{done.title}\n\n{done.text}")
        return
    if done.text_file:
        say(f"title: {done.title}\ntext: {done.text_file}")
    if done.pushed:
        say("It is pushed.")
    if done.request_url:
        say(f"The request is open: {done.request_url}")
    for command in done.next_commands[:1]:
        say(f"next: {command}")


def ship_networks(runs: list[str], package: Path, page: Path, all_trained: bool, epochs: int, json: bool) -> int:
    """The exit code: 0 where the package holds networks of these runs."""
    done = ship(find_home(), runs, package, page, all_trained, epochs)
    if json:
        print(json_format.dumps(asdict(done), indent=2))  # noqa: T201
        return 0 if done.networks else 1
    console = _console()
    for name, reason in done.left_out:
        console.print(f"left out: {name}: {reason}", style="yellow", markup=False)
    if not done.networks:
        console.print("Nothing is shipped.", style="bold")
        return 1
    said = f"{len(done.networks)} networks are in {package}, {len(done.files):,} files written, see {page}"
    console.print(said, style="bold", markup=False)
    return 0


def verify_clone(repo: Path, base: str | None, code: bool, run: bool, database: bool, json: bool) -> int:
    """The exit code: 0 where there is no error."""
    began = time.monotonic()
    with bar() as progress, ExitStack() as opened:
        check = opened.enter_context(gatekeeper(find_home(), run)) if code or run else None
        findings = verify(repo, base, check_code=check, database=database, progress=progress)
    seconds = time.monotonic() - began
    if json:
        print(json_format.dumps([finding.as_json() for finding in findings], indent=2))  # noqa: T201
    else:
        _show_findings(findings, Tree(repo), base, seconds)
    return 1 if any(finding.is_error for finding in findings) else 0


def _show_findings(findings: list[Finding], tree: Tree, base: str | None, seconds: float) -> None:
    console = _console()
    for finding in findings:
        console.print(str(finding), style="red" if finding.is_error else "yellow", markup=False)
    errors = sum(finding.is_error for finding in findings)
    where = f"what the work tree changes since {base}" if base else _size(tree)
    console.print(
        f"{errors:,} errors and {len(findings) - errors:,} notes in {where}, {seconds:.1f} s",
        style="bold red" if errors else "bold green",
        markup=False,
    )


def _size(tree: Tree) -> str:
    return f"{len(tree.models()):,} models and {len(tree.configs()):,} folders of statistics"


def study_networks(
    names: list[str],
    settings: Settings,
    space: Space,
    transforms: list[str] | None,
    workers: int,
    gpus: list[int] | None,
    json: bool,
) -> int:
    """The exit code: 0 where every model now has the trials that were asked for."""
    home = find_home()
    if not names:
        raise UsageError("There is no model to try.", "Name models of LEMUR's: nncaption trials NAME")
    tasks = [find_network(home, check_name(name)) for name in dict.fromkeys(names)]
    for transform in transforms or [settings.transform]:
        settings = replace(settings, transform=transform).check(home)
    space = replace(space, transforms=tuple(transforms or [settings.transform])).check()
    slots = make_slots(min(workers, len(tasks)), usable_gpus(gpus))
    exam = open_exam(home, settings)
    with live_lines(slots) as watch:
        studies = _study_all(home, exam, tasks, settings, space, slots, watch)
    if json:
        print(json_format.dumps([one.as_json() for one in studies], indent=2))  # noqa: T201
    else:
        _show_studies(studies)
    return 0 if all(one.whole for one in studies) else 1


def _study_all(
    home: Home, exam: Exam, tasks: list[Task], settings: Settings, space: Space, slots: list[Slot], watch: SlotWatch
) -> list[Studied]:
    """The studies in the order of their models, as many at once as there are slots."""
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    done: dict[str, Studied] = {}
    stop = threading.Event()

    def serve(slot: Slot) -> None:
        own = replace(settings, gpu=slot.gpu, threads=settings.threads or slot.threads)
        while not stop.is_set():
            try:
                task = waiting.get_nowait()
            except queue.Empty:
                return

            def say(event: dict[str, Any], name: str = task.name) -> None:
                watch(slot.number, name, event)

            try:
                one = study(home, exam, task.name, own, space, say, stop, warm)
                _keep_best(home, exam, task, one, own)
            except Exception as error:  # noqa: BLE001 (what goes wrong with one model must not lose the others)
                reason = f"{type(error).__name__}: {error}"
                one = Studied(task.name, space.trials, 0, ending=Ending(Outcome.INFRASTRUCTURE, "study", reason))
            done[task.name] = one

    with warm_trainer() as warm:
        threads = [threading.Thread(target=serve, args=(slot,), daemon=True) for slot in slots]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)  # a wait without end would not let Ctrl-C through on every platform
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    return [done[task.name] for task in tasks]


def _keep_best(home: Home, exam: Exam, task: Task, studied: Studied, settings: Settings) -> None:
    """Keeps the scores of the best trial with their intervals, where `contribute` and reports look for them."""
    best = studied.best
    if best is None:
        return
    known = {name: best.prm[name] for name in ("lr", "momentum", "batch", "transform") if name in best.prm}
    own: Settings = replace(settings, **known)  # type: ignore[arg-type]
    trained = Trained(
        Ending(Outcome.TRAINED, "eval", f"the best of {len(studied.trials)} trials"), best.epochs, batch=own.batch
    )
    keep(home, exam, task, trained, own, record=False)


def _show_studies(studies: list[Studied]) -> None:
    from rich.table import Table

    console = _console()
    table = Table(box=None, pad_edge=False)
    for heading in ("network", "trials", "new", "failed", "best", "95%", "with"):
        table.add_column(
            heading, no_wrap=heading != "with", justify="left" if heading in ("network", "with") else "right"
        )
    for one in studies:
        best = one.best
        count = f"{one.before + len(one.trials)} of {one.wanted}"
        row = [short_name(one.name), count, str(len(one.trials)), str(len(one.failed))]
        if best is not None:
            interval = best.best.scores.intervals["lemur_bleu"]
            row += [f"{best.best.lemur_bleu:.4f}", f"{interval.low:.3f}–{interval.high:.3f}", shown_prm(best.prm)]
        table.add_row(*row)
    console.print(table)
    for one in studies:
        for failure in list(dict.fromkeys(one.failed))[:5]:
            console.print(f"{short_name(one.name)}: {failure}", style="dim", markup=False)
        if one.ending is not None:
            console.print(f"{one.name}: {one.ending}", style="bold", markup=False)
            console.print(one.ending.evidence, style="dim", markup=False)
        elif not one.whole:
            console.print(f"{one.name}: more trials fell below LEMUR's minimum than were asked for; run it again.")


def _console() -> Console:
    from rich.console import Console

    return Console(soft_wrap=True, highlight=False)
