"""A folder that is there whole or not at all, and is never somebody else's."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from ab.gpt.errors import NNCaptionError
from ab.gpt.scenes.captions import PER_IMAGE
from ab.gpt.scenes.compose import VAL
from ab.gpt.scenes.layout import ANNOTATIONS, DESCRIPTION, SPLITS, Settings, annotations_name, image_folder, image_name

_ANOTHER = "Name a folder that does not exist yet, or empty this one first."


class FolderTaken(NNCaptionError):
    """The folder holds something else; nothing in it was touched."""


class FolderUnusable(NNCaptionError):
    """Nothing can be written where the folder should be; nothing was left behind."""


def absolute(folder: Path) -> Path:
    """The folder's own place; what its name links to is not followed, what its parents link to is."""
    with clear_errors(folder):
        if folder.name in ("", ".."):
            return folder.resolve()
        return folder.parent.resolve() / folder.name


def is_drawn(folder: Path) -> bool:
    """True where the data set's own words say that it was drawn here: they stand at the head of its annotations."""
    file = folder / ANNOTATIONS / annotations_name(VAL)
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return DESCRIPTION.encode() in opened.read(4096)


def captions_there(folder: Path, settings: Settings) -> list[str] | None:
    """All captions of the very data set that is wanted, if it is there; None where the folder is free for it."""
    with clear_errors(folder):
        if folder.is_symlink():
            raise FolderTaken(
                f"{folder} is a symbolic link to {folder.readlink()}.", "Name the folder that it leads to, or another."
            )
        if not folder.exists():
            return None
        if not folder.is_dir():
            raise FolderTaken(f"{folder} is a file, not a folder.", "Name a folder that does not exist yet.")
        if any(folder.iterdir()):
            return _read(folder, settings)
        if os.path.ismount(folder) or folder == Path.cwd():
            # Whole or not at all means that a finished folder takes its place, and these cannot be replaced.
            raise FolderUnusable(
                f"{folder} is a mount point or the current folder.", f"Name a folder inside it: {folder / 'scenes'}"
            )
        return None


def _read(folder: Path, settings: Settings) -> list[str]:
    """The captions of a finished data set with these settings; anything else that lies there raises."""
    expected = {ANNOTATIONS, *map(image_folder, SPLITS)}
    if {entry.name for entry in folder.iterdir()} != expected or any(entry.is_symlink() for entry in folder.iterdir()):
        raise FolderTaken(f"{folder} holds something other than drawn scenes.", _ANOTHER)
    captions: list[str] = []
    for split in SPLITS:
        file = folder / ANNOTATIONS / annotations_name(split)
        try:
            whole = json.loads(file.read_text(encoding="utf-8"))
            there = whole["info"]["settings"]
            captions += [str(annotation["caption"]) for annotation in whole["annotations"]]
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError) as error:
            raise FolderTaken(f"{folder} holds something other than drawn scenes ({file.name}).", _ANOTHER) from error
        if there != asdict(settings):
            raise FolderTaken(f"{folder} holds scenes that were drawn with other settings: {_listed(there)}.", _ANOTHER)
    if len(captions) != PER_IMAGE * (settings.train + settings.val) or not _all_files(folder, settings):
        raise FolderTaken(f"{folder} holds scenes, and files of theirs are missing, empty or too many.", _ANOTHER)
    return captions


def _listed(settings: object) -> str:
    pairs = settings.items() if isinstance(settings, dict) else ()
    return ", ".join(f"{name} {value}" for name, value in pairs) or "unknown ones"


def _all_files(folder: Path, settings: Settings) -> bool:
    wanted = {ANNOTATIONS: {annotations_name(split) for split in SPLITS}}
    for split in SPLITS:
        wanted[image_folder(split)] = {image_name(split, index) for index in range(settings.number(split))}
    return all(_whole_files(folder / name) == files for name, files in wanted.items())


def _whole_files(folder: Path) -> set[str]:
    """The names of everything in a folder; whatever is no file, or an empty one, under a name that nobody expects."""
    with os.scandir(folder) as entries:
        return {
            entry.name if entry.is_file(follow_symlinks=False) and entry.stat().st_size else f"{entry.name}?"
            for entry in entries
        }


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A place to build in, beside the folder, that becomes the folder when everything in it is done.

    If building fails or is interrupted, nothing is left. If the process is killed, the place is left, hidden and
    named after the process, and removed by the next one that builds the same folder.
    """
    workplace = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    with clear_errors(folder):
        made = [parent for parent in folder.parents if not parent.exists()]
    try:
        with clear_errors(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            _remove_stale(folder)
            workplace.mkdir()
        yield workplace
        with clear_errors(folder):
            _rename(workplace, folder)
    except BaseException:
        shutil.rmtree(workplace, ignore_errors=True)
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def _rename(workplace: Path, folder: Path) -> None:
    try:
        if os.name == "nt":
            # There, a folder cannot be renamed to one that exists, not even to an empty one.
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()
        workplace.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise FolderTaken(f"{folder} was filled by somebody else meanwhile.", _ANOTHER) from error
        raise


def _remove_stale(folder: Path) -> None:
    """Removes what processes left that were killed while they built this folder."""
    pattern = re.compile(re.escape(f".{folder.name}.partial-") + r"([1-9][0-9]*)")
    for entry in folder.parent.iterdir():
        match = pattern.fullmatch(entry.name)
        if match and entry.is_dir() and not entry.is_symlink() and not _at_work(int(match[1])):
            shutil.rmtree(entry, ignore_errors=True)


def _at_work(pid: int) -> bool:
    """Whether another process of this number runs. In a container, a killed one's number soon is our own."""
    if pid == os.getpid():
        return False
    if os.name == "nt":
        return True  # Signal 0 would end it there.
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def clear_errors(folder: Path) -> Iterator[None]:
    """Turns what the system says while the folder is read or written into an error that names the way out."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        number = error.errno if isinstance(error, OSError) else errno.ELOOP
        if number in (errno.ENOSPC, errno.EDQUOT):
            raise FolderUnusable(
                f"The disk is full: there is no room for the scenes in {folder}.",
                "Make room, draw fewer or smaller images, or name a folder on another disk.",
            ) from error
        if number in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise FolderUnusable(
                f"{folder} may not be read or written by you.", "Name a folder in a place where you may write."
            ) from error
        reason = error.strerror if isinstance(error, OSError) else error
        raise FolderUnusable(f"{folder} cannot be made: {reason or error}.", "Name another folder.") from error
