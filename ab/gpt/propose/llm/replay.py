"""Replies that were recorded or written by hand, given back as if a model had just made them."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ab.gpt.errors import UsageError
from ab.gpt.propose.llm.protocol import (
    STOPPED,
    Backend,
    Completion,
    Message,
    ModelDown,
    OnToken,
    Request,
    estimated_tokens,
    too_long,
)

_PIECE = 24
Order = Literal["file", "seed"]


class Replay(Backend):
    """The replies of a JSONL file, each with at least a `text`.

    A record that was made for the same prompt (`digest`) and seed is given first, then one for the same seed. All
    others come in the order of the file, each once, the same question getting the same reply again; or, with
    `order="seed"`, number `seed % n`, for ever and whatever was asked before. A resumed run skips what it has had.
    """

    def __init__(self, file: Path, *, order: Order = "file", context: int = 32768) -> None:
        self.name = f"replay:{file.name}"
        self.context = context
        self._file, self._order = file, order
        self._records = read_records(file)
        self._by_digest: dict[tuple[str, int], int] = {}
        self._by_seed: dict[int, list[int]] = defaultdict(list)
        self._free: list[int] = []
        for number, record in enumerate(self._records):
            seed = record.get("seed")
            if seed is None:
                self._free.append(number)
            elif "digest" in record:
                self._by_digest.setdefault((record["digest"], seed), number)
            if seed is not None:
                self._by_seed[seed].append(number)
        self._next = 0
        self._given: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def skip_for(self, seeds: Iterable[int]) -> None:
        """Leaves out the replies that were given in order for these seeds, by an earlier process."""
        self._next += sum(seed not in self._by_seed for seed in seeds)

    def count(self, messages: Sequence[Message]) -> int:
        return estimated_tokens(messages)

    def answer(
        self, request: Request, on_token: OnToken | None = None, stop: threading.Event | None = None
    ) -> Completion:
        prompt_tokens = self.count(request.messages)
        if prompt_tokens >= self.context:
            raise too_long(self.name, prompt_tokens, self.context)
        if stop is not None and stop.is_set():
            return Completion("", prompt_tokens, 0, 0.0, STOPPED, self.name)
        completion = _completion(self._records[self._choose(request)], prompt_tokens, self.name)
        pieces = [completion.text[start : start + _PIECE] for start in range(0, len(completion.text), _PIECE)]
        for said, piece in enumerate(pieces):
            if stop is not None and stop.is_set():
                return replace(completion, text="".join(pieces[:said]), finish_reason=STOPPED)
            if on_token is not None:
                on_token(piece)
        return completion

    def _choose(self, request: Request) -> int:
        asked = request.digest, request.seed
        with self._lock:
            if asked in self._by_digest:
                return self._by_digest[asked]
            if request.seed in self._by_seed:
                return self._by_seed[request.seed][0]
            if self._order == "seed" and self._free:
                return self._free[request.seed % len(self._free)]
            if asked not in self._given:
                if self._next >= len(self._free):
                    raise ModelDown(
                        f"{self._file} has no reply left: {len(self._free)} came in order, and none is for seed "
                        f"{request.seed}.",
                        "Record more replies, or ask for fewer candidates.",
                    )
                self._given[asked] = self._free[self._next]
                self._next += 1
            return self._given[asked]


def read_records(file: Path) -> list[dict[str, Any]]:
    """The records of a file of replies; a last line that a power cut left unfinished does not count."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The replies in {file} cannot be read: {error}.", "Name a JSONL file of replies.") from None
    records: list[dict[str, Any]] = []
    broken = ""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if broken:
            raise UsageError(broken, 'Each line is a JSON object with at least a "text".')
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict) and isinstance(record.get("text"), str):
            records.append(record)
        else:
            broken = f"Line {number} of {file} is no recorded reply."
    if broken and lines[-1] == "":
        raise UsageError(broken, 'Each line is a JSON object with at least a "text".')
    return records


def _completion(record: dict[str, Any], prompt_tokens: int, name: str) -> Completion:
    text = record["text"]
    return Completion(
        text=text,
        prompt_tokens=int(record.get("prompt_tokens", prompt_tokens)),
        tokens=int(record.get("tokens", max(1, len(text.encode()) // 4))),
        seconds=float(record.get("seconds", 0.0)),
        finish_reason=str(record.get("finish_reason", "stop")),
        model=str(record.get("model", name)),
        cost=float(record.get("cost", 0.0)),
    )
