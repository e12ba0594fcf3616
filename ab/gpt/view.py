"""What a person sees of a run on its way: how far it is, what is being done now, and a line for each trainer."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any, TextIO

from ab.gpt.ledger import Ledger
from ab.gpt.train.command import describe, short_name
from ab.gpt.train.pool import Slot

LOG = "run.log"


class View:
    """Writes a log into the run's folder, and lines on standard error: live ones where that is a terminal."""

    def __init__(self) -> None:
        self._log: TextIO | None = None
        self._live: Any = None
        self._console: Any = None
        self._slots: list[Slot] = []
        self._lines: dict[int, tuple[str, str]] = {}
        self._doing = "starting"
        self._tokens = 0
        self._since = self._drawn = time.monotonic()
        self._ledger: Ledger | None = None

    @contextlib.contextmanager
    def shown(self, ledger: Ledger, slots: list[Slot]) -> Iterator[None]:
        """Shows the run until the block ends."""
        from rich.console import Console
        from rich.live import Live

        self._ledger, self._slots = ledger, slots
        self._console = Console(file=sys.stderr)
        live = Live(console=self._console, transient=True, auto_refresh=False)
        with open(ledger.folder / LOG, "a", encoding="utf-8") as self._log, live:
            self._live = live if self._console.is_terminal else None
            try:
                yield
            finally:
                self._live = self._log = None

    def say(self, text: str) -> None:
        """Says what is being done, or what came of it."""
        self._doing, self._tokens, self._since = text, 0, time.monotonic()
        if self._log:
            self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
            self._log.flush()
        if self._live:
            self._draw()
        elif self._console:
            self._console.print(text, soft_wrap=True, markup=False, highlight=False)

    def token(self, _piece: str) -> None:
        """Counts a piece of the model's reply."""
        self._tokens += 1
        if self._live and time.monotonic() - self._drawn > 0.2:
            self._draw()

    def worker(self, slot: int, name: str, event: dict[str, Any]) -> None:
        """Hears what a trainer does."""
        doing = describe(event, self._lines.get(slot, ("", ""))[1])
        self._lines[slot] = (name, doing)
        if self._log and ("done" in event or "ended" in event):
            self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {name}: {doing}\n")
            self._log.flush()
        if self._live and time.monotonic() - self._drawn > 0.2:
            self._draw()

    def prepare(self, what: str, done: int, of: int) -> None:
        """Hears how far the data are."""
        self._doing = f"{what} {done} of {of}"
        if self._live and time.monotonic() - self._drawn > 0.2:
            self._draw()

    def _draw(self) -> None:
        from rich.table import Table
        from rich.text import Text

        self._drawn = time.monotonic()
        shown = Table(box=None, show_header=False, pad_edge=False)
        shown.add_row("run", self._far())
        speed = self._tokens / max(1e-9, time.monotonic() - self._since)
        said = f" · {self._tokens} tokens · {speed:.0f} a second" if self._tokens else ""
        shown.add_row("now", Text(f"{self._doing}{said}"))  # what a network says is no markup
        for slot in self._slots:
            name, doing = self._lines.get(slot.number, ("", "waiting"))
            where = f"GPU {slot.gpu}" if slot.gpu is not None else f"CPU {slot.number}"
            shown.add_row(where, Text(f"{short_name(name)}  {doing}"))
        self._live.update(shown, refresh=True)

    def _far(self) -> str:
        assert self._ledger is not None
        [total] = self._ledger.rows(
            "SELECT count(*) AS candidates, coalesce(sum(outcome IS NOT NULL), 0) AS ended,"
            " coalesce(sum(outcome = 'trained'), 0) AS trained FROM candidate WHERE kind = 'proposed'"
        )
        return f"{total['candidates']} candidates, {total['ended']} ended, {total['trained']} trained"
