"""Batches made ready while the network learns from the one before: put together, and pinned for the way to a GPU.

They are the very batches that there would be without. The numbers that mirror pictures are drawn from a copy of torch's
source of chance, which goes on from where it was and, after the epoch, is put back to where the last batch has left it;
so whatever runs beside it can draw as it likes. On a GPU a network's dropout draws from the GPU's own chance. A network
that draws numbers on the CPU while it learns gets them from torch's own source, the same ones every time, but others
than if the pictures drew from it in between.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

MOST = 2
"""So many batches may wait."""


class Ahead:
    """A loader whose batches are made ready by a thread of its own, in the same order."""

    def __init__(self, loader: Any, ready: Callable[[Any], Any], most: int = MOST) -> None:
        self.loader = loader
        self.ready = ready
        self.most = most

    def __len__(self) -> int:
        return len(self.loader)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def __iter__(self) -> Iterator[Any]:
        source = getattr(self.loader.dataset, "source", None)
        batches = iter(self.loader)
        first = next(batches, None)  # here and now: with it the order of the pictures is drawn
        if first is None:
            return
        before = torch.get_rng_state()
        chance = torch.Generator()
        chance.set_state(before)
        if not self.loader.num_workers and not (source and source.draw_from(chance)):
            yield self.ready(first)  # what draws by itself has to wait for its turn
            yield from map(self.ready, batches)
            return
        state = before
        try:
            with self._made(batches, chance) as made:
                yield self.ready(first)
                for batch, state in made:  # noqa: B007 (the last one is put back)
                    yield batch
        finally:
            if source:
                source.draw_from(None)
            if torch.equal(torch.get_rng_state(), before):
                torch.set_rng_state(state)

    @contextlib.contextmanager
    def _made(self, batches: Iterator[Any], chance: torch.Generator) -> Iterator[Iterator[tuple[Any, torch.Tensor]]]:
        """Each batch as it becomes ready, with the chance as it is after it; the thread has ended after the block."""
        ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
        room, over = threading.Semaphore(self.most), threading.Event()

        def make() -> None:
            try:
                while room.acquire() and not over.is_set():
                    batch = next(batches, None)
                    ready.put(None if batch is None else (self.ready(batch), chance.get_state()))
                    if batch is None:
                        return
            except BaseException as error:  # noqa: BLE001 (it is raised where the batch was asked for)
                ready.put(error)

        def taken() -> Iterator[tuple[Any, torch.Tensor]]:
            while (found := ready.get()) is not None:
                if isinstance(found, BaseException):
                    raise found
                room.release()
                yield found

        thread = threading.Thread(target=make, daemon=True, name="ahead")
        thread.start()
        try:
            yield taken()
        finally:
            over.set()
            room.release()
            thread.join()


class Pinned(torch.Tensor):
    """A batch in pinned memory, which is copied to a GPU without making the CPU wait; a tensor like any other."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def to(self, *args: Any, **kwargs: Any) -> torch.Tensor:  # type: ignore[override]
        """As for any tensor."""
        if not any(isinstance(given, bool) for given in args):
            kwargs.setdefault("non_blocking", True)
        return torch.Tensor.to(self, *args, **kwargs)

    def cuda(self, *args: Any, **kwargs: Any) -> torch.Tensor:  # type: ignore[override]
        """As for any tensor."""
        if len(args) < 2:
            kwargs.setdefault("non_blocking", True)
        return torch.Tensor.cuda(self, *args, **kwargs)


def pinned(batch: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The batch in pinned memory; as it is where the system has none to give."""
    try:
        return tuple(tensor.pin_memory().as_subclass(Pinned) for tensor in batch)
    except RuntimeError as error:
        warnings.warn(f"Batches are not pinned, which is slower: {error}", stacklevel=2)
        return batch
