"""What the isolated child does: train one Net file through LEMUR's loader, `Train` and metric, and tell of each epoch.

Only the child imports this module's heavy half (`lesson`): torch and LEMUR, with the job's folder as LEMUR's root.
"""

from __future__ import annotations

import os
from typing import Any, Protocol


class Channel(Protocol):
    """Where the child says what happens; the parent believes none of it unseen."""

    def send(self, event: dict[str, Any]) -> None:
        """Passes one event to the parent."""


def work(order: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """The summary of a training; each epoch has been sent as an event by then."""
    os.chdir(order["folder"])  # LEMUR takes its root from the working directory when it is imported
    threads = str(order["threads"])
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = threads
    from ab.gpt.train.lesson import give

    return give(order, channel)
