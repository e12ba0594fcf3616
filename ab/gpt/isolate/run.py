"""The parent's side: starts a job behind walls, watches it, and ends it, with everything that it started."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import signal
import site
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ab.gpt.isolate import tree
from ab.gpt.isolate.channel import BadMessage, Receiver
from ab.gpt.isolate.job import GIB, How, IsolationFailed, Job, NoWalls, Result
from ab.gpt.isolate.probe import needs_bubblewrap
from ab.gpt.isolate.walls import SYSTEM, SYSTEM_PARTS, bubblewrap
from ab.gpt.isolate.warm import THREADS, Forked, Warm, can_be_warm, import_path

OnEvent = Callable[[dict[str, Any]], None]

TICK = 0.2
LAST_WORDS_SECONDS = 2.0
MOST_CHANNEL_BYTES = 256 << 20
_ADDRESS_SPACE_SLACK = 40 * GIB
"""Importing torch reserves tens of gigabytes of addresses that it never fills."""

_START = """
import json, pkgutil, sys, types
path, channel, status = json.loads(sys.argv[1])
sys.path[:] = path
ab = types.ModuleType("ab")
ab.__path__ = pkgutil.extend_path([], "ab")
sys.modules["ab"] = ab
from ab.gpt.isolate.child import main
main(channel, status)
"""


def run(
    job: Job,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    on_tick: Callable[[], None] | None = None,
    warm: Warm | None = None,
) -> Result:
    """The end of a job that is run here and now; `on_event` gets what it tells, `stop` ends it early.

    `on_tick` is called some times a second. With a warm process the job is a fork of it, which saves the imports.
    Whatever happens, an exception of either or Ctrl-C included, nothing of the job runs on.
    """
    ticks = on_tick or (lambda: None)
    return _Run(job, on_event or (lambda _event: None), stop or threading.Event(), ticks, warm).result()


_LIBRARIES = ("numpy", "torch", "torchvision", "nltk", "pandas", "PIL", "pycocotools")
_PREFIX_PARTS = ("bin", "include", "lib", "lib32", "lib64", "share", "pyvenv.cfg")
"""What a job sees of a Python that was installed into the folder in which one works."""


def _site_folders() -> list[str]:
    return [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]


def _is_library(entry: Path, private: list[Path]) -> bool:
    """True for a folder that holds installed packages, and nothing of the user's: not where one works, not a clone.

    Of any other place on the path, such as the working folder of `python -m`, a job sees the package `ab` alone.
    """
    if entry.is_file():
        return entry.suffix in (".zip", ".egg", ".whl")
    if any(place.is_relative_to(entry.resolve()) for place in private):
        return False
    if entry.name in ("site-packages", "dist-packages"):
        return True
    return not (entry / "ab").is_dir() and any((entry / name).is_dir() for name in _LIBRARIES)


class _Run:
    """One job from start to end."""

    def __init__(
        self, job: Job, on_event: OnEvent, stop: threading.Event, on_tick: Callable[[], None], warm: Warm | None
    ) -> None:
        self.wrapped = needs_bubblewrap()
        self.warm = warm if can_be_warm() and not self.wrapped else None
        self.on_tick = on_tick
        self.job = job
        self.on_event = on_event
        self.stop = stop
        self.key = secrets.token_bytes(32)
        self.receiver = Receiver(self.key)
        self.log = bytearray()
        self.status = bytearray()
        self.received = 0
        self.walls: tuple[str, ...] = ()
        self.final: dict[str, Any] | None = None
        self.first: int | None = None
        self.ended: int | None = None
        self.peak = 0
        self.failed = ""
        self.verdict: tuple[How, str] | None = None
        self.started = time.monotonic()

    def result(self) -> Result:
        channel, channel_end = os.pipe()
        status, status_end = os.pipe()
        try:
            self.process = self._start(channel_end, status_end)
        except BaseException:
            os.close(channel)
            os.close(status)
            raise
        finally:
            os.close(channel_end)
            os.close(status_end)
        assert self.process.stdout is not None
        try:
            with selectors.DefaultSelector() as selector:
                for handle, take in (
                    (channel, self._take_events),
                    (status, self._take_status),
                    (self.process.stdout.fileno(), self._take_log),
                ):
                    os.set_blocking(handle, False)
                    selector.register(handle, selectors.EVENT_READ, take)
                self._watch(selector)
        finally:
            self._end_all()
            self.process.stdout.close()
            os.close(channel)
            os.close(status)
        return self._conclude()

    def _start(self, channel: int, status: int) -> subprocess.Popen[bytes] | Forked:
        job = self.job
        folder = job.folder.resolve()
        for private in ("home", "tmp"):
            (folder / private).mkdir(parents=True, exist_ok=True)
        path = import_path(job.path)
        order = {
            "target": job.target,
            "payload": job.payload,
            "folder": str(folder),
            "readable": [str(place) for place in self._readable(path)],
            "namespaces": sys.platform == "linux" and not self.wrapped,
            "up": ["bubblewrap"] if self.wrapped else [],
            "gpu": job.gpu,
            "require": sorted(job.require),
            "shared_bytes": max(job.limits.memory_bytes // 2, 64 << 20),
            "key": self.key.hex(),
            "limits": {
                "memory": None if job.gpu else job.limits.memory_bytes + _ADDRESS_SPACE_SLACK,
                "cpu": job.limits.cpu_seconds or int(job.limits.wall_seconds * (os.cpu_count() or 1)) + 10,
                "processes": job.limits.processes,
                "open_files": job.limits.open_files,
                "file_bytes": job.limits.file_bytes,
            },
        }
        if job.require and sys.platform != "linux":
            raise NoWalls(f"Walls were demanded, and {sys.platform} has none.", "Run on Linux, or do not demand them.")
        text = json.dumps(order).encode()
        if self.warm is not None:
            return self.warm.fork(path, str(folder), self._environment(folder), channel, status, text)
        wrapper = bubblewrap(folder, self._readable(path), job.gpu) if self.wrapped else []
        try:
            process = subprocess.Popen(
                [*wrapper, sys.executable, "-I", "-c", _START, json.dumps([path, channel, status])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=self._environment(folder),
                pass_fds=(channel, status),
                start_new_session=True,
            )
        except OSError as error:
            raise IsolationFailed(
                f"The child cannot be started: {error}.", "See whether the machine is out of room."
            ) from error
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(text)
            process.stdin.close()
        return process

    def _readable(self, path: list[str]) -> list[Path]:
        """Python, the packages on its path, the system's libraries, and what the job asks for."""
        private = [Path.cwd(), self.job.folder.resolve()]
        places = [Path(place) for place in (*SYSTEM, *SYSTEM_PARTS, sysconfig.get_path("stdlib"))]
        for prefix in map(Path, dict.fromkeys((sys.prefix, sys.base_prefix))):
            inside = any(place.is_relative_to(prefix.resolve()) for place in private)
            places += [prefix / part for part in _PREFIX_PARTS] if inside else [prefix]
        libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *_site_folders()}
        for entry in map(Path, path):
            asked = str(entry) in self.job.path and not (entry / "ab").is_dir()
            whole = asked or str(entry) in libraries or _is_library(entry, private)
            places += [entry] if whole else [entry / "ab"]
        own = [Path(__file__).parents[3] / "ab"]
        places += [Path(place) for place in libraries]
        return list(dict.fromkeys(place for place in [*places, *own, *self.job.readable] if place.exists()))

    def _environment(self, folder: Path) -> dict[str, str]:
        kept = {
            name: os.environ[name] for name in ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT") if name in os.environ
        }
        return {
            **kept,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            **THREADS,
            **self.job.environment,
        }

    def _watch(self, selector: selectors.BaseSelector) -> None:
        """Until all three pipes are closed, or the job has broken a limit, or its end is known."""
        looked = 0.0
        last_words: float | None = None
        while selector.get_map() and self.verdict is None:
            for key, _ in selector.select(TICK):
                try:
                    data = os.read(key.fd, 1 << 16)
                except BlockingIOError:
                    continue
                if data:
                    key.data(data)
                else:
                    selector.unregister(key.fd)
            now = time.monotonic()
            if self.ended is not None or self.process.poll() is not None:
                # What the worker said before it ended is still in the pipes; nobody else can hold them open for long.
                last_words = last_words or now + LAST_WORDS_SECONDS
                if now > last_words:
                    return
            elif now - self.started > self.job.limits.wall_seconds:
                self.verdict = How.TIMEOUT, f"longer than {self.job.limits.wall_seconds:g} s"
            if self.stop.is_set():
                self.verdict = How.STOPPED, "stopped by the parent"
            if now - looked >= TICK:
                looked = now
                self.on_tick()
                self._check_use()

    def _take_events(self, data: bytes) -> None:
        self.received += len(data)
        try:
            if self.received > MOST_CHANNEL_BYTES:
                raise BadMessage("more on the worker's channel than any training says")
            for message in self.receiver.take(data):
                if "event" in message:
                    self.on_event(message["event"])
                elif "up" in message:
                    self.walls = tuple(message["up"])
                elif "failed" in message:
                    self.failed = str(message["failed"])
                else:
                    self.final = message
        except BadMessage as bad:
            self.verdict = How.FORBIDDEN, str(bad)

    def _take_status(self, data: bytes) -> None:
        self.status += data
        *lines, rest = self.status.split(b"\n")
        self.status = bytearray(rest)
        for line in lines:
            said = json.loads(line)
            self.first = said.get("first", self.first)
            self.ended = said.get("ended", self.ended)
            self.peak = max(self.peak, said.get("peak", 0))
            self.failed = said.get("failed", self.failed)

    def _take_log(self, data: bytes) -> None:
        self.log += data
        del self.log[: -self.job.limits.log_bytes]

    def _check_use(self) -> None:
        use = tree.use_of(self.process.pid)
        limits = self.job.limits
        if use.processes > limits.processes:
            self.verdict = How.PROCESSES, f"more than {limits.processes} processes"
            return
        memory = use.memory if use.memory <= limits.memory_bytes else tree.exact_memory(self.process.pid)
        self.peak = max(self.peak, memory)
        if memory > limits.memory_bytes:
            self.verdict = How.MEMORY, f"more than {limits.memory_bytes / GIB:.1f} GiB of memory"
        elif tree.folder_bytes(self.job.folder) > limits.folder_bytes:
            self.verdict = How.DISK, f"more than {limits.folder_bytes / GIB:.1f} GiB in files"

    def _end_all(self) -> None:
        """Kills the group, the first process of its namespace, and whatever descends from them; waits for the child."""
        doomed = tree.descendants(self.process.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in (self.process.pid, *doomed):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def _conclude(self) -> Result:
        seconds = time.monotonic() - self.started
        log = bytes(self.log).decode("utf-8", "replace")

        def ending(how: How, reason: str = "", **more: Any) -> Result:
            return Result(how, reason=reason, seconds=seconds, peak_memory=self.peak, log=log, walls=self.walls, **more)

        if self.failed:
            kind = NoWalls if "walls" in self.failed else IsolationFailed
            raise kind(f"Nothing was started: {self.failed}.", "See `nncaption doctor` for the walls of this system.")
        if self.verdict is not None:
            return ending(*self.verdict)
        if self.final is not None and "returned" in self.final:
            return ending(How.RETURNED, value=self.final["returned"])
        if self.final is not None:
            name, reason = str(self.final.get("raised")), str(self.final.get("reason"))
            how = How.MEMORY if _is_memory(name, reason) else How.RAISED
            return ending(how, reason, error_type=name, traceback=str(self.final.get("traceback")))
        if not self.walls:
            raise IsolationFailed(
                f"The child ended before it could begin: {log[-2000:].strip()}", "This is a defect; tell us."
            )
        code = self.ended if self.ended is not None else self.process.returncode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            if -code == getattr(signal, "SIGXCPU", -1):
                return ending(How.TIMEOUT, "more CPU time than allowed")
            return ending(How.KILLED, f"killed by {name}")
        return ending(How.EXITED, f"exit({code}) was called in the middle of the work")


def _is_memory(name: str, reason: str) -> bool:
    words = ("can't allocate memory", "Cannot allocate memory", "out of memory", "not enough memory", "bad_alloc")
    return name in ("MemoryError", "OutOfMemoryError") or any(word in reason for word in words)
