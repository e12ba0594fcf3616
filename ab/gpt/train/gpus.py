"""The GPUs that may be used here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ab.gpt.errors import UsageError


def find_gpus() -> list[int]:
    """The numbers of the NVIDIA GPUs that may be used here, asked of the driver and not of torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    count = sum(line.startswith("GPU ") for line in done.stdout.splitlines())
    if visible is not None:
        return [int(part) for part in visible.split(",") if part.strip().isdecimal() and int(part) < count]
    return list(range(count))


def usable_gpus(asked: Iterable[int] | None) -> list[int]:
    """The GPUs that were asked for, all that there are for None; `UsageError` for one that is not there."""
    there = find_gpus()
    if asked is None:
        return there
    wanted = list(dict.fromkeys(asked))
    if missing := [gpu for gpu in wanted if gpu not in there and not (gpu >= 0 and Path(f"/dev/nvidia{gpu}").exists())]:
        shown = ", ".join(map(str, there)) or "none"
        raise UsageError(f"--gpus: there is no GPU {missing[0]} here.", f"There are: {shown}. Without it all are used.")
    return wanted
