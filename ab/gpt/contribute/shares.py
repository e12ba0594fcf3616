"""Work on many files, cut into shares that several processes do at once."""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from ab.gpt.errors import NNCaptionError
from ab.gpt.lemur.bootstrap import Progress

SHARE = 2_000
WORTH_PROCESSES = 400
"""Fewer are done before another process would have started."""

_START = """
import pickle, sys
path, light, work = pickle.load(sys.stdin.buffer)
sys.path[:] = path
if light:
    import nncaption
    nncaption.light_ab()
from ab.gpt.contribute.shares import _do
sys.stdout.buffer.write(_do(work))
"""


class ReaderFailed(NNCaptionError):
    """A process that reads files ended before its time."""


def in_shares(
    function: Callable[..., list[Any]], folder: Path, names: list[str], *rest: Any, progress: Progress
) -> Iterator[Any]:
    """What `function(folder, names, *rest)` gives for all names, some thousand names at a time on all cores.

    A process is a plain child: a fork would take over locks that other threads hold.
    """
    doing = f"reading {function.__name__.removeprefix('check_')}"
    if len(names) < WORTH_PROCESSES:
        progress(doing, 0, len(names))
        yield from function(folder, names, *rest)
        return
    cores = os.cpu_count() or 1
    size = min(SHARE, -(-len(names) // cores))
    shares = [names[start : start + size] for start in range(0, len(names), size)]
    done = 0
    with ThreadPoolExecutor(cores) as pool:
        jobs = {pool.submit(_in_child, function, folder, share, *rest): len(share) for share in shares}
        try:
            for job in as_completed(jobs):
                yield from job.result()
                done += jobs[job]
                progress(doing, done, len(names))
        finally:
            pool.shutdown(cancel_futures=True)


def _in_child(function: Callable[..., list[Any]], folder: Path, names: list[str], *rest: Any) -> list[Any]:
    work = (function.__module__, function.__name__, folder, names, *rest)
    order = pickle.dumps((sys.path, "nncaption" in sys.modules, work))
    done = subprocess.run([sys.executable, "-I", "-c", _START], input=order, capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise ReaderFailed(
            f"A process that reads {len(names):,} files ended with code {done.returncode}: {' '.join(said)}",
            "Try again; if it happens again, tell us.",
        )
    return pickle.loads(done.stdout)  # type: ignore[no-any-return]


def _do(work: tuple[Any, ...]) -> bytes:
    """What the child does."""
    module, name, *arguments = work
    return pickle.dumps(getattr(importlib.import_module(module), name)(*arguments))
