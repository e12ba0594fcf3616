"""How long a model is waited for, and how often it is asked again."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ab.gpt.propose.llm.protocol import ModelBusy, ModelDown

log = logging.getLogger(__name__)

T = TypeVar("T")


class Unwanted(Exception):
    """The caller's `stop` was set while the model was working or waited for."""


@dataclass(frozen=True)
class Patience:
    """Time-outs in seconds, and how a busy model is asked again."""

    connect: float = 10.0
    first_token: float = 600.0
    """The server may queue the request and has to read the prompt."""
    token: float = 120.0
    """From one sign of life to the next."""
    total: float = 3600.0
    tries: int = 7
    wait: float = 1.0
    """Before the second try; doubled before each further one."""
    longest_wait: float = 60.0
    longest_retry_after: float = 900.0
    """A server that asks for more than this counts as down."""


def patiently(
    work: Callable[[], T],
    patience: Patience,
    stop: threading.Event | None,
    name: str,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """What the work returns, tried again with growing pauses while the model is busy; `ModelDown` in the end."""
    started = clock()
    wait = patience.wait
    for number in range(1, patience.tries + 1):
        try:
            return work()
        except ModelBusy as busy:
            pause = wait * random.uniform(0.8, 1.2)
            if busy.retry_after is not None:
                pause = max(busy.retry_after, pause if busy.retry_after == 0 else 0.0)
            if number == patience.tries or pause > patience.longest_retry_after:
                asks = f", and asks to be left alone for {pause:.0f} s" if pause > patience.longest_retry_after else ""
                raise ModelDown(
                    f"{name} did not answer in {number} tries and {clock() - started:.0f} s{asks}. Last: {busy.what}",
                    "See that the server runs.",
                ) from busy
            log.warning("%s: %s Asked again in %.1f s (%d of %d).", name, busy.what, pause, number, patience.tries - 1)
            if (stop or threading.Event()).wait(pause):
                raise Unwanted from busy
            wait = min(2 * wait, patience.longest_wait)
    raise ValueError("a model has to be asked at least once")
