"""The candidates of a run as files to read, beside the ledger that they are written from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ab.gpt.candidate import plain
from ab.gpt.ledger import Ledger

FOLDER = "candidates"


def papers_of(run: Path, kind: str, number: int) -> Path:
    """The folder of one candidate."""
    return run / FOLDER / f"{'baseline-' if kind == 'baseline' else ''}{number:04d}"


def write_papers(ledger: Ledger, candidate: int) -> Path:
    """Prompts, replies, code, findings and scores of a candidate, each in a file of its own; made anew each time."""
    [row] = ledger.candidates("c.id = ?", candidate)
    folder = papers_of(ledger.folder, row["kind"], row["number"])
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for reply in ledger.replies(candidate):
        asked = "\n\n".join(f"## {role}\n\n{text}" for role, text in json.loads(reply["prompt"]))
        _write(fresh / f"prompt-{reply['attempt']}.md", asked)
        _write(fresh / f"reply-{reply['attempt']}.md", reply["text"])
    for attempt in ledger.attempts(candidate):
        _write(fresh / f"findings-{attempt['number']}.txt", _findings(attempt["findings"], attempt["fixes"]))
    if row["code"]:
        _write(fresh / f"{row['name'] or 'code'}.py", row["code"])
    if row["blueprint"]:
        _write(fresh / "blueprint.json", json.dumps(json.loads(row["blueprint"]), indent=2))
    if row["evidence"]:
        _write(fresh / "evidence.txt", row["evidence"])
    if row["log"]:
        _write(fresh / "training.log", plain(row["log"]))
    epochs = [
        {"epoch": epoch["number"], "lemur_bleu": epoch["lemur_bleu"], **json.loads(epoch["scores"])}
        for epoch in ledger.epochs(candidate)
    ]
    about = {name: row[name] for name in ("name", "model", "mode", "n", "seed", "outcome", "stage", "reason")}
    _write(fresh / "result.json", json.dumps({**about, "collapsed": row["collapsed"], "epochs": epochs}, indent=2))
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return folder


def _findings(findings: str, fixes: str) -> str:
    lines = [f"fixed: {name}" for name in json.loads(fixes)]
    for finding in json.loads(findings):
        where = f" line {finding['line']}:" if finding["line"] else ""
        lines.append(f"{finding['code']} {finding['severity']}:{where} {finding['sentence']} {finding['advice']}")
    return plain("\n".join(lines) + "\n") if lines else "Nothing was found.\n"


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", errors="replace")
