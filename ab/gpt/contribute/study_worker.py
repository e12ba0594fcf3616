"""What the isolated child of `nncaption trials` does: run LEMUR's own `ab.nn.train` on a model of LEMUR's.

Only the child imports the heavy half (`study_lesson`): torch and LEMUR, with the job's folder as LEMUR's root.
"""

from __future__ import annotations

import os
from typing import Any

from ab.gpt.train.worker import Channel


def work(order: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """The summary of a study; each epoch of each trial has been sent as an event by then."""
    os.chdir(order["folder"])  # LEMUR takes its root from the working directory when it is imported
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(order["threads"])
    from ab.gpt.contribute.study_lesson import hold

    return hold(order, channel)


def answer_name(trial: int, epoch: int) -> str:
    """The file in a job's folder in which the parent's figure for an epoch stands."""
    return f"answer-{trial}-{epoch}.json"
