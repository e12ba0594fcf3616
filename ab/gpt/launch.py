"""A run from nothing, or from where it stands: everything that it takes is opened here, and closed again."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ab.gpt.errors import NNCaptionError, UsageError
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.gate import Gate
from ab.gpt.gate.novelty import Novelty
from ab.gpt.gate.quality import Critic
from ab.gpt.gate.smoke import SmokeLimits, warm_smoke
from ab.gpt.ledger import Ledger
from ab.gpt.lemur.home import Home
from ab.gpt.origin import origin
from ab.gpt.plan import Plan
from ab.gpt.propose.blueprint.at_hand import how_to_fetch, missing_weights, space_asked, space_at_hand
from ab.gpt.propose.blueprint.propose import Evolving, Unthinking
from ab.gpt.propose.llm.choose import Mixture, Options, open_mixture
from ab.gpt.propose.llm.protocol import ModelDown
from ab.gpt.propose.llm.replay import Replay
from ab.gpt.propose.llm.server import Price
from ab.gpt.propose.proposer import Proposer
from ab.gpt.run import Interrupted, MachineFails, Run
from ab.gpt.runs import new_folder
from ab.gpt.scenes.folder import is_drawn
from ab.gpt.search import search
from ab.gpt.train.exam import Exam
from ab.gpt.train.gpus import find_gpus, usable_gpus
from ab.gpt.train.pool import Pool, make_slots
from ab.gpt.train.school import open_exam
from ab.gpt.view import View


class Stopped(NNCaptionError):
    """The run was stopped, and says how to go on with it."""

    exit_code = 130


def start(home: Home, plan: Plan, name: str | None = None, view: View | None = None) -> Path:
    """A new run's folder, when the run has come to its end. `Stopped` or `ModelDown` where it stands still."""
    plan = plan.check()
    plan.train.check(home)
    for baseline in plan.baselines:
        code = home.code_dir("nn") / f"{baseline}.py"
        if not code.is_file():
            raise NNCaptionError(f"LEMUR has no model {baseline!r}.", "Name one as --baseline: RESNETLSTM, …")
        if plan.with_baselines and plan.train.pretrained and (weights := missing_weights(code.read_text())):
            raise UsageError(
                f"The baseline {baseline} begins with ImageNet's weights, and {weights} is not in torch's cache.",
                f"Fetch it: {how_to_fetch(weights)}\n  or train all from scratch (--no-pretrained), or no baseline"
                " (--no-with-baselines).",
            )
    make_slots(plan.workers, usable_gpus(plan.gpus))
    new_folder(home, name)
    with opened_models(plan) as models:
        exam = open_exam(home, plan.train)
        folder = new_folder(home, name)  # only now: a run that could not begin leaves nothing, its name is free
        about = {"plan": plan.as_json(), "began": time.time(), "command": sys.argv[1:], **origin(home)}
        Ledger.create(folder, about).close()
        return _carry_on(home, folder, plan, models, exam, view or View())


def resume(home: Home, folder: Path, view: View | None = None) -> Path:
    """The run's folder, when the run has come to its end; finished work is not repeated."""
    with Ledger(folder) as ledger:
        plan = Plan.from_json(ledger.about["plan"])
    with opened_models(plan) as models:
        return _carry_on(home, folder, plan, models, open_exam(home, plan.train), view or View())


@contextlib.contextmanager
def opened_models(plan: Plan) -> Iterator[Mixture]:
    """The models of a plan; each is asked for its context, so that one that is not there is missed at once."""
    price = Price(*plan.prices) if plan.prices else None
    space = space_at_hand(plan.train.pretrained, asked=space_asked(plan.encoders, plan.frozen, plan.light))
    options = Options(context=plan.context, price=price, four_bit=plan.four_bit, space=space)
    models = open_mixture(plan.llm, options)
    if set(plan.modes) != {"blueprint"} and (unthinking := [m for m in models.llms if isinstance(m, Unthinking)]):
        raise UsageError(f"--llm: {unthinking[0].name} write no code.", "They take --mode blueprint.")
    try:
        for llm in models.llms:
            _ = llm.context
        yield models
    finally:
        models.close()


