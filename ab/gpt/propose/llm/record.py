"""Any model with its replies written down, so that they can be given back without it."""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from ab.gpt.errors import NNCaptionError
from ab.gpt.propose.llm.protocol import LLM, STOPPED, Backend, Completion, Message, OnToken, Request


class CannotRecord(NNCaptionError):
    """The file for the replies cannot be written."""


class Recording(Backend):
    """A model that appends each of its replies to a JSONL file, one whole line at a time."""

    def __init__(self, llm: LLM, file: Path) -> None:
        self._llm, self._file = llm, file
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._llm.name

    @property
    def context(self) -> int:
        return self._llm.context

    def count(self, messages: Sequence[Message]) -> int:
        return self._llm.count(messages)

    def answer(
        self, request: Request, on_token: OnToken | None = None, stop: threading.Event | None = None
    ) -> Completion:
        return next(iter(self.complete_many([request], on_token=on_token, stop=stop)))

    def complete_many(
        self, requests: Iterable[Request], *, on_token: OnToken | None = None, stop: threading.Event | None = None
    ) -> Iterator[Completion]:
        asked: deque[Request] = deque()

        def noted() -> Iterator[Request]:
            for request in requests:
                asked.append(request)
                yield request

        for completion in self._llm.complete_many(noted(), on_token=on_token, stop=stop):
            request = asked.popleft()
            if completion.finish_reason != STOPPED:
                self._append(request, completion)
            yield completion

    def close(self) -> None:
        self._llm.close()

    def _append(self, request: Request, completion: Completion) -> None:
        line = json.dumps({"digest": request.digest, "seed": request.seed, **asdict(completion)}) + "\n"
        try:
            with self._lock, open(self._file, "ab+") as file:
                size = file.seek(0, os.SEEK_END)
                if size:
                    file.seek(size - 1)
                    # What a power cut left of a line is closed, so that it does not spoil this one.
                    line = line if file.read(1) == b"\n" else "\n" + line
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise CannotRecord(f"{self._file} cannot be written: {error.strerror}.", "Name another file.") from error
