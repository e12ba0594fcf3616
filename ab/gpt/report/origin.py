"""How a report's figures were made: settings, versions, seeds, machine, and the command that repeats them."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from typing import Any

from ab.gpt.report.draw.scale import duration
from ab.gpt.report.facts import Facts, Run

_APART = frozenset({"plan", "versions", "machine", "git", "command", "exam", "began", "seconds", "done", "interrupted"})


@dataclass(frozen=True)
class Made:
    """One run's origin: lists of names and values under headings, and its command."""

    run: str
    command: str
    sections: list[tuple[str, list[tuple[str, str]]]]


def origins_of(facts: Facts) -> list[Made]:
    """How each run was made."""
    return [_made(run) for run in facts.runs]


def state_of(facts: Facts) -> str:
    """Where the runs stand, in a few words."""
    if facts.from_lemur:
        return "from LEMUR's database"
    waiting = sum(network.state != "done" for network in facts.networks)
    words = []
    for run in facts.runs:
        stands = run.about.get("interrupted")
        words.append("done" if run.about.get("done") else f"stands still: {stands}" if stands else "not at its end yet")
    said = (
        words[0] if len(set(words)) == 1 else ", ".join(f"{r.name} {w}" for r, w in zip(facts.runs, words, strict=True))
    )
    return f"{said} ({waiting} under way)" if waiting else said


def _made(run: Run) -> Made:
    about = run.about
    plan: dict[str, Any] = about.get("plan") or {}
    exam = about.get("exam") or {}
    general = [("Run", run.name), ("Began", _when(about.get("began")))]
    general += [("Worked for", duration(about["seconds"]))] if about.get("seconds") else []
    if exam:
        pictures = f"{len(exam.get('image_ids', []))} of {exam.get('folder')}, tokenizer {exam.get('tokenizer')}"
        general.append(("Validation pictures", pictures))
    git = about.get("git")
    if git:
        general.append(("Code", f"{git.get('commit', '')}{' with changes' if git.get('changed') else ''}"))
    general += [(key, _shown(value)) for key, value in about.items() if key not in _APART]
    sections = [
        ("Run", general),
        ("Settings", _flat({key: value for key, value in plan.items() if key != "train"})),
        ("Training", _flat(plan.get("train") or {})),
        ("Versions", _flat(about.get("versions") or {})),
        ("Machine", _flat(about.get("machine") or {})),
    ]
    command = about.get("command") or []
    text = f"nncaption {shlex.join(map(str, command))}" if command else ""
    return Made(run.name, text, [(title, rows) for title, rows in sections if rows])


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            rows += _flat(value, f"{name}.")
        else:
            rows.append((name, _shown(value)))
    return rows


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _when(moment: Any) -> str:
    return (
        time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment)) if isinstance(moment, (int, float)) else "unknown"
    )
