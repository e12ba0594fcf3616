"""Ledgers of any size for the tests, made through the ledger's own methods from real verdicts and trainings.

The same arguments make the same ledger, but for the times at which rows were written.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ab.gpt.candidate import Ending, Outcome
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.finding import Finding, Severity, ending_of
from ab.gpt.gate.gate import Attempt, Examined, Verdict
from ab.gpt.gate.smoke import Smoke
from ab.gpt.ledger import Ledger
from ab.gpt.lemur.home import find_package
from ab.gpt.lemur.names import model_name
from ab.gpt.plan import Plan
from ab.gpt.propose.blueprint.draw import draw
from ab.gpt.propose.blueprint.reading import to_json
from ab.gpt.propose.llm.protocol import Completion, Message
from ab.gpt.train.exam import Exam
from ab.gpt.train.judge import EpochScore
from ab.gpt.train.scores import Blind, Interval, Scores
from ab.gpt.train.settings import Settings
from ab.gpt.train.trainer import Trained

BASELINES = ("RESNETLSTM", "ResNetTransformer")
MODELS = ("SmolLM2-135M-Instruct", "a-coder-7b")
BLIND = Blind("a man in a red shirt", 0.089, "a man in a red shirt .", 0.104)
HOSTILE = '</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">\x1b[31m\u202e{{7*7}}'


@dataclass
class Prompt:
    """What a ledger wants to know of a prompt."""

    messages: list[Message]
    version: str = "papers-1"
    left_out: tuple[str, ...] = ()


def code_of(name: str) -> str:
    """A model's code, from the installed LEMUR."""
    return (find_package() / "nn" / f"{name}.py").read_text(encoding="utf-8")