def _carry_on(home: Home, folder: Path, plan: Plan, models: Mixture, exam: Exam, view: View) -> Path:
    with Ledger(folder) as ledger, ledger.working(), contextlib.ExitStack() as opened:
        _clear_what_the_dead_left(home)
        ledger.note(interrupted=None)
        _skip_what_was_said(ledger, models)
        _tell_the_scores(ledger, models)
        _see_that_it_is_the_same(ledger, exam)
        ledger.note(exam={
            "key": exam.key, "folder": exam.folder, "image_ids": exam.image_ids, "tokenizer": exam.tokenizer,
            "drawn": is_drawn(Path(exam.folder)),
        })  # fmt: skip
        stop = opened.enter_context(stop_on_interrupt())
        warm = opened.enter_context(warm_smoke())
        there = find_gpus()
        # A run that goes on elsewhere takes what that machine has.
        slots = make_slots(plan.workers, [gpu for gpu in plan.gpus if gpu in there] if plan.gpus is not None else there)
        opened.enter_context(view.shown(ledger, slots))
        limits = SmokeLimits(plan.smoke_seconds, walls=plan.train.walls)
        gate = Gate(home, CAPTIONING, Novelty.of_lemur(home, CAPTIONING), warm, limits, stop)
        critic = opened.enter_context(contextlib.closing(Critic(home))) if plan.quality else None
        run = Run(
            home, plan, ledger, Proposer(home, CAPTIONING, plan, models), gate,
            lambda: Pool(home, exam, plan.train, slots, view.worker, view.prepare), slots, view.say, view.token, stop,
            critic,
        )  # fmt: skip
        try:
            search(run)
        except (ModelDown, MachineFails) as fault:
            ledger.note(interrupted=fault.what)
            raise type(fault)(fault.what, f"{fault.way_out} To go on: nncaption resume {folder.name}") from fault
        except (Interrupted, KeyboardInterrupt):
            ledger.note(interrupted="stopped by the user")
            raise Stopped(
                "The run was stopped; everything up to here is kept.", f"To go on: nncaption resume {folder.name}"
            ) from None
        ledger.note(done=time.time())
    return folder


def _see_that_it_is_the_same(ledger: Ledger, exam: Exam) -> None:
    """A run's networks are scored on one ground; `NNCaptionError` where its data have changed since it began."""
    noted = ledger.about.get("exam") or {}
    if noted.get("image_ids", exam.image_ids) != exam.image_ids or noted.get("key", exam.key) != exam.key:
        raise NNCaptionError(
            f"The data set in {exam.folder} is not what it was when the run {ledger.folder.name} began.",
            "Restore it, or begin a new run: scores on other data cannot be compared.",
        )


def extend(folder: Path, **budget: float | None) -> Plan:
    """The plan of a run with a new budget, written down before the run is resumed."""
    with Ledger(folder) as ledger, ledger.working():
        plan = Plan.from_json(ledger.about["plan"])
        given: dict[str, Any] = {name: value for name, value in budget.items() if value is not None}
        plan = dataclasses.replace(plan, budget=dataclasses.replace(plan.budget, **given)).check()
        ledger.note(plan=plan.as_json(), done=None)
    return plan


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C, or a polite kill, sets; the second interrupts at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _skip_what_was_said(ledger: Ledger, models: Mixture) -> None:
    """Recorded replies come in their order: those that an earlier process has had are not given again."""
    for llm in models.llms:
        if isinstance(llm, Replay):
            said = ledger.rows(
                "SELECT r.seed FROM reply r JOIN candidate c ON c.id = r.candidate WHERE c.model = ?", llm.name
            )
            llm.skip_for([row["seed"] for row in said])


def _tell_the_scores(ledger: Ledger, models: Mixture) -> None:
    """What evolves looks at the scores of the run that it is in."""

    def scored() -> list[tuple[str, float]]:
        rows = ledger.candidates("kind = 'proposed' AND outcome = 'trained' AND blueprint IS NOT NULL")
        return [(row["blueprint"], row["lemur_bleu"]) for row in rows]

    for llm in models.llms:
        if isinstance(llm, Evolving):
            llm.scored = scored


def _clear_what_the_dead_left(home: Home) -> None:
    """Removes the folders of jobs whose process is gone."""
    for kind in ("jobs", "smoke", "quality"):
        place = home.out / "nncaption" / kind
        for folder in place.glob("*-*") if place.is_dir() else ():
            owner = folder.name.partition("-")[0]
            if owner.isdecimal() and not Path("/proc", owner).exists() and Path("/proc/self").exists():
                shutil.rmtree(folder, ignore_errors=True)
