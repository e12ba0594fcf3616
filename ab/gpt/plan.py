"""What a run is to do: its budget, what it varies, how it trains; and what each candidate is to be."""

from __future__ import annotations

import hashlib
import random
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ab.gpt.errors import UsageError
from ab.gpt.lemur.names import check_name
from ab.gpt.train.settings import Settings

MODES = ("code", "blueprint")


@dataclass(frozen=True)
class Budget:
    """When a run is at its end: whichever comes first; None for no limit."""

    candidates: int | None = 10
    trained: int | None = None
    minutes: float | None = None
    tokens: int | None = None
    cost: float | None = None

    def check(self) -> Budget:
        """The budget itself; `UsageError` where it has no end or is none."""
        limits = {f"--{name.replace('cost', 'max-cost')}": value for name, value in vars(self).items()}
        for flag, value in limits.items():
            if value is not None and not value > 0:
                raise UsageError(f"{flag}: {value} is not allowed.", "It takes more than 0.")
        if all(value is None for value in limits.values()):
            raise UsageError("The run would have no end.", f"Give one of {', '.join(limits)}.")
        return self


@dataclass(frozen=True)
class Choice:
    """What one candidate is to be: decided by the run's seed and the candidate's number alone."""

    number: int
    baseline: str
    n: int
    mode: str
    seed: int
    prefix: str
    """The family's; of a blueprint's all but the decoder, which only the reply decides."""


@dataclass(frozen=True)
class Plan:
    """Everything that was asked for. Written into the ledger, and enough to go on from it."""

    budget: Budget = field(default_factory=Budget)
    snippets: tuple[int, ...] = (5, 10)
    baselines: tuple[str, ...] = ("RESNETLSTM", "ResNetTransformer")
    modes: tuple[str, ...] = ("code",)
    llm: tuple[str, ...] = ()
    """Models with their weights: `spec` or `spec=weight`."""
    repairs: int = 2
    feedback: bool = True
    prefix: str | None = None
    seed: int = 0
    temperature: float = 0.8
    top_p: float = 0.95
    reply_tokens: int = 6144
    context: int | None = None
    """Tokens of prompt and reply together; the model's own if not given."""
    prices: tuple[float, float] | None = None
    """What a server asks for a million tokens of prompt and of reply."""
    four_bit: bool | None = None
    narrow: bool = True
    """Hold each blueprint to half of the values, drawn anew each time: else a small model repeats itself."""
    encoders: tuple[str, ...] = ()
    """Only blueprints with one of these backbones."""
    frozen: bool = False
    """Only blueprints with a backbone that stays as it is."""
    light: bool = False
    """Only blueprints that a processor trains in minutes."""
    with_baselines: bool = True
    """Train the baselines first, with the same budget."""
    record: bool = True
    """Give LEMUR what was trained."""
    quality: bool = True
    """Have pylint judge the code beside the training."""
    smoke_seconds: float = 120.0
    workers: int = 0
    gpus: tuple[int, ...] | None = None
    train: Settings = field(default_factory=Settings)

    def check(self) -> Plan:
        """The plan itself; `UsageError` for the first thing in it that cannot be done."""
        self.budget.check()
        for flag, values in (("--snippets", self.snippets), ("--baseline", self.baselines), ("--mode", self.modes)):
            if not values:
                raise UsageError(f"{flag}: nothing is given.", "Give at least one.")
            if flag == "--baseline" and len(set(values)) < len(values):  # the others are weighed by being named again
                raise UsageError(f"{flag}: {','.join(map(str, values))} names one twice.", "Name each once.")
        if wrong := [n for n in self.snippets if not 0 <= n <= 1000]:
            raise UsageError(f"--snippets: {wrong[0]} is not allowed.", "It takes 0 to 1000.")
        if unknown := [mode for mode in self.modes if mode not in MODES]:
            raise UsageError(f"--mode: {unknown[0]!r} is not allowed.", f"It takes {' and '.join(MODES)}.")
        asked = {"--encoder": self.encoders, "--frozen": self.frozen, "--light": self.light}
        if "blueprint" not in self.modes and (flags := [flag for flag, given in asked.items() if given]):
            raise UsageError(f"{flags[0]}: code that a model writes is as the model likes.", "Add --mode blueprint.")
        for name in (*self.baselines, *([self.prefix] if self.prefix else [])):
            check_name(name)
        for flag, value, low, high in (
            ("--repairs", self.repairs, 0, 20),
            ("--temperature", self.temperature, 0, 5),
            ("--top-p", self.top_p, 0.01, 1),
            ("--reply-tokens", self.reply_tokens, 16, 1 << 20),
            ("--context", self.context if self.context is not None else 1024, 256, 1 << 24),
        ):
            if not low <= value <= high:
                raise UsageError(f"{flag}: {value} is not allowed.", f"It takes {low} to {high}.")
        return self

    def choose(self, number: int) -> Choice:
        """What the candidate of this number is to be; every combination comes equally often."""
        combinations = [
            (mode, baseline, n) for mode in self.modes for baseline in self.baselines for n in self.snippets
        ]
        mode, baseline, n = combinations[number % len(combinations)]
        prefix = f"{self.prefix or f'C{n}C'}-{baseline if mode == 'code' else 'Blueprint'}"
        return Choice(number, baseline, n, mode, derived(self.seed, "candidate", number), prefix)

    def random(self, *about: object) -> random.Random:
        """A source of chance that depends on the run's seed and on what it is for, and on nothing else."""
        return random.Random(derived(self.seed, *about))

    def as_json(self) -> dict[str, Any]:
        """The plan as plain values."""
        return {**asdict(self), "train": self.train.as_json()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Plan:
        """The plan that was written down."""
        known = {one.name for one in fields(cls)}
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items() if key in known
        }
        plain |= {"budget": Budget(**values["budget"]), "train": Settings.from_json(values["train"])}
        return cls(**plain)


def derived(seed: int, *about: object) -> int:
    """A seed for one purpose, made from the run's: the same on every machine."""
    text = "/".join(map(str, (seed, *about)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
