"""Whether every blueprint runs: hundreds drawn by chance and by SmolLM2, rendered, checked and smoke-run.

What has been seen is kept in `out/nncaption/blueprints.jsonl` and not done again: a run that was cut off goes on, and
after a change of the renderer only networks whose code has changed are run anew.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ab.gpt.gate.check import check_code
from ab.gpt.gate.check.catalogue import load_catalogue
from ab.gpt.gate.contract import CAPTIONING
from ab.gpt.gate.smoke import smoke, warm_smoke
from ab.gpt.lemur.home import find_home
from ab.gpt.lemur.names import lemur_hash
from ab.gpt.propose.blueprint.ask import messages
from ab.gpt.propose.blueprint.narrow import idea
from ab.gpt.propose.blueprint.propose import Uniform, code_of
from ab.gpt.propose.blueprint.shape import EVERYTHING
from ab.gpt.propose.llm.embedded import open_embedded
from ab.gpt.propose.llm.protocol import LLM, Message
from benchmarks.measure import Comparison

DRAWN, WRITTEN, COUNTED = 500, 200, 50
TEMPERATURE, TOP_P, TOKENS = 0.8, 0.95, 1024
"""As in a run, if nothing else is said."""


@dataclass(frozen=True)
class Kept:
    """Rows of what was done, each under a key; the last with a key counts."""

    file: Path
    rows: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, file: Path) -> Kept:
        """What a file holds; a last line that was cut off is passed over."""
        rows = {}
        for line in file.read_text().splitlines() if file.exists() else ():
            try:
                row = json.loads(line)
                rows[row["key"]] = row
            except ValueError:
                continue
        return cls(file, rows)

    def add(self, row: dict[str, Any]) -> None:
        """Keeps a row."""
        self.rows[row["key"]] = row
        with self.file.open("a") as out:
            out.write(json.dumps(row) + "\n")


def compare(_runs: int) -> list[Comparison]:
    """How many of the blueprints failed, which should be none, and how many of fifty were there before."""
    home = find_home()
    folder = home.out / "nncaption"
    folder.mkdir(parents=True, exist_ok=True)
    kept = Kept.of(folder / "blueprints.jsonl")
    uniform = Uniform(EVERYTHING)
    drawn = (uniform.blueprint(seed) for seed in range(DRAWN))
    replies: dict[str, list[str]] = {"drawn": [], "written": []}
    torch = load_catalogue(folder)
    codes: dict[str, list[str]] = {}
    failed: dict[str, int] = {}
    with warm_smoke() as warm:
        for source, texts in (("drawn", drawn), ("written", _written(kept))):
            codes[source] = []
            failed[source] = 0
            for number, text in enumerate(texts):
                replies[source].append(text)
                drafted = code_of(text)
                key = lemur_hash(drafted.code)
                codes[source].append(key)
                if key not in kept.rows:
                    found = check_code(drafted.code, CAPTIONING, torch)
                    seen = smoke(home, drafted.code, CAPTIONING, None, warm)
                    told = [str(finding) for finding in (*found, *seen.findings)]
                    kept.add({"key": key, "findings": told, "seconds": seen.seconds, "parameters": seen.parameters})
                if findings := kept.rows[key]["findings"]:
                    failed[source] += 1
                    print(f"{source} {number}: {findings}", flush=True)
                if number % 50 == 49:
                    print(f"{source}: {number + 1} done, {failed[source]} failed", flush=True)
    print(_families(replies["written"]))
    first = codes["written"][:COUNTED]
    what = "render, pass the check and run without a finding"
    return [
        Comparison(f"of {DRAWN} blueprints by chance, those that do not {what}", [], [failed["drawn"]], "", at_most=0),
        Comparison(f"of {WRITTEN} by SmolLM2, those that do not {what}", [], [failed["written"]], "", at_most=0),
        Comparison(
            f"of {COUNTED} by SmolLM2, those that are there already", [], [len(first) - len(set(first))], "", at_most=5
        ),
    ]


def _written(kept: Kept) -> Iterator[str]:
    """What SmolLM2 writes under each seed, held to the seed's schema; asked once."""
    llm: LLM | None = None
    try:
        for seed in range(WRITTEN):
            begin = idea(seed)
            system, user = messages(hints=begin.hints)
            key = f"reply {seed} {lemur_hash(json.dumps([system, user, begin.schema]))}"
            if key not in kept.rows:
                llm = llm or open_embedded()
                reply = llm.complete(
                    [Message("system", system), Message("user", user)],
                    schema=begin.schema, seed=seed, max_tokens=TOKENS, temperature=TEMPERATURE, top_p=TOP_P,
                )  # fmt: skip
                kept.add({"key": key, "text": reply.text, "tokens": reply.tokens, "seconds": reply.seconds})
            yield kept.rows[key]["text"]
    finally:
        if llm is not None:
            llm.close()


def _families(texts: list[str]) -> str:
    """How often the model chose what, for the choices that matter most."""
    counted: dict[str, Counter[str]] = {
        "decoder": Counter(),
        "encoder": Counter(),
        "memory": Counter(),
        "block": Counter(),
    }
    for text in texts:
        blueprint = json.loads(code_of(text).blueprint)
        encoder = blueprint["encoder"]
        counted["decoder"][blueprint["decoder"]["family"]] += 1
        counted["encoder"][encoder.get("backbone", "own")] += 1
        counted["memory"][blueprint["memory"]["form"]] += 1
        counted["block"].update(stage["block"] for stage in encoder.get("stages", ()))
    return "\n".join(
        f"{name}: {', '.join(f'{value} {times}' for value, times in seen.most_common())}"
        for name, seen in counted.items()
    )
