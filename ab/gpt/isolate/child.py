"""The child's side: puts up the walls, then calls the job's function, and says how it ended.

Three processes, where the kernel has namespaces: a supervisor that is the parent's child, the first process of a new
process namespace, and in it the one that runs the foreign code. When the first of a namespace dies, the kernel kills
all that are left in it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from ab.gpt.isolate import walls
from ab.gpt.isolate.channel import Sender

_LONGEST_TRACEBACK = 60_000


def main(channel: int, status: int) -> None:
    """Does the order that stands on standard input; never returns."""
    with open(0, "rb", closefd=False) as orders:
        order: dict[str, Any] = json.loads(orders.read())
    order.update(channel=channel, status=status)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    walls.die_with_parent()
    os.chdir(order["folder"])
    up = walls.leave_namespaces() if order["namespaces"] else list(order["up"])
    if not hasattr(os, "fork"):
        _work(order, up)
        os._exit(0)
    first = os.fork()
    if first == 0:
        _first_of_its_kind(order, up)
    os.close(order["channel"])
    _tell(order, {"first": first})
    _, status, _ = os.wait4(first, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _first_of_its_kind(order: dict[str, Any], up: list[str]) -> None:
    """Waits for the worker, and for whatever else ends up as its child."""
    walls.die_with_parent()
    try:
        shown = [Path(place) for place in order["readable"]]
        if (
            order["namespaces"]
            and up
            and walls.new_root(Path(order["folder"]), shown, order["gpu"], order["shared_bytes"])
        ):
            up = [*up, "root"]
    except OSError as error:
        _tell(order, {"failed": f"{error}"})
        os._exit(71)
    worker = os.fork()
    if worker == 0:
        os.close(order["status"])
        _work(order, up)
        os._exit(0)
    os.close(order["channel"])
    while True:
        pid, status, usage = os.wait4(-1, 0)
        if pid == worker:
            code = os.waitstatus_to_exitcode(status)
            _tell(order, {"ended": code, "peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)})
            os._exit(0)


def _work(order: dict[str, Any], up: list[str]) -> None:
    channel = Sender(order["channel"], bytes.fromhex(order["key"]))
    try:
        os.chdir(order["folder"])
        up = [*up, *walls.close_for_good(*_places(order))]
        walls.limit(**order["limits"])
        channel.send({"up": up})
        missing = set(order["require"]) - set(up)
        if missing:
            channel.send({"failed": f"the walls {', '.join(sorted(missing))} cannot be put up"})
            return
        module, _, name = order["target"].partition(":")
        value = getattr(importlib.import_module(module), name)(order["payload"], _Events(channel))
        sys.stdout.flush()
        channel.send({"returned": value})
    except BaseException as error:  # noqa: BLE001 (SystemExit and KeyboardInterrupt of foreign code are ends like others)
        text = "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:]
        with contextlib.suppress(OSError):
            channel.send({"raised": type(error).__name__, "reason": str(error)[:2000], "traceback": text})
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()


class _Events:
    """What the job's function gets to speak through."""

    def __init__(self, channel: Sender) -> None:
        self._channel = channel

    def send(self, event: dict[str, Any]) -> None:
        """Passes one event to the parent."""
        self._channel.send({"event": event})


def _places(order: dict[str, Any]) -> tuple[list[Path], list[Path]]:
    """What the worker may read and what it may write."""
    readable = [*map(Path, order["readable"]), Path("/proc"), Path("/sys/devices/system")]
    writable = [Path(order["folder"]), Path("/dev/shm"), *(Path("/dev") / device for device in walls.DEVICES)]
    if order["gpu"]:
        readable.append(Path("/sys"))
        writable += walls.gpu_devices()
    return readable, writable


def _tell(order: dict[str, Any], what: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        os.write(order["status"], json.dumps(what).encode() + b"\n")
