"""A process that has imported what jobs need, once; each job is a fresh fork of it, behind walls of its own.

Importing torch takes longer than many a job. What is imported beforehand is code that is trusted anyway: the process
never sees a job's order nor runs foreign code, it only forks. The fork closes what is not its own, takes the job's
environment, and goes on exactly as a child that was started anew.
"""

from __future__ import annotations

import array
import contextlib
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ab.gpt.isolate.job import IsolationFailed

TRAINING = ("torch", "torchvision", "nltk", "pandas", "requests", "pycocotools.coco", "PIL.Image")
"""What a training imports, but for LEMUR itself: that takes its root from the folder in which it is imported."""
NETWORK = ("torch", "torchvision")
"""What a network imports."""

THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}
"""Threads that wait must sleep: where one core is busy with something else, spinning made a network 14 times slower.

OpenMP reads them when it is loaded, so they have to be there before torch.
"""
_LARGEST_CALL = 64 << 10
_START = """
import json, pkgutil, sys, types
path, modules, handle = json.loads(sys.argv[1])
sys.path[:] = path
ab = types.ModuleType("ab")
ab.__path__ = pkgutil.extend_path([], "ab")
sys.modules["ab"] = ab
from ab.gpt.isolate.warm import serve
serve(modules, handle)
"""


def can_be_warm() -> bool:
    """True where a fork of a process with torch in it can be relied on."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


def import_path(first: Sequence[str] = ()) -> list[str]:
    """Where a child finds its modules: these places, then the parent's own, then this project."""
    own = str(Path(__file__).parents[3])
    return list(dict.fromkeys([*first, *(entry for entry in sys.path if entry), own]))


class Forked:
    """A started job: what `subprocess.Popen` is for a child that was started cold."""

    def __init__(self, pid: int, control: socket.socket, log: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout = open(log, "rb", buffering=0)  # noqa: SIM115 (closed by whoever runs the job)
        self._control = control

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._hear(socket.MSG_DONTWAIT)

    def wait(self) -> int:
        """The exit code, when it has ended; after this the process number may be another's."""
        while (code := self._hear(0)) is None:
            pass
        self._control.close()
        return code

    def _hear(self, flags: int) -> int | None:
        if self.returncode is None:
            try:
                said = self._control.recv(64, flags)
            except BlockingIOError:
                return None
            self.returncode = int(said) if said else -signal.SIGKILL
        return self.returncode


class Warm:
    """Starts jobs in a hundredth of the time that they would take cold; itself started with the first of them."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.modules = list(modules)
        self.environment = dict(environment or {})
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The process, once it has been started."""
        return None if self._process is None else self._process.pid

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def fork(
        self, path: list[str], folder: str, environment: dict[str, str], channel: int, status: int, order: bytes
    ) -> Forked:
        """A job that is under way; its order is read by the fork alone."""
        log, log_end = os.pipe()
        order_end, order_start = os.pipe()
        control, control_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        call = json.dumps([path, folder, environment]).encode()
        try:
            with self._lock:
                self._send(call, [order_end, log_end, channel, status, control_end.fileno()])
            control_end.close()
            pid = int(control.recv(64) or b"0")
            if not pid:
                raise OSError("the warm process has ended")
        except OSError as error:
            for handle in (log, order_start):
                os.close(handle)
            control.close()
            self.close()  # the next job starts a new one
            raise IsolationFailed(f"The child cannot be started: {error}.", "See whether memory is left.") from error
        finally:
            os.close(log_end)
            os.close(order_end)
            control_end.close()
        with contextlib.suppress(BrokenPipeError), open(order_start, "wb") as pipe:
            pipe.write(order)
        return Forked(pid, control, log)

    def close(self) -> None:
        """Ends the process, and with it whatever it has forked."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            self._socket = self._process = None

    def _send(self, call: bytes, handles: list[int]) -> None:
        if self._socket is None or self._process is None or self._process.poll() is not None:
            self._start()
        assert self._socket is not None
        if len(call) > _LARGEST_CALL:
            raise OSError(f"an environment of {len(call):,} bytes is too large")
        socket.send_fds(self._socket, [call], handles)

    def _start(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, json.dumps([import_path(), self.modules, theirs.fileno()])],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", **THREADS, **self.environment},
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        theirs.close()


def serve(modules: list[str], handle: int) -> None:
    """Imports the modules, then forks for each call; ends when the other end of the socket is closed."""
    import gc

    from ab.gpt.isolate import child

    for module in modules:
        with contextlib.suppress(ImportError):  # a job that needs it will say so
            importlib.import_module(module)
    gc.collect()
    gc.freeze()
    calls = socket.socket(fileno=handle)
    with selectors.DefaultSelector() as selector:

        def hear() -> None:
            call, handles = _receive(calls)
            if not call:
                sys.exit()
            pid = os.fork()
            if pid == 0:
                _become(child.main, call, handles)
            control = socket.socket(fileno=handles.pop())
            for copy in handles:
                os.close(copy)
            watched = os.pidfd_open(pid)
            selector.register(watched, selectors.EVENT_READ, lambda: ended(watched, pid, control))
            _say(control, pid)

        def ended(watched: int, pid: int, control: socket.socket) -> None:
            selector.unregister(watched)
            os.close(watched)
            about = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            assert about is not None
            _say(control, about.si_status if about.si_code == os.CLD_EXITED else -about.si_status)
            selector.register(control, selectors.EVENT_READ, lambda: bury(pid, control))

        def bury(pid: int, control: socket.socket) -> None:
            # Only now, when the parent has killed what it wanted to kill, may the number go to another process.
            selector.unregister(control)
            control.close()
            os.waitpid(pid, 0)

        selector.register(calls, selectors.EVENT_READ, hear)
        while True:
            for key, _ in selector.select():
                key.data()


def _say(control: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # a parent that does not listen any more
        control.send(str(number).encode())


def _receive(calls: socket.socket) -> tuple[bytes, list[int]]:
    handles = array.array("i")
    data, ancillary, _, _ = calls.recvmsg(_LARGEST_CALL, socket.CMSG_SPACE(5 * handles.itemsize))
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            handles.frombytes(content[: len(content) - len(content) % handles.itemsize])
    return data, list(handles)


def _become(main: Any, call: bytes, handles: list[int]) -> None:
    """Turns the fork into what a child started anew would be; never returns."""
    try:
        path, folder, environment = json.loads(call)
        order, log, channel, status, _ = handles
        os.setsid()
        moved = [os.dup(handle) for handle in (channel, status)]
        os.dup2(order, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        keep = sorted([0, 1, 2, *moved])
        for low, high in zip(keep, [*keep[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
            os.closerange(low + 1, high)
        for handle in moved:
            os.set_inheritable(handle, True)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        tempfile.tempdir = None
        sys.path[:] = path
        sys.modules["ab"].__path__ = pkgutil.extend_path([], "ab")
        main(moved[0], moved[1])
    finally:
        os._exit(70)
