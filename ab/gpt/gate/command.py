"""What stands behind `nncaption check`: all findings of Net files at once."""

from __future__ import annotations

import json as json_format
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ab.gpt.errors import UsageError
from ab.gpt.gate.check.code import read_code
from ab.gpt.gate.contract import CAPTIONING, Contract
from ab.gpt.gate.extract import extract
from ab.gpt.gate.finding import Finding, Severity
from ab.gpt.gate.fixups import fix
from ab.gpt.gate.gate import Examined, Gate
from ab.gpt.gate.smoke import SmokeLimits, warm_smoke
from ab.gpt.lemur.files import CannotWrite, write_whole
from ab.gpt.lemur.home import Home, find_home
from ab.gpt.lemur.names import full_name


@dataclass(frozen=True)
class Checked:
    """A file with what was found in it."""

    file: Path
    examined: Examined
    fixes: tuple[str, ...] = ()
    written: Path | None = None

    def as_json(self) -> dict[str, Any]:
        """Everything that was found, as plain values."""
        smoke = self.examined.smoke
        return {
            "file": str(self.file),
            "passed": self.examined.passed,
            "stage": self.examined.stage,
            "findings": [finding.as_json() for finding in self.examined.findings],
            "fixes": list(self.fixes),
            "written": str(self.written) if self.written else None,
            "smoke": None if smoke is None else smoke.as_json(),
        }


def check_files(files: list[str], fix_files: bool, run: bool, limits: SmokeLimits, against: str, json: bool) -> int:
    """The exit code: 0 where every file passes."""
    if not files:
        raise UsageError("There is no file to check.", "Name Net files or models: nncaption check my_net.py")
    home = find_home()
    baseline = _baseline(home, against)
    checked = []
    with warm_smoke() as warm:
        gate = Gate(home, CAPTIONING, None, warm if len(files) > 1 else None, limits)
        for file in files:
            one = _check(gate, _place(home, file), fix_files, run, baseline)
            checked.append(one)
            if not json:
                _show(one, run)
    if json:
        print(json_format.dumps([one.as_json() for one in checked], indent=2))  # noqa: T201
    return 0 if all(one.examined.passed for one in checked) else 1


def _place(home: Home, file: str) -> Path:
    """The file that is meant: a path, or the name of one of LEMUR's models."""
    path = Path(file)
    model = home.code_dir("nn") / f"{full_name(home, file)}.py"
    return model if not path.exists() and "/" not in file and model.is_file() else path


def _baseline(home: Home, name: str) -> str:
    if not name:
        return ""
    text = read_code(_place(home, name), CAPTIONING)
    if isinstance(text, Finding):
        raise UsageError(f"--against: {text.sentence}", "Name a Net file or one of LEMUR's models.")
    return text


def _check(gate: Gate, file: Path, fix_file: bool, run: bool, baseline: str) -> Checked:
    text = read_code(file, gate.contract)
    if isinstance(text, Finding):
        return Checked(file, Examined("extract", [text]))
    if not fix_file:
        return Checked(file, gate.examine(text, baseline, run))
    found = extract(text, baseline, gate.contract)  # what was pasted may be a whole reply
    fixed = fix(found.code or text, gate.torch, gate.contract)
    if fixed.code == text:
        return Checked(file, gate.examine(text, baseline, run))
    written = file.with_name(f"{file.stem}.fixed.py")
    try:
        write_whole(written, fixed.code)
    except OSError as error:
        raise CannotWrite(
            f"{written} cannot be written: {error.strerror}.", "Copy the file to a folder of yours, or leave out --fix."
        ) from error
    return Checked(file, gate.examine(fixed.code, baseline, run), (*found.how, *fixed.applied), written)


def _show(checked: Checked, run: bool) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(file=sys.stdout, soft_wrap=True, highlight=False)
    passed = checked.examined.passed
    word = "[green]passes[/]" if passed else "[red]fails[/]"
    console.print(f"[bold]{escape(str(checked.file))}[/] {word}{_measured(checked.examined)}")
    for name in checked.fixes:
        console.print(f"  fixed: {escape(name)}", style="cyan")
    if checked.written:
        console.print(f"  the fixed file is {escape(str(checked.written))}", style="cyan")
    for finding in checked.examined.findings:
        note = finding.severity is Severity.NOTE
        colour = "yellow" if note else "red"
        where = f":{finding.line}" if finding.line else ""
        kind = "note" if note else "error"
        console.print(f"  [{colour}]{finding.code} {kind}[/]{where} {escape(finding.sentence)}")
        if finding.advice:
            console.print(f"      → {escape(finding.advice)}", style="dim")
        for line in finding.evidence.splitlines() if not note else ():
            console.print(f"      {escape(line)}", style="dim")
    if not run and passed:
        console.print("  It was read and not run.", style="dim")


def _measured(examined: Examined) -> str:
    smoke = examined.smoke
    if smoke is None or not smoke.parameters:
        return ""
    return f" · {smoke.parameters:,} parameters · {smoke.memory / 1e6:.0f} MB · {smoke.seconds:.1f} s"


def contract_page(contract: Contract = CAPTIONING) -> str:
    """The contract as a page of documentation, made from the data."""
    lines = [
        f"# What a network for {contract.task} owes to LEMUR", "",
        "This page is made from `ab/gpt/gate/contract.py` by `nncaption check --contract`.", "",
        "## Functions", "",
    ]  # fmt: skip
    for function in contract.functions:
        where = f"in `class {contract.class_name}(nn.Module)`" if function.in_class else "at the top level"
        lines += [f"- `{function.signature}`, {where}; returns {function.returns}. {function.why}"]
    lines += ["", "## In LEMUR's standard form", "", "A fix-up writes these where they are missing.", "", "```python"]
    for function in contract.functions:
        if function.standard:
            body = textwrap.indent(function.standard.format(**_standard(contract)), "    ")
            lines += [f"{function.signature}:", *body.split("\n"), ""]
    lines[-1:] = ["```"]
    lines += ["", "## What one must know", "", *(f"- {sentence}" for sentence in contract.sentences)]
    lines += ["", "## Findings", "", "| code | outcome | what | what to do |", "|---|---|---|---|"]
    for rule in contract.rules:
        kind = "note" if rule.note else rule.outcome.value
        lines.append(f"| {rule.code} | {kind} | {rule.sentence} | {rule.advice} |")
    for title, names in (
        ("What may be imported", contract.imports),
        ("What may not be called", contract.forbidden_names),
        ("Attributes that may not be read", contract.forbidden_attributes),
    ):
        lines += ["", f"## {title}", "", ", ".join(f"`{name}`" for name in sorted(names))]
    return "\n".join(lines)


def _standard(contract: Contract) -> dict[str, str]:
    """What stands in the standard forms where a network says nothing else."""
    return {
        "criterion": "self.criterion",
        "optimizer": "self.optimizer",
        "device": "self.device",
        "targets": "captions[:, 1:]",
        "hyperparameters": "{" + ", ".join(map(repr, sorted(contract.hyperparameters))) + "}",
    }
