"""The code quality that LEMUR's `check_nn` returns, computed beside other work and kept by code.

Pylint takes many seconds of a core for a network, most of them to read torch. So it runs at the lowest priority, in one
job for all networks that wait, behind walls; LEMUR runs it before each training, which waits for it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import queue
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ab.gpt.isolate.job import GIB, IsolationFailed, Job, Limits
from ab.gpt.isolate.run import run
from ab.gpt.lemur.files import write_whole
from ab.gpt.lemur.home import Home
from ab.gpt.lemur.names import lemur_hash

EACH_SECONDS = 900.0
"""A network's share of a job's time, by the clock: where the cores are busy it waits for most of it."""
_numbers = itertools.count(1)
_log = logging.getLogger(__name__)


class Judged(NamedTuple):
    """A network's code quality, from 0 to 1."""

    name: str
    quality: float


class Critic:
    """Judges networks one after the other in the background; what it was asked before it knows."""

    def __init__(self, home: Home) -> None:
        self.folder = home.out / "nncaption" / "quality"
        self.waiting = 0
        """How many have been asked for and not been given."""
        self._asked: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._judged: queue.SimpleQueue[tuple[str, float | None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def ask(self, name: str, code: str) -> None:
        """Has a network judged when there is time."""
        self.waiting += 1
        self._asked.put((name, code))

    def judged(self) -> Iterator[Judged]:
        """Those judged since; one that could not be is left out."""
        while self.waiting:
            try:
                name, quality = self._judged.get_nowait()
            except queue.Empty:
                return
            self.waiting -= 1
            if quality is not None:
                yield Judged(name, quality)

    def close(self) -> None:
        """Stops, with what is under way."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        todo: dict[str, str] = {}
        while not self._stop.is_set():
            with contextlib.suppress(queue.Empty):
                todo.update([self._asked.get(timeout=0.0 if todo else 0.2)])
                continue
            for name, code in list(todo.items()):
                if (quality := self._kept(code)) is not None:
                    self._give(name, quality, todo)
            if todo:
                self._judge(todo)

    def _judge(self, todo: dict[str, str]) -> None:
        """Has a job judge them in turn. Where it ends before all are judged, the next of them is given up."""

        def hear(event: dict[str, Any]) -> None:
            name, quality = event.get("name"), event.get("quality")
            if name in todo and isinstance(quality, (int, float)) and 0 <= quality <= 1:
                self._keep(todo[name], float(quality))
                self._give(name, float(quality), todo)

        folder = self.folder / f"{os.getpid()}-{next(_numbers)}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            limits = Limits(wall_seconds=EACH_SECONDS * len(todo), memory_bytes=4 * GIB, folder_bytes=GIB)
            order = {"folder": str(folder.resolve()), "codes": todo.copy()}
            result = run(Job("ab.gpt.gate.critic:judge", order, folder.resolve(), limits=limits), hear, self._stop)
            why = f"{result.how.value} {result.error_type} {result.reason}"
        except (IsolationFailed, OSError) as error:
            why = str(error)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if todo and not self._stop.is_set():
            name = next(iter(todo))
            _log.warning("The code quality of %s is not known: %s", name, why)
            self._give(name, None, todo)

    def _give(self, name: str, quality: float | None, todo: dict[str, str]) -> None:
        del todo[name]
        self._judged.put((name, quality))

    def _file(self, code: str) -> Path:
        return self.folder / f"{lemur_hash(code)}.json"

    def _kept(self, code: str) -> float | None:
        try:
            return float(json.loads(self._file(code).read_text())["quality"])
        except (OSError, ValueError, KeyError, TypeError):  # not there, or not whole: judged anew
            return None

    def _keep(self, code: str, quality: float) -> None:
        write_whole(self._file(code), json.dumps({"quality": quality}))
