"""One run on its way: what has been decided is in its ledger, what is to be done next follows from it."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ab.gpt.candidate import Outcome
from ab.gpt.errors import NNCaptionError
from ab.gpt.feedback import Feedback, make_feedback
from ab.gpt.gate.finding import Finding
from ab.gpt.gate.gate import STAGES, Gate, Verdict
from ab.gpt.gate.quality import Critic
from ab.gpt.ledger import Ledger
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import model_name
from ab.gpt.lemur.records import Epoch
from ab.gpt.papers import write_papers
from ab.gpt.plan import Choice, Plan, derived
from ab.gpt.propose.blueprint.known import known_by
from ab.gpt.propose.drafts import judge_blueprint
from ab.gpt.propose.hyper import suggested
from ab.gpt.propose.llm.protocol import LLM, STOPPED, BadAnswer, PromptTooLong
from ab.gpt.propose.prompt import Prompt
from ab.gpt.propose.proposer import Proposer
from ab.gpt.train.pool import Pool, Slot, Task
from ab.gpt.train.school import hand_over
from ab.gpt.train.settings import Settings

Say = Callable[[str], None]
WAITING_FOR_EACH_SLOT = 2
"""So many networks may wait for a trainer: enough that none is idle, few enough that feedback is fresh."""
MOST_FAULTS = 3
"""So many candidates in a row may be lost to the machine before the run stops and says so."""


QUALITY_SECONDS = 60.0
"""So long a run waits at its end for the quality of code that is not known yet."""


class Interrupted(Exception):
    """The run was asked to stop; what is under way is taken up again later."""


class MachineFails(NNCaptionError):
    """Candidate after candidate is lost to the machine and not to a fault of its own."""


@dataclass(frozen=True)
class Underway:
    """A candidate that is being proposed."""

    id: int
    choice: Choice
    llm: LLM
    baseline: str
    """The baseline's code."""


