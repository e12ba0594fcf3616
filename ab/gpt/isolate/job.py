"""What foreign code is started with, and how it ended."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from ab.gpt.errors import NNCaptionError

GIB = 1 << 30


class NoWalls(NNCaptionError):
    """Walls that were demanded cannot be put up here, so nothing was started."""


class IsolationFailed(NNCaptionError):
    """The child could not be started or lost its way before any foreign code ran; never the code's fault."""


class BadResultFile(NNCaptionError):
    """A file that a job left is not one that may be read."""


@dataclass(frozen=True)
class Limits:
    """How much a job may use."""

    wall_seconds: float = 600
    cpu_seconds: int | None = None
    memory_bytes: int = 8 * GIB
    """Of the whole tree of processes; on a GPU the main memory only."""
    processes: int = 64
    open_files: int = 1024
    file_bytes: int = 2 * GIB
    folder_bytes: int = 4 * GIB
    log_bytes: int = 4 << 20


@dataclass(frozen=True)
class Job:
    """A function `package.module:name` to be called with a payload and a channel, behind walls, in a folder.

    The folder is the only place it may write to; beside it only `readable` and what Python needs can be seen.
    """

    target: str
    payload: dict[str, Any]
    folder: Path
    readable: tuple[Path, ...] = ()
    path: tuple[str, ...] = ()
    """Entries of Python's path in front of the parent's own."""
    environment: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    gpu: bool = False
    require: frozenset[str] = frozenset()
    """Names of walls without which nothing is started."""


class How(Enum):
    """How a job ended."""

    RETURNED = "returned"
    RAISED = "raised"
    EXITED = "exited"
    KILLED = "killed"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    PROCESSES = "processes"
    DISK = "disk"
    FORBIDDEN = "forbidden"
    STOPPED = "stopped"
    """By the parent, on purpose."""


@dataclass(frozen=True)
class Result:
    """The end of a job: how, with what, after how long."""

    how: How
    value: Any = None
    error_type: str = ""
    reason: str = ""
    traceback: str = ""
    seconds: float = 0.0
    peak_memory: int = 0
    log: str = ""
    """The end of what it printed."""
    walls: tuple[str, ...] = ()


def read_result_file(folder: Path, name: str, most_bytes: int) -> bytes:
    """A file that a job left in its folder; refuses links, anything that is no plain file, and what is too large."""
    if Path(name).name != name:
        raise BadResultFile(f"{name!r} is not the name of a file in {folder}.", "The job is not to be trusted.")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(folder / name, flags)
    except OSError as error:
        raise BadResultFile(
            f"{folder / name} cannot be read: {error.strerror}.", "The job did not leave it."
        ) from error
    try:
        import stat

        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1 or about.st_size > most_bytes:
            raise BadResultFile(f"{folder / name} is no plain file of up to {most_bytes:,} bytes.", "It was forged.")
        parts, left = [], most_bytes + 1
        while left > 0 and (part := os.read(handle, min(left, 1 << 20))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)[:most_bytes]
    finally:
        os.close(handle)
