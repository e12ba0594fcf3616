"""A study carried out: each arm is a run, done once, gone on with where it stands, and never mixed with another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ab.gpt.errors import UsageError
from ab.gpt.ledger import FILE, Ledger
from ab.gpt.lemur.home import Home
from ab.gpt.plan import Plan
from ab.gpt.report.study.study import Arm, Study
from ab.gpt.runs import runs_folder

Say = Callable[[str], None]
RunArm = Callable[[Arm], Path]

_MAY_DIFFER = frozenset({"workers", "gpus"})
"""Which machine does the work is no part of the question."""


def run_arms(study: Study, home: Home, run_arm: RunArm | None = None, say: Say = lambda _text: None) -> list[Path]:
    """The arms' folders, when every arm has come to its end. Called again, it goes on where it was stopped."""
    launch = run_arm or launched(home)
    for arm in study.arms:  # before anything is begun
        check_arm(home, arm)
    folders = []
    for number, arm in enumerate(study.arms, 1):
        about = arm_state(home, arm)
        if about == "done":
            say(f"arm {number} of {len(study.arms)}, {arm.name}: done already")
            folders.append(runs_folder(home) / arm.name)
            continue
        say(f"arm {number} of {len(study.arms)}, {arm.name}: {'goes on' if about else 'begins'}")
        folders.append(launch(arm))
    return folders


def launched(home: Home) -> RunArm:
    """What runs an arm for real: a new run, or the one that stands still."""

    def run(arm: Arm) -> Path:
        from ab.gpt import launch

        if arm_state(home, arm):
            return launch.resume(home, runs_folder(home) / arm.name)
        return launch.start(home, arm.plan, arm.name)

    return run


def arm_state(home: Home, arm: Arm) -> str:
    """`done`, `begun`, or empty where there is no such run yet."""
    folder = runs_folder(home) / arm.name
    if not (folder / FILE).is_file():
        return ""
    with Ledger(folder) as ledger:
        return "done" if ledger.about.get("done") else "begun"


def check_arm(home: Home, arm: Arm) -> None:
    """`UsageError` where a run of the arm's name was made with other settings."""
    folder = runs_folder(home) / arm.name
    if not (folder / FILE).is_file():
        return
    with Ledger(folder) as ledger:
        there: dict[str, Any] = ledger.about.get("plan") or {}
    wanted = json.loads(json.dumps(arm.plan.as_json()))
    if differing := _differing(Plan.from_json(there).as_json() if there else {}, wanted):
        name, was, now = differing[0]
        raise UsageError(
            f"The run {arm.name} was made with other settings: {name} was {was!r} and is {now!r} in the study.",
            "Give the study another name, or remove the runs of the old one.",
        )


def _differing(there: dict[str, Any], wanted: dict[str, Any], prefix: str = "") -> list[tuple[str, Any, Any]]:
    found: list[tuple[str, Any, Any]] = []
    for name, now in wanted.items():
        was = json.loads(json.dumps(there.get(name)))
        if isinstance(now, dict) and isinstance(was, dict):
            found += _differing(was, now, f"{name}.")
        elif was != now and name not in _MAY_DIFFER:
            found.append((f"{prefix}{name}", was, now))
    return found
