"""What a process and all that descends from it use. Looks into /proc, and says nothing where there is none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

MOST_ENTRIES = 20_000


class Use(NamedTuple):
    """Processes and bytes of main memory."""

    processes: int
    memory: int


def descendants(root: int) -> list[int]:
    """A process and all that descends from it, by their numbers out here."""
    children: dict[int, list[int]] = {}
    for pid in _all():
        parent = _parent(pid)
        if parent is not None:
            children.setdefault(parent, []).append(pid)
    found, at = [root], 0
    while at < len(found):
        found += children.get(found[at], [])
        at += 1
    return found


def use_of(root: int) -> Use:
    """What a tree of processes uses now, at most: pages shared after a fork may count more than once."""
    pids = descendants(root)
    own = shared = 0
    for pid in pids:
        try:
            resident, common = Path(f"/proc/{pid}/statm").read_text().split()[1:3]
        except (OSError, ValueError):
            continue
        own += int(resident) - int(common)
        shared = max(shared, int(common))
    return Use(len(pids), (own + shared) * _PAGE)


def exact_memory(root: int) -> int:
    """The main memory of a tree of processes with each shared page counted once; slower, and exact after forks."""
    total = 0
    for pid in descendants(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    return total


def folder_bytes(folder: Path) -> int:
    """What the files below a folder take on the disk; a folder with too many entries counts as boundless."""
    total = entries = 0
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                for entry in found:
                    entries += 1
                    if entries > MOST_ENTRIES:
                        return 1 << 62
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue  # it has just gone
    return total


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _all() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return []


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
