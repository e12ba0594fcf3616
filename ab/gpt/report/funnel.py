"""Where candidates fell, from the reply to a network that sees, at first and after repairs; with examples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ab.gpt.report.facts import Attempt, Facts, Network, rows_of

_CAME = {"extract": 0, "parse": 1, "check": 2, "novelty": 3, "smoke": 3, "passed": 4}
STEPS = (
    "a reply came", "it holds code", "the code parses", "it keeps the contract", "it is new and runs", "it trained",
    "it beats the best blind caption",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One step: who came so far, with the first reply alone and after repairs, and how the others ended."""

    label: str
    at_first: int | None
    """None beyond the gate: only what passed it was trained."""
    count: int
    rows: str
    fell: dict[str, int]
    """Of those who came to this step and no further: how they ended."""


@dataclass(frozen=True)
class Example:
    """One kind of failure: how often, one network that shows it, and a repair where there was one."""

    outcome: str
    stage: str
    times: int
    rows: str
    network: Network
    finding: dict[str, Any] | None
    repair: str
    """What became of it when it was mended; empty where nobody tried."""


def funnel_of(facts: Facts) -> list[Step]:
    """The steps, for the candidates that count: those that have ended, or passed the gate."""
    candidates = [network for network in facts.proposed if network.has_ended or network.state in ("gated", "trained")]
    candidates = [network for network in candidates if network.attempts or network.replies]
    came = {network.row: _depth(network) for network in candidates}
    steps = []
    for number, label in enumerate(STEPS):
        here = [network for network in candidates if came[network.row] >= number]
        fell = Counter(_ending(network) for network in here if came[network.row] == number < len(STEPS) - 1)
        first = sum(_first_depth(network) >= number for network in candidates) if number <= 4 else None
        steps.append(Step(label, first, len(here), rows_of(here), dict(fell.most_common())))
    return steps


def _depth(network: Network) -> int:
    if network.alive:
        return 6
    if network.trained:
        return 5
    counted = network.counted
    return _reached(counted) if counted else 0


def _first_depth(network: Network) -> int:
    return _reached(network.attempts[0]) if network.attempts else 0


def _reached(attempt: Attempt) -> int:
    return _CAME.get(attempt.stage, 0)


def _ending(network: Network) -> str:
    if network.trained:
        return "collapsed"
    return network.outcome or "still in training"


def examples_of(facts: Facts, most: int = 12) -> list[Example]:
    """The kinds of failure, the most frequent first, each with one network, preferably one that was mended."""
    kinds: dict[tuple[str, str, str], list[tuple[Network, Attempt | None]]] = {}
    for network in facts.proposed:
        for attempt in network.attempts:
            if attempt.errors:
                first = attempt.errors[0]
                kinds.setdefault((first["outcome"], attempt.stage, first["code"]), []).append((network, attempt))
        if network.has_ended and not network.trained and not (network.counted and network.counted.errors):
            kinds.setdefault((network.outcome or "", network.stage or "", ""), []).append((network, None))
    examples = [_example(outcome, stage, shown) for (outcome, stage, _), shown in kinds.items()]
    return sorted(examples, key=lambda example: -example.times)[:most]


def _example(outcome: str, stage: str, shown: list[tuple[Network, Attempt | None]]) -> Example:
    networks = list({network.row: network for network, _ in shown}.values())
    network, attempt = max(shown, key=lambda pair: _is_mended(*pair))
    finding = attempt.errors[0] if attempt else None
    repair = _repair(network, attempt) if attempt else ""
    return Example(outcome, stage, len(networks), rows_of(networks), network, finding, repair)


def _is_mended(network: Network, attempt: Attempt | None) -> bool:
    return attempt is not None and network.runs and attempt.number < len(network.attempts) - 1


def _repair(network: Network, attempt: Attempt) -> str:
    later = [one for one in network.attempts if one.number > attempt.number]
    if not later:
        return "It was not mended."
    one = later[0]
    if one.stage == "passed":
        return f"Repair {one.number} mended it: the network runs."
    if not one.errors:
        return f"Repair {one.number} brought it to {one.stage}."
    return f"After repair {one.number}: {one.errors[0]['code']} {one.errors[0]['sentence']}"
