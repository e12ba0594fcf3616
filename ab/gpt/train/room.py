"""The folder in which things are kept between trainings: who makes one, who reads it, and which of them have to go."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

LOCK_SECONDS = 3600.0
"""How long one process may make what another one waits for."""
USER = ".user-"
"""Between a folder's name and the number of a process that reads it; while it lives the folder stays."""


class GivenUp(Exception):
    """Whoever waited for a folder was asked to stop."""


@contextlib.contextmanager
def made_by_one(folder: Path, stop: threading.Event | None = None) -> Iterator[None]:
    """A block that one process and thread at a time is in, for this folder; the others wait. `GivenUp` on a stop."""
    lock = FileLock(folder.with_suffix(".lock"))
    began = time.monotonic()
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            if stop is not None and stop.is_set():
                raise GivenUp(f"stopped while another one makes {folder}") from None
            if time.monotonic() - began > LOCK_SECONDS:
                raise
    try:
        yield
    finally:
        lock.release()


def mark(folder: Path) -> Path:
    """Says that this process reads the folder; the file that says it."""
    said = folder.with_name(f"{folder.name}{USER}{os.getpid()}")
    said.touch()
    return said


def make_room(cache: Path, most_bytes: int, keep: Path) -> None:
    """Lets the folders that were not used for longest go until the rest fits, but none that is read."""
    folders = sorted((entry for entry in cache.iterdir() if entry.is_dir()), key=_last_used)
    sizes = {folder: bytes_in(folder) for folder in folders}
    for folder in folders:
        if sum(sizes.values()) <= most_bytes:
            return
        if folder != keep and _let_go(folder):
            del sizes[folder]


def bytes_read(cache: Path) -> int:
    """What the folders take that somebody reads."""
    return sum(bytes_in(entry) for entry in cache.iterdir() if entry.is_dir() and in_use(entry))


def bytes_in(folder: Path) -> int:
    """What the files in a folder take."""
    total = 0
    with contextlib.suppress(FileNotFoundError):  # it, or the folder, has just gone
        for file in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                total += file.stat().st_size if file.is_file() else 0
    return total


def _last_used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def in_use(folder: Path) -> bool:
    """True while a process lives that has said it reads the folder; marks of others go."""
    alive = False
    for said in folder.parent.glob(f"{folder.name}{USER}*"):
        number = said.name.rpartition("-")[2]
        if number.isdecimal() and lives(int(number)):
            alive = True
        else:
            said.unlink(missing_ok=True)
    return alive


def lives(pid: int) -> bool:
    """True where a process with this number runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's, or a system that cannot say
        return True
    return True


def _let_go(folder: Path) -> bool:
    """True when the folder is gone; one that is read, or being made, stays."""
    try:
        with FileLock(folder.with_suffix(".lock"), timeout=0):
            if in_use(folder):
                return False
            shutil.rmtree(folder, ignore_errors=True)
            return True
    except Timeout:
        return False
