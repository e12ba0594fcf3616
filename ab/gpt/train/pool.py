"""Several trainings at once: a slot for each GPU, or some on the CPU, and a queue before them."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ab.gpt.candidate import Ending, Outcome
from ab.gpt.errors import UsageError
from ab.gpt.lemur.home import Home
from ab.gpt.train.cache import Tell, prepare
from ab.gpt.train.early import EarlyStop
from ab.gpt.train.exam import Exam
from ab.gpt.train.features import Shelf
from ab.gpt.train.known import Known
from ab.gpt.train.settings import Settings
from ab.gpt.train.trainer import Trained, Watch, train, warm_trainer

AT_ONCE = 128
"""How many images a network captions at once that gives each the same caption whatever is beside it."""
SlotWatch = Callable[[int, str, dict[str, Any]], None]
"""Called with the slot, the network's name and what it just said."""


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A network that waits for a slot."""

    name: str
    code: str
    settings: Settings | None = None
    """Where they differ from the pool's."""
    known: Known | None = None
    """What the toolkit vouches for, where it has written the network."""


@dataclass(frozen=True)
class Slot:
    """A place where one network at a time can train: a GPU, or a share of the CPU."""

    number: int
    gpu: int | None
    threads: int


def make_slots(workers: int, gpus: Iterable[int]) -> list[Slot]:
    """As many slots as workers, or one for each GPU; without a GPU the cores are divided among them."""
    if workers < 0:
        raise UsageError(f"--workers: {workers} is not allowed.", "It takes 0 for one a GPU, or their number.")
    gpus = list(gpus)
    cores = os.cpu_count() or 1
    count = max(1, workers or len(gpus) or 1)
    threads = max(1, cores // count)
    return [Slot(number, gpus[number % len(gpus)] if gpus else None, threads) for number in range(count)]


class Pool:
    """Trains networks as slots become free; results come in the order in which they end."""

    def __init__(
        self,
        home: Home,
        exam: Exam,
        settings: Settings,
        slots: list[Slot],
        watch: SlotWatch | None = None,
        tell: Tell | None = None,
    ) -> None:
        self.home = home
        self.exam = exam
        self.settings = settings
        self.watch = watch or (lambda _slot, _name, _event: None)
        self._waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[Task, Trained]] = queue.SimpleQueue()
        self.pending = 0
        """How many tasks wait or train."""
        self.early = EarlyStop(settings.stop_early)
        self._stop = threading.Event()
        self._warm = warm_trainer()
        try:
            prepared = prepare(home, exam, settings, self._warm, tell, self._stop)
        except BaseException:
            self._warm.close()
            raise
        self._shelf = Shelf(home, prepared, self._warm, self._stop)
        self._threads = [threading.Thread(target=self._serve, args=(slot,), daemon=True) for slot in slots]
        for thread in self._threads:
            thread.start()

    def submit(self, task: Task) -> None:
        """Has a task wait for the next slot."""
        self.pending += 1
        self._waiting.put(task)

    def ended(self, wait: bool) -> Iterator[tuple[Task, Trained]]:
        """The tasks that have ended since, or, where all are waited for, each as it ends."""
        while self.pending:
            try:  # a wait without end would not let Ctrl-C through on every platform
                result = self._ended.get(timeout=0.2) if wait else self._ended.get_nowait()
            except queue.Empty:
                if wait:
                    continue
                return
            self.pending -= 1
            yield result

    def train_all(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Trained]]:
        """Each task with how it ended, the first to end first; leaving early stops the rest."""
        for task in tasks:
            self.submit(task)
        try:
            yield from self.ended(wait=True)
        finally:
            self.close()

    def close(self) -> None:
        """Stops what is running, kills it with all it started, and waits until it is gone."""
        self._stop.set()
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        self._warm.close()

    def _serve(self, slot: Slot) -> None:
        while not self._stop.is_set():
            task = self._waiting.get()
            if task is None:
                return

            asked = task.settings or self.settings
            encoder, at_once = (task.known.encoder, AT_ONCE) if task.known else (None, 0)
            settings = replace(asked, gpu=slot.gpu, threads=asked.threads or slot.threads, at_once=at_once)

            def say(event: dict[str, Any], name: str = task.name) -> None:
                try:
                    self.watch(slot.number, name, event)
                except Exception:  # to show a training is no part of it
                    log.exception("What %s does cannot be shown.", name)

            def tell(done: int, of: int, say: Watch = say) -> None:
                say({"encoded": done, "of": of})

            try:
                with self._shelf.lent(encoder, settings, tell) as prepared:
                    trained = train(
                        self.home, self.exam, task.name, task.code, settings, say, self._stop, self._warm, prepared,
                        self.early.patience(task.name, settings.epochs),
                    )  # fmt: skip
            except Exception as error:  # noqa: BLE001 (a defect of ours in one training must not lose the others)
                trained = Trained(Ending(Outcome.INFRASTRUCTURE, "train", f"{type(error).__name__}: {error}"))
            say({"ended": str(trained.ending)})
            self._ended.put((task, trained))
