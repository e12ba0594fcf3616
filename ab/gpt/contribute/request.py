"""The words of a pull request: what it brings, how it was made, the scores, how to repeat it, what was checked."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ab.gpt.candidate import plain
from ab.gpt.contribute.contribution import FULL_EPOCHS, Contribution
from ab.gpt.contribute.finding import Finding
from ab.gpt.lemur.names import Config

TRIALS_ASKED = 100
"""LEMUR's README asks for so many Optuna trials, ten in newer releases, and at least three for very large models."""
MEASURED = ("uid", "duration", "accuracy", "epoch")
"""What LEMUR writes of a trial beside its hyper-parameters."""
_LONGEST_TITLE = 100


@dataclass(frozen=True)
class Checks:
    """What was looked at before the branch was made."""

    findings: Sequence[Finding]
    by_gate: bool
    """True where the gate has looked at the code, too."""
    ran: bool
    """True where it has also run it."""
    base: str
    up_to_date: bool
    """True where the base was compared with the remote's."""


@dataclass(frozen=True)
class Request:
    """A pull request's title and text."""

    title: str
    text: str

    def commit_message(self) -> str:
        """The same in short, for the commit."""
        return f"{self.title}\n\n{self.text.partition('## Scores')[0].strip()}\n"


def write_request(contributions: Sequence[Contribution], checks: Checks) -> Request:
    """The pull request for some networks."""
    return Request(_title(contributions), "\n\n".join(_sections(contributions, checks)) + "\n")


def _title(contributions: Sequence[Contribution]) -> str:
    if len(contributions) == 1:
        return f"Add {contributions[0].name} with statistics"
    families = Counter(one.family for one in contributions)
    title = f"Add {len(contributions)} image-captioning networks with statistics"
    listed = f"{title}: {', '.join(f'{family} ({count})' for family, count in families.most_common())}"
    return listed if len(listed) <= _LONGEST_TITLE else f"{title}, of {len(families)} families"


def _sections(contributions: Sequence[Contribution], checks: Checks) -> list[str]:
    return [
        "## What this adds",
        _what(contributions),
        "## How they were made",
        "\n\n".join(dict.fromkeys(_line(one.how_made) for one in contributions if one.how_made)) or "Not said.",
        "## Scores",
        _scores(contributions),
        _about_scores(contributions),
        "## To repeat it",
        _commands(contributions),
        "## LEMUR's rules for a contribution",
        "\n".join(_checklist(contributions, checks)),
    ]


def _what(contributions: Sequence[Contribution]) -> str:
    lines = []
    for family, count in Counter(one.family for one in contributions).most_common():
        configs = sorted(
            {
                f"{config.task} on {config.dataset}"
                for one in contributions
                if one.family == family
                for config in one.epochs
            }
        )
        lines.append(f"- **{family}**: {count} network{'s' if count > 1 else ''}, {', '.join(configs)}")
    return "\n".join([*lines, "", "Only files of these networks are added; nothing else is touched."])


def _scores(contributions: Sequence[Contribution]) -> str:
    head = "| network | trials | epochs | best in statistics | score [95% interval] | blind caption | baseline |"
    rows = [head, "|---|---:|---:|---:|---:|---:|---:|"]
    for one in sorted(contributions, key=lambda one: (-(one.score.mean if one.score else -1.0), one.name)):
        interval = one.score
        score = f"{interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]" if interval else "not measured"
        last = min(max(epochs) for epochs in one.epochs.values())
        marks = " | ".join(_figure(mark) for mark in (one.blind, one.baseline))
        rows.append(f"| {one.name} | {one.trials()} | {last} | {_figure(one.best())} | {score} | {marks} |")
    return "\n".join(rows)


def _about_scores(contributions: Sequence[Contribution]) -> str:
    counts = sorted({one.images for one in contributions if one.images})
    images = f"{' or '.join(f'{count:,}' for count in counts)} fixed validation images" if counts else "fixed images"
    return (
        f"Scores are LEMUR's BLEU on {images}, computed outside of the process that trained, with the 95% bootstrap"
        " interval over images. The blind caption is the best single caption for all of them, the baseline the network"
        " that these were made from, trained in the same way."
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _commands(contributions: Sequence[Contribution]) -> str:
    own = [command for one in contributions for command in one.commands]
    stock = [
        lemur_command(config, max(epochs), epochs[max(epochs)])
        for one in contributions
        for config, epochs in one.epochs.items()
    ]
    lines = [_line(command) for command in dict.fromkeys([*own, *stock])]
    return "\n".join(["```sh", *lines, "```"])


def lemur_command(config: Config, epochs: int, trials: Sequence[Mapping[str, Any]]) -> str:
    """LEMUR's own command that trains a model with the hyper-parameters of the best of some trials."""
    best = max(trials, key=lambda trial: trial["accuracy"])
    prm = {name: value for name, value in sorted(best.items()) if name not in (*MEASURED, "transform")}
    words = ["-c", str(config), "-e", str(epochs), "-t", "-1", "-f", best["transform"], "-p", json.dumps(prm)]
    return shlex.join(["python", "-m", "ab.nn.train", *words])


def _checklist(contributions: Sequence[Contribution], checks: Checks) -> list[str]:
    errors = [finding for finding in checks.findings if finding.is_error]
    trials = min(one.trials() for one in contributions)
    epochs = min(max(numbers) for one in contributions for numbers in one.epochs.values())
    gate = f" and by NN-Caption's gate{', which runs it for two steps' if checks.ran else ''}" if checks.by_gate else ""

    def item(done: bool, text: str) -> str:
        return f"- [{'x' if done else ' '}] {text}"

    def clean(*codes: str) -> bool:
        return not any(finding.code.startswith(codes) for finding in errors)

    return [
        item(
            clean("M001", "M002", "M003"),
            "Each model is one file in `ab/nn/nn`, named after its family and its code's hash.",
        ),
        item(
            clean("M"),
            f"Class `Net(in_shape, out_shape, prm, device)` with `train_setup` and `learn`, and"
            f" `supported_hyperparameters()`: looked at by reading the code{gate}.",
        ),
        item(clean("S"), "Each model has its folder of statistics and each folder its model; no epoch is missing."),
        item(clean("T"), "Each trial has LEMUR's keys, types and ranges, and its `uid` fits the hyper-parameters."),
        item(epochs >= FULL_EPOCHS, f"The trials cover {FULL_EPOCHS} epochs: here {epochs}."),
        item(
            trials >= TRIALS_ASKED,
            f"{TRIALS_ASKED} Optuna trials (3 for very large models): here {trials} for each network.",
        ),
        item(
            True,
            f"The branch merges into `{checks.base}` without a conflict"
            + ("." if checks.up_to_date else ", as this clone knows it; it was compared with no remote."),
        ),
        item(True, "No network repeats the code of one that is in the dataset, and none has collapsed to one caption."),
    ]


def _line(text: str) -> str:
    """Text on one line, without what a terminal or Markdown would act upon."""
    return plain(" ".join(text.split())).replace("```", "'''")
