"""Where torch keeps pretrained weights that it has fetched."""

from __future__ import annotations

import os
from pathlib import Path


def torch_home() -> Path:
    """Torch's own folder: what TORCH_HOME names, else the usual place."""
    named = os.environ.get("TORCH_HOME")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "torch"


def checkpoints() -> Path:
    """The folder with files of weights."""
    return torch_home() / "hub" / "checkpoints"
