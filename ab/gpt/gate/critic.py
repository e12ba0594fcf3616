"""What the isolated child does for the code quality: pylint and radon, in LEMUR's manner, on one network at a time.

Neither runs the code that it reads.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any, Protocol

LINE_LENGTH = 120
PASSED_OVER = "C0116,C0115,C0114,C0304,C0303,C0305,C0325"
COSTS = {"error": 5, "warning": 2, "convention": 1, "refactor": 1}
COMPLEX = 10
"""A function or class more complex than this costs one."""


class Channel(Protocol):
    """Where the child says what it found."""

    def send(self, event: dict[str, Any]) -> None:
        """Passes one event to the parent."""


def judge(order: dict[str, Any], channel: Channel) -> None:
    """Tells the quality of each network as it is found; whatever else wants a core comes first."""
    os.nice(19)
    folder = Path(order["folder"])
    os.chdir(folder)
    (folder / "pylintrc").write_text("")
    for name, code in order["codes"].items():
        file = folder / f"{name}.py"
        file.write_text(code, encoding="utf-8")
        channel.send({"name": name, "quality": quality(file, code)})


def quality(file: Path, code: str) -> float:
    """From 0 to 1, as LEMUR's `evaluate_code_quality` has it for a network that runs."""
    costs = sum(COSTS.get(message["type"], 0) for message in complaints(file)) + complex_parts(code)
    return max(0, 100 - costs) / 100.0


def complaints(file: Path) -> list[dict[str, Any]]:
    """What pylint finds; what it has read of torch it remembers for the next file."""
    from pylint.lint import Run
    from pylint.reporters.json_reporter import JSONReporter

    out = io.StringIO()
    options = [f"--max-line-length={LINE_LENGTH}", f"--disable={PASSED_OVER}", "--rcfile=pylintrc", "--persistent=n"]
    Run([str(file), *options], reporter=JSONReporter(out), exit=False)
    found: list[dict[str, Any]] = json.loads(out.getvalue() or "[]")
    return found


def complex_parts(code: str) -> int:
    """How many parts are too complex; radon counts a class beside each of its methods."""
    from radon.complexity import cc_visit

    return sum(block.complexity > COMPLEX for block in cc_visit(code))
