"""Does a LEMUR database build from a tree, and does LEMUR's own `ab.nn.api.data` show what is in the files?

The clone may be anybody's, so nothing in it is run: the database is built by this project's bulk import, which makes
the rows of LEMUR's own, and it is asked by the LEMUR that is installed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from ab.gpt.contribute.finding import Finding, found
from ab.gpt.contribute.layout import STATISTICS, Tree
from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.bootstrap import Progress, ensure
from ab.gpt.lemur.home import Home, find_package
from ab.gpt.lemur.statistics import BrokenStatistics

ASK_SECONDS = 1800

_ASK = """
import json, sys
path, task, out = json.loads(sys.argv[1])
sys.path[:] = path
import ab.nn.api
columns = ["task", "dataset", "metric", "nn", "epoch", "accuracy"]
rows = ab.nn.api.data(only_best_accuracy=True, task=task)
shown = rows[columns].values.tolist() if len(rows) else []
with open(out, "w") as file:
    json.dump(shown, file, default=lambda value: value.item())
"""

Best = dict[tuple[str, ...], float]


class LemurSilent(NNCaptionError):
    """The installed LEMUR did not answer."""


def check_database(tree: Tree, configs: set[str] | None, progress: Progress) -> list[Finding]:
    """What keeps a database from being built, and the rows that LEMUR does not show; of some configurations only."""
    with tempfile.TemporaryDirectory(prefix="nncaption-") as folder:
        root = Path(folder)
        (root / "ab").mkdir()
        (root / "README.md").touch()
        home = Home(root, tree.package.resolve(), "of a clone")
        try:
            ensure(home, progress)
        except BrokenStatistics as broken:
            return [found("D001", _in_repository(tree, Path(broken.file)), f"The import stops: {broken.why}.")]
        findings: list[Finding] = []
        best = {key: value for key, value in _best(home).items() if configs is None or "_".join(key[:4]) in configs}
        for task in sorted({config[0] for config in best}):
            progress(f"asking LEMUR for {task}", 0, 0)
            shown = _ask(home, tree, task)
            expected = {key: value for key, value in best.items() if key[0] == task}
            lacking = {key[:4] for key, value in expected.items() if shown.get(key) != value}
            findings += [
                found("D002", f"{STATISTICS}/{config}", "LEMUR does not show its rows as they are.")
                for config in sorted("_".join(key) for key in lacking)
            ]
        return findings


def _in_repository(tree: Tree, file: Path) -> str:
    for top in (tree.repo, tree.repo.resolve()):
        if file.is_relative_to(top):
            return file.relative_to(top).as_posix()
    return str(file)


def _best(home: Home) -> Best:
    """The best accuracy of each epoch of each configuration, read from the database without LEMUR."""
    sql = "SELECT task, dataset, metric, nn, epoch, max(accuracy) FROM stat GROUP BY task, dataset, metric, nn, epoch"
    with closing(sqlite3.connect(home.db_file)) as db:
        return {(*map(str, key),): value for *key, value in db.execute(sql)}


def _ask(home: Home, tree: Tree, task: str) -> Best:
    """The same as LEMUR's `data` shows it, in a process that has only the installed LEMUR on its path."""
    clone = tree.repo.resolve()
    path = [entry for entry in sys.path if entry and Path(entry).resolve() != clone]
    if find_package().is_relative_to(clone):
        raise LemurSilent(
            "The LEMUR that Python would import is the clone itself, and nothing in a clone is run.",
            "Install a LEMUR of its own into the environment: pip install nn-dataset~=2.1.2",
        )
    answer = home.root / "answer.json"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _ASK, json.dumps([path, task, str(answer)])],
            cwd=home.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LemurSilent(
            f"LEMUR's data() has not answered for {ASK_SECONDS:,} s.", "Try it with more memory, or without --database."
        ) from None
    if done.returncode != 0 or not answer.exists():
        raise LemurSilent(
            f"LEMUR's data() ended with code {done.returncode}: {done.stderr.strip()[-500:]}",
            "See `nncaption doctor` for the installed LEMUR.",
        )
    rows = json.loads(answer.read_text())
    return {(*map(str, row[:5]),): row[5] for row in rows}
