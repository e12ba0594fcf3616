"""Ledgers as facts: read at one moment, without writing, while the run may go on."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ab.gpt.candidate import Outcome
from ab.gpt.ledger import FILE, SCHEMA, DamagedLedger, NoSuchRun, ledger_uri, way_out
from ab.gpt.report.facts import Attempt, Epoch, Facts, Network, Reply, Run

_WAY_OUT = "Restore it from a copy, or begin a new run."


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to a ledger that shows one moment; `DamagedLedger` whatever is wrong with the file."""
    file = folder / FILE
    if not file.is_file():
        raise NoSuchRun(f"There is no run in {folder}.", "See `nncaption runs`.")
    db = None
    try:
        db = sqlite3.connect(ledger_uri(file, write=False), uri=True, timeout=60, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("BEGIN")
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if not 1 <= version <= SCHEMA:
            raise DamagedLedger(
                f"{file} is {'of version ' + str(version) if version else 'no ledger of a run'};"
                f" this toolkit reads version {SCHEMA}.",
                "Update nn-caption." if version else _WAY_OUT,
            )
        yield db
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise DamagedLedger(f"The ledger {file} cannot be read: {error}.", way_out(file)) from error
    finally:
        if db is not None:
            db.close()


def read_facts(folders: list[Path]) -> Facts:
    """Everything that is in the ledgers of these runs."""
    runs: list[Run] = []
    networks: list[Network] = []
    blinds: list[dict[str, Any]] = []
    for folder in folders:
        name = folder.resolve().name
        prefix = f"{name}/" if len(folders) > 1 else ""
        with reading(folder) as db:
            about = {row["key"]: json.loads(row["value"]) for row in db.execute("SELECT key, value FROM run")}
            found, blind = networks_of(db, name, prefix)
        runs.append(Run(name, about, folder / FILE))
        networks += found
        if blind:
            blinds.append(blind)
    # Runs on different images have different blind captions; one line in a chart would stand for neither.
    differ = len({(blind["lemur_bleu"], blind["bleu4"]) for blind in blinds}) > 1
    notes = ["The runs were scored on different images: compare within each run."] if differ else []
    blind = blinds[0] if blinds and not differ else None
    return Facts(", ".join(run.name for run in runs), runs, networks, blind, notes)


def networks_of(db: sqlite3.Connection, run: str, prefix: str = "") -> tuple[list[Network], dict[str, Any] | None]:
    """The networks in a ledger, in their order, and the best blind caption."""
    epochs: dict[int, list[Epoch]] = defaultdict(list)
    blind = None
    for row in db.execute(
        "SELECT id, candidate, number, lemur_bleu, bleu4, scores, train_loss, lr, learn_seconds, eval_seconds"
        " FROM epoch ORDER BY candidate, number"
    ):
        scores = json.loads(row["scores"])
        if blind is None and scores.get("blind"):
            blind = {**scores["blind"], "row": f"{prefix}epoch:{row['id']}"}
        epochs[row["candidate"]].append(_epoch(row, scores, prefix))
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for row in db.execute("SELECT * FROM attempt ORDER BY candidate, number"):
        attempts[row["candidate"]].append(_attempt(row, prefix))
    replies: dict[int, list[Reply]] = defaultdict(list)
    for row in db.execute("SELECT * FROM reply ORDER BY candidate, attempt"):
        replies[row["candidate"]].append(_reply(row, prefix))
    networks = [
        _network(row, run, prefix, epochs[row["id"]], attempts[row["id"]], replies[row["id"]])
        for row in db.execute("SELECT * FROM candidate ORDER BY id")
    ]
    return networks, blind


def captions_of(folder: Path, epoch: str) -> list[list[int]]:
    """The token ids that were predicted in an epoch, given by its row's id."""
    with reading(folder) as db:
        number = int(epoch.rpartition(":")[2])
        [packed] = db.execute("SELECT predicted FROM epoch WHERE id = ?", (number,)).fetchone()
        captions: list[list[int]] = json.loads(zlib.decompress(packed))
        return captions


def _epoch(row: sqlite3.Row, scores: dict[str, Any], prefix: str) -> Epoch:
    intervals = scores.get("intervals", {})
    lemur, bleu = intervals.get("lemur_bleu", {}), intervals.get("bleu4", {})
    return Epoch(
        f"{prefix}epoch:{row['id']}",
        row["number"],
        row["lemur_bleu"],
        lemur.get("low"),
        lemur.get("high"),
        row["bleu4"],
        bleu.get("low"),
        bleu.get("high"),
        row["train_loss"],
        row["lr"],
        row["learn_seconds"],
        row["eval_seconds"],
        **{name: scores.get(name) for name in ("distinct", "cider_d", "rouge_l", "mean_length")},
        collapsed=bool(scores.get("collapsed")),
    )


def _attempt(row: sqlite3.Row, prefix: str) -> Attempt:
    return Attempt(
        f"{prefix}attempt:{row['id']}",
        row["number"],
        row["code"],
        json.loads(row["extracted"]),
        json.loads(row["fixes"]),
        row["stage"],
        json.loads(row["findings"]),
        json.loads(row["smoke"]) if row["smoke"] else None,
        bool(row["counts"]),
    )


def _reply(row: sqlite3.Row, prefix: str) -> Reply:
    return Reply(
        f"{prefix}reply:{row['id']}",
        row["attempt"],
        json.loads(row["prompt"]),
        row["prompt_version"],
        json.loads(row["left_out"]),
        row["text"],
        row["model"],
        row["finish"],
        row["prompt_tokens"],
        row["tokens"],
        row["seconds"],
        row["cost"],
    )


def _network(
    row: sqlite3.Row, run: str, prefix: str, epochs: list[Epoch], attempts: list[Attempt], replies: list[Reply]
) -> Network:
    plain: dict[str, Any] = {
        name: row[name]
        for name in (
            "id", "kind", "number", "prefix", "baseline", "mode", "model", "n", "seed", "state", "outcome", "stage",
            "parameters", "uid", "batch", "peak_memory", "quality", "propose_seconds", "gate_seconds", "train_seconds",
            "began", "ended",
        )
    }  # fmt: skip
    trained = row["outcome"] == Outcome.TRAINED.value
    return Network(
        f"{prefix}candidate:{row['id']}",
        run,
        **plain,
        reason=row["reason"] or "",
        evidence=row["evidence"] or "",
        name=row["name"] or "",
        code=row["code"] or "",
        log=row["log"] or "",
        snippets=json.loads(row["snippets"]),
        prompt_version=replies[0].prompt_version if replies and replies[0].attempt == 0 else "",
        hyper=json.loads(row["hyper"] or "{}"),
        blueprint=json.loads(row["blueprint"]) if row["blueprint"] else None,
        collapsed=trained and bool(epochs) and max(epochs, key=lambda epoch: epoch.lemur_bleu).collapsed,
        notes=json.loads(row["notes"] or "[]"),
        epochs=tuple(epochs),
        attempts=tuple(attempts),
        replies=tuple(replies),
    )
