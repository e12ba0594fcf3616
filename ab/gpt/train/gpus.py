"""The GPUs that may be used here."""

from __future__ import annotations

import os
import subprocess


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