@dataclass
class Run:
    """A plan, its ledger, and everything that is needed to carry it out."""

    home: Home
    plan: Plan
    ledger: Ledger
    proposer: Proposer
    gate: Gate
    open_pool: Callable[[], Pool]
    slots: list[Slot]
    say: Say = lambda _text: None
    on_token: Callable[[str], None] | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    critic: Critic | None = None
    """Who says how good code is, where that is wanted."""
    _tasks: dict[str, int] = field(default_factory=dict)
    _rating: dict[str, int] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)
    _began: float = field(default_factory=time.time)

    @contextmanager
    def trainers(self) -> Iterator[Pool]:
        """The trainers, which are stopped with all that they do when the run ends, however it ends."""
        pool = self.open_pool()
        try:
            yield pool
        finally:
            pool.close()
            self._keep_time()
            for line in pool.early.report():
                self.say(line)

    def take_up(self, trainers: Pool) -> None:
        """Goes on with what an earlier process has left: nothing that is written down is done again."""
        for row in self.ledger.candidates("outcome = ?", Outcome.INFRASTRUCTURE.value):
            self.ledger.reopen(row["id"], "open" if row["stage"] in STAGES else "gated")
        for row in self.ledger.candidates("state != 'open'"):
            if row["stage"] not in STAGES:
                self._rate(row)
                if row["kind"] == "proposed":
                    self.gate.novelty.add(row["name"], row["code"], row["structure"] or "")
        for row in self.ledger.candidates("outcome = ?", Outcome.TRAINED.value):
            trainers.early.seen([epoch["lemur_bleu"] for epoch in self.ledger.epochs(row["id"])])
        for row in self.ledger.candidates("state != 'done'"):
            if row["state"] == "trained":
                self._record(row)
            elif row["state"] == "gated":
                self._submit(row, trainers)
            else:
                candidate = self._underway(row)
                verdict = self.judge(candidate, self.propose(candidate))
                if verdict.passed:
                    self.train(candidate, trainers)

    def train_baselines(self, trainers: Pool) -> None:
        """Has each baseline trained with the run's own budget, for comparison."""
        known = {row["name"] for row in self.ledger.candidates("kind = 'baseline'")}
        for number, name in enumerate(self.plan.baselines if self.plan.with_baselines else ()):
            if name not in known:
                self.ledger.begin(
                    kind="baseline", number=number, prefix=name, baseline=name, mode="code", model="", n=0,
                    seed=self.plan.seed, name=name, code=self._code_of(name), state="gated",
                )  # fmt: skip
                [row] = self.ledger.candidates("kind = 'baseline' AND number = ?", number)
                self._submit(row, trainers)

    def has_budget(self, trainers: Pool) -> bool:
        """True while another candidate may be begun. Where that hangs on what is in training, its end is waited for."""
        while True:
            if self.stop.is_set():
                raise Interrupted
            self._see_that_the_machine_works()
            limits, spent = vars(self.plan.budget), self._spent()
            used = [name for name in limits if limits[name] is not None and spent[name] >= limits[name]]
            if not used:
                return True
            if used != ["trained"] or not trainers.pending:
                return False
            self.collect(trainers, wait=False)
            self.stop.wait(0.1)

    def _spent(self) -> dict[str, float]:
        """What has been used of each limit; what is in training counts as trained until it has ended."""
        self._keep_time()
        [total] = self.ledger.rows(
            "SELECT count(*) AS candidates, coalesce(sum(outcome = 'trained'), 0) AS trained,"
            " coalesce(sum(state = 'gated'), 0) AS waiting FROM candidate WHERE kind = 'proposed'"
        )
        [used] = self.ledger.rows(
            "SELECT coalesce(sum(tokens + prompt_tokens), 0) AS tokens, coalesce(sum(cost), 0) AS cost FROM reply"
        )
        return {
            "candidates": total["candidates"],
            "trained": total["trained"] + total["waiting"],
            "minutes": self.ledger.about.get("seconds", 0.0) / 60,
            "tokens": used["tokens"],
            "cost": used["cost"],
        }

    def _see_that_the_machine_works(self) -> None:
        last = self.ledger.rows("SELECT outcome, reason FROM candidate WHERE ended >= ? ORDER BY ended DESC LIMIT ?",
                                self._began, MOST_FAULTS)  # fmt: skip
        if len(last) == MOST_FAULTS and all(row["outcome"] == Outcome.INFRASTRUCTURE.value for row in last):
            raise MachineFails(
                f"{MOST_FAULTS} candidates in a row were lost to the machine. The last: {last[0]['reason']}",
                "Mend it, then resume the run: these candidates are tried again.",
            )

    def begin(self) -> Underway:
        """The next candidate, written down."""
        [row] = self.ledger.rows("SELECT coalesce(max(number), -1) + 1 AS next FROM candidate WHERE kind = 'proposed'")
        choice = self.plan.choose(row["next"])
        llm = self.proposer.model_for(choice)
        number = self.ledger.begin(
            kind="proposed", number=choice.number, prefix=self.proposer.prefix_for(llm, choice),
            baseline=choice.baseline, mode=choice.mode, model=llm.name, n=choice.n, seed=choice.seed,
        )  # fmt: skip
        return Underway(number, choice, llm, self._code_of(choice.baseline))

    def propose(self, candidate: Underway) -> str:
        """The model's reply, from the ledger where it has been given already."""
        choice = candidate.choice

        def prompt() -> Prompt:
            snippets = self.proposer.snippets_for(choice)
            self.ledger.shown(candidate.id, [snippet.model for snippet in snippets])
            return self.proposer.prompt(candidate.llm, choice, candidate.baseline, snippets, self._feedback(candidate))

        return self._reply(candidate, 0, prompt)

    def judge(self, candidate: Underway, reply: str) -> Verdict:
        """The gate's verdict, with repairs; written down."""
        self.say(f"candidate {candidate.choice.number}: at the gate")
        started = time.monotonic()
        asked = 0.0

        def ask(code: str, findings: list[Finding], number: int) -> str:
            nonlocal asked
            began = time.monotonic()
            text = self._reply(candidate, number + 1, lambda: self.proposer.repair(candidate.llm, code, findings))
            asked += time.monotonic() - began
            return text

        more: dict[str, object]
        if candidate.choice.mode == "blueprint":
            prefix = self.proposer.prefix_for(candidate.llm, candidate.choice)
            verdict, more = judge_blueprint(self.gate, reply, prefix, self.proposer.asked)
        else:
            try:
                verdict = self.gate.judge(reply, candidate.baseline, ask, self.plan.repairs)
            except PromptTooLong:  # what its model cannot be shown it cannot mend; the repairs that there were count
                repaired = len(self.ledger.replies(candidate.id)) - 1
                verdict = self.gate.judge(reply, candidate.baseline, ask, repaired)
            more = {"hyper": json.dumps(suggested(reply)), "prefix": candidate.choice.prefix}
        if self.stop.is_set():
            raise Interrupted  # a smoke run that was cut off says nothing
        if verdict.code:
            more["name"] = model_name(str(more["prefix"]), verdict.code)
        self.ledger.judged(candidate.id, verdict, time.monotonic() - started - asked, **more)
        write_papers(self.ledger, candidate.id)
        if verdict.passed:
            smoke = verdict.smoke
            self.gate.novelty.add(str(more["name"]), verdict.code, smoke.structure if smoke else "")
        elif verdict.ending is not None:
            self.say(f"candidate {candidate.choice.number}: {verdict.ending}")
        return verdict

    def train(self, candidate: Underway, trainers: Pool) -> None:
        """Has a network that runs wait for a trainer, and lets trainers catch up where too many wait."""
        [row] = self.ledger.candidates("c.id = ?", candidate.id)
        self._submit(row, trainers)
        while trainers.pending > WAITING_FOR_EACH_SLOT * len(self.slots):
            self.collect(trainers, wait=False)
            if self.stop.wait(0.1):
                raise Interrupted

    def collect(self, trainers: Pool, wait: bool) -> None:
        """Writes down what the trainers have ended since, or, where it waits, until all have ended."""
        while True:
            for task, trained in trainers.ended(wait=False):
                number = self._tasks.pop(task.name)
                self.ledger.trained(number, trained)
                [row] = self.ledger.candidates("c.id = ?", number)
                self._record(row)
            self._take_ratings()
            if not wait or not trainers.pending:
                return
            if self.stop.wait(0.1):
                raise Interrupted

    def hear_the_critic(self) -> None:
        """Waits a little for the quality of what is not rated yet; what is not known then, `resume` finds out."""
        until = time.monotonic() + QUALITY_SECONDS
        if self.critic and self.critic.waiting:
            self.say(f"pylint reads the code of {self.critic.waiting} networks")
        while self.critic and self.critic.waiting and time.monotonic() < until and not self.stop.wait(0.1):
            self._take_ratings()

    # What the steps are made of

    def _reply(self, candidate: Underway, attempt: int, prompt: Callable[[], Prompt]) -> str:
        known = [row for row in self.ledger.replies(candidate.id) if row["attempt"] == attempt]
        if known:
            return str(known[0]["text"])
        what = "proposes" if not attempt else f"mends ({attempt} of {self.plan.repairs})"
        self.say(f"candidate {candidate.choice.number}: {candidate.llm.name} {what}")
        asked = prompt()
        seed = derived(candidate.choice.seed, "attempt", attempt)
        try:
            completion = self.proposer.ask(candidate.llm, asked, seed, self.on_token, self.stop)
        except BadAnswer as nonsense:  # the model did answer; the gate will say what is wrong with it
            completion = nonsense.completion
        if completion.finish_reason == STOPPED or self.stop.is_set():
            raise Interrupted
        self.ledger.reply(candidate.id, attempt, asked, completion, seed)
        return completion.text

    def _feedback(self, candidate: Underway) -> Feedback:
        if not self.plan.feedback:
            return Feedback()
        return make_feedback(self.ledger, candidate.choice.baseline, candidate.baseline, self.gate.contract)

    def _underway(self, row: sqlite3.Row) -> Underway:
        choice = self.plan.choose(row["number"])
        return Underway(row["id"], choice, self.proposer.model_for(choice), self._code_of(choice.baseline))

    def _code_of(self, model: str) -> str:
        return (self.home.code_dir("nn") / f"{model}.py").read_text(encoding="utf-8")

    def _settings(self, row: sqlite3.Row) -> Settings:
        return replace(self.plan.train, **json.loads(row["hyper"] or "{}"))

    def _submit(self, row: sqlite3.Row, trainers: Pool) -> None:
        self._tasks[row["name"]] = row["id"]
        self._rate(row)
        known = known_by(row["blueprint"], row["code"])
        trainers.submit(Task(row["name"], row["code"], self._settings(row), known))

    def _record(self, row: sqlite3.Row) -> None:
        """Gives LEMUR what was trained. The scores are safe in the ledger; done twice it is there once."""
        uid = None
        if self.plan.record and row["outcome"] == Outcome.TRAINED.value:
            epochs = [Epoch(e["number"], e["lemur_bleu"], e["duration"]) for e in self.ledger.epochs(row["id"])]
            asked = self._settings(row)
            fitted = replace(asked, batch=row["batch"] or asked.batch)  # halved where memory ran out
            uid = hand_over(self.home, row["name"], row["code"], fitted, epochs)
        self.ledger.done(row["id"], uid)
        write_papers(self.ledger, row["id"])
        self.say(f"{row['name']}: {row['outcome']} ({row['reason']})")

    def _rate(self, row: sqlite3.Row) -> None:
        if self.critic and row["quality"] is None and row["name"] not in self._rating:
            self._rating[row["name"]] = row["id"]
            self.critic.ask(row["name"], row["code"])

    def _take_ratings(self) -> None:
        for name, quality in self.critic.judged() if self.critic else ():
            self.ledger.rated(self._rating[name], quality)

    def _keep_time(self) -> None:
        now = time.monotonic()
        self.ledger.note(seconds=self.ledger.about.get("seconds", 0.0) + now - self._since)
        self._since = now