class Maker:
    """Makes one ledger, candidate by candidate."""

    def __init__(self, folder: Path, seed: int = 0, exam: Exam | None = None, epochs: int = 3, **about: Any) -> None:
        self.dice = random.Random(seed)
        self.exam = exam
        self.epochs = epochs
        settings = Settings(epochs=epochs, val_images=len(exam.image_ids) if exam else 300, transform="echo_64_flip")
        self.plan = Plan(seed=seed, llm=MODELS, modes=("code", "blueprint"), train=settings)
        self.codes = {name: code_of(name) for name in BASELINES}
        pool = sorted(file.stem for file in (find_package() / "nn").glob("[A-Z]*.py") if "-" not in file.stem)[:24]
        self.snippets = {name: "\n".join(code_of(name).splitlines()[:70]) for name in pool}
        told = {
            "plan": self.plan.as_json(),
            "began": 1_760_000_000.0,
            "command": ["search", "--candidates", "30", "--snippets", "5,10"],
            "versions": {"nn-caption": "0.1", "nn-dataset": "2.1.2", "python": "3.11"},
            "git": {"commit": "0" * 40, "changed": False},
            "machine": {"system": "Linux", "processor": "a CPU", "cores": 2, "memory_gb": 23.0, "gpus": []},
            "seconds": 1234.5,
        }
        if exam:  # as the loop notes it
            told["exam"] = {"folder": exam.folder, "image_ids": exam.image_ids, "tokenizer": exam.tokenizer}
        self.ledger = Ledger.create(folder, {**told, **about})
        self.ledger.db.execute("PRAGMA synchronous = OFF")

    def baseline(self, number: int, score: float = 0.11) -> int:
        """A baseline that has trained."""
        name = BASELINES[number]
        candidate = self.ledger.begin(
            kind="baseline", number=number, prefix=name, baseline=name, mode="code", model="", n=0, seed=0, name=name,
            code=self.codes[name], state="gated",
        )  # fmt: skip
        self.ledger.trained(candidate, self.training(score))
        self.ledger.done(candidate, "uid")
        return candidate

    def begin(self, number: int, mode: str = "", text: str = "") -> tuple[int, dict[str, Any]]:
        """A candidate with its first reply."""
        choice = self.plan.choose(number)
        model = self.dice.choice(MODELS)
        about = {"kind": "proposed", "number": number, "prefix": choice.prefix, "baseline": choice.baseline,
                 "mode": mode or choice.mode, "model": model, "n": choice.n, "seed": choice.seed}  # fmt: skip
        shown = self.dice.sample(sorted(self.snippets), choice.n)
        candidate = self.ledger.begin(**about, snippets=shown)
        asked = [
            Message("system", "You write networks.\nAnswer with code only."),
            Message("user", "\n".join([self.codes[choice.baseline], *(self.snippets[one] for one in shown)])),
        ]
        about["code"] = self.variant(choice.baseline, number)
        self.say(candidate, 0, asked, text or f"<think>\nLet me see.\n</think>\n```python\n{about['code']}\n```", model)
        return candidate, about

    def say(self, candidate: int, attempt: int, asked: list[Message], text: str, model: str) -> None:
        """One reply of the model."""
        tokens = max(1, len(text) // 4)
        words = sum(len(message.content) for message in asked) // 4
        done = Completion(text, words, tokens, tokens / 50, "stop", model, tokens * 1e-6)
        self.ledger.reply(candidate, attempt, Prompt(asked), done, seed=self.dice.randrange(1000))

    def variant(self, baseline: str, number: int) -> str:
        """The baseline's code with a few changes that depend on the number."""
        code = self.codes[baseline]
        lines = code.splitlines()
        extra = ["", "", "class SEBlock(nn.Module):", f"    def __init__(self, channels={64 + number}):",
                 "        super().__init__()", f"        self.fc = nn.Linear(channels, {8 + number % 7})", "",
                 "    def forward(self, x):", "        return x * torch.sigmoid(self.fc(x.mean((2, 3))))"]  # fmt: skip
        if number % 2:
            lines += extra
        if number % 3 == 0:
            lines = [line.replace("LSTMCell", "GRUCell").replace("LSTM(", "GRU(") for line in lines]
        lines.append(f"# variant {number}")
        return "\n".join(lines) + "\n"

    def failed(self, number: int, code: str = "C003", stage: str = "check", evidence: str = "") -> int:
        """A candidate that the gate has turned down, and a repair that did not help."""
        candidate, about = self.begin(number)
        rule = CAPTIONING.rule(code)
        finding = Finding(rule.code, 12, rule.sentence, rule.advice, outcome=rule.outcome, evidence=evidence)
        first = Attempt(
            "", "" if stage == "extract" else about["code"], ("fence",), ("imports",), Examined(stage, [finding])
        )
        self.say(candidate, 1, [Message("user", f"Mend it: {finding}")], "```python\nstill wrong\n```", about["model"])
        verdict = Verdict(first.code, ending_of([finding], stage), [first, first])
        self.ledger.judged(candidate, verdict, 1.5, name=None)
        return candidate

    def passed(self, number: int, repaired: bool = False) -> tuple[int, dict[str, Any]]:
        """A candidate that waits for its training."""
        candidate, about = self.begin(number)
        notes = [Finding("R011", 0, "A note.", severity=Severity.NOTE)]
        structure = f"{number:064d}"
        seen = Smoke(notes, 1_000_000 + 37_000 * self.dice.randrange(400), structure, 1 << 28, 4.5, {"build": 1.0})
        attempts = [Attempt("", about["code"], ("fence",), (), Examined("passed", notes, seen))]
        if repaired:
            rule = CAPTIONING.rule("C003")
            wrong = Finding(rule.code, 3, rule.sentence, rule.advice, outcome=rule.outcome)
            attempts.insert(0, Attempt("", about["code"] + "(", ("whole",), (), Examined("check", [wrong])))
            self.say(candidate, 1, [Message("user", "Mend it.")], f"```python\n{about['code']}\n```", about["model"])
        blueprint = to_json(draw(self.dice)) if about["mode"] == "blueprint" else None
        self.ledger.judged(
            candidate, Verdict(about["code"], None, attempts, len(attempts) - 1), 6.5,
            name=model_name(about["prefix"], about["code"]), hyper=json.dumps({"lr": 0.001, "batch": 32}),
            blueprint=blueprint,
        )  # fmt: skip
        return candidate, about

    def trained(
        self, number: int, score: float | None = None, repaired: bool = False, ending: Ending | None = None
    ) -> int:
        """A candidate that has been trained, or that ended in training."""
        candidate, _ = self.passed(number, repaired)
        self.ledger.trained(candidate, self.training(score or self.dice.uniform(0.02, 0.22), ending))
        self.ledger.done(candidate, f"uid{number}")
        return candidate

    def training(self, score: float, ending: Ending | None = None) -> Trained:
        """A training whose last epoch has about this score, with one caption for each image."""
        epochs = [self.epoch(number, score * number / self.epochs) for number in range(1, self.epochs + 1)]
        if ending:
            epochs = epochs[:-1]
        ended = ending or Ending(Outcome.TRAINED, "eval", f"{self.epochs} epochs")
        seconds = 20 + 400 * self.dice.random()
        return Trained(ended, epochs, 0, seconds, 1 << 30, 32, ["a note"], (), "a log of the training")

    def epoch(self, number: int, score: float) -> EpochScore:
        """One epoch: scored on the exam where there is one, else with figures that look like real ones."""
        predicted = self.captions(min(0.9, score * 4))
        scores = self.exam.score(predicted) if self.exam else made_scores(score)
        return EpochScore(
            number, scores.lemur_bleu, scores, 5.0 / number, 1e-3, 30.0 + number, 4.0, 120.0, number * 34 * 10**9,
            1 << 30, predicted,
        )  # fmt: skip

    def captions(self, quality: float) -> list[list[int]]:
        """For each image a true caption's words, of which so many are right."""
        references = self.exam.references if self.exam else [[[1, 5, 6, 7, 8, 9, 2]]] * 300
        top = len(self.exam.words) if self.exam else 200
        return [
            [word if self.dice.random() < quality or word < 4 else self.dice.randrange(4, top) for word in image[0]]
            for image in references
        ]


def made_scores(score: float, images: int = 300) -> Scores:
    """Scores with intervals as wide as they are with so many images."""
    half = 0.7 / images**0.5 * 0.35
    bleu4 = score * 0.9

    def around(value: float) -> Interval:
        return Interval(max(0.0, value - half), value, value + half)

    names = {"lemur_bleu": score, "bleu1": score * 3, "bleu2": score * 2, "bleu3": score * 1.4, "bleu4": bleu4,
             "cider_d": score * 2.5, "rouge_l": 0.2 + score, "mean_length": 9.5}  # fmt: skip
    lead = Interval(bleu4 - BLIND.bleu4 - half, bleu4 - BLIND.bleu4, bleu4 - BLIND.bleu4 + half)
    return Scores(
        images, **names, distinct=0.4, intervals={name: around(value) for name, value in names.items()}, blind=BLIND,
        lead=lead, collapsed=not lead.low > 0,
    )  # fmt: skip


FAILURES: Sequence[tuple[str, str]] = (
    ("N001", "extract"), ("S001", "parse"), ("C003", "check"), ("R003", "smoke"), ("P001", "check"),
    ("D001", "novelty"),
)  # fmt: skip


def make(folder: Path, size: int, only_failures: bool = False, seed: int = 0, exam: Exam | None = None) -> Path:
    """A run of so many candidates: half of them trained, a few of each failure, and both baselines."""
    maker = Maker(folder, seed, exam)
    if size and not only_failures:
        for number in range(2):
            maker.baseline(number, (0.12, 0.16)[number])
    for number in range(size):
        kind = 9 if only_failures else maker.dice.randrange(10)
        if kind < 6:
            maker.trained(number, repaired=kind == 5)
        elif kind == 6:
            maker.trained(number, 0.1, ending=Ending(Outcome.DIVERGED, "learn", "the loss is nan", "line 3\nnan"))
        else:
            maker.failed(number, *FAILURES[number % len(FAILURES)])
    maker.ledger.note(done=True)
    maker.ledger.close()
    return folder
