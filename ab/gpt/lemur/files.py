"""Files that are there whole or not at all, and the lock that lets one process at a time write them."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.home import Home

LOCK_SECONDS = 300.0


class CannotWrite(NNCaptionError):
    """A file of LEMUR's cannot be written; nothing was changed."""


def write_whole(file: Path, text: str, staging: Path | None = None) -> None:
    """Puts text into a file so that any reader, and any crash, sees the old text or the new."""
    temporary = staged(file, text, staging or file.parent)
    try:
        temporary.replace(file)
        sync_folder(file.parent)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def staged(file: Path, text: str, staging: Path) -> Path:
    """A finished temporary file, safe on the disk and ready to be renamed to where it belongs."""
    staging.mkdir(exist_ok=True)
    temporary = staging / f".{file.parent.name}-{file.name}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8", newline="\n") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder survive a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def staging_folder(home: Home) -> Path:
    """Where files for LEMUR's package are prepared by whoever holds the lock.

    Not beside their places: LEMUR's import takes every file in a folder of statistics for an epoch, and a killed
    process leaves its temporary files behind.
    """
    return home.package / "stat" / ".nncaption-staged"


@contextlib.contextmanager
def package_lock(home: Home) -> Iterator[None]:
    """Only one process of this toolkit at a time changes files in LEMUR's package."""
    file = home.package / "stat" / ".nncaption.lock"
    lock = FileLock(file)
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        raise CannotWrite(
            f"Another process has held {file} for more than {LOCK_SECONDS:.0f} s.", "Stop it, or wait, and try again."
        ) from None
    except OSError as error:
        raise cannot_write(file.parent, error) from error
    try:
        for leftover in staging_folder(home).glob(".*.tmp"):
            leftover.unlink()
        yield
    finally:
        lock.release()


def cannot_write(place: Path, error: OSError) -> CannotWrite:
    """The error for a place that refuses to be written, with the way out that fits the reason."""
    if error.errno == errno.ENOSPC:
        return CannotWrite(
            f"The disk that holds {place} is full.", "Free some room and try again; nothing was changed."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return CannotWrite(
            f"{place} cannot be written: {error.strerror}.",
            "LEMUR keeps models and statistics in its package folder: install it into a virtual environment of your"
            " own.",
        )
    return CannotWrite(f"{place} cannot be written: {error}.", "Mend that and try again; nothing was changed.")
