"""Statistics as rows ready to be stored, some thousand at a time, made a step ahead in a second process.

Reading 105,447 files and making 3.4 million rows of them takes as long as storing the rows; two cores do both at once.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from ab.gpt.lemur import schema
from ab.gpt.lemur.statistics import BrokenStatistics, epoch_files, read_trials

ROWS_IN_A_BATCH = 60_000
WORTH_A_PROCESS = 500
"""Fewer configurations are done before a second process would have started."""

_LENGTH = struct.Struct("<Q")


class Batch(NamedTuple):
    """Rows of whole epoch files; `done` counts the configurations that are finished with it."""

    done: int
    codes: list[tuple[str, str, str]]
    """Code that the rows speak of for the first time: table, name and the file that speaks of it."""
    stat: list[schema.Row]
    prm: list[schema.Row]
    skipped: list[str]


def batches(stat_train: Path, names: list[str], skip_broken: bool) -> Iterator[Batch]:
    """All rows of the named configurations, in LEMUR's order; a file that is broken raises, or is left out."""
    if len(names) < WORTH_A_PROCESS:
        return _make(stat_train, names, skip_broken)
    return _made_ahead(stat_train, names, skip_broken)


def _make(stat_train: Path, names: list[str], skip_broken: bool) -> Iterator[Batch]:
    seen: set[tuple[str, str]] = set()
    batch = Batch(0, [], [], [], [])
    for done, name in enumerate(names, start=1):
        for epoch_file in epoch_files(stat_train, name):
            try:
                trials = read_trials(epoch_file.file)
            except BrokenStatistics as broken:
                if not skip_broken:
                    raise
                batch.skipped.append(str(broken.file))
                continue
            config, epoch = epoch_file.config, epoch_file.epoch
            codes = {("transform", str(trial["transform"])) for trial in trials}
            if trials:
                codes |= {("nn", config.nn), ("metric", config.metric)}
            if not codes <= seen:
                batch.codes.extend((*code, epoch_file.file) for code in sorted(codes - seen))
                seen |= codes
            for trial in trials:
                batch.stat.append(schema.stat_row(config, epoch, trial))
                batch.prm.extend(schema.prm_rows(trial))
        if len(batch.prm) > ROWS_IN_A_BATCH:
            yield batch._replace(done=done)
            batch = Batch(done, [], [], [], [])
    yield batch._replace(done=len(names))


def _made_ahead(stat_train: Path, names: list[str], skip_broken: bool) -> Iterator[Batch]:
    order = marshal.dumps((sys.path, str(stat_train), names, skip_broken))
    # What an import prints, as LEMUR's does, must not get between the batches.
    start = "import marshal, os, sys; out = os.dup(1); os.dup2(2, 1);"
    start += "order = marshal.load(sys.stdin.buffer); sys.path[:] = order[0];"
    light = "import nncaption; nncaption.light_ab();" if "nncaption" in sys.modules else ""
    main = "from ab.gpt.lemur.batches import _make_ahead; _make_ahead(out, *order[1:])"
    maker = subprocess.Popen(
        [sys.executable, "-I", "-c", start + light + main], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert maker.stdin is not None and maker.stdout is not None
    try:
        _widen(maker.stdout)
        maker.stdin.write(order)
        maker.stdin.close()
        while True:
            frame = _read_frame(maker.stdout)
            if frame is None:
                break
            if "broken" in frame:
                raise BrokenStatistics(Path(frame["broken"][0]), frame["broken"][1])
            yield Batch(*frame["batch"])
        if maker.wait() != 0:
            raise BrokenStatistics(stat_train, f"the process that reads it ended with code {maker.returncode}")
    finally:
        maker.stdout.close()
        maker.kill()
        maker.wait()


def _make_ahead(handle: int, stat_train: str, names: list[str], skip_broken: bool) -> None:
    """What the second process does: writes each batch to this handle as soon as it is made."""
    try:
        with open(handle, "wb") as out:
            try:
                for batch in _make(Path(stat_train), names, skip_broken):
                    _write_frame(out, {"batch": tuple(batch)})
            except BrokenStatistics as broken:
                _write_frame(out, {"broken": (str(broken.file), broken.why)})
    except BrokenPipeError:
        # The reader has gone, and with it the reason to go on.
        os._exit(0)


def _write_frame(out: IO[bytes], frame: dict[str, object]) -> None:
    data = marshal.dumps(frame)
    out.write(_LENGTH.pack(len(data)))
    out.write(data)
    out.flush()


def _read_frame(source: IO[bytes]) -> dict[str, Any] | None:
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return marshal.loads(source.read(_LENGTH.unpack(head)[0]))  # type: ignore[no-any-return]


def _widen(pipe: IO[bytes]) -> None:
    """A pipe of one megabyte where the system has it, so that the maker seldom waits."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 1 << 20)
